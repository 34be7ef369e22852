#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of barleased's sockets: usage: test_sockets.py BARLEASED LESSEE BARLEASE"""

import contextlib
import signal
import socket
import stat
import struct
import sys
import time

import tap
from lending import PATIENCE, need_root
from operators import ALL, LIST, Operators


LIST_OFFERED = 1 # of lessees, as in docs/protocol.md


def connect(path):
    new = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    new.settimeout(PATIENCE)
    new.connect(str(path))
    return new


def packet(kind):
    """One without a body, of a lessee or an operator."""
    return struct.pack("=IHHII", 16, kind, 1, 1, 0)


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


# A file that is gone

def reload(lending, policy=ALL, event="policy-in-force"):
    """Until it is done: what is asked for then is answered after it."""
    lending.reload(policy, event)
    with connect(lending.control) as operator:
        operator.send(packet(LIST))
        assert len(operator.recv(512)) > 16


def files_of(lending):
    return [lending.path / name
            for name in ("queues.sock", "memory.sock", "control.sock")]


def test_a_file_that_was_removed_is_there_after_a_reload():
    with Operators(ALL) as lending:
        before = lending.fds()
        # Files that are there stay as they are.
        inodes = [path.stat().st_ino for path in files_of(lending)]
        reload(lending)
        assert [path.stat().st_ino for path in files_of(lending)] == inodes
        assert not lending.lines("socket-failed"), lending.said()
        for path, mode in zip(files_of(lending), (0o666, 0o666, 0o600)):
            path.unlink()
            reload(lending)
            status = path.stat()
            assert stat.S_ISSOCK(status.st_mode), oct(status.st_mode)
            assert stat.S_IMODE(status.st_mode) == mode, oct(status.st_mode)
        end = time.monotonic() + PATIENCE
        while lending.fds() != before: # operators who are just gone
            assert time.monotonic() < end, (lending.fds(), before)
            time.sleep(0.01)
        lending.lessee().get("queues")
        lending.lessee(socket="memory.sock").get("memory")
        assert len(lending.listed()["leases"]) == 2
    # And it is known which ones are to be removed.
    assert not [path for path in files_of(lending) if path.exists()]


def test_who_is_connected_when_a_file_goes_notices_nothing():
    with Operators(ALL) as lending, \
            connect(lending.control) as operator:
        holder, waiting = (lending.lessee(socket="memory.sock")
                           for _ in range(2))
        holder.get("memory")
        waiting("start", "memory")
        assert waiting("event") == "queued 1"
        for path in files_of(lending):
            path.unlink()
        reload(lending)
        assert holder("touch") == "touched"
        assert holder("list") == "listed memory/1/0"
        newer = lending.lessee(socket="memory.sock")
        newer("start", "memory")
        assert newer("event") == "queued 2"
        operator.send(packet(LIST))
        assert len(operator.recv(512)) > 16
        assert holder("release") == "released"
        assert waiting("event").startswith("granted 2 ")
        assert newer("event") == "queued 1"
        assert not lending.lines("recall") and not lending.lines("deny")


def test_a_policy_that_is_wrong_has_files_made_all_the_same():
    with Operators(ALL) as lending:
        for path in files_of(lending):
            path.unlink()
        reload(lending, "[What]\n", "policy-rejected")
        lending.lessee().get("queues")
        assert len(lending.listed()["leases"]) == 1


def test_a_folder_that_was_removed_is_made_again():
    policy = ALL.replace("RUN/memory", "RUN/folder/memory")
    with Operators(policy) as lending:
        (lending.path / "folder/memory.sock").unlink()
        (lending.path / "folder").rmdir()
        reload(lending, policy)
        lending.lessee(socket="folder/memory.sock").get("memory")


def test_a_file_that_is_made_again_has_the_group_of_the_policy():
    need_root()
    with Operators(ALL + "socket-group = 4242\n") as lending:
        path = lending.path / "memory.sock"
        path.unlink()
        # Of another mode, which the file has not had so far.
        reload(lending, ALL.replace("0666", "0660") + "socket-group = 4242\n")
        status = path.stat()
        assert stat.S_IMODE(status.st_mode) == 0o660, oct(status.st_mode)
        assert status.st_gid == 4242, status


def test_who_has_just_connected_when_a_file_goes_is_let_in():
    with Operators(ALL) as lending:
        lending.process.send_signal(signal.SIGSTOP)
        # It looks at this before it looks at its sockets.
        lending.process.send_signal(signal.SIGHUP)
        with connect(lending.path / "queues.sock") as lessee, \
                connect(lending.control) as operator:
            for path in files_of(lending):
                path.unlink()
            lending.process.send_signal(signal.SIGCONT)
            for new, kind in ((lessee, LIST_OFFERED), (operator, LIST)):
                new.send(packet(kind))
                assert len(new.recv(512)) > 16
        lending.lessee().get("queues")


# Somebody else is where the file was

def test_a_socket_of_another_one_is_left_alone():
    with Operators(ALL) as lending:
        lessee = lending.lessee()
        others = []
        with contextlib.ExitStack() as stack:
            for path in files_of(lending):
                path.unlink()
                other = stack.enter_context(socket.socket(
                    socket.AF_UNIX, socket.SOCK_SEQPACKET))
                other.bind(str(path))
                other.listen()
                others.append(path.stat().st_ino)
            lending.reload(ALL)
            lessee.get("queues")
            failed = lending.lines("socket-failed")
            assert {line["socket"] for line in failed} == {
                str(path) for path in files_of(lending)}, failed
            assert {line["error"] for line in failed} == {
                "Address already in use"}, failed
            lending.stop()
            # Not even at its end.
            assert [path.stat().st_ino for path in files_of(lending)] == others


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
