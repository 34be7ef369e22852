#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barleased whose fds outlive it: usage: test_resume.py BARLEASED LESSEE"""

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
from lending import PATIENCE
from manager import Managed
from policies import ALL, BOTH, MEMORY


class Kept(Managed):
    """With --keep."""

    def __init__(self, policy, room=1000, **environment):
        super().__init__(policy, f"--keep={room}", room=room, **environment)

    def __exit__(self, *failure):
        for lessee in self.lessees:
            lessee.end()
        self.lessees = []
        if self.process.poll() is None:
            # SIGTERM would leave everything.
            status = self.stop(signal.SIGINT)
            assert failure[0] or status == 0, status
        super().__exit__(*failure)


def crash(lending):
    lending.kill()


def restart(lending):
    assert lending.stop(signal.SIGTERM) == 0
    lending.hear()


ENDS = (crash, restart)


def names(lending, word):
    return [name for name in lending.kept() if name.startswith(word)]


# What is kept

def test_leases_survive():
    for end in ENDS:
        with Kept(BOTH) as lending:
            lessees = [lending.lessee() for _ in range(3)]
            for lessee in lessees:
                lessee.get("queues")
            lessees[2].get("memory", "ro")
            end(lending)
            # There is nobody, and they go on.
            for lessee in lessees:
                assert lessee("touch") == "touched"
            lending.start_again()
            resumed, = lending.lines("resumed")
            assert (resumed["lessees"], resumed["leases"]) == ("3", "4")
            for lessee in lessees:
                assert lessee("touch") == "touched"
            assert lessees[0]("list") == "listed queues/4/1 memory/1/0"
            assert lessees[0]("release") == "released"
            assert lessees[0]("touch") == "gone"
            assert lessees[1]("touch") == "touched"
            # Numbers go on.
            assert lessees[1].get("queues")[0] == 5
            assert lending.lessee()("list") == "listed queues/4/1 memory/1/0"
            for line in ("recall", "revoke", "mistake"):
                assert not lending.lines(line), lending.said()


def test_what_a_lessee_wrote_is_there_after_all_of_it():
    with Kept(ALL) as lending:
        lessee, other = lending.lessee(), lending.lessee()
        lessee.get("queues")
        for _ in range(5):
            lending.kill()
            lending.start_again()
        assert lessee("touch") == "touched"
        assert lessee("release") == "released"
        # The device has it back, as it would have without all that.
        other.get("queues")


def test_who_waits_goes_on_waiting():
    for end in ENDS:
        with Kept(BOTH) as lending:
            holder, first, second, third = (lending.lessee()
                                            for _ in range(4))
            holder.get("memory")
            for place, lessee in enumerate((first, second, third), 1):
                lessee("start", "memory")
                assert lessee("event") == f"queued {place}"
            end(lending)
            lending.start_again()
            assert holder("release") == "released"
            assert first("event").startswith("granted 2 ")
            assert second("event") == "queued 1"
            assert third("event") == "queued 2"
            end(lending)
            lending.start_again()
            assert first("release") == "released"
            assert second("event").startswith("granted 3 ")


def test_time_goes_on():
    with Kept(ALL + "time-limit = 300ms\n") as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.kill()
        lending.start_again()
        assert lessee("event") == "revoked 1 3"
        lessee.get("queues")
        lending.kill()
        # It is over while nobody looks.
        time.sleep(0.4)
        assert lessee("touch") == "touched"
        lending.start_again()
        assert lessee("event") == "revoked 2 3"
        assert lessee("touch") == "gone"


def test_a_recall_goes_on():
    with Kept(BOTH + "grace = 1h\n") as lending:
        lessee, waiting = lending.lessee(), lending.lessee()
        lessee.get("memory")
        narrow = BOTH.replace("mode = 0666\nallow", "mode = 0666\naccess = ro"
                              "\nallow") + "grace = 300ms\n"
        lending.reload(narrow)
        assert lessee("event") == "recalled 1"
        lending.kill()
        lending.start_again()
        assert lessee("event") == "revoked 1 4"
        assert waiting.get("memory", "ro")[0] == 2


