#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many may be connected: usage: test_connections.py BARLEASED LESSEE"""

import contextlib
import errno
import resource
import socket
import struct
import sys

import tap
from lending import PATIENCE, Lending, need_root
from policies import ALL

LIST, LISTED, REFUSED = 1, 17, 20
HEAD = "=IHHII"


class Connection:
    """A connection of this process."""

    def __init__(self, lending):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(lending.path / "queues.sock"))

    def is_let_in(self):
        with contextlib.suppress(BrokenPipeError):
            self.socket.send(struct.pack(HEAD, 16, LIST, 1, 7, 0))
        while True:
            packet = self.socket.recv(4096)
            kind = struct.unpack_from(HEAD, packet)[1]
            if kind == LISTED:
                return True
            if kind == REFUSED:
                error, = struct.unpack_from("=I", packet, 16)
                assert error == errno.EMFILE, packet
                return False

    def close(self):
        self.socket.close()


def come(lending, count):
    """That many more connections. Return those that are let in."""
    all_of_them = [Connection(lending) for _ in range(count)]
    let_in = [one for one in all_of_them if one.is_let_in()]
    for one in all_of_them:
        if one not in let_in:
            one.close()
    return let_in


@contextlib.contextmanager
def fds(count):
    """What is started meanwhile may have that many, or the test is skipped."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count:
        raise tap.Skipped(f"it takes {count} fds")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def server(**keys):
    lines = "".join(f"{key.replace('_', '-')} = {value}\n"
                    for key, value in keys.items())
    return ALL + f"[Server]\n{lines}"


def test_the_policy_says_how_many_connections_a_user_may_have():
    with Lending(server(max_connections_per_user=3)) as lending:
        first, *_ = let_in = come(lending, 5)
        assert len(let_in) == 3
        first.close()
        # When it has seen that.
        while not come(lending, 1):
            pass


def test_who_is_turned_away_is_told_why():
    with Lending(server(max_connections_per_user=1)) as lending:
        lending.lessee()
        said = lending.lessee()("list")
        assert "EMFILE" in said and "of this user" in said, said


def test_the_policy_says_how_many_connections_there_may_be():
    with Lending(server(max_connections=4)) as lending:
        # Of which a user leaves some.
        assert len(come(lending, 6)) == 3


def test_one_user_leaves_connections_for_others():
    need_root()
    with Lending(server(max_connections=4)) as lending:
        mine = come(lending, 4)
        assert len(mine) == 3
        assert lending.lessee(1000, 1000)("list") == "listed queues/4/4"
        assert "EMFILE" in lending.lessee(1001, 1001)("list")


def test_a_reload_changes_how_many_and_who_is_there_stays():
    with Lending(server(max_connections_per_user=2)) as lending:
        there = come(lending, 3)
        assert len(there) == 2
        lending.reload(server(max_connections_per_user=4))
        there += come(lending, 3)
        assert len(there) == 4
        lending.reload(server(max_connections_per_user=1))
        assert all(one.is_let_in() for one in there)
        assert not come(lending, 1)
        # What is not said is the default again.
        lending.reload(ALL)
        assert len(come(lending, 3)) == 3


def test_a_wrong_policy_changes_nothing_of_it():
    with Lending(server(max_connections_per_user=2)) as lending:
        lending.reload(server(max_connections_per_user=4, max_connections=3),
                       "policy-rejected")
        assert len(come(lending, 4)) == 2


def test_a_user_may_have_512_by_default():
    with fds(4096), Lending(ALL) as lending:
        assert len(come(lending, 520)) == 512


def test_with_few_fds_a_user_leaves_some_of_those_for_others():
    lending = Lending(ALL)
    with fds(96):
        lending.start()
    lending.wait_for("event=ready")
    # 32 in all.
    assert len(come(lending, 40)) == 24
    assert lending.stop() == 0
    lending.folder.cleanup()


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
