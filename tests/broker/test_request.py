#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barlease request: usage: test_request.py BARLEASED LESSEE BARLEASE"""

import os
import select
import signal
import subprocess
import sys

import tap
from lending import need_root
from operators import BARLEASE, Operators, ended, line_of

POLICY = """\
[Device accel]
backend = sim
size = 64M
[Pool queues]
device = accel
bar = 2
range = 1M+16K
slice = 4K
socket = RUN/queues.sock
mode = 0666
allow = anyone
max-leases = 3
grace = 1h
[Slice memory]
device = accel
bar = 0
range = 0+1M
socket = RUN/queues.sock
mode = 0666
allow = anyone
access = ro
"""


def request(lending, *words, status=0, env=None):
    done = subprocess.run(
        [BARLEASE, "request", "--socket", lending.path / "queues.sock",
         "--control", lending.control, *map(str, words)],
        capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL, env=env)
    assert done.returncode == status, done
    return done


def start(lending, *words):
    """One that has its lease when it is returned."""
    process = lending.start_command(
        "request", "--socket", lending.path / "queues.sock", "--control",
        lending.control, *words)
    assert line_of(process.stdout) == "runs\n"
    return process


SLEEP = ("sh", "-c", "echo runs; exec sleep 60")


def test_a_command_has_the_lease_while_it_runs():
    with Operators(POLICY) as lending:
        done = request(lending, "queues", "--", "sh", "-c",
                       "echo $BARLEASE_0; ls /proc/self/fd | sort -n | "
                       "tail -n +4; readlink /proc/self/fd/3")
        assert done.stdout.splitlines()[0] == \
            "3 lent:queues:2[0x100000+0x1000],rw", done
        lending.wait_for("event=release")
        grant, = lending.lines("grant")
        end, = lending.lines("release")
        assert grant["lease"] == end["lease"] == "1"
        assert lending.listed()["leases"] == []


def test_a_command_writes_and_reads_with_it():
    with Operators(POLICY) as lending:
        done = request(
            lending, "queues", "--", "sh", "-c",
            f"{BARLEASE} poke 0x10 0xcafe && {BARLEASE} peek 0x10")
        assert done.stdout == "0x0000cafe\n", done


def test_the_terms_are_asked_for():
    with Operators(POLICY) as lending:
        done = request(lending, "--access", "ro", "memory", "--", "sh", "-c",
                       "echo $BARLEASE_0")
        assert done.stdout == "3 lent:memory:0[0x0+0x100000],ro\n", done
        for words, error in ((("memory",), "EACCES"),
                             (("--cache", "wc", "queues"), "EOPNOTSUPP"),
                             (("--min-size", "8K", "queues"), "ERANGE"),
                             (("nothing",), "ENOENT")):
            done = request(lending, *words, "--", "true", status=1)
            assert f"({error})" in done.stderr, done
            assert f"barlease explain {error}" in done.stderr, done


def test_the_status_is_that_of_the_command():
    with Operators(POLICY) as lending:
        request(lending, "queues", "--", "sh", "-c", "exit 42", status=42)
        request(lending, "queues", "--", "sh", "-c", "kill -9 $$",
                status=128 + 9)
        done = request(lending, "queues", "--", "/no/such/command", status=1)
        assert "cannot run /no/such/command" in done.stderr, done
        lending.wait_for("event=release", 3)
        assert lending.listed()["leases"] == []


def test_a_refusal_names_the_holders():
    with Operators(POLICY.replace("1M+16K", "1M+8K")) as lending:
        holders = [start(lending, "queues", "--", *SLEEP) for _ in range(2)]
        done = request(lending, "queues", "--", "true", status=1)
        assert "(EBUSY)" in done.stderr, done
        for index, holder in enumerate(holders):
            assert f"queues/{index} is held by process {holder.pid} " \
                "(barlease) of user" in done.stderr, done
        # Not an operator: the one holder of a slice, as far as it is told.
        for holder in holders:
            holder.terminate()
            ended(holder, 128 + signal.SIGTERM)


def test_who_is_no_operator_learns_of_no_holders():
    need_root()
    with Operators(POLICY.replace("1M+16K", "1M+8K")) as lending:
        holders = [start(lending, "queues", "--", *SLEEP) for _ in range(2)]
        done = subprocess.run(
            [BARLEASE, "request", "--socket", lending.path / "queues.sock",
             "--control", lending.control, "queues", "--", "true"],
            capture_output=True, text=True, timeout=60, check=False,
            user=65534, extra_groups=[])
        assert done.returncode == 1 and "(EBUSY)" in done.stderr, done
        assert "is held by" not in done.stderr, done
        for holder in holders:
            holder.terminate()
            ended(holder, 128 + signal.SIGTERM)


