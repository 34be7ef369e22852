# SPDX-License-Identifier: MIT
"""What every part of the rig needs: where things are, messages, errors."""

import configparser
import ctypes
import fcntl
import os
import pathlib
import signal
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
VM = TOP / "tests" / "vm"
STARTED = time.monotonic()

EXIT_USAGE = 2
EXIT_HUNG = 123
EXIT_TIMEOUT = 124
EXIT_EMULATION = 125


class Failure(Exception):
    """Something went wrong that the user must be told in one sentence."""

    status = 1


class Usage(Failure):
    """The request itself was wrong; nothing was changed."""

    status = EXIT_USAGE


def say(text):
    """Progress goes to stderr: stdout belongs to the program in the guest."""
    print(f"[{time.monotonic() - STARTED:6.1f}s] {text}", file=sys.stderr,
          flush=True)


def tail(path, count):
    """The last lines of a log."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])


def main_guard(main):
    """Run main(), turning failures into one line and an exit status."""
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"{pathlib.Path(sys.argv[0]).name}: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    except KeyboardInterrupt:
        sys.exit(130)


def die_with_parent(number=signal.SIGKILL):
    """What to give as preexec_fn to a process that shall end with this one.

    However this one ends, also by kill -9, it leaves nothing running.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None)

    def in_child():
        pr_set_pdeathsig = 1
        libc.prctl(pr_set_pdeathsig, number)
        if os.getppid() != parent: # it ended before the kernel was told
            os.kill(os.getpid(), signal.SIGKILL)
    return in_child


def cache_dir():
    path = os.environ.get("BARLEASE_CACHE")
    if not path:
        base = os.environ.get("XDG_CACHE_HOME") or \
            os.path.join(os.path.expanduser("~"), ".cache")
        path = os.path.join(base, "barlease")
    path = pathlib.Path(path).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def build_dir():
    return pathlib.Path(os.environ.get("BARLEASE_BUILD") or TOP / "build")


def kernel_table():
    table = configparser.ConfigParser(interpolation=None)
    table.read(TOP / "kmod" / "kernels")
    return table


def kernel_names():
    return kernel_table().sections()


def kernel_entry(name):
    """The row of the kernel table called name."""
    table = kernel_table()
    if name not in table:
        raise Usage(f"unknown kernel '{name}' (there are: "
                    f"{', '.join(kernel_names())})")
    return table[name]


def patience(name):
    """How many times as long as usual something may take on a kernel."""
    return kernel_entry(name).getint("patience", fallback=1)


class Lock:
    """A lock between processes that the kernel drops when its holder dies."""

    def __init__(self, path, what):
        self.path = path
        self.what = what

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path, "w", encoding="ascii")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that {self.what}")
            fcntl.flock(self.file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *exception):
        self.file.close()
