#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barleased whose log has no room: usage: test_log_lost.py BARLEASED LESSEE"""

import contextlib
import fcntl
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import sys
import time

import tap
from lending import BARLEASED, PATIENCE, Lending, fields_of, need_root
from policies import ALL
from test_metrics import figures_of

LOST = "barlease_log_lines_lost_total"
GRANTS = "barlease_grants_total"
RELOADS = 'barlease_reloads_total{result="in-force"}'
TIMES = 400 # a lease comes and goes; two lines each
ROOM = 4096 # bytes of a pipe, the least that there is

# Nobody else sees what is mounted: DISK is there for this process alone.
MOUNT = 'mount -t tmpfs -o size=$1 none "$2" && shift 2 && '


class Unread(Lending):
    """With figures, and a standard error of the test's choice."""

    def __init__(self, error, policy=ALL):
        super().__init__(policy)
        self.error = error
        self.figures = self.path / "figures"
        self.options = (f"--metrics={self.figures}",)

    def start(self):
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.error)

    def wait_for(self, words, count=1):
        """There is nothing to be read: it is ready when it writes figures."""
        self.wait_until(self.figures.exists)

    def wait_until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.process.returncode
            assert time.monotonic() < end, self.latest()
            time.sleep(0.01)

    def said(self):
        return ""

    def latest(self):
        return figures_of(self.figures) if self.figures.exists() else {}

    def figures_of_now(self):
        """Those that a reload writes."""
        before = self.latest()[RELOADS]
        self.process.send_signal(signal.SIGHUP)
        self.wait_until(lambda: self.latest()[RELOADS] > before)
        return self.latest()


def lend(lending, times=TIMES):
    """Whatever becomes of the log, a lessee is served, and others as well."""
    lessee = lending.lessee()
    for _ in range(times):
        lessee.get("queues")
        assert lessee("release") == "released"
    lessee.get("queues")
    assert lessee("touch") == "touched"
    assert lending.lessee()("list").startswith("listed queues/4/")


def lines_of(fd):
    """What is there to be read, by lines that are whole.

    That it was built without a filter, and says so, is another test's.
    """
    text = b""
    while select.select([fd], [], [], 0)[0]:
        more = os.read(fd, 1 << 16)
        if not more:
            break
        text += more
    lines = text.decode().splitlines()
    assert not text or text.endswith(b"\n"), lines[-1]
    return [fields_of(line) for line in lines
            if line != "event=no-filter"]


def told(lines):
    return sum(int(line["lines"]) for line in lines
               if line["event"] == "log-lost")


