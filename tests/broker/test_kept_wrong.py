#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the fuzzer of what is kept has found: usage: test_kept_wrong.py BARLEASED LESSEE"""

import contextlib
import os
import socket
import struct
import sys

import tap
from lending import PATIENCE
from policies import ALL, BOTH, DEVICE, MEMORY
from test_resume import HEADER, RECORD, Kept, entry, lose, names, \
    resumes_anew, write

LEASE, WAITER = 2, 3 # types of records
NUMBER_MAX = (1 << 63) - 1
LAST = HEADER - 40 # numbers of listeners, lessees and leases, in the header


def memory(text):
    fd = os.memfd_create("test")
    os.write(fd, text)
    return fd


def listening(lending, name):
    new = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    new.bind(str(lending.path / name))
    new.listen()
    return new


def records(lending, kind):
    """Where those of a type are."""
    state = entry(lending, "state")[1]
    size = os.fstat(state).st_size
    return [at for at in range(HEADER, HEADER + 64 * RECORD, RECORD)
            if at < size and
            struct.unpack("I", os.pread(state, 4, at)) == (kind,)]


def double(word):
    def spoil(lending):
        name, fd = entry(lending, word)
        lending.store.append((name, os.dup(fd)))
    return spoil


def test_two_of_one_name_end_all():
    for word in ("state", "lessee", "lease", "policy", "device/sim%accel/bar2"):
        resumes_anew(double(word))


def test_numbers_that_are_used_up_end_all():
    for number in range(3):
        resumes_anew(write(LAST + 8 * number,
                           struct.pack("Q", NUMBER_MAX + 1)))


def test_a_listener_of_no_number_is_thrown_away():
    for number in (0, NUMBER_MAX + 1, (1 << 64) - 1):
        with Kept(ALL) as lending, contextlib.closing(
                listening(lending, "other.sock")) as other:
            lending.kill()
            lending.store.append((f"listener-{number}",
                                  os.dup(other.fileno())))
            lending.write(ALL + MEMORY.replace("queues.sock", "memory.sock") +
                          "allow = anyone\n")
            lending.start_again()
            found = names(lending, "listener")
            assert found == ["listener-1", "listener-2"], found


def test_the_last_numbers_are_used_up_to_the_end():
    with Kept(BOTH) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.kill()
        write(LAST + 16, struct.pack("Q", NUMBER_MAX))(lending)
        lending.start_again()
        assert lessee.get("memory")[0] == NUMBER_MAX + 1
        assert lessee("touch") == "touched"


def test_a_number_that_no_policy_has_is_thrown_away():
    for number in (0, (1 << 64) - 1, 1 << 64):
        with Kept(ALL) as lending:
            lessee = lending.lessee()
            lessee.get("queues")
            lending.kill()
            lending.store.append((f"policy-{number}", memory(b"")))
            lending.start_again()
            assert not lending.lines("resume-failed"), lending.said()
            assert lessee("touch") == "touched"
            assert len(names(lending, "policy")) == 1, lending.kept()


def rename(word, name):
    def spoil(lending):
        before = entry(lending, word)
        lending.store[lending.store.index(before)] = (name, before[1])
    return spoil


def test_a_policy_after_which_there_is_no_number_is_none():
    resumes_anew(rename("policy", f"policy-{(1 << 64) - 1}"))


def test_of_two_policies_the_one_that_was_in_force_counts():
    # It was cut off when it had kept the new one, and was to do what it says.
    other = (DEVICE + MEMORY + "allow = anyone\n").replace("accel", "other")
    for place in (0, 1000):
        with Kept(ALL) as lending:
            lessee = lending.lessee()
            lessee.get("queues")
            lending.kill()
            text = other.replace("RUN", str(lending.path)).encode()
            lending.store.insert(place, ("policy-2", memory(text)))
            lending.start_again()
            assert not lending.lines("resume-failed"), lending.said()
            assert lessee("touch") == "touched"
            assert lessee("list") == "listed queues/4/3"
            assert len(names(lending, "policy")) == 1, lending.kept()


def test_what_nobody_knows_does_not_stay_in_the_store():
    with Kept(ALL) as lending, contextlib.closing(
            listening(lending, "other.sock")) as other:
        lending.kill()
        lending.store.append(("socket-of-tomorrow", os.dup(other.fileno())))
        lending.store.append(("file-of-tomorrow", memory(b"x")))
        lending.start_again()
        assert not names(lending, "socket-of"), lending.kept()
        assert not names(lending, "file-of"), lending.kept()


def test_who_waits_where_no_policy_is_left_is_refused():
    with Kept(BOTH) as lending:
        holder, waiter = lending.lessee(), lending.lessee()
        holder.get("memory")
        waiter("start", "memory")
        assert waiter("event") == "queued 1"
        lending.kill()
        state = entry(lending, "state")[1]
        for at in records(lending, LEASE):
            os.pwrite(state, bytes(4), at)
        at, = records(lending, WAITER)
        # It waits for whatever there is.
        os.pwrite(state, bytes(64), at + 64)
        lose("lease")(lending)
        lose("policy")(lending)
        lending.write("nothing\n")
        lending.start()
        assert lending.process.wait(PATIENCE) == 1, lending.said()
        lending.hear()
        assert waiter("event").startswith("refused ECANCELED"), lending.said()
        assert not lending.kept(), lending.kept()


tap.run(tap.tests_of(sys.modules[__name__]))
