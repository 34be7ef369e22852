#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lessees whose cgroup barleased cannot see, or sees from somewhere else.

usage: test_cgroup.py BARLEASED LESSEE
"""

import contextlib
import ctypes
import os
import pathlib
import sys

import tap
from lending import BARLEASED, Lending, need_root
from policies import DEVICE, MEMORY, QUEUES
from raw import Raw

CLONE_NEWPID = 0x20000000
# Whose processes are hidden from whom.
DAEMON, OTHER = 65533, 65534
LIBC = ctypes.CDLL(None, use_errno=True)


class Elsewhere(Lending):
    """barleased that is started by a line of the shell, as another user."""

    def __init__(self, policy, line, user=0, namespaces=()):
        super().__init__(policy)
        self.line = line
        self.user = user
        self.namespaces = namespaces
        os.chown(self.path, user, user)
        os.chown(self.file, user, user)

    def command(self):
        return ["unshare", "--mount", "--propagation", "private",
                *self.namespaces, "sh", "-ec",
                f"{self.line}; exec setpriv --reuid {self.user} "
                f"--regid {self.user} --clear-groups \"$@\"", "sh",
                BARLEASED, self.file]


def policy(queues, memory="user:1"):
    """Who may have the one, and who the other."""
    return DEVICE + QUEUES + f"allow = {queues}\n" + MEMORY + \
        f"allow = {memory}\n"


def own_cgroup():
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:]
    raise tap.Skipped("there is no unified hierarchy")


def hierarchy():
    """Where the root of the unified hierarchy is."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[words.index("-") + 1] == "cgroup2" and words[3] == "/":
            return pathlib.Path(words[4])
    raise tap.Skipped("the unified hierarchy is not mounted")


def enter(cgroup, pid=None):
    (hierarchy() / cgroup[1:] / "cgroup.procs").write_text(
        str(pid or os.getpid()))


@contextlib.contextmanager
def inside(cgroup):
    """What is started meanwhile is in there."""
    before = own_cgroup()
    enter(cgroup)
    try:
        yield
    finally:
        enter(before)


@contextlib.contextmanager
def cgroups(*names):
    """Some of our own: their paths."""
    need_root()
    made = []
    try:
        for name in names:
            path = f"/barlease-test-{os.getpid()}-{name}"
            (hierarchy() / path[1:]).mkdir()
            made.append(path)
    except OSError as error:
        raise tap.Skipped(f"no cgroup can be made: {error}") from error
    try:
        yield made
    finally:
        for path in made:
            (hierarchy() / path[1:]).rmdir()


