#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Operators of barleased: usage: test_operators.py BARLEASED LESSEE BARLEASE"""

import contextlib
import errno
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys

import tap
from lending import BARLEASED, Lending, need_root
from operators import (ALL, BARLEASE, DEVICE, DONE, EVENT, LIST, MEMORY, OFFER,
                       QUEUES, RECALL, REVOKE, WATCH, Operators, Raw, ended,
                       line_of)


# Who holds what

def test_the_operator_sees_who_holds_what():
    with Operators(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues", "ro")
        waiting = lending.lessee(socket="memory.sock")
        waiting.get("memory")
        waiting("start", "memory")
        assert waiting("event") == "queued 1"
        seen = lending.listed()
        queues, memory = seen["slices"]
        assert queues == {
            "slice": "queues", "device": "sim:accel", "bar": 2,
            "range": "0x100000+0x4000", "size": 4096, "slices": 4, "free": 3,
            "waiting": 0, "access": "rw", "cache": "nc", "shared": False,
            "time_limit": None, "leases_by": "a simulation",
            "socket": str(lending.path / "queues.sock")}, queues
        assert (memory["free"], memory["waiting"]) == (0, 1), memory
        lease, other = seen["leases"]
        assert other["slice"] == "memory", other
        assert lease.pop("age") >= 0
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            groups = [line.rstrip("\n").removeprefix("0::") for line in file
                      if line.startswith("0::")]
        if groups:
            assert lease["cgroup"] == groups[0], lease
        del lease["cgroup"], lease["user"]
        assert lease == {
            "lease": 1, "slice": "queues", "index": 0, "device": "sim:accel",
            "bar": 2, "range": "0x100000+0x1000", "offset": 1 << 20,
            "size": 4096, "access": "ro", "cache": "nc",
            "pid": lessee.process.pid, "command": "broker_lessee",
            "uid": os.geteuid(), "gid": os.getegid(), "time_left": None,
            "state": "live"}, lease
        waits, = seen["waiting"]
        assert (waits["position"], waits["slice"], waits["pid"]) == \
            (1, "memory", waiting.process.pid), waits


def test_people_see_tables():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        out, _ = lending.barlease("list")
        slices, leases = out.split("Slices that barleased lends:\n")[1] \
            .split("\nLeases:\n")
        assert "a simulation" in slices, slices
        assert "SLICE" in leases and "queues/0" in leases, leases
        assert "Who waits" not in out, out


def test_what_nobody_lends_is_an_empty_array():
    with Operators(ALL) as lending:
        seen = lending.listed()
        assert seen["leases"] == [] and seen["waiting"] == [], seen
        assert len(seen["slices"]) == 2, seen


def test_a_lessee_sees_what_is_offered_to_it_and_no_holder():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        done = subprocess.run(
            [BARLEASE, "list", "--json", "--socket",
             lending.path / "queues.sock"], capture_output=True, text=True,
            timeout=60, check=True)
        seen = json.loads(done.stdout)
        assert set(seen) == {"bars", "slices"}, seen
        queues, = seen["slices"]
        assert (queues["slice"], queues["free"], queues["slices"]) == \
            ("queues", 3, 4), queues
        assert "device" not in queues, queues


def test_others_are_no_operators():
    need_root()
    with Operators(ALL) as lending:
        assert lending.control.stat().st_mode & 0o777 == 0o600
        _, err = lending.barlease("revoke", 1, status=1, user=65534)
        assert "for root and the user that barleased runs as" in err, err
        # Whatever has become of the file.
        lending.control.chmod(0o666)
        lending.lessee().get("queues")
        _, err = lending.barlease("list", status=1, user=65534)
        assert "Permission denied" in err, err
        _, err = lending.barlease("revoke", 1, status=1, user=65534)
        out, err = lending.barlease("stat", status=1, user=65534)
        assert out == "" and "Permission denied" in err, err
        assert not lending.lines("operator")


def test_a_name_that_a_lessee_has_chosen_does_no_harm():
    with Operators(ALL) as lending:
        name = lending.path / 'x"\x1b[2J\\\xff'
        os.symlink(os.path.abspath(sys.argv[2]), name)
        with subprocess.Popen([name, lending.path / "queues.sock"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as lessee:
            lessee.stdin.write("request queues rw 0\n")
            lessee.stdin.flush()
            assert "connected" in lessee.stdout.readline()
            assert "granted" in lessee.stdout.readline()
            lease, = lending.listed()["leases"]
            # The server has taken out what no name should have.
            assert lease["command"] == 'x"?[2J\\??', lease
            out, _ = lending.barlease("list")
            assert "\x1b" not in out, out
            lessee.stdin.close()


# Taking back

def test_a_recall_is_told_and_logged_with_who_wanted_it():
    with Operators(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        out, _ = lending.barlease("recall", 1)
        assert out == f"lease 1 of queues/0, held by process " \
            f"{lessee.process.pid} (broker_lessee), is recalled\n", out
        assert lessee("event") == "recalled 1"
        assert lessee("touch") == "touched"
        assert lending.listed()["leases"][0]["state"] == "recalled"
        # The grace of the policy is an hour.
        assert lending.listed()["leases"][0]["time_left"] > 3000000
        recall, = lending.lines("recall")
        assert recall["why"] == "operator", recall
        operator, = lending.lines("operator")
        assert (operator["command"], operator["lease"], operator["uid"]) == \
            ("recall", "1", str(os.geteuid())), operator


def test_a_recall_has_its_own_grace():
    with Operators(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.barlease("recall", "--grace", "0ms", "queues")
        assert lessee("event") == "revoked 1 4"
        assert lessee("touch") == "gone"


def test_a_recall_without_an_end_ends_when_the_policy_does_not_allow_it():
    with Operators(ALL) as lending:
        lessee = lending.lessee(socket="memory.sock")
        lessee.get("memory")
        operator = Raw(lending.control)
        operator.send(RECALL, struct.pack("=QQ", 1, 2**64 - 1))
        assert operator.receive()[0] == DONE
        assert lessee("event") == "recalled 1"
        lending.reload(ALL.replace("memory.sock\nmode = 0666\nallow = anyone",
                                   "memory.sock\nmode = 0666\ngrace = 50ms\n"
                                   f"allow = user:{os.geteuid() + 1}"))
        assert lessee("event") == "recalled 1"
        assert lessee("event") == "revoked 1 4"
        assert lessee("touch") == "gone"


def test_operators_get_in_where_lessees_have_all_fds():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lending = Operators(ALL.replace("1M+16K", "1M+4M"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        lending.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.ExitStack() as stack:
        stack.push(lending.__exit__)
        lending.wait_for("event=ready")
        said = "granted"
        lessee = lending.lessee()
        while said.startswith("granted"):
            said = lessee("request", "queues", "rw", 0)
        assert said.startswith("refused EMFILE"), said
        # What is left is for other lessees, and then they have none either.
        for _ in range(32):
            new = stack.enter_context(socket.socket(socket.AF_UNIX,
                                                    socket.SOCK_SEQPACKET))
            new.connect(str(lending.path / "queues.sock"))
        # Each lessee took two fds: one that was left is for a fourth operator.
        operators = [Raw(lending.control) for _ in range(5)]
        _, error, sentence = operators.pop().refusal()
        operators.pop()
        assert (error, sentence) == (errno.EMFILE, "barleased has no fd left")
        for operator in operators:
            operator.send(LIST)
            assert operator.receive()[0] == OFFER
        operators[-1].send(REVOKE, struct.pack("=Q", 1))
        assert lessee("event") == "revoked 1 5"


def test_a_reload_after_a_recall_recalls_for_the_policy():
    with Operators(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.barlease("recall", 1)
        other = lending.lessee(socket="memory.sock")
        other.get("memory")
        lending.reload(DEVICE + QUEUES)
        lending.wait_for("event=recall", 2)
        assert [line["why"] for line in lending.lines("recall")] == \
            ["operator", "not-offered"]


def test_a_revocation_is_over_when_it_returns():
    with Operators(ALL) as lending:
        first, second, third = (lending.lessee() for _ in range(3))
        for lessee in (first, second, third):
            lessee.get("queues")
        out, _ = lending.barlease("revoke", "--json", "queues/1", 3)
        assert json.loads(out) == {"revoked": [2, 3]}, out
        assert first("touch") == "touched"
        assert second("touch") == "gone" and third("touch") == "gone"
        assert second("event") == "revoked 2 5"
        assert [lease["lease"] for lease in lending.listed()["leases"]] == [1]


def test_what_a_revocation_frees_is_offered_at_once():
    wider = QUEUES.replace("Pool queues", "Pool wider") \
        .replace("slice = 4K", "slice = 8K")
    with Operators(DEVICE + QUEUES) as lending:
        holder, other = lending.lessee(), lending.lessee()
        holder.get("queues")
        lending.reload(DEVICE + wider)
        assert holder("event") == "recalled 1"
        # As long as somebody has a piece of it, it is not offered.
        assert other("list") == "listed"
        lending.barlease("revoke", 1)
        assert "wider" in [slice["slice"]
                           for slice in lending.listed()["slices"]]
        assert other("list") == "listed wider/2/2"
        other.get("wider")


def test_what_is_not_lent_cannot_be_taken_back():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        for word in ("7", "memory", "queues/1", "queue", "1x", ""):
            _, err = lending.barlease("revoke", word, status=1)
            assert f"there is no lease {word}; see barlease list" in err, err
        out, err = lending.barlease("revoke", 7, 1, status=1)
        assert "lease 1 of queues/0" in out and "lease 7" in err, (out, err)


def test_without_barleased_the_command_tells_what_to_do():
    with Operators(ALL) as lending:
        other = lending.path / "none.sock"
        for command in ("watch", "stat", "recall", "revoke", "list"):
            words = ["1"] if command in ("recall", "revoke") else []
            done = subprocess.run(
                [BARLEASE, command, "--control", other, *words],
                capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 1, done
            assert "barleased does not run here" in done.stderr, done


# Watching

def test_what_happens_is_watched():
    with Operators(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        watch = lending.start_command("watch", "--json", "--control",
                                      lending.control)
        held = json.loads(line_of(watch.stdout))
        assert (held["event"], held["lease"], held["pid"]) == \
            ("held", 1, lessee.process.pid), held
        lessee.get("queues")
        assert lessee("release") == "released"
        lessee("request", "nothing", "rw", 0)
        lending.barlease("recall", 1)
        lending.barlease("revoke", 1)
        events = [json.loads(line_of(watch.stdout)) for _ in range(5)]
        assert [(event["event"], event.get("lease")) for event in events] == \
            [("granted", 2), ("ended", 2), ("denied", None), ("recalled", 1),
             ("ended", 1)], events
        assert events[1]["why"] == "given back", events
        assert (events[2]["slice"], events[2]["error"], events[2]["why"]) == \
            ("nothing", "ENOENT", "nothing of that name is offered here"), \
            events
        assert events[4]["why"] == "revoked by the lessor", events
        assert lending.stop() == 0
        _, err = ended(watch, 1)
        assert "barleased has ended" in err, err


def test_the_last_thing_that_is_watched_is_the_end():
    with Operators(ALL) as lending:
        lending.lessee().get("queues")
        watch = lending.start_command("watch", "--json", "--control",
                                      lending.control)
        assert json.loads(line_of(watch.stdout))["event"] == "held"
        assert lending.stop() == 0
        end = json.loads(line_of(watch.stdout))
        assert (end["event"], end["why"]) == ("ended", "the server ends"), end
        _, err = ended(watch, 1)
        assert "barleased has ended" in err, err


def test_people_watch_lines():
    with Operators(ALL) as lending:
        watch = lending.start_command("watch", "--control", lending.control)
        lessee = lending.lessee()
        lessee.get("queues")
        line = line_of(watch.stdout)
        assert f"lease 1 of queues/0 (rw)  pid {lessee.process.pid} " \
            "(broker_lessee) user " in line, line
        watch.terminate()
        ended(watch, -signal.SIGTERM)


def test_a_watcher_that_does_not_read_keeps_nobody_waiting():
    with Operators(ALL) as lending:
        slow = Raw(lending.control)
        slow.send(WATCH)
        kinds = [slow.receive()[0] for _ in range(3)]
        assert kinds == [OFFER, OFFER, DONE], kinds
        lessee = lending.lessee()
        for _ in range(500):
            lessee.get("queues")
            assert lessee("release") == "released"
        assert len(lending.listed()["leases"]) == 0
        # It has all of it when it reads.
        assert {slow.receive()[0] for _ in range(1000)} == {EVENT}


def test_a_reader_of_watch_may_go():
    with Operators(ALL) as lending:
        watch = lending.start_command("watch", "--control", lending.control)
        lessee = lending.lessee()
        lessee.get("queues")
        line_of(watch.stdout)
        watch.stdout.close()
        for _ in range(20):
            lessee("release")
            lessee.get("queues")
        assert watch.wait(60) in (1, -signal.SIGPIPE)
        watch.stderr.close()


# The socket

def test_the_socket_of_one_that_was_killed_is_replaced():
    with Operators(ALL) as lending:
        lending.stop(signal.SIGKILL)
        assert lending.control.exists()
        lending.start()
        lending.wait_for("event=ready")
        assert len(lending.listed()["slices"]) == 2
        assert lending.stop() == 0
        assert not lending.control.exists()


def test_the_socket_may_be_in_the_folder_that_one_is_in():
    before = os.getcwd()
    lending = Operators(ALL)
    barleased = os.path.abspath(BARLEASED)
    lending.command = lambda: [barleased, "--control", "control.sock",
                               lending.file]
    os.chdir(lending.path)
    try:
        lending.start()
    finally:
        os.chdir(before)
    lending.wait_for("event=ready")
    assert len(lending.listed()["slices"]) == 2
    assert lending.stop() == 0
    lending.folder.cleanup()


def test_the_socket_of_one_that_lives_is_left_alone():
    with Operators(ALL) as lending:
        other = Lending(MEMORY.replace("RUN", "RUN/other") + DEVICE)
        other.command = lambda: [sys.argv[1], "--control", lending.control,
                                 other.file]
        other.start()
        assert other.process.wait(60) == 1
        failed, = other.lines("socket-failed")
        assert "in use" in failed["error"], failed
        other.folder.cleanup()
        assert len(lending.listed()["slices"]) == 2


def test_a_file_that_is_no_socket_is_left_alone():
    lending = Operators(ALL)
    lending.control.write_text("mine")
    lending.start()
    assert lending.process.wait(60) == 1
    assert lending.control.read_text() == "mine"
    lending.folder.cleanup()


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
