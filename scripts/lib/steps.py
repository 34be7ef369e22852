# SPDX-License-Identifier: MIT
"""Run the commands of a check, each with a log of its own."""

import os
import pathlib
import signal
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "vm"))
from rig.common import die_with_parent  # noqa: E402

BUILD = TOP / "build"
LOGS = BUILD / "check"


class BuildFailed(Exception):
    """Something that later steps need did not build."""


def end_with_parent():
    # A killed check must not leave builds and machines behind.
    return die_with_parent(signal.SIGTERM)


def run_logged(command, log, environment=None):
    """Run a command, all output to a log; return its exit status."""
    with open(log, "ab") as file:
        file.write(f"$ {' '.join(map(str, command))}\n".encode())
        file.flush()
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file,
                              stderr=subprocess.STDOUT, cwd=TOP,
                              env=dict(os.environ, **(environment or {})),
                              preexec_fn=end_with_parent(),
                              check=False).returncode


def tail(log, count=30):
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


def fresh_log(name):
    log = LOGS / name
    log.unlink(missing_ok=True)
    return log
