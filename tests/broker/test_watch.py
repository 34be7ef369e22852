#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barlease watch on a terminal: test_watch.py BARLEASED LESSEE BARLEASE"""

import os
import signal
import sys

import tap
from operators import ALL, BARLEASE, Operators
from terminal import GIVE_IT_BACK, HAVE_IT, Terminal


def watch(lending, *words, **how):
    return Terminal([BARLEASE, "watch", "--control", lending.control, *words],
                    **how)


def has(*texts):
    """Whether one row has all of them."""
    return lambda rows: any(all(text in row for text in texts)
                            for row in rows)


def test_who_holds_what_is_seen_as_it_changes():
    with Operators(ALL) as lending, watch(lending) as terminal:
        terminal.wait_for(has(" leases: 0, waiting: 0"))
        lessee = lending.lessee()
        lessee.get("queues")
        pid = str(lessee.process.pid)
        rows = terminal.wait_for(has("1 queues/0 sim:accel", pid, "live"))
        assert has("granted  lease 1 of queues/0", pid)(rows), rows
        assert has(" leases: 1, waiting: 0")(rows), rows
        assert lessee("release") == "released"
        rows = terminal.wait_for(has("ended    lease 1", "given back"))
        assert has(" leases: 0, waiting: 0")(rows), rows
        assert not has("live")(rows), rows


def test_what_was_lent_before_is_seen_and_who_waits():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        lessee = lending.lessee(socket="memory.sock")
        lessee.get("memory")
        lessee("start", "memory")
        assert lessee("event") == "queued 1"
        with watch(lending) as terminal:
            rows = terminal.wait_for(has(" leases: 2, waiting: 1"))
            assert has("1 queues/0")(rows) and has("2 memory/0")(rows), rows
            assert has("1 memory", str(lessee.process.pid))(rows), rows


def test_a_signal_ends_it_and_the_terminal_is_as_before():
    with Operators(ALL) as lending:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with watch(lending) as terminal:
                terminal.wait_for(has("leases: 0"))
                terminal.process.send_signal(number)
                assert terminal.end() == -number
                assert terminal.all.startswith(HAVE_IT), terminal.all
                assert terminal.all.endswith(GIVE_IT_BACK), terminal.all


def test_ctrl_c_ends_it():
    with Operators(ALL) as lending, watch(lending) as terminal:
        terminal.wait_for(has("leases: 0"))
        os.write(terminal.ours, b"\x03")
        assert terminal.end() == -signal.SIGINT


def test_it_ends_with_barleased_and_says_so():
    with Operators(ALL) as lending, watch(lending) as terminal:
        terminal.wait_for(has("leases: 0"))
        assert lending.stop() == 0
        assert terminal.end() == 1
        assert terminal.all.endswith(
            GIVE_IT_BACK + "barlease: barleased has ended\n"), terminal.all


def test_a_small_terminal_is_not_scrolled():
    with Operators(ALL) as lending, watch(lending, rows=9) as terminal:
        terminal.wait_for(has("leases: 0"))
        lessee = lending.lessee()
        for _ in range(8):
            lessee.get("queues")
            assert lessee("release") == "released"
        rows = terminal.wait_for(has("ended    lease 8"))
        assert len(rows) == 9, rows
        assert has("lines more)")(rows) and has("leases: 0")(rows), rows
        # The last third is what happened last.
        assert ["ended    lease 8" in row for row in rows[-3:]] == \
            [False, False, True], rows
        assert "granted  lease 8" in rows[-2], rows
        assert max(map(len, terminal.screens())) <= 9, terminal.all
        before = len(terminal.screens())
        terminal.resize(30)
        terminal.process.send_signal(signal.SIGWINCH)
        rows = terminal.wait_for(lambda rows: len(rows) > 9, before)
        assert not has("lines more)")(rows), rows
        for size in (1, 2, 3):
            before = len(terminal.screens())
            terminal.resize(size)
            terminal.process.send_signal(signal.SIGWINCH)
            terminal.wait_for(
                lambda rows, size=size: len(rows) == size, before)


def test_it_can_be_stopped_and_goes_on():
    with Operators(ALL) as lending, watch(lending) as terminal:
        terminal.wait_for(has("leases: 0"))
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.wait_for_text(GIVE_IT_BACK)
        terminal.wait_for_state("T")
        lending.lessee().get("queues")
        before = len(terminal.screens())
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for(has("1 queues/0"), before)
        assert terminal.all.count(HAVE_IT) == 2, terminal.all


def test_lines_are_for_terminals_that_cannot_do_more_and_for_who_wants_them():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        for words, kind in (((), "dumb"), ((), ""), (("--lines",), "xterm"),
                            (("--json",), "xterm")):
            with watch(lending, *words, kind=kind) as terminal:
                terminal.wait_for_text("held")
                assert "\033" not in terminal.all, terminal.all


tap.run(tap.tests_of(sys.modules[__name__]))