def test_who_died_meanwhile_is_gone():
    with Kept(ALL) as lending:
        dead, left, alive = (lending.lessee() for _ in range(3))
        dead.get("queues")
        left.get("queues")
        alive.get("queues")
        lending.kill()
        dead.process.kill()
        dead.process.wait()
        lending.lessees.remove(left)
        left.end()
        lending.start_again()
        lending.hear()
        assert alive("list") == "listed queues/4/3"
        assert alive("touch") == "touched"
        assert names(lending, "lease") == ["lease-3"]
        assert names(lending, "lessee") == ["lessee-3"]
        # Nobody was there to tell of it when it happened.
        ends = lending.lines("revoke")
        assert [(end["lease"], end["why"], end["offer"], end["slice"])
                for end in ends] == [("1", "lessee-gone", "queues", "0"),
                                     ("2", "lessee-gone", "queues", "1")], ends
        for end, lessee in zip(ends, (dead, left)):
            assert end["pid"] == str(lessee.process.pid), end
            assert end["uid"] == str(os.geteuid()), end
            assert end["command"] == "broker_lessee", end
            assert end["range"] and int(end["age-ms"]) >= 0, end
        resumed, = lending.lines("resumed")
        assert (resumed["lessees"], resumed["leases"],
                resumed["ended"]) == ("1", "1", "2"), resumed
        lending.lessees.remove(dead)
        dead.process.stdin.close()
        dead.process.stdout.close()


def figures_of(lending):
    """Without labels, added up."""
    found = collections.Counter()
    text = (lending.path / "figures").read_text()
    for name, value in re.findall(r"^(\w+)\S* (\d+)$", text, re.MULTILINE):
        found[name] += int(value)
    return found


def test_figures_add_up_after_it():
    with Kept(BOTH) as lending:
        lending.options += (f"--metrics={lending.path / 'figures'}",)
        dead, alive = lending.lessee(), lending.lessee()
        dead.get("queues")
        dead.get("queues")
        alive.get("memory")
        # The one that writes figures is the next.
        lending.kill()
        lending.lessees.remove(dead)
        dead.end()
        lending.start_again()
        alive.get("queues")
        assert alive("release") == "released"
        before = lending.said().count("event=policy-in-force")
        lending.reload(BOTH)
        lending.wait_for("event=policy-in-force", before + 1)
        end = time.monotonic() + PATIENCE
        while True:
            said = figures_of(lending)
            if said["barlease_grants_total"]:
                break
            assert time.monotonic() < end, said
            time.sleep(0.01)
        assert said["barlease_resumed_total"] == 3, said
        assert said["barlease_ends_total"] == 3, said
        assert said["barlease_leases"] == 1, said


