#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barleased with simulated devices: usage: test_daemon.py BARLEASED LESSEE"""

import fcntl
import os
import signal
import subprocess
import sys

import tap
from lending import LESSEE, Lending, Lessee, need_root
from policies import ALL, BOTH, DEVICE, MEMORY, QUEUES


# What is lent, to whom

def test_a_policy_is_lent():
    with Lending(ALL + "time-limit = 1h\n") as lending:
        lessee = lending.lessee()
        assert lessee("list") == "listed queues/4/4"
        assert lessee.get("queues") == [1, 0, 2, 1 << 20, 4096, 3600000]
        assert lessee("touch") == "touched"
        assert lessee("list") == "listed queues/4/3"
        assert lessee("release") == "released"
        assert lessee("touch") == "gone"


def test_a_slice_is_lent_whole():
    with Lending(BOTH) as lending:
        assert lending.lessee().get("memory") == [1, 0, 0, 0, 1 << 20, 0]


def test_terms_are_kept():
    policy = ALL + "access = ro\nmax-leases = 2\nmax-waiting = 1\n"
    with Lending(policy) as lending:
        lessee = lending.lessee()
        assert lessee("request", "queues", "rw", 0).startswith(
            "refused EACCES")
        lessee.get("queues", "ro")
        lessee.get("queues", "ro")
        assert lessee("request", "queues", "ro", 0).startswith(
            "refused EDQUOT")
        assert lessee("request", "queues", "wc", 0).startswith("refused")


def test_write_combining_must_be_allowed():
    with Lending(ALL) as lending:
        assert lending.lessee()("request", "queues", "wc", 0).startswith(
            "refused EOPNOTSUPP")
    with Lending(ALL + "cache = wc\n") as lending:
        lending.lessee().get("queues", "wc")


def test_a_slice_is_exclusive_unless_the_policy_says_otherwise():
    with Lending(BOTH) as lending:
        lending.lessee().get("memory")
        said = lending.lessee()("request", "memory", "rw", 0)
        assert said.startswith("refused EBUSY"), said
        assert f"process {lending.lessees[0].process.pid} " in said, said
    with Lending(BOTH + "exclusive = no\n") as lending:
        lending.lessee().get("memory")
        lending.lessee().get("memory")


def test_a_lease_ends_with_its_time():
    with Lending(ALL + "time-limit = 50ms\n") as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        assert lessee("event") == "revoked 1 3"
        assert lessee("touch") == "gone"
        lending.wait_for("event=revoke why=time-limit")


def may(allow, identity):
    """Whether such a lessee is lent what is allowed to these."""
    with Lending(DEVICE + QUEUES + f"allow = {allow}\n") as lending:
        lessee = lending.lessee(*identity)
        listed = lessee("list")
        said = lessee("request", "queues", "rw", 0)
        if said.startswith("granted"):
            assert listed == "listed queues/4/4", listed
            return True
        absent = lessee("request", "absent", "rw", 0)
        # No word tells that it is there.
        assert said == absent, (said, absent)
        assert said.startswith("refused ENOENT"), said
        assert lessee("request", "-", "rw", 0).startswith("refused ENOENT")
        assert listed == "listed", listed
        lending.wait_for("event=deny", 3)
        denial, other, _ = lending.lines("deny")
        assert denial["reason"] == "the policy does not allow it", denial
        assert other["reason"] != denial["reason"], other
        return False


def test_a_user_is_allowed_by_name_or_number():
    need_root()
    assert may("user:nobody", [65534, 1])
    assert may("user:65534", [65534, 1])
    assert not may("user:nobody", [65533, 1])
    assert not may("user:daemon", [65534, 1])


def test_root_is_allowed_as_others_are():
    need_root()
    assert not may("user:nobody", [])


def test_a_group_is_allowed_by_name_or_number():
    need_root()
    assert may("group:nogroup", [65534, 65534])
    assert may("group:4242", [65534, 4242])
    assert not may("group:4242", [65534, 4343])
    # A user with that number is somebody else.
    assert not may("group:4242", [4242, 1])


def test_a_supplementary_group_is_allowed():
    need_root()
    assert may("group:4242", [65534, 1, 7, 4242, 8])
    assert not may("group:4242", [65534, 1, 7, 8])


def test_one_of_several_is_enough():
    need_root()
    assert may("user:1 group:4242\nallow = user:65534", [65534, 1])


