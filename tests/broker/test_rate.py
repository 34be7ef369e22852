#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Users who ask too often: usage: test_rate.py BARLEASED LESSEE"""

import collections
import contextlib
import os
import re
import signal
import socket
import struct
import sys
import time

import tap
from lending import PATIENCE, Lending, need_root
from manager import Managed
from policies import ALL
from raw import GRANT, RELEASED, Raw

ROUND = 2 # seconds of asking as often as one can
BURST = 10 # seconds; what one may in that time one may at once


def at_most(rate):
    return ALL + f"[Server]\nmax-requests-per-second = {rate}\n"


def trip(raw):
    """Get a lease and give it back."""
    raw.request("queues")
    data, fds, _, _ = socket.recv_fds(raw.socket, 512, 1)
    for fd in fds:
        os.close(fd)
    assert data[4] == GRANT, data
    raw.release(*struct.unpack_from("=Q", data, 16))
    assert raw.socket.recv(512)[4] == RELEASED


def come(lending):
    raw = Raw(lending.path / "queues.sock")
    raw.socket.settimeout(PATIENCE)
    return raw


def trips(lending, count):
    """Trips of so many connections in turn, as often as that goes."""
    raws = [come(lending) for _ in range(count)]
    while True:
        for raw in raws:
            trip(raw)
            yield


def comings(lending, here=0):
    """Comings of which so many are there at a time."""
    raws = collections.deque()
    while True:
        raws.append(come(lending))
        if len(raws) > here:
            raws.popleft().socket.close()
        yield


def done_for(seconds, what):
    """How often that is done in so long, and how long it was."""
    start = time.monotonic()
    count = 0
    while time.monotonic() < start + seconds:
        next(what)
        count += 1
    return count, time.monotonic() - start


@contextlib.contextmanager
def meanwhile(what):
    """Another process does that."""
    child = os.fork()
    if not child:
        try:
            signal.alarm(PATIENCE)
            for _ in what:
                pass
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def kept_messages(lending):
    """How often fds were put into the store, and taken out."""
    lending.hear()
    return sum("FDSTORE" in message or "FDSTOREREMOVE" in message
               for message in lending.told)


@contextlib.contextmanager
def kept(policy):
    with Managed(policy, "--keep=1000") as lending:
        yield lending
        # SIGTERM would leave everything to the next one.
        assert lending.stop(signal.SIGINT) == 0


def test_who_asks_in_a_loop_is_slowed_down():
    for connections in (1, 5):
        with kept(at_most(20)) as lending:
            before = kept_messages(lending)
            count, seconds = done_for(ROUND, trips(lending, connections))
            # It has also come.
            most = 20 * (BURST + seconds) + 1 - connections
            assert 20 * BURST - connections < count <= most, (count, most)
            lines = len(lending.lines("grant")) + len(lending.lines("release"))
            assert lines == 2 * count, (lines, count)
            # Two for each lease and each connection.
            told = kept_messages(lending) - before
            assert told <= 2 * (count + connections), (told, count)


def test_who_comes_and_goes_in_a_loop_is_slowed_down():
    with kept(at_most(20)) as lending:
        before = kept_messages(lending)
        # Whoever has hung up before is not heard of.
        count, seconds = done_for(ROUND, comings(lending, here=50))
        # It could as often as it liked, but hardly ever was let in.
        told = kept_messages(lending) - before
        most = 2 * (20 * (BURST + seconds) + 1)
        assert count > most, count
        assert 20 * BURST <= told <= most, (told, most)


def test_how_often_one_may_ask_by_default():
    with Lending(ALL) as lending:
        start = time.monotonic()
        done = trips(lending, 4)
        for _ in range(200 * BURST - 4):
            next(done)
        assert not lending.lines("slowed")
        while not lending.lines("slowed"):
            assert time.monotonic() < start + PATIENCE
            done_for(0.1, done)
        # To read the log takes time, in which nothing was asked for.
        done_for(0.1, done)
        count, seconds = done_for(ROUND, done)
        assert count <= 200 * seconds + 1, (count, seconds)


def test_other_users_do_not_wait():
    need_root()
    for much in (lambda lending: trips(lending, 2),
                 lambda lending: comings(lending, here=50)):
        with Lending(at_most(1)) as lending, meanwhile(much(lending)):
            lending.wait_for("event=slowed")
            start = time.monotonic()
            lessee = lending.lessee(1000, 1000)
            for _ in range(BURST - 1):
                lessee.get("queues")
                assert lessee("release") == "released"
            assert time.monotonic() - start < BURST / 2
            slowed, = lending.lines("slowed")
            assert slowed["uid"] == "0", slowed


def test_a_reload_changes_how_often_one_may_ask():
    with Lending(at_most(1)) as lending:
        done = trips(lending, 1)
        done_for(0.1, done)
        lending.wait_for("event=slowed")
        lending.reload(at_most(1000))
        start = time.monotonic()
        for _ in range(50):
            next(done)
        assert time.monotonic() - start < 25
        # What is not said is the default again.
        lending.reload(ALL)
        count, seconds = done_for(1, done)
        assert 50 < count <= 200 * (BURST + seconds) + 1, count


def test_a_wrong_policy_changes_nothing_of_it():
    with Lending(at_most(1)) as lending:
        lending.reload(at_most(0), "policy-rejected")
        count, seconds = done_for(ROUND, trips(lending, 1))
        assert count <= BURST + seconds, (count, seconds)


def slowed_total(lending):
    before = len(lending.lines("policy-in-force"))
    lending.process.send_signal(signal.SIGHUP)
    lending.wait_for("event=policy-in-force", before + 1)
    # What is written next has been made after that.
    figures = lending.path / "figures"
    figures.unlink()
    while not figures.exists():
        time.sleep(0.01)
    return int(re.search(r"^barlease_slowed_total (\d+)$",
                         figures.read_text(), re.MULTILINE)[1])


def test_it_is_told_who_is_slowed_down_and_counted_how_often():
    lending = Lending(at_most(1))
    lending.options = (f"--metrics={lending.path / 'figures'}",)
    with lending:
        done = trips(lending, 1)
        for _ in range(BURST - 1):
            next(done)
        assert slowed_total(lending) == 0
        while not lending.lines("slowed"):
            next(done)
        for _ in range(3):
            next(done)
        slowed, = lending.lines("slowed")
        assert slowed["uid"] == str(os.getuid()), slowed
        assert slowed["pid"] == str(os.getpid()), slowed
        # Where this process was slow itself it was in time.
        assert 1 < slowed_total(lending) <= 4


def test_who_is_not_let_in_yet_must_come_again_after_a_crash():
    with kept(at_most(1)) as lending:
        done = trips(lending, 1)
        for _ in range(BURST - 1):
            next(done)
        late = come(lending)
        late.request("queues")
        lending.wait_for("event=slowed")
        assert [name for name in lending.kept()
                if name.startswith("lessee")] == ["lessee-1"]
        lending.kill()
        try:
            assert not late.socket.recv(512)
        except ConnectionResetError:
            pass
        lending.start_again()
        # It begins with all that may be asked for at once.
        trip(come(lending))
        next(done)


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
