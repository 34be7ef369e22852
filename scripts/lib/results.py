# SPDX-License-Identifier: MIT
"""Results of tests: what the programs print, counted and summed up."""

import fnmatch
import re
import sys
import threading
import time

STARTED = time.monotonic()
progress = sys.stdout


def keep_stdout_clean():
    """What follows prints a list for programs to read."""
    global progress
    progress = sys.stderr


def say(text):
    print(f"[{time.monotonic() - STARTED:5.0f}s] {text}", flush=True,
          file=progress)


def matches(pattern, name):
    """As kernel-tests has it: a glob, or else a part of the name."""
    if any(letter in pattern for letter in "*?["):
        return fnmatch.fnmatchcase(name, pattern)
    return pattern in name


def parse_kernel_test(line):
    """(verdict, name, reason) of a line of kernel-tests, or None."""
    match = re.fullmatch(r"(ok|not ok|skip) ([^:\s]+)(?:: ?(.*))?", line)
    return match and (match[1], match[2], match[3] or "")


def parse_tap(text):
    """(verdict, name, reason) of each line that cmocka writes as TAP."""
    for line in text.splitlines():
        match = re.match(r"(ok|not ok) \d+ (?:- |# SKIP )?(\S+)(.*)", line)
        if match:
            skipped = "# SKIP" in line.upper()
            yield "skip" if skipped else match[1], match[2], match[3].strip()


class Results:
    """Counts verdicts; threads share one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed = set()
        self.failed = {}
        self.skipped = {}
        self.unsteady = {}

    def add_unsteady(self, name, reason):
        """One that failed, and then passed again and again."""
        self.add("ok", name)
        self.note_unsteady(name, reason)

    def note_unsteady(self, name, reason):
        with self.lock:
            self.unsteady[name] = reason

    def add(self, verdict, name, reason=""):
        with self.lock:
            for former in (self.passed, self.failed, self.skipped):
                if name in former:
                    # Two tests of one name would hide each other.
                    verdict, reason = "not ok", "reported twice"
                    if former is self.passed:
                        former.discard(name)
                    else:
                        former.pop(name)
            if verdict == "ok":
                self.passed.add(name)
            elif verdict == "skip":
                self.skipped[name] = reason or "no reason given"
            else:
                self.failed[name] = reason or "see its log"
        note = f": {reason}" if reason and verdict != "ok" else ""
        say(f"{verdict} {name}{note}")

    def close(self):
        """Print the sums; return the exit status."""
        for title, group in (("skipped", self.skipped),
                             ("unsteady (failed, and did not when run again "
                              "by themselves)", self.unsteady),
                             ("failed", self.failed)):
            if group:
                print(f"\n{title}:")
                for name, reason in sorted(group.items()):
                    print(f"  {name}: {reason}")
        print()
        print(f"{len(self.passed)} passed, {len(self.failed)} failed, "
              f"{len(self.skipped)} skipped", flush=True)
        return 1 if self.failed or not self.passed else 0
