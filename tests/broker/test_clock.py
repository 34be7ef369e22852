#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barleased and clocks that jump: usage: test_clock.py BARLEASED LESSEE SHIM"""

import errno
import signal
import struct
import sys

import tap
from clock import REALTIME_ASKED, Timed
from policies import ALL, BOTH
from raw import GRANT, QUEUED, REFUSED, Raw

YEARS = 10 * 365 * 86400
HOUR = 3600
JUMPS = (YEARS, -2 * YEARS, YEARS)


def jump_about(lending):
    """And it says nothing: neither does it ask what day it is."""
    for seconds in JUMPS:
        lending.clock.jump(seconds)


def is_filtered(lending):
    return lending.lines("no-filter") or lending.status("Seccomp") == "2"


def test_the_time_of_day_ends_no_lease_and_keeps_none():
    with Timed(ALL + "time-limit = 1h\n") as lending:
        assert is_filtered(lending)
        lessee = lending.lessee()
        lessee.get("queues")
        jump_about(lending)
        lending.clock.go(HOUR / 2)
        jump_about(lending)
        lending.clock.go(HOUR / 2 - 0.001)
        assert lessee("touch") == "touched"
        assert lessee("list") == "listed queues/4/3"
        lending.clock.jump(-YEARS)
        lending.clock.go(0.001)
        assert lessee("event") == "revoked 1 3"
        assert lessee("touch") == "gone"
        assert not lending.clock.get(REALTIME_ASKED)


def test_the_time_of_day_changes_no_grace():
    with Timed(BOTH + "grace = 10s\n") as lending:
        lessee = lending.lessee()
        lessee.get("memory")
        lending.reload(ALL)
        assert lessee("event") == "recalled 1"
        jump_about(lending)
        lending.clock.go(9.999)
        assert lessee("touch") == "touched"
        jump_about(lending)
        lending.clock.go(0.001)
        assert lessee("event") == "revoked 1 4"


def test_the_time_of_day_changes_nothing_for_who_waits():
    with Timed(BOTH) as lending:
        lending.lessee().get("memory")
        waiting = Raw(lending.path / "queues.sock")
        serial = waiting.request("memory", wait=60000)
        lending.clock.go()
        assert [packet[0] for packet in waiting.packets()] == [QUEUED]
        jump_about(lending)
        lending.clock.go(59.999)
        jump_about(lending)
        assert not waiting.packets()
        lending.clock.go(0.001)
        (kind, answered, body), = waiting.packets()
        assert (kind, answered) == (REFUSED, serial)
        assert struct.unpack_from("=I", body)[0] == errno.ETIMEDOUT
        waiting.close()


def test_the_time_of_day_changes_nothing_for_what_is_kept():
    with Timed(BOTH + "time-limit = 1h\n", "--keep=100") as lending:
        lessee = lending.lessee()
        waiting, hasty = (Raw(lending.path / "queues.sock") for _ in range(2))
        lessee.get("memory")
        waiting.request("memory", wait=2 * HOUR * 1000)
        hasty.request("memory", wait=50 * 60 * 1000)
        lending.clock.go()
        lending.clock.go(HOUR / 4)
        # Each time another year, and a quarter of an hour without anybody.
        for seconds in (YEARS, -2 * YEARS):
            lending.kill()
            lending.clock.advance(HOUR / 4)
            lending.start_again()
            lending.clock.jump(seconds)
        lending.clock.go(5 * 60 - 1)
        assert [kind for kind, _, _ in hasty.packets()] == [QUEUED]
        lending.clock.go(1)
        assert [kind for kind, _, _ in hasty.packets()] == [REFUSED]
        lending.clock.go(10 * 60 - 1)
        assert lessee("touch") == "touched"
        assert [kind for kind, _, _ in waiting.packets()] == [QUEUED]
        lending.clock.go(1)
        assert lessee("event") == "revoked 1 3"
        assert GRANT in [kind for kind, _, _ in waiting.packets()]
        waiting.close()
        hasty.close()
        lending.stop(signal.SIGINT)


def test_the_time_of_a_suspended_machine_does_not_count():
    with Timed(ALL + "time-limit = 1h\n") as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.clock.sleep(8 * HOUR)
        lending.clock.go(HOUR - 0.001)
        assert lessee("touch") == "touched"
        lending.clock.go(0.001)
        assert lessee("event") == "revoked 1 3"


def test_who_was_stopped_for_long_does_at_once_what_was_due():
    with Timed(BOTH + "time-limit = 1h\n") as lending:
        lessee, waiting = lending.lessee(), lending.lessee()
        lessee.get("memory")
        waiting("start", "memory")
        assert waiting("event") == "queued 1"
        lending.process.send_signal(signal.SIGSTOP)
        lending.clock.advance(10 * HOUR)
        lending.process.send_signal(signal.SIGCONT)
        lending.clock.go()
        assert lessee("event") == "revoked 1 3"
        # Whose time begins when he has it.
        assert waiting("event").startswith("granted 2 ")
        lending.clock.go(HOUR - 1)
        assert waiting("touch") == "touched"
        lending.clock.go(1)
        assert waiting("event") == "revoked 2 3"
        assert len(lending.lines("revoke")) == 2


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
