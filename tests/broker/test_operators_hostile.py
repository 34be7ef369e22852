#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Operators and daemons that are not to be trusted.

usage: test_operators_hostile.py BARLEASED LESSEE BARLEASE
"""

import contextlib
import errno
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time

import tap
from lending import PATIENCE
from operators import (ALL, BARLEASE, DONE, EVENT, FIGURE, LEASE, LIST,
                       OFFER, RECALL, REFUSED, REVOKE, WATCH, Operators, Raw)


# Hostile operators, and too many of them

def fds_become(lending, wanted):
    """Who has gone is seen sooner or later."""
    end = time.monotonic() + PATIENCE
    while lending.fds() != wanted:
        assert time.monotonic() < end, (lending.fds(), wanted)
        time.sleep(0.01)


def bad_packets():
    lease = struct.pack("=Q", 1)
    yield "short", b"\0" * 15, errno.EPROTO
    yield "long", b"\1" * 1500, errno.EPROTO
    for name, values, error in (
            ("version", (16, LIST, 2, 1, 0), errno.EPROTONOSUPPORT),
            ("type", (16, 1, 1, 1, 0), errno.EPROTO),
            ("size", (17, LIST, 1, 1, 0), errno.EPROTO),
            ("serial", (16, LIST, 1, 0, 0), errno.EPROTO),
            ("reserved", (16, LIST, 1, 1, 1), errno.EPROTO)):
        yield name, struct.pack("=IHHII", *values), error
    yield "rest", struct.pack("=IHHII", 16, LIST, 1, 1, 0) + b"\0", \
        errno.EPROTO
    yield "no_grace", struct.pack("=IHHII", 24, RECALL, 1, 1, 0) + lease, \
        errno.EPROTO
    yield "answer", struct.pack("=IHHIIII", 24, DONE, 1, 1, 0, 0, 0), \
        errno.EPROTO
    yield "no_lease", struct.pack("=IHHII", 16, REVOKE, 1, 1, 0), errno.EPROTO


def test_what_is_no_packet_ends_the_connection_with_a_reason():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        fds = lending.fds()
        for name, data, error in bad_packets():
            raw = Raw(lending.control)
            raw.socket.send(data)
            serial, said, sentence = raw.refusal()
            assert (serial, said) == (1, error), (name, said)
            assert sentence, name
            assert raw.is_over(), name
        fds_become(lending, fds)
        assert len(lending.listed()["leases"]) == 1


def test_fds_that_come_along_are_not_kept():
    with Operators(ALL) as lending:
        raw = Raw(lending.control)
        raw.send(LIST)
        while raw.receive()[0] != DONE:
            pass
        fds = lending.fds()
        for _ in range(20):
            packet = struct.pack("=IHHII", 16, LIST, 1, 1, 0)
            try:
                raw.socket.sendmsg([packet],
                                   [(1, 1, struct.pack("=2i", 0, 1))])
            except PermissionError: # from Linux 6.16 on
                raw.socket.send(packet)
            while raw.receive()[0] != DONE:
                pass
        assert lending.fds() == fds


def test_an_answer_has_the_serial_of_the_question():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        raw = Raw(lending.control)
        raw.send(LIST, serial=4711)
        answers = [raw.receive() for _ in range(4)]
        assert [answer[0] for answer in answers] == \
            [OFFER, OFFER, LEASE, DONE], answers
        assert {answer[1] for answer in answers} == {4711}
        assert struct.unpack("=II", answers[3][2]) == (3, 0)
        raw.send(REVOKE, struct.pack("=Q", 9), serial=12)
        assert raw.refusal() == \
            (12, errno.ENOENT, "there is no lease 9 (any more)")


def is_let_in(raw):
    try:
        raw.send(LIST)
    except BrokenPipeError:
        return False
    answer = raw.receive()
    return answer and answer[0] == OFFER


def test_more_operators_than_there_is_room_for_are_told():
    with Operators(ALL) as lending:
        all_of_them = [Raw(lending.control) for _ in range(16)]
        for raw in all_of_them:
            raw.send(LIST)
            assert raw.receive()[0] == OFFER
        late = Raw(lending.control)
        assert late.refusal()[:2] == (1, errno.EMFILE)
        assert late.is_over()
        all_of_them.pop().socket.close()
        # A place is free as soon as it is seen that it has gone.
        while not is_let_in(Raw(lending.control)):
            pass


def test_an_operator_who_goes_leaves_nothing():
    with Operators(ALL) as lending:
        fds = lending.fds()
        for _ in range(100):
            raw = Raw(lending.control)
            raw.send(WATCH)
            raw.socket.close()
        lending.listed()
        lessee = lending.lessee()
        lessee.get("queues")
        lending.lessees.pop().end()
        lending.wait_for("event=revoke")
        fds_become(lending, fds)


MIB = 1 << 20


def memory(lending, key="RssAnon"):
    with open(f"/proc/{lending.process.pid}/status", encoding="ascii") as file:
        line, = (line for line in file if line.startswith(key + ":"))
    return int(line.split()[1]) << 10


def test_what_one_was_too_slow_for_takes_no_memory_afterwards():
    with Operators(ALL) as lending:
        if memory(lending, "VmSize") > 1 << 40:
            raise tap.Skipped("a sanitizer keeps what is freed")
        slow, lessee = Raw(lending.control), lending.lessee()
        slow.send(WATCH)
        lending.listed()
        before = memory(lending)
        for _ in range(3000):
            lessee.get("queues")
            assert lessee("release") == "released"
        most = memory(lending)
        assert most > before + 4 * MIB, (most, before)
        told = 0
        while told < 6000:
            told += slow.receive()[0] == EVENT
        lending.listed()
        now = memory(lending)
        assert now < (before + most) / 2, (now, before, most)


# A hostile daemon

def text(value, size):
    return value.encode().ljust(size, b"\0")


def packet(kind, rest, serial=1, version=1, size=None, reserved=0):
    size = 16 + len(rest) if size is None else size
    return struct.pack("=IHHII", size, kind, version, serial, reserved) + rest


def lease_rest(access=0, attribute=0, zero=0, name=text("queues", 64),
               who_zero=0, command=text("x", 32), cgroup=text("/", 512)):
    return struct.pack("=5Q6I", 1, 5, 2 ** 64 - 1, 0, 4096, 0, 2, access,
                       attribute, 0, zero) + name + text("sim:accel", 32) + \
        struct.pack("=4I", 12, 0, 0, who_zero) + command + cgroup


def answers_of_a_liar():
    yield "type", packet(LIST, b"")
    yield "unknown_type", packet(99, b"")
    yield "version", packet(LEASE, lease_rest(), version=2)
    yield "size", packet(LEASE, lease_rest(), size=735)
    yield "short", packet(LEASE, lease_rest()[:-1])
    yield "long", packet(LEASE, lease_rest() + b"\0")
    yield "very_long", packet(LEASE, lease_rest() + b"\0" * 4000)
    yield "no_header", b"\1\2\3"
    yield "serial", packet(LEASE, lease_rest(), serial=0)
    yield "reserved", packet(LEASE, lease_rest(), reserved=1)
    yield "access", packet(LEASE, lease_rest(access=2))
    yield "attribute", packet(LEASE, lease_rest(attribute=7))
    yield "zero", packet(LEASE, lease_rest(zero=1))
    yield "zero_of_who", packet(LEASE, lease_rest(who_zero=1))
    yield "text_without_end", packet(LEASE, lease_rest(name=b"x" * 64))
    yield "text_behind_its_end", \
        packet(LEASE, lease_rest(name=text("x\0y", 64)))
    yield "last_text", packet(LEASE, lease_rest(cgroup=b"/" * 512))
    yield "done", packet(DONE, struct.pack("=II", 1, 1))
    yield "no_error", packet(REFUSED, b"\0" * 264)
    yield "large_error", packet(REFUSED, struct.pack("=II", 4096, 0) +
                                b"\0" * 256)
    yield "event", packet(EVENT, struct.pack("=II", 1, 0) + lease_rest() +
                          b"\0" * 256)
    yield "event_without_serial", packet(
        EVENT, struct.pack("=II", 1, 0) + lease_rest() + b"\0" * 256, 0)
    yield "nothing", b""


def said_to(path, answers, command="list", reads=True):
    """What the command makes of a daemon that answers so."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen()
    with subprocess.Popen(
            [BARLEASE, command, "--json", "--control", path], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        connection, _ = listener.accept()
        # That it has asked is seen in any case.
        connection.recv(4096, 0 if reads else socket.MSG_PEEK)
        for answer in answers:
            # It may have enough of it already.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(answer)
        connection.close()
        listener.close()
        path.unlink()
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err


def test_a_daemon_that_lies_is_not_believed():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "control.sock"
        fine = packet(LEASE, lease_rest())
        done = packet(DONE, struct.pack("=II", 1, 0))
        status, out, err = said_to(path, [fine, done])
        assert (status, err) == (0, ""), err
        assert json.loads(out)["leases"][0]["lease"] == 1, out
        for name, answer in answers_of_a_liar():
            status, out, err = said_to(path, [fine, answer, done])
            assert status == 1, (name, status, out)
            assert err.startswith("barlease: cannot list what"), (name, err)
            # And it is JSON all the same.
            assert "leases" not in json.loads(out), name


def test_a_name_with_any_bytes_does_no_harm():
    name = b'a"\x1b[2J\\\xff'.ljust(32, b"\0")
    done = packet(DONE, struct.pack("=II", 1, 0))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "control.sock"
        _, out, _ = said_to(path, [packet(LEASE, lease_rest(command=name)),
                                   done])
        assert json.loads(out)["leases"][0]["command"] == \
            'a"\\x1b[2J\\\\xff', out
        _, out, _ = said_to(path, [done, event(command=name)], "watch")
        assert json.loads(out)["command"] == 'a"\\x1b[2J\\\\xff', out


def figure_rest(value=3, kind=2, zero=0, name=text("x_total", 64),
                label=text("error", 16), of=text("EBUSY", 64),
                device=text("", 32), sentence=text("What it is.", 96)):
    return struct.pack("=QII", value, kind, zero) + name + label + of + \
        device + sentence


def test_a_daemon_that_lies_of_its_figures_is_not_believed():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "control.sock"
        fine = packet(FIGURE, figure_rest())
        done = packet(DONE, struct.pack("=II", 1, 0))
        new = packet(FIGURE, figure_rest(
            2 ** 64 - 1, 7, name=text("\x1b[1J", 64), label=text("\x1b[2J", 16),
            of=text("\x1b[3J", 64), device=text("\x1b[4J", 32),
            sentence=text("\x1b[5J", 96)))
        status, out, err = said_to(path, [fine, new, done], "stat")
        assert (status, err) == (0, ""), err
        figures = json.loads(out)["figures"]
        assert [(figure["value"], figure["of"]) for figure in figures] == \
            [(3, "EBUSY"), (2 ** 64 - 1, "\\x1b[3J")], out
        assert [figures[1][key] for key in
                ("figure", "label", "device", "help")] == \
            ["\\x1b[1J", "\\x1b[2J", "\\x1b[4J", "\\x1b[5J"], out
        for name, answer in (
                ("type", packet(LEASE, lease_rest())),
                ("zero", packet(FIGURE, figure_rest(zero=1))),
                ("name", packet(FIGURE, figure_rest(name=b"x" * 64))),
                ("label", packet(FIGURE, figure_rest(label=b"x" * 16))),
                ("sentence", packet(FIGURE, figure_rest(sentence=b"x" * 96))),
                ("short", packet(FIGURE, figure_rest()[:-1])),
                # One that knows no figures answers so.
                ("refusal", packet(REFUSED, struct.pack(
                    "=II", errno.EPROTO, 0) + text("no such type", 256)))):
            status, out, err = said_to(path, [fine, answer, done], "stat")
            assert (status, out) == (1, ""), (name, out)
            assert "is of another version than this command" in err, \
                (name, err)
        status, _, err = said_to(path, [fine], "stat")
        assert status == 1 and "cannot show the figures" in err, err


def test_a_refusal_is_read_of_a_daemon_that_has_not_read():
    refusal = packet(REFUSED, struct.pack("=II", errno.EMFILE, 0) +
                     text("too many operators are connected", 256))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "control.sock"
        status, _, err = said_to(path, [refusal], reads=False)
        assert status == 1 and "Too many open files" in err, err


def event(kind=5, sentence=text("no", 256), serial=0, why=errno.EBUSY, **lease):
    return packet(EVENT, struct.pack("=II", kind, why) +
                  lease_rest(**lease) + sentence, serial)


def test_an_error_without_a_name_is_told_as_its_number():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "control.sock"
        done = packet(DONE, struct.pack("=II", 0, 0))
        _, out, err = said_to(path, [done, event(why=524), event(4, why=2 ** 31),
                                     event()], "watch")
        assert "barleased has ended" in err, err
        assert [json.loads(line)["error"] for line in out.splitlines()] == \
            ["524", "2147483648", "EBUSY"], out


def test_a_daemon_that_lies_of_what_happens_is_not_believed():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "control.sock"
        done = packet(DONE, struct.pack("=II", 0, 0))
        _, out, err = said_to(path, [done, event(), event(77)], "watch")
        assert "barleased has ended" in err, err
        events = [json.loads(line) for line in out.splitlines()]
        # What this program does not know yet may come.
        assert [(line["event"], line["why"]) for line in events] == \
            [("denied", "no"), ("unknown", None)], events
        for name, answer in (
                ("serial", event(serial=1)),
                ("text", event(name=b"x" * 64)),
                ("sentence", event(sentence=b"x" * 256)),
                ("access", event(access=2)),
                ("zero", event(who_zero=1)),
                ("lease", packet(LEASE, lease_rest()))):
            status, out, err = said_to(path, [done, answer, event()], "watch")
            assert (status, out) == (1, ""), (name, out)
            assert err.startswith("barlease: cannot watch: "), (name, err)


tap.run(tap.tests_of(sys.modules[__name__]))
