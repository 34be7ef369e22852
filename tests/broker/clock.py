# SPDX-License-Identifier: MIT
"""Clocks of a barleased, which a test moves; see clock.c."""

import mmap
import os
import pathlib
import struct
import sys
import tempfile
import time

import tap
from lending import PATIENCE
from manager import Managed

SHIM = sys.argv[3] if len(sys.argv) > 3 else None

NS = 1_000_000_000
START = 1_000_000 * NS
TODAY = 1_800_000_000 * NS
MONOTONIC, ASLEEP, REALTIME, SETTLED, HEAP, REALTIME_ASKED = range(0, 48, 8)


class Clock:
    """What time it is, for who was started with this environment."""

    def __init__(self):
        if not SHIM:
            raise tap.Skipped("sanitizers must be loaded before clocks")
        self.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(self.folder.name)
        (path / "page").write_bytes(bytes(4096))
        with open(path / "page", "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        os.mkfifo(path / "wake")
        self.wake = os.open(path / "wake", os.O_RDWR | os.O_NONBLOCK)
        self.environment = {"LD_PRELOAD": SHIM, "BARLEASE_CLOCK": str(path)}
        self.set(MONOTONIC, START)
        self.set(REALTIME, TODAY)

    def get(self, what):
        return struct.unpack_from("=Q", self.page, what)[0]

    def set(self, what, value):
        struct.pack_into("=Q", self.page, what, value)

    def advance(self, seconds):
        """While nobody is there, or looks."""
        self.set(MONOTONIC, self.get(MONOTONIC) + round(seconds * NS))

    def go(self, seconds=0):
        """Have time pass, and all be done that is to be done by then."""
        now = self.get(MONOTONIC) + max(round(seconds * NS), 1)
        self.set(MONOTONIC, now)
        os.write(self.wake, b"x")
        end = time.monotonic() + PATIENCE
        while self.get(SETTLED) != now:
            assert time.monotonic() < end, "it does not come to rest"
            time.sleep(0)

    def sleep(self, seconds):
        """The machine is suspended for that long."""
        self.set(ASLEEP, self.get(ASLEEP) + round(seconds * NS))
        self.set(REALTIME, self.get(REALTIME) + round(seconds * NS))
        self.go()

    def jump(self, seconds):
        """Somebody sets the time of day."""
        self.set(REALTIME, self.get(REALTIME) + round(seconds * NS))
        self.go()

    def end(self):
        os.close(self.wake)
        self.page.close()
        self.folder.cleanup()


class Timed(Managed):
    """barleased, with such clocks."""

    def __init__(self, policy, *options, **environment):
        self.clock = Clock()
        super().__init__(policy, *options, **self.clock.environment,
                         **environment)

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self.clock.end()

    def status(self, key):
        with open(f"/proc/{self.process.pid}/status",
                  encoding="ascii") as lines:
            return dict(line.split(":\t", 1) for line in lines)[key].strip()