@contextlib.contextmanager
def pipe():
    """Of little room, and of a reader that does not read."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, ROOM)
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def test_a_reader_that_stops_is_told_later_how_much_it_has_missed():
    with pipe() as (reader, writer), Unread(writer) as lending:
        lend(lending)
        figures = lending.figures_of_now()
        assert (figures[GRANTS], figures[RELOADS]) == (TIMES + 1, 2), figures
        before = lines_of(reader)
        # Where there is room for nothing else, there may be for how many.
        written = [line for line in before if line["event"] != "log-lost"]
        # The standard error of others is as it was.
        assert not fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK
        lessee = lending.lessee()
        lessee.get("queues")
        # Its answer comes when the line of the grant is written.
        lessee("list")
        lost, grant = lines_of(reader)
        assert lost["event"] == "log-lost", lost
        assert told(before) + int(lost["lines"]) == figures[LOST] > TIMES
        assert grant["event"] == "grant", grant
        # None is missing of grants, releases, reloads and "ready".
        assert len(written) + figures[LOST] == 2 * TIMES + 1 + 2 + 1, before


def test_a_reader_that_has_gone_changes_nothing():
    reader, writer = os.pipe()
    with Unread(writer) as lending:
        os.close(writer)
        os.close(reader)
        lend(lending, 10)
        assert lending.figures_of_now()[LOST] == 2 * 10 + 1 + 1


def test_a_device_that_is_full_is_no_reason_to_stop():
    with open("/dev/full", "wb") as full, Unread(full) as lending:
        lend(lending, 10)
        status = pathlib.Path(f"/proc/{lending.process.pid}/status").read_text()
        no_filter = status.count("Seccomp:\t0\n") # it says so
        assert lending.figures_of_now()[LOST] == 2 * 10 + 1 + 2 + 1 + no_filter


def test_a_file_that_may_not_grow_is_no_reason_to_end():
    size = 1 << 13
    with open("/dev/null", "wb") as null, Unread(null) as lending:
        lending.stop()
        with open(lending.log, "wb") as lending.error:
            lending.start()
        lending.wait_for("")
        resource.prlimit(lending.process.pid, resource.RLIMIT_FSIZE,
                         (size, size))
        lend(lending)
        assert lending.figures_of_now()[LOST] > TIMES
        assert lending.log.stat().st_size == size


class OnDisk(Unread):
    """With a disk of its own, for log and figures, that has so much room."""

    ROOM = 1 << 16

    def __init__(self):
        super().__init__(None)
        self.inside = self.path / "disk"
        self.inside.mkdir()
        self.options = (f"--metrics={self.inside}/figures",)

    def command(self):
        return ["unshare", "--mount", "sh", "-c",
                MOUNT + 'exec "$@" 2>>"$0"/log', self.inside, str(self.ROOM),
                self.inside, BARLEASED, *self.options, self.file]

    def start(self):
        super().start()
        self.disk = pathlib.Path(f"/proc/{self.process.pid}/root{self.inside}")
        self.figures = self.disk / "figures"

    def free(self):
        status = os.statvfs(self.disk)
        return status.f_bfree * status.f_bsize


def test_a_full_disk_leaves_the_figures_as_they_were_and_holds_nothing_up():
    need_root()
    with OnDisk() as lending:
        before = lending.figures.read_bytes()
        lend(lending)
        assert not lending.free()
        for count in (1, 2):
            lending.process.send_signal(signal.SIGHUP)
            lend(lending, count)
        # Whole, and as old as they are.
        assert figures_of(lending.figures)[LOST] == 0
        assert lending.figures.read_bytes() == before
        assert sorted(os.listdir(lending.disk)) == ["figures", "log"]
        text = (lending.disk / "log").read_text()
        assert "event=log-lost" not in text
        # There is room again.
        os.truncate(lending.disk / "log", len(text) // 2)
        lending.lessees.pop().end()
        figures = lending.figures_of_now()
        assert figures[GRANTS] == TIMES + 1 + 2 + 3, figures
        text = (lending.disk / "log").read_text()
        lost = [line for line in text.splitlines()
                if line.startswith("event=log-lost ")]
        assert len(lost) == 1, lost
        assert int(fields_of(lost[0])["lines"]) == figures[LOST] > TIMES
        after = text[text.index(lost[0]):]
        assert after.endswith("\n")
        for line in after.splitlines():
            fields_of(line)


class Journaled(Unread):
    """By systemd, whose journal is played here."""

    def __init__(self):
        self.stream, other = socket.socketpair()
        super().__init__(other)
        self.journal = None

    def command(self):
        return ["unshare", "--mount", "sh", "-c",
                MOUNT + "mkdir -p /run/systemd/journal && exec \"$@\"", "sh",
                "1m", "/run", "env", f"JOURNAL_STREAM={self.number()}",
                *super().command()]

    def number(self):
        status = os.fstat(self.error.fileno())
        return f"{status.st_dev}:{status.st_ino}"

    def journal_begin(self):
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.journal.bind(f"/proc/{self.process.pid}/root"
                          "/run/systemd/journal/socket")

    def journal_end(self):
        self.journal.close()
        os.unlink(f"/proc/{self.process.pid}/root/run/systemd/journal/socket")

    def entries(self):
        """What the journal has got: {field: value} of each."""
        entries = []
        while select.select([self.journal], [], [], 0)[0]:
            text = self.journal.recv(1 << 16).decode()
            entries.append(dict(line.split("=", 1)
                                for line in text.splitlines()))
        return entries

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self.stream.close()
        self.error.close()


def test_a_journal_that_is_gone_or_does_not_read_is_not_waited_for():
    need_root()
    with Journaled() as lending:
        # There is none: the stream has what it would have had.
        lend(lending, 1)
        events = [line["event"] for line in lines_of(lending.stream.fileno())]
        assert events == ["policy-in-force", "ready", "grant", "release",
                          "grant"], events
        lending.journal_begin()
        lessee = lending.lessee()
        lessee.get("queues")
        lessee("list")
        entry, = lending.entries()
        assert entry["BARLEASE_EVENT"] == "grant", entry
        assert entry["BARLEASE_COMMAND"] == "broker_lessee", entry
        assert entry["SYSLOG_IDENTIFIER"] == "barleased", entry
        assert not lines_of(lending.stream.fileno())
        # It does not read: neither this nor, when that is full, the stream.
        lending.error.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for _ in range(TIMES):
            assert lessee("release") == "released"
            lessee.get("queues")
        figures = lending.figures_of_now()
        assert figures[LOST] > TIMES, figures
        entries = lending.entries()
        lines = lines_of(lending.stream.fileno())
        assert entries and lines
        assert len(entries) + len(lines) + figures[LOST] == 2 * TIMES + 1, \
            (len(entries), len(lines), figures)
        assert lessee("release") == "released"
        lessee("list")
        lost, release = lending.entries()
        assert lost["BARLEASE_EVENT"] == "log-lost", lost
        assert int(lost["BARLEASE_LINES"]) == figures[LOST], lost
        assert release["BARLEASE_EVENT"] == "release", release
        # It is started anew.
        lending.journal_end()
        lessee.get("queues")
        lessee("list")
        grant, = lines_of(lending.stream.fileno())
        assert grant["event"] == "grant", grant
        lending.journal_begin()
        assert lessee("release") == "released"
        lessee("list")
        release, = lending.entries()
        assert release["MESSAGE"].startswith("event=release "), release


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
