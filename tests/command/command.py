# SPDX-License-Identifier: MIT
"""Run the command, as it is or on a machine that is a folder."""

import os
import pathlib
import subprocess
import sys

BARLEASE, IN_TREE = (os.path.abspath(path) for path in sys.argv[1:3])
TOP = pathlib.Path(sys.argv[3])
PATIENCE = 60 # seconds; everything takes far less

sys.path.insert(0, str(TOP / "tests/broker"))


def barlease(*words, status=0, root=None):
    """(stdout, stderr)"""
    done = subprocess.run(
        [IN_TREE if root else BARLEASE, *map(str, words)],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"BARLEASE_TEST_ROOT": str(root), "LC_ALL": "C"})
    assert done.returncode == status, done
    return done.stdout, done.stderr
