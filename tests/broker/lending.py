# SPDX-License-Identifier: MIT
"""Run barleased with a policy, and lessees of it, in a folder of their own."""

import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

import tap

BARLEASED, LESSEE = sys.argv[1:3]
PATIENCE = 60 # seconds; everything takes far less


class Lessee:
    """A process that asks for leases; see lessee.c."""

    def __init__(self, socket, *identity):
        self.process = subprocess.Popen(
            [LESSEE, socket, *map(str, identity)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        self.connected = self.answer()

    def answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, "a lessee does not answer"
        return self.process.stdout.readline().rstrip("\n")

    def __call__(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        return self.answer()

    def get(self, name, access="rw", wait=0):
        """The numbers that a grant tells."""
        said = self("request", name, access, wait).split()
        assert said[0] == "granted", said
        return [int(word, 0) for word in said[1:]]

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(PATIENCE) in (0, 1)


class Lending:
    """barleased, from its start to its end."""

    def __init__(self, policy, *options):
        self.options = options
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        # Lessees of other users come by here.
        self.path.chmod(0o755)
        self.file = self.path / "policy.conf"
        self.log = self.path / "log"
        self.lessees = []
        self.write(policy)
        self.process = None

    def write(self, policy):
        self.file.write_text(policy.replace("RUN", str(self.path)))

    def command(self):
        return [BARLEASED, *self.options, self.file]

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command(),
                                            stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def __enter__(self):
        self.start()
        self.wait_for("event=ready")
        return self

    def __exit__(self, *failure):
        for lessee in self.lessees:
            lessee.end()
        if self.process.poll() is None:
            status = self.stop()
            assert failure[0] or status == 0, status
        if failure[0]:
            print("# " + self.said().replace("\n", "\n# "))
        self.folder.cleanup()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def said(self):
        return self.log.read_text()

    def wait_for(self, words, count=1):
        """Until a line of the log begins with this for that many times."""
        end = time.monotonic() + PATIENCE
        pattern = re.compile("^" + re.escape(words), re.MULTILINE)
        while len(pattern.findall(self.said())) < count:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.01)

    def reload(self, policy, event="policy-in-force"):
        before = len(re.findall(f"^event={event}", self.said(), re.MULTILINE))
        self.write(policy)
        self.process.send_signal(signal.SIGHUP)
        self.wait_for(f"event={event}", before + 1)

    def lessee(self, *identity, socket="queues.sock"):
        new = Lessee(self.path / socket, *identity)
        self.lessees.append(new)
        return new

    def lines(self, event):
        """What was logged of an event, each as a dictionary."""
        return [fields_of(line) for line in self.said().splitlines()
                if line.split(" ", 1)[0] == f"event={event}"]

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def fields_of(line):
    """KEY=VALUE ... where a value may be in quotes."""
    pattern = r'([a-z-]+)=("(?:[^"\\]|\\.)*"|[^" ]+)(?: |$)'
    assert re.fullmatch(f"(?:{pattern})+", line), line
    return {key: value.strip('"') for key, value in re.findall(pattern, line)}


def need_root():
    if os.geteuid():
        raise tap.Skipped("only root can be other users")