def test_a_request_waits_for_its_turn():
    with Operators(POLICY.replace("1M+16K", "1M+4K")) as lending:
        holder = start(lending, "queues", "--", *SLEEP)
        waiting = lending.start_command(
            "request", "--socket", lending.path / "queues.sock", "--wait",
            "1h", "queues", "--", "echo", "mine")
        assert "position 1 in the queue" in line_of(waiting.stderr)
        lending.barlease("revoke", "queues")
        out, _ = ended(waiting, 0)
        assert out == "mine\n", out
        assert "revoked by the lessor" in line_of(holder.stderr)
        holder.terminate()
        ended(holder, 128 + signal.SIGTERM)


def test_a_wait_has_an_end():
    with Operators(POLICY.replace("1M+16K", "1M+4K")) as lending:
        holder = start(lending, "queues", "--", *SLEEP)
        done = request(lending, "--wait", "10ms", "queues", "--", "true",
                       status=1)
        assert "(ETIMEDOUT)" in done.stderr, done
        waiting = lending.start_command(
            "request", "--socket", lending.path / "queues.sock", "--wait",
            "forever", "queues", "--", "true")
        line_of(waiting.stderr)
        waiting.send_signal(signal.SIGINT)
        ended(waiting, 128 + signal.SIGINT)
        assert lending.listed()["waiting"] == []
        holder.terminate()
        ended(holder, 128 + signal.SIGTERM)


def test_a_recall_is_told():
    with Operators(POLICY) as lending:
        holder = start(lending, "queues", "--", *SLEEP)
        lending.barlease("recall", "--grace", "1h", 1)
        assert "wants the lease back within" in line_of(holder.stderr)
        assert holder.poll() is None
        holder.terminate()
        ended(holder, 128 + signal.SIGTERM)
        lending.wait_for("event=release")


def test_a_command_can_be_ended_by_a_recall():
    with Operators(POLICY) as lending:
        holder = start(lending, "--terminate", "queues", "--", *SLEEP)
        lending.barlease("recall", 1)
        _, err = ended(holder, 128 + signal.SIGTERM)
        assert "wants the lease back" in err, err
        lending.wait_for("event=release")


def test_a_lease_ends_with_a_killed_request_and_so_does_its_command():
    with Operators(POLICY) as lending:
        holder = start(lending, "queues", "--", *SLEEP)
        with open(f"/proc/{holder.pid}/task/{holder.pid}/children",
                  encoding="ascii") as file:
            child = int(file.read())
        gone = os.pidfd_open(child)
        holder.kill()
        ended(holder, -signal.SIGKILL)
        lending.wait_for("event=revoke why=lessee-gone")
        # Readable when the process has ended.
        assert select.select([gone], [], [], 60)[0]
        os.close(gone)


def test_the_end_of_the_server_is_told():
    with Operators(POLICY) as lending:
        holder = start(lending, "queues", "--", *SLEEP)
        assert lending.stop() == 0
        assert "the server ends" in line_of(holder.stderr)
        holder.terminate()
        ended(holder, 128 + signal.SIGTERM)


def test_bad_command_lines_are_told():
    with Operators(POLICY) as lending:
        for words, why in (
                ((), "a slice and a command are needed"),
                (("queues",), "a command is needed"),
                (("--access", "wo", "queues", "true"),
                 "the access 'wo' is not rw or ro"),
                (("--cache", "wb", "queues", "true"),
                 "the cache 'wb' is not nc or wc"),
                (("--wait", "5", "queues", "true"),
                 "the wait '5' is not a time such as"),
                (("--wait", "18446744073709551615ms", "queues", "true"),
                 "is longer than 64 bits can tell"),
                (("--wait", "213503982335d", "queues", "true"),
                 "is longer than 64 bits can tell"),
                (("--wait", "s", "queues", "true"), "is not a time"),
                (("--wait", "-1s", "queues", "true"), "is not a time"),
                (("--min-size", "x", "queues", "true"), "is not a number"),
                (("", "true"), "'' is not the name of a slice"),
                (("x" * 64, "true"), "is not the name of a slice"),
                (("--what", "queues"), "no such option: --what")):
            done = request(lending, *words, status=2)
            assert why in done.stderr, done
        assert not lending.lines("grant")


tap.run(tap.tests_of(sys.modules[__name__]))