def can(*command):
    """Skip the test where this cannot be done."""
    need_root()
    pid = os.fork()
    if not pid:
        null = os.open("/dev/null", os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        with contextlib.suppress(OSError):
            os.execvp(command[0], command)
        os._exit(127)
    if os.waitpid(pid, 0)[1]:
        raise tap.Skipped(f"this cannot be done here: {' '.join(command)}")


def denied(lending, lessee):
    """The line about a request for what there is, to its lessee there is none."""
    said = lessee("request", "queues", "rw", 0)
    assert said.startswith("refused ENOENT"), said
    lending.wait_for("event=deny")
    return lending.lines("deny")[-1]


HIDDEN = "mount -t proc -o hidepid=2 proc /proc"


def test_who_is_hidden_gets_nothing_by_its_cgroup():
    can("unshare", "--mount", "sh", "-c", HIDDEN)
    with Elsewhere(policy(f"cgroup:{own_cgroup()} cgroup:/*", "anyone"),
                   HIDDEN, DAEMON) as lending:
        lessee = lending.lessee(OTHER, OTHER)
        assert lessee("list") == "listed memory/1/1"
        line = denied(lending, lessee)
        assert line["reason"] == \
            "the policy does not allow it; its cgroup is not known", line
        assert line["cgroup-unknown"] == \
            "/proc does not show barleased the process (hidepid=)", line


def test_who_is_not_hidden_gets_what_its_cgroup_may_have():
    shown = HIDDEN.replace("hidepid=2", f"hidepid=2,gid={DAEMON}")
    can("unshare", "--mount", "sh", "-c", HIDDEN)
    # From nobody, and from the group of barleased.
    for line in ("true", shown):
        with Elsewhere(policy(f"cgroup:{own_cgroup()}"), line,
                       DAEMON) as lending:
            assert lending.lessee(OTHER, OTHER)("list") == "listed queues/4/4"
            lending.lessees[0].get("queues")
            assert "cgroup-unknown" not in lending.lines("grant")[0]


@contextlib.contextmanager
def pid_namespace():
    """The children of this process are in another one meanwhile."""
    before = os.open("/proc/self/ns/pid", os.O_RDONLY)
    try:
        if LIBC.unshare(CLONE_NEWPID):
            raise tap.Skipped("there is no other pid namespace to be had")
        yield
        assert not LIBC.setns(before, CLONE_NEWPID), os.strerror(
            ctypes.get_errno())
    finally:
        os.close(before)


def test_the_number_of_a_stranger_in_proc_is_not_taken_for_the_lessee():
    # Where /proc is not that of its pid namespace, 2 is a thread of the kernel.
    with cgroups("known") as (known,):
        lending = Lending(policy(f"cgroup:{known}", "cgroup:/"))
        with pid_namespace(), inside(known):
            lending.start()
            lending.wait_for("event=ready")
            lessee = lending.lessee()
        with contextlib.ExitStack() as stack:
            # It has been entered already.
            stack.push(lending.__exit__)
            assert lessee("list") == "listed queues/4/4"
            with inside(known):
                outside = lending.lessee()
            # It has no number for barleased, but it has one in /proc.
            if outside.connected == "connected":
                assert outside("list") == "listed queues/4/4"


def test_who_is_in_no_pid_namespace_of_proc_gets_nothing_by_its_cgroup():
    need_root()
    with Lending(policy("anyone")) as plain:
        connected = plain.lessee().connected
    lending = Elsewhere(policy(f"cgroup:{own_cgroup()} cgroup:/*", "anyone"),
                        "mount -t proc proc /proc")
    with pid_namespace():
        lending.start()
        lending.wait_for("event=ready")
        within = lending.lessee()
    with contextlib.ExitStack() as stack:
        stack.push(lending.__exit__)
        assert "queues" in within("list")
        lessee = lending.lessee()
        if lessee.connected != connected:
            raise tap.Skipped("before Linux 6.5 it cannot connect")
        assert lessee("list") == "listed memory/1/1"
        assert denied(lending, lessee)["cgroup-unknown"] == \
            "the process is in no pid namespace that /proc shows"


def test_who_is_outside_of_the_cgroup_namespace_gets_nothing_by_its_cgroup():
    can("unshare", "--cgroup", "true")
    with cgroups("daemon", "outside") as (daemon, outside):
        with inside(daemon):
            lending = Elsewhere(policy("cgroup:/* cgroup:/*/* cgroup:/*/*/*"),
                                "true", namespaces=("--cgroup",))
            lending.start()
            lending.wait_for("event=ready")
        with contextlib.ExitStack() as stack:
            stack.push(lending.__exit__)
            with inside(outside):
                lessee = lending.lessee()
            assert lessee("list") == "listed", lessee("list")
            assert denied(lending, lessee)["cgroup-unknown"] == \
                "it is outside of barleased's cgroup namespace"
            with inside(daemon):
                assert lending.lessee()("list") == "listed queues/4/4"


def test_who_is_moved_before_he_is_let_in_gets_nothing_by_that():
    with cgroups("before", "after") as (before, after):
        with Lending(policy(f"cgroup:{after}", f"cgroup:{before}") +
                     "[Server]\nmax-requests-per-second = 2\n") as lending:
            raws = [Raw(lending.path / "queues.sock") for _ in range(20)]
            with inside(before):
                lessees = [lending.lessee() for _ in range(2)]
            # Who comes after them is heard after they have been accepted.
            assert lending.lessee(OTHER, OTHER)("list") == "listed"
            for lessee in lessees:
                enter(after, lessee.process.pid)
            # One has been seen where it was, the other not.
            assert lessees[0]("list") == "listed memory/1/1"
            said = lessees[1]("list")
            assert said in ("listed", "listed memory/1/1"), said
            line = denied(lending, lessees[1])
            if said == "listed":
                assert line["cgroup-unknown"] == \
                    "it was moved to another one before it was its turn", line
            else:
                # Before Linux 6.13 both have.
                assert line["cgroup"] == before, line
            with inside(after):
                assert lending.lessee()("list") == "listed queues/4/4"
            for raw in raws:
                raw.close()


tap.run(tap.tests_of(sys.modules[__name__]))
