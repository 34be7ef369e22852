# SPDX-License-Identifier: MIT
"""A terminal with a process on it, as far as a screen of ours needs it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from lending import PATIENCE

HAVE_IT = "\033[?1049h\033[?7l\033[?25l"
GIVE_IT_BACK = "\033[?25h\033[?7h\033[?1049l"
HOME, CLEAR_LINE, CLEAR_REST = "\033[H", "\033[K", "\033[J"


class Terminal:
    """What a process draws; its errors, too."""

    def __init__(self, command, rows=40, kind="xterm"):
        self.ours, theirs = pty.openpty()
        self.resize(rows)
        self.all = ""
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=theirs, stdout=theirs,
            stderr=theirs, env={**os.environ, "TERM": kind},
            start_new_session=True,
            preexec_fn=self.come)
        os.close(theirs)

    @staticmethod
    def come():
        # Ctrl-C comes from the terminal that a session has.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # Who runs the tests under nohup(1) ignores it.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def resize(self, rows):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, 80, 0, 0))

    def read(self, seconds):
        """Whether there was something."""
        if not select.select([self.ours], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.ours, 65536)
        except OSError: # nobody has the other side
            return False
        self.all += data.decode().replace("\r\n", "\n")
        return bool(data)

    def screens(self):
        """What was drawn, each time as a list of rows."""
        drawn = self.all.split(HOME)[1:]
        return [screen.split(CLEAR_REST)[0].split("\n")
                for screen in drawn if CLEAR_REST in screen]

    def wait_for(self, wanted, since=0):
        """The first screen for which wanted(rows) holds, after so many."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for rows in self.screens()[since:]:
                assert all(row.endswith(CLEAR_LINE) for row in rows), rows
                rows = [row.removesuffix(CLEAR_LINE) for row in rows]
                assert not re.search(r"[\x00-\x1f]", "".join(rows)), rows
                if wanted(rows):
                    return rows
            self.read(1)
        raise AssertionError(f"it is not shown: {self.all[-2000:]!r}")

    def wait_for_text(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.all:
            assert time.monotonic() < end, (text, self.all[-2000:])
            self.read(1)

    def wait_for_state(self, state):
        path = f"/proc/{self.process.pid}/stat"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with open(path, encoding="utf-8") as file:
                if file.read().rsplit(") ", 1)[1][0] == state:
                    return
            time.sleep(0.01)
        raise AssertionError(f"its state does not become {state}")

    def end(self):
        """Its status, when all that it printed was read."""
        status = self.process.wait(PATIENCE)
        while self.read(0):
            pass
        os.close(self.ours)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.end()