def test_a_lease_that_is_not_offered_any_longer_is_told_of():
    with Kept(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.kill()
        # As a barleased that was cut off while it took it back.
        with open(f"/proc/{os.getpid()}/fd/{entry(lending, 'lease')[1]}",
                  "r+b") as lease:
            lease.truncate(0)
        lending.start_again()
        assert lessee("event") == "revoked 1 5"
        end, = lending.lines("revoke")
        assert (end["why"], end["lease"]) == ("lessor", "1"), end
        assert end["pid"] == str(lessee.process.pid), end


def test_one_that_fails_leaves_leases_to_the_next():
    with Kept(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.kill()
        right = lending.options
        lending.options += ("--control=/dev/null/control.sock",)
        lending.start()
        assert lending.process.wait(PATIENCE) == 1
        lending.hear()
        assert lending.lines("socket-failed"), lending.said()
        assert lessee("touch") == "touched"
        lending.options = right
        lending.start_again()
        assert lessee("touch") == "touched"
        assert lessee("list") == "listed queues/4/3"


def own_cgroup():
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            if line.startswith("0::"):
                return line[3:].rstrip("\n")
    raise tap.Skipped("there is no unified hierarchy of cgroups")


def test_a_cgroup_that_there_was_no_room_for_is_looked_up_again():
    with Kept(ALL.replace("anyone", f"cgroup:{own_cgroup()}")) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.kill()
        # As of a path that is longer than what is kept of one.
        os.pwrite(entry(lending, "state")[1], bytes(256),
                  HEADER + LESSEE_CGROUP)
        lending.start_again()
        lessee.get("queues")
        assert not lending.lines("recall"), lending.said()


def test_limits_of_connections_go_on():
    policy = ALL + "[Server]\nmax-connections-per-user = 2\n"
    with Kept(policy) as lending:
        lessees = [lending.lessee(), lending.lessee()]
        # Who is just being let in when it dies is not in.
        for lessee in lessees:
            assert lessee("list") == "listed queues/4/4"
        lending.kill()
        # What was in force is.
        lending.write("[What]\n")
        lending.start_again()
        assert "EMFILE" in lending.lessee()("list")
        assert lessees[0]("list") == "listed queues/4/4"


def test_who_connects_meanwhile_is_served():
    with Kept(ALL) as lending:
        lending.kill()
        # The socket listens all the time.
        lessee = lending.lessee()
        lending.start_again()
        lessee.get("queues")


def test_the_store_has_nothing_that_is_over():
    with Kept(BOTH) as lending:
        before = lending.kept()
        for _ in range(3):
            lessee = lending.lessee()
            lessee.get("queues")
            lessee.get("memory")
            assert len(lending.kept()) == len(before) + 3, lending.kept()
            lending.kill()
            lending.start_again()
            assert lessee("release") == "released"
            lending.lessees.remove(lessee)
            lessee.end()
            lending.wait_for("event=revoke", 1)
            end = time.monotonic() + PATIENCE
            while len(lending.kept()) != len(before):
                assert time.monotonic() < end, lending.kept()
                time.sleep(0.01)
        lending.stop(signal.SIGINT)
        assert not lending.kept()


def test_sigint_takes_everything_back():
    with Kept(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        assert lending.stop(signal.SIGINT) == 0
        assert lessee("event") == "revoked 1 7"
        assert lessee("touch") == "gone"
        assert not lending.kept()


def connect(lending):
    new = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    new.settimeout(PATIENCE)
    new.connect(str(lending.path / "queues.sock"))
    return new


def test_a_lessee_that_is_thrown_out_is_not_held_by_the_store():
    with Kept(ALL) as lending, connect(lending) as lessee:
        # The manager has its copy as long as it does not look.
        with lending.lock:
            lessee.send(b"x")
            assert lessee.recv(512), "it is told why"
            assert not lessee.recv(512)


LIST = struct.Struct("=IHHII")


def ask(sock):
    """What is offered: one offer, and that this was it."""
    sock.send(LIST.pack(16, 1, 1, 1, 0))
    assert len(sock.recv(512)) > len(sock.recv(512)) > 16


def fill(slow, quick):
    """Until the server takes nothing more, as it has an answer to get rid of."""
    slow.setblocking(False)
    refused = 0
    while refused < 100:
        try:
            slow.send(LIST.pack(16, 1, 1, 1, 0))
            refused = 0
        except BlockingIOError:
            refused += 1
            # It has gone round.
            ask(quick)


def test_a_lessee_that_has_not_read_everything_is_gone():
    with Kept(ALL) as lending, connect(lending) as slow, \
            connect(lending) as quick:
        fill(slow, quick)
        lending.kill()
        lending.start_again()
        ask(quick)
        slow.settimeout(PATIENCE)
        # What was on its way still comes, and then the end.
        with contextlib.suppress(ConnectionResetError):
            while slow.recv(512):
                pass


def test_nothing_is_kept_without_being_asked_for():
    with Managed(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        assert not lending.kept()
        lending.kill()
        assert lessee("event").startswith("hangup")


# There is only so much room

def test_what_the_store_has_no_room_for_is_refused():
    # Device, policy, state, socket, the next policy; then a lessee and two
    # leases.
    with Kept(ALL, room=6 + 4 + 3) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lessee.get("queues")
        said = lessee("request", "queues", "rw", 0)
        assert said.startswith("refused ENFILE"), said
        other = lending.lessee()
        assert "EMFILE" in other("list"), other
        assert len(lending.kept()) == 12
        lending.kill()
        lending.start_again()
        assert lessee("touch") == "touched"
        assert lessee("release") == "released"
        lessee.get("queues")
        assert lessee("request", "queues", "rw", 0).startswith(
            "refused ENFILE")


def test_who_the_store_has_no_room_for_is_not_heard():
    with Kept(ALL, room=6 + 4 + 1) as lending, connect(lending) as lessee:
        ask(lessee)
        lending.process.send_signal(signal.SIGSTOP)
        with connect(lending) as other:
            other.send(LIST.pack(16, 1, 1, 1, 0))
            lending.process.send_signal(signal.SIGCONT)
            assert b"no room" in other.recv(512)
            assert not other.recv(512)


def test_a_store_that_is_full_has_room_for_the_next_policy():
    with Kept(ALL, room=6 + 4 + 3) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lessee.get("queues")
        assert lessee("request", "queues", "rw", 0).startswith(
            "refused ENFILE")
        nobody = ALL.replace("anyone", f"user:{os.geteuid() + 1}")
        for count, policy in enumerate((ALL, nobody), 2):
            lending.reload(policy)
            assert names(lending, "policy") == [f"policy-{count}"]
        assert lessee("event") == "recalled 1"


def test_a_store_that_is_too_small_for_the_policy_is_told():
    lending = Kept(ALL, room=4)
    lending.start()
    assert lending.process.wait(PATIENCE) == 1
    assert "Too many open files in system" in lending.said(), lending.said()
    assert not lending.kept()
    lending.folder.cleanup()


# The policy changes meanwhile

def test_a_policy_that_changed_meanwhile_counts():
    with Kept(BOTH + "grace = 1h\n") as lending:
        kept, gone = lending.lessee(), lending.lessee()
        kept.get("queues")
        gone.get("memory")
        lending.kill()
        lending.write(ALL + "max-leases = 1\n")
        lending.start_again()
        # It is asked for as by a reload.
        said = gone("event")
        assert said == "recalled 2", said
        assert gone("touch") == "touched"
        assert gone("release") == "released"
        assert kept("touch") == "touched"
        assert kept("list") == "listed queues/4/3"
        assert kept("request", "queues", "rw", 0).startswith("refused EDQUOT")


def test_a_policy_that_is_wrong_meanwhile_leaves_the_old_one():
    with Kept(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.kill()
        lending.write("[What]\n")
        lending.start_again()
        lending.wait_for("event=policy-rejected")
        assert lessee("touch") == "touched"
        assert lending.lessee()("list") == "listed queues/4/3"


GONE = "barlease-gone"


def user_forget(lending):
    """As if a user and a group of the policy had been there."""
    text = lending.file.read_text().replace(
        "allow = anyone", f"allow = user:{GONE} group:{GONE} anyone\n"
                          f"socket-group = {GONE}")
    with os.fdopen(os.memfd_create("policy"), "w") as policy:
        policy.write(text)
        policy.flush()
        os.dup2(policy.fileno(), entry(lending, "policy")[1])
    lending.file.write_text(text)


def test_a_user_who_is_gone_meanwhile_takes_no_lease_of_others_along():
    with Kept(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        for end in ENDS:
            end(lending)
            user_forget(lending)
            lending.start_again()
            lending.wait_for("event=policy-rejected")
            assert not lending.lines("resume-failed"), lending.said()
            assert lessee("touch") == "touched"
        assert lending.lessee()("list") == "listed queues/4/3"


def test_the_policy_of_the_last_reload_is_the_one_that_is_kept():
    with Kept(ALL) as lending:
        lending.reload(BOTH)
        lessee = lending.lessee()
        lessee.get("memory")
        assert len(names(lending, "policy")) == 1
        lending.kill()
        lending.start_again()
        assert lessee("touch") == "touched"
        assert not lending.lines("recall")


def test_a_device_that_is_not_wanted_meanwhile_is_closed():
    other = "[Device other]\nbackend = sim\nsize = 1M\n"
    lent = MEMORY.replace("accel", "other") + "allow = anyone\n"
    with Kept(ALL + other + lent) as lending:
        kept, lessee = lending.lessee(), lending.lessee()
        kept.get("queues")
        lessee.get("memory")
        lending.kill()
        lending.write(ALL)
        lending.start_again()
        assert lessee("event") == "revoked 2 5"
        assert lessee("touch") == "gone"
        assert kept("touch") == "touched"
        assert not names(lending, "device/sim%other")
        assert len(names(lending, "device/sim%accel")) == 6


def test_a_device_of_another_size_is_kept_under_the_same_name():
    with Kept(ALL) as lending:
        lessee = lending.lessee()
        parts = names(lending, "device/")
        lending.reload(ALL.replace("64M", "32M"))
        lessee.get("queues")
        assert names(lending, "device/") == parts
        # And one that could not be leaves the one that is.
        lending.reload(ALL.replace("64M", "16M").replace(
            "RUN/queues", "RUN/none/none/queues"), "policy-rejected")
        assert names(lending, "device/") == parts
        lending.write(ALL.replace("64M", "32M"))
        lending.kill()
        lending.start_again()
        assert not lending.lines("resume-failed"), lending.said()
        assert lessee("touch") == "touched"
        assert lessee("list") == "listed queues/4/3"


def test_what_was_being_recalled_is_taken_back():
    with Kept(BOTH + "grace = 1h\n") as lending:
        lessee, other = lending.lessee(), lending.lessee()
        lessee.get("memory")
        lending.reload(ALL)
        assert lessee("event") == "recalled 1"
        lending.kill()
        lending.write(ALL + MEMORY.replace("memory", "new") +
                      "allow = anyone\n")
        lending.start_again()
        assert lessee("event") == "revoked 1 5"
        assert lessee("touch") == "gone"
        other.get("new")


# What is handed over is not what it should be

def resumes_anew(spoil):
    with Kept(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        lending.kill()
        spoil(lending)
        lending.start_again()
        lending.hear()
        assert lending.lines("resume-failed"), lending.said()
        assert lessee("event").startswith(("hangup", "revoked"))
        assert lending.lessee().get("queues")
        assert len(names(lending, "lease")) == 1, lending.kept()
        assert len(names(lending, "state")) == 1, lending.kept()
        lending.kill()
        lending.start_again()
        assert len(lending.lines("resume-failed")) == 1, lending.said()


def entry(lending, word):
    found, = (one for one in lending.store if one[0].startswith(word))
    return found


def lose(word):
    def spoil(lending):
        lost = entry(lending, word)
        os.close(lost[1])
        lending.store.remove(lost)
    return spoil


def replace(word, fd):
    def spoil(lending):
        os.dup2(fd, entry(lending, word)[1])
    return spoil


def write(at, data):
    def spoil(lending):
        os.pwrite(entry(lending, "state")[1], data, at)
    return spoil


def test_a_lease_that_was_lost_ends_all():
    resumes_anew(lose("lease"))


def test_a_state_that_was_lost_ends_all():
    resumes_anew(lose("state"))


def test_a_lessee_that_was_lost_ends_all():
    resumes_anew(lose("lessee"))


def test_a_policy_that_was_lost_ends_all():
    resumes_anew(lose("policy"))


def test_other_files_are_no_state_no_lease_no_device_and_no_policy():
    with open("/dev/null", "rb") as null, contextlib.closing(
            os.fdopen(os.memfd_create("x"), "wb")) as memory:
        for word in ("state", "lease", "device/sim%accel/bar2", "policy"):
            for file in (null, memory):
                resumes_anew(replace(word, file.fileno()))


HEADER, RECORD, LEASE = 64, 488, 24 # bytes; the last: before what is of one
LESSEE_CGROUP = 24 + 8 + 108 + 16 # bytes of a record before it


def test_a_state_that_cannot_be_ends_all():
    lessee, lease = HEADER, HEADER + RECORD
    for at, data in ((0, b"x"), # magic
                     (8, b"\2"), # version
                     (12, b"\1"), # size of a record
                     (16, b"\1"), # how many
                     (lessee, b"\xff"), # type
                     (lessee + 8, b"\2"), # number
                     (lease, b"\1"), # another lessee, with the same number
                     (lease + 16, b"\0"), # its lessee
                     (lease + LEASE, b"\1"), # its range
                     (lease + LEASE + 32, b"\6"), # its BAR
                     (lease + LEASE + 40, b"\2"), # access
                     (lease + LEASE + 64, b"x" * 84)): # names without an end
        resumes_anew(write(at, data))


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
