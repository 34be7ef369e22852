#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of barleased's sockets: usage: test_sockets.py BARLEASED LESSEE BARLEASE"""

import contextlib
import socket
import sys
import time

import tap
from lending import PATIENCE
from operators import ALL, Operators


def socket_leave(path):
    """As one that was killed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as left:
        left.bind(str(path))


# Several that want one

class Rival(Operators):
    """Has sockets for lessees of its own, and the operators' of another one."""

    def __init__(self, control):
        super().__init__(ALL)
        self.shared = control

    @property
    def control(self):
        return self.shared

    def settle(self):
        """Wait until it lends or has ended. Return: whether it lends."""
        end = time.monotonic() + PATIENCE
        while "event=ready" not in self.said():
            assert time.monotonic() < end, self.said()
            if self.process.poll() is not None:
                return "event=ready" in self.said()
            time.sleep(0.002)
        return True


def race(control, count):
    with contextlib.ExitStack() as stack:
        rivals = [Rival(control) for _ in range(count)]
        for rival in rivals:
            stack.callback(rival.folder.cleanup)
        for rival in rivals:
            rival.start()
            stack.callback(rival.process.wait)
            stack.callback(rival.process.kill)
        lend = [rival for rival in rivals if rival.settle()]
        assert len(lend) == 1, [rival.said() for rival in rivals]
        for rival in rivals:
            if rival is lend[0]:
                continue
            assert rival.process.returncode == 1
            failed, = rival.lines("socket-failed")
            assert failed["error"] == "Address already in use", failed
        # Who has it is there, and the others have not taken it along.
        assert len(lend[0].listed()["slices"]) == 2
        lend[0].stop()
        assert not control.exists()


def test_of_several_that_find_an_old_operators_socket_one_has_it():
    with Operators(ALL) as lending:
        control = lending.path / "other.sock"
        for _ in range(50):
            socket_leave(control)
            race(control, 4)


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
