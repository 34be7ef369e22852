#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do what docs/tutorial.md says: usage: test_tutorial.py BARLEASED BARLEASE [LIBRARY]

What is in blocks of "console" is run, each line by the user of its prompt, and
must say what is there. "..." is anything; numbers of processes, times and
cgroups may differ. The other blocks are files. Runs with an /etc and a /run of
its own, in which there are such users.
"""

import os
import pathlib
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap
from lending import PATIENCE

TOP = pathlib.Path(__file__).resolve().parents[2]
TUTORIAL = TOP / "docs/tutorial.md"
UNIT = TOP / "broker/system/barleased.service.in"
BARLEASED, COMMAND = map(os.path.abspath, sys.argv[1:3])
LIBRARY = os.path.abspath(sys.argv[3]) if sys.argv[3:] else None
INSIDE = "TUTORIAL_FOLDER"
USERS = {"alice": 3001, "bob": 3002}

ENTER = """
set -e
mount --make-rprivate /
cp -a /etc/. "$TUTORIAL_FOLDER/etc/"
mount --bind "$TUTORIAL_FOLDER/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /run
for user in alice:3001 bob:3002; do
    name=${user%:*} id=${user#*:}
    echo "$name:x:$id:$id::/:/bin/sh" >>/etc/passwd
    echo "$name:x:$id:" >>/etc/group
done
exec "$@"
"""


def alike(text):
    """With what may differ made the same."""
    for pattern, instead in ((r"process \d+", "process N"),
                             (r"(?<= )\d+(?= worker )", "N"),
                             (r"(?<=alice |bob   )/.*$", "/ ..."),
                             (r"\s+", " ")):
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text.strip()


class Shell:
    """Who types, of any of these users."""

    def __init__(self, folder):
        self.folder = folder
        self.daemon = None
        self.running = {} # user: [process, file with what it has said]
        path = folder / "bin"
        path.mkdir()
        (path / "barleased").symlink_to(BARLEASED)
        (path / "barlease").symlink_to(COMMAND)
        library = pathlib.Path(LIBRARY).parent
        flags = (f"-I{TOP}/include -I{TOP}/include/uapi -L{library} "
                 f"-lbarlease -Wl,-rpath,{library}")
        (path / "pkg-config").write_text(f"#!/bin/sh\necho '{flags}'\n")
        (path / "pkg-config").chmod(0o755)
        self.environment = dict(os.environ, LC_ALL="C.UTF-8",
                                PATH=f"{path}:{os.environ['PATH']}")
        for user, number in USERS.items():
            home = folder / user
            home.mkdir()
            os.chown(home, number, number)

    def manage(self, verb):
        """What systemd does."""
        if verb == "reload":
            self.daemon.send_signal(signal.SIGHUP)
            return
        start = re.search(r"^ExecStart=@sbindir@/(.*)$", UNIT.read_text(),
                          re.MULTILINE)[1]
        # Nobody keeps fds here.
        words = [word for word in shlex.split(start)
                 if not word.startswith("--keep")]
        with open(self.folder / "log", "wb") as log:
            self.daemon = subprocess.Popen(words, env=self.environment,
                                           stdout=log, stderr=log)
        self.wait_until(lambda: b"event=ready" in
                        (self.folder / "log").read_bytes())

    @staticmethod
    def wait_until(what):
        end = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < end, "it takes too long"
            time.sleep(0.02)

    def type(self, user, command, expected):
        """Return what it says."""
        if command.startswith("systemctl "):
            self.manage(command.split()[1])
            return ""
        if command == "wait":
            process, said = self.running.pop(user)
            process.wait(PATIENCE)
            return said.read_text().split("\n", 1)[1]
        switch = []
        if user != "root":
            number = str(pwd.getpwnam(user).pw_uid)
            switch = ["setpriv", "--reuid", number, "--regid", number,
                      "--clear-groups"]
        words = [*switch, "sh", "-c", "exec " * command.endswith("&") +
                 command.removesuffix("&")]
        folder = self.folder / user
        options = {"cwd": folder if folder.exists() else self.folder,
                   "env": self.environment, "stdin": subprocess.DEVNULL}
        if not command.endswith("&"):
            return subprocess.run(words, stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.STDOUT, check=False,
                                  timeout=PATIENCE, **options).stdout
        said = self.folder / f"{user}.out"
        with open(said, "wb") as out:
            self.running[user] = [subprocess.Popen(words, stdout=out,
                                                   stderr=out, **options),
                                  said]
        lines = expected.count("\n")
        self.wait_until(lambda: said.read_text().count("\n") >= lines or
                        self.running[user][0].poll() is not None)
        return said.read_text()

    def end(self):
        for process, _ in self.running.values():
            process.kill()
            process.wait()
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(PATIENCE)


def blocks():
    """(kind, text) of each."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", TUTORIAL.read_text(),
                      re.MULTILINE | re.DOTALL)


def run_session(shell, text):
    """Return how many commands there were."""
    parts = re.split(r"^([a-z]+)[$#] (.*)\n", text, flags=re.MULTILINE)
    assert not parts[0].strip(), parts[0]
    for user, command, expected in zip(*(iter(parts[1:]),) * 3):
        said = shell.type(user, command, expected)
        wanted = alike(expected)
        pattern = re.escape(wanted).replace(r"\.\.\.", ".*")
        assert re.fullmatch(pattern, alike(said), re.DOTALL), \
            f"{user}: {command}\nsays\n{said}\nand should\n{expected}"
    return len(parts) // 3


def follow(folder):
    shell = Shell(folder)
    commands = 0
    try:
        for kind, text in blocks():
            if kind == "ini":
                pathlib.Path("/etc/barlease.conf").write_text(text)
            elif kind == "c":
                for user in USERS:
                    (folder / user / "worker.c").write_text(text)
            else:
                assert kind == "console", kind
                commands += run_session(shell, text)
    finally:
        shell.end()
    assert commands >= 14, commands


def test_what_the_tutorial_says_happens():
    follow(pathlib.Path(os.environ[INSIDE]))


def main():
    if INSIDE in os.environ:
        tap.run([test_what_the_tutorial_says_happens])
        return
    if not LIBRARY:
        print("1..1\nok 1 - what_the_tutorial_says_happens # SKIP its program "
              "would have no sanitizer to go with that of the library")
        return
    lacks = [name for name in ("unshare", "setpriv", "cc")
             if not shutil.which(name)]
    if os.geteuid() or lacks:
        print("1..1\nok 1 - what_the_tutorial_says_happens # SKIP only root "
              "can be other users, with unshare, setpriv and cc")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        (pathlib.Path(folder) / "etc").mkdir()
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", ENTER, "sh", sys.executable,
             *sys.argv], env=dict(os.environ, **{INSIDE: folder}), check=False)
    sys.exit(done.returncode)


main()
