#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barleased as a service of systemd: usage: test_service.py BARLEASED LESSEE"""

import os
import signal
import sys

import tap
from lending import Lending
from manager import Managed
from policies import ALL, BOTH, DEVICE, QUEUES


def status_of(lending):
    with open(f"/proc/{lending.process.pid}/status",
              encoding="ascii") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status)


# What it may

def test_it_lends_with_nothing_but_what_that_needs():
    with Managed(ALL) as lending:
        lending.lessee().get("queues")
        status = status_of(lending)
        assert status["NoNewPrivs"] == "1", status
        # A filter, unless it was built without one.
        if not lending.lines("no-filter"):
            assert status["Seccomp"] == "2", status
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(status[kind], 16) & ~1 == 0, status


# What it tells

def test_it_says_when_it_is_ready():
    with Managed(ALL) as lending:
        ready, = lending.hear_of("READY")
        assert ready["STATUS"] == "policy in force", ready
        assert lending.lessee()("list") == "listed queues/4/4"


def test_it_is_not_ready_with_a_wrong_policy():
    lending = Managed("[What]\n")
    lending.start()
    assert lending.process.wait(60) == 1
    lending.hear()
    assert not lending.told, lending.told
    lending.folder.cleanup()


def test_keep_without_a_service_manager_is_refused_in_words():
    lending = Lending(ALL, "--keep=100")
    lending.start()
    assert lending.process.wait(60) == 1
    failed, = lending.lines("failed")
    assert "nobody keeps fds as --keep wants it" in failed["error"], failed
    lending.folder.cleanup()


def test_a_reload_is_told_before_and_after():
    with Managed(ALL) as lending:
        lending.hear_of("READY")
        lending.reload(BOTH)
        assert lending.hear_of("READY", 2)[1]["STATUS"] == "policy in force"
        reloading, = lending.hear_of("RELOADING")
        assert int(reloading["MONOTONIC_USEC"]) > 0
        assert lending.told.index(reloading) == len(lending.told) - 2
        lending.reload("[What]\n", "policy-rejected")
        assert lending.hear_of("READY", 3)[2]["STATUS"] == "policy rejected"


def test_its_end_is_told():
    with Managed(ALL) as lending:
        lending.hear_of("READY")
        lending.stop()
        assert lending.hear_of("STOPPING") == lending.told[-1:]


def test_it_tells_that_it_lives_where_that_is_asked_for():
    with Managed(ALL, WATCHDOG_USEC="100000") as lending:
        lending.hear_of("WATCHDOG", 5)
        # Busy or not.
        lessee = lending.lessee()
        for _ in range(100):
            lessee.get("queues")
            assert lessee("release") == "released"
        before = len(lending.hear_of("WATCHDOG"))
        lending.hear_of("WATCHDOG", before + 2)


def test_nobody_asks_whether_it_lives():
    for asked in ({}, {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}):
        with Managed(ALL, **asked) as lending:
            lending.hear_of("READY")
            lessee = lending.lessee()
            lessee.get("queues")
            lending.stop()
            lending.hear_of("STOPPING")
            assert not [message for message in lending.told
                        if "WATCHDOG" in message], lending.told


# What is handed over to it

def test_a_socket_that_was_handed_over_is_used():
    lending = Managed(ALL)
    lending.listen("queues.sock")
    # Who comes before it waits for it.
    lessee = lending.lessee()
    with lending:
        lessee.get("queues")
        assert lessee("touch") == "touched"
        # Its file is the manager's, and so is the mode of that.
        lending.reload(ALL.replace("0666", "0600"))
        status = (lending.path / "queues.sock").stat()
        assert status.st_mode & 0o777 == 0o666, oct(status.st_mode)
        lending.stop()
        assert (lending.path / "queues.sock").exists()


def test_a_socket_that_was_handed_over_can_come_and_go():
    lending = Managed(ALL)
    lending.listen("queues.sock")
    with lending:
        moved = DEVICE + QUEUES.replace("queues.sock", "q.sock")
        lending.reload(moved + "allow = anyone\n")
        assert (lending.path / "queues.sock").exists()
        lessee = lending.lessee(socket="q.sock")
        assert lessee("list") == "listed queues/4/4"
        lending.reload(ALL)
        assert lending.lessee()("list") == "listed queues/4/4"


def test_what_was_handed_over_and_is_no_socket_is_closed():
    lending = Managed(ALL)
    fd = os.open("/dev/null", os.O_RDONLY)
    lending.store.append(("what", fd))
    with lending:
        fds = [os.readlink(f"/proc/{lending.process.pid}/fd/{number}")
               for number in os.listdir(f"/proc/{lending.process.pid}/fd")
               if int(number) > 2]
        # One is the server's own.
        assert fds.count("/dev/null") == 1, fds
        line, = lending.lines("handed-over")
        assert line["name"] == "what", line


def test_what_was_handed_over_is_not_passed_on():
    lending = Managed(ALL)
    lending.listen("queues.sock")
    with lending:
        for number in os.listdir(f"/proc/{lending.process.pid}/fd"):
            if int(number) > 2:
                path = f"/proc/{lending.process.pid}/fdinfo/{number}"
                with open(path, encoding="ascii") as info:
                    flags = info.read().split("flags:")[1].split()[0]
                assert int(flags, 8) & os.O_CLOEXEC, (number, flags)


def test_a_socket_whose_file_was_made_again_is_the_one_that_is_kept():
    with Managed(ALL, "--keep=100") as lending:
        waiting = lending.lessee()
        assert waiting("list") == "listed queues/4/4"
        before = lending.kept()
        (lending.path / "queues.sock").unlink()
        lending.reload(ALL)
        assert waiting("list") == "listed queues/4/4"
        assert [name for name in lending.kept()
                if not name.startswith("policy")] == [
                    name for name in before if not name.startswith("policy")]
        lending.kill()
        # It listens all the time, and nobody made it once more.
        inode = (lending.path / "queues.sock").stat().st_ino
        meanwhile = lending.lessee()
        lending.start_again()
        assert (lending.path / "queues.sock").stat().st_ino == inode
        for lessee in (waiting, meanwhile):
            lessee.get("queues")


def test_signals_end_it_as_ever():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Managed(ALL) as lending:
            lessee = lending.lessee()
            lessee.get("queues")
            assert lending.stop(number) == 0
            assert lessee("event") == "revoked 1 7"


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