def cgroup():
    """That of this process, and so of the lessees that it starts."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            if line.startswith("0::"):
                return line.rstrip("\n").removeprefix("0::")
    raise tap.Skipped("no unified hierarchy of cgroups")


def test_a_cgroup_is_allowed_by_its_path():
    assert may(f"cgroup:{cgroup()}", [])
    assert not may("cgroup:/no/such.slice", [])


def test_what_is_on_other_sockets_is_not_seen():
    other = MEMORY.replace("queues.sock", "memory.sock") + "allow = anyone\n"
    with Lending(ALL + other) as lending:
        assert lending.lessee()("list") == "listed queues/4/4"
        assert lending.lessee(socket="memory.sock")("list") == \
            "listed memory/1/1"


def test_a_socket_has_its_mode_and_group():
    need_root()
    policy = ALL.replace("0666", "0640") + "socket-group = 4242\n"
    with Lending(policy) as lending:
        status = (lending.path / "queues.sock").stat()
        assert (status.st_mode & 0o7777, status.st_gid) == (0o640, 4242)
        assert Lessee(lending.path / "queues.sock", 65534, 1).connected == \
            "EACCES"


def test_the_folder_of_a_socket_is_made():
    with Lending(ALL.replace("RUN/", "RUN/made/")) as lending:
        assert lending.lessee(socket="made/queues.sock")("list") == \
            "listed queues/4/4"


# What is logged

def test_others_get_to_a_folder_that_was_made():
    # As the unit has it.
    before = os.umask(0o077)
    try:
        lending = Lending(ALL.replace("RUN/", "RUN/folder/"))
        with lending:
            folder = lending.path / "folder"
            assert folder.stat().st_mode & 0o7777 == 0o755, folder.stat()
    finally:
        os.umask(before)


def test_what_happens_is_logged_with_who_and_why():
    with Lending(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lessee("release")
        lessee.get("queues")
        lessee("request", "nothing", "rw", 0)
        pid = str(lessee.process.pid)
        lending.lessees.pop().end()
        lending.wait_for("event=revoke")
        grant, _ = lending.lines("grant")
        known = {"lease": "1", "offer": "queues", "slice": "0",
                 "device": "sim:accel", "bar": "2",
                 "range": "0x100000+0x1000", "access": "rw", "cache": "nc",
                 "pid": pid, "uid": str(os.geteuid()),
                 "gid": str(os.getegid()), "command": "broker_lessee"}
        assert known.items() <= grant.items(), grant
        end, = lending.lines("release")
        assert (end["why"], end["lease"]) == ("released", "1"), end
        end, = lending.lines("revoke")
        assert (end["why"], end["lease"], end["pid"]) == \
            ("lessee-gone", "2", pid), end
        denial, = lending.lines("deny")
        assert (denial["offer"], denial["error"], denial["pid"]) == \
            ("nothing", "ENOENT", pid), denial


def test_a_lessee_cannot_forge_a_line():
    with Lending(ALL) as lending:
        name = lending.path / 'x" a=\x1bevent='
        os.symlink(os.path.abspath(LESSEE), name)
        lessee = subprocess.run([name, lending.path / "queues.sock"],
                                input="request queues rw 0\n",
                                capture_output=True, text=True, check=True)
        assert "granted" in lessee.stdout
        lending.wait_for("event=revoke")
        grant, = lending.lines("grant")
        assert grant["command"] == 'x\\" a=?event=', grant


# The policy changes

def test_a_reload_leaves_other_leases_alone():
    with Lending(BOTH) as lending:
        kept, gone = lending.lessee(), lending.lessee()
        kept.get("queues")
        gone.get("memory")
        lending.reload(ALL + "max-leases = 1\n")
        assert gone("event") == "recalled 2"
        assert gone("event") == "revoked 2 4"
        assert gone("touch") == "gone"
        assert kept("touch") == "touched"
        assert kept("list") == "listed queues/4/3"
        # The new terms count already.
        assert kept("request", "queues", "rw", 0).startswith("refused EDQUOT")
        # And come back as they were.
        lending.reload(BOTH)
        assert kept("touch") == "touched"
        kept.get("queues")
        gone.get("memory")


def test_a_wrong_policy_is_rejected_as_a_whole():
    with Lending(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.reload(BOTH.replace("mode = 0666", "mode = 999"),
                       "policy-rejected")
        assert lessee("touch") == "touched"
        assert lessee("list") == "listed queues/4/3"
        mistakes = lending.lines("mistake")
        assert [line["at"] for line in mistakes] == \
            [f"{lending.file}:10", f"{lending.file}:17"], mistakes
        assert "mode = 999" in mistakes[0]["reason"]
        # Neither does an empty file take everything back.
        lending.reload("", "policy-rejected")
        lending.file.unlink()
        lending.process.send_signal(signal.SIGHUP)
        lending.wait_for("event=policy-rejected", 3)
        assert lessee("touch") == "touched"


def rejected(policy, words):
    """A policy that is well written, and that cannot be."""
    with Lending(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        fds = lending.fds()
        lending.reload(policy, "policy-rejected")
        assert words in lending.said(), lending.said()
        assert lending.fds() == fds
        assert lessee("touch") == "touched"
        assert lessee("list") == "listed queues/4/3"
        assert sorted(path.name for path in lending.path.glob("*.sock")) == \
            ["queues.sock"]


def test_a_device_that_is_not_there_is_rejected():
    rejected(DEVICE + "[Device other]\nbackend = sim\nsize = 1M\n"
             "[Device gone]\npci = fffe:1f:1f.7\n" + QUEUES +
             "allow = anyone\n", "device=gone pci=fffe:1f:1f.7 error=")


def test_a_socket_that_cannot_be_is_rejected():
    rejected("[Device new]\nbackend = sim\nsize = 1M\n" + ALL +
             MEMORY.replace("queues.sock", "memory.sock") +
             "allow = anyone\n" +
             QUEUES.replace("queues", "other").replace("1M", "2M")
             .replace("other.sock", "none/none/other.sock") +
             "allow = anyone\n", "event=socket-failed at=")


def test_a_socket_of_somebody_else_is_rejected():
    with Lending(ALL) as lending:
        other = Lending(ALL.replace("RUN", str(lending.path)))
        other.start()
        assert other.process.wait(60) == 1
        assert "Address already in use" in other.said()
        other.folder.cleanup()
        assert lending.lessee()("list") == "listed queues/4/4"


def test_a_lock_of_somebody_else_is_not_waited_for():
    need_root()
    other = MEMORY.replace("queues.sock", "other.sock") + "allow = anyone\n"
    with Lending(ALL) as lending:
        path = lending.path / "other.sock.lock"
        with open(path, "wb") as file:
            path.chmod(0o666)
            os.chown(path, 65534, -1)
            fcntl.lockf(file, fcntl.LOCK_EX)
            lending.reload(ALL + other, "policy-rejected")
            assert lending.lines("socket-failed")[0]["error"] == (
                "Permission denied")
        path.unlink()
        lending.reload(ALL + other)


def test_who_is_not_allowed_any_longer_is_recalled():
    need_root()
    with Lending(BOTH) as lending:
        kept = lending.lessee(65534, 1)
        gone = lending.lessee(65533, 1)
        waiting = lending.lessee(65533, 1)
        kept.get("queues")
        gone.get("memory")
        waiting("start", "memory")
        assert waiting("event") == "queued 1"
        lending.reload(BOTH.replace("anyone", "user:65534") +
                       "grace = 100ms\n")
        assert gone("event") == "recalled 2"
        assert gone("event") == "revoked 2 4"
        assert waiting("event").startswith("refused ENOENT")
        assert gone("list") == "listed"
        assert kept("touch") == "touched"
        lending.wait_for("event=recall")
        recall, = lending.lines("recall")
        assert (recall["why"], recall["uid"]) == ("not-allowed", "65533"), recall


def test_what_may_not_be_written_any_longer_is_recalled():
    with Lending(ALL + "cache = wc\ngrace = 0ms\n") as lending:
        reader, writer, combiner = (lending.lessee() for _ in range(3))
        reader.get("queues", "ro")
        writer.get("queues", "rw")
        lending.reload(ALL + "cache = wc\naccess = ro\ngrace = 0ms\n")
        assert writer("event") == "revoked 2 4"
        assert reader("touch") == "touched"
        lending.reload(ALL + "cache = wc\ngrace = 0ms\n")
        combiner.get("queues", "wc")
        lending.reload(ALL + "grace = 0ms\n")
        assert combiner("event") == "revoked 3 4"
        assert reader("touch") == "touched"


def test_a_range_in_use_is_offered_anew_when_it_is_free():
    with Lending(ALL + "grace = 1h\n") as lending:
        holder, other = lending.lessee(), lending.lessee()
        holder.get("queues")
        changed = (ALL + "grace = 1h\n").replace("[Pool queues]", "[Pool new]")
        lending.reload(changed)
        assert holder("event") == "recalled 1"
        assert holder("touch") == "touched"
        assert other("list") == "listed"
        # And once more, while it waits.
        lending.reload(changed + "max-leases = 3\n")
        assert other("list") == "listed"
        assert holder("release") == "released"
        assert other("list") == "listed new/4/4"


def test_an_offer_moves_to_another_socket_with_its_leases():
    with Lending(BOTH) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.reload(DEVICE + QUEUES.replace("queues.sock", "q.sock") +
                       "allow = anyone\n" + MEMORY + "allow = anyone\n")
        assert lessee("list") == "listed memory/1/1"
        assert lessee("touch") == "touched"
        assert lending.lessee(socket="q.sock")("list") == "listed queues/4/3"


def test_a_socket_that_is_not_wanted_any_longer_is_removed():
    moved = DEVICE + QUEUES.replace("queues.sock", "q.sock") + \
        "allow = anyone\n"
    with Lending(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.reload(moved)
        assert not (lending.path / "queues.sock").exists()
        # Who came by it keeps what it has.
        assert lessee("touch") == "touched"
        assert lessee("list") == "listed"


def test_a_socket_gets_its_new_mode():
    need_root()
    with Lending(ALL) as lending:
        lending.reload(ALL.replace("0666", "0600") + "socket-group = 4242\n")
        status = (lending.path / "queues.sock").stat()
        assert (status.st_mode & 0o7777, status.st_gid) == (0o600, 4242)
        assert lending.lessee()("list") == "listed queues/4/4"


def test_a_device_comes_and_goes():
    other = "[Device other]\nbackend = sim\nsize = 1M\n"
    lent = MEMORY.replace("accel", "other") + "allow = anyone\n"
    with Lending(ALL) as lending:
        kept, lessee = lending.lessee(), lending.lessee()
        kept.get("queues")
        fds = lending.fds()
        lending.reload(ALL + other + lent)
        lessee.get("memory")
        lending.reload(ALL)
        assert lessee("event") == "revoked 2 5"
        assert not lending.lines("recall")
        assert kept("touch") == "touched"
        assert lending.fds() == fds


def test_an_offer_comes_from_another_device():
    with Lending(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.reload(ALL.replace("64M", "32M"))
        assert lessee("event") == "revoked 1 5"
        assert lessee("list") == "listed queues/4/4"
        lessee.get("queues")
        # The same device with another name would be another simulation.
        lending.reload(ALL.replace("64M", "32M").replace("accel", "other"))
        assert lessee("event") == "revoked 2 5"
        lessee.get("queues")
        assert not lending.lines("offer-failed")


def test_a_storm_of_reloads_takes_no_lease_and_no_fd():
    with Lending(BOTH) as lending:
        kept, lessee = lending.lessee(), lending.lessee()
        kept.get("queues")
        fds = lending.fds()
        for i in range(40):
            lending.write(BOTH if i % 2 else ALL)
            lending.process.send_signal(signal.SIGHUP)
            if lessee("request", "queues", "rw", 0).startswith("granted"):
                assert lessee("release") == "released"
        lending.reload(BOTH)
        assert kept("touch") == "touched"
        assert lessee("list") == "listed queues/4/3 memory/1/1"
        assert lending.fds() == fds


# The end

def test_sigterm_takes_everything_back():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Lending(ALL) as lending:
            lessee = lending.lessee()
            lessee.get("queues")
            assert lending.stop(number) == 0
            assert lessee("event") == "revoked 1 7"
            assert lessee("touch") == "gone"
            assert not (lending.path / "queues.sock").exists()
            end, = lending.lines("revoke")
            assert end["why"] == "server-ends"
            assert lending.said().count("event=end") == 1


def test_a_wrong_policy_at_the_start_is_the_end():
    lending = Lending(ALL + "what = this\n")
    lending.start()
    assert lending.process.wait(60) == 1
    mistake, = lending.lines("mistake")
    assert mistake["at"] == f"{lending.file}:12", mistake
    assert not (lending.path / "queues.sock").exists()
    lending.folder.cleanup()


def test_it_goes_on_when_nobody_reads_its_log():
    with Lending(ALL) as lending:
        reader, writer = os.pipe()
        other = Lending(ALL)
        with subprocess.Popen([sys.argv[1], other.file], stderr=writer,
                              stdin=subprocess.DEVNULL) as process:
            os.close(writer)
            while b"event=ready" not in os.read(reader, 4096):
                pass
            os.close(reader)
            lessee = Lessee(other.path / "queues.sock")
            lessee.get("queues")
            assert lessee("release") == "released"
            lessee.end()
            process.terminate()
            assert process.wait(60) == 0
        other.folder.cleanup()
        assert lending.lessee()("list") == "listed queues/4/4"


tap.run(tap.tests_of(sys.modules[__name__]))
