# SPDX-License-Identifier: MIT
"""Is each checker of the debug kernel armed? Does what it finds fail a run?

python3 -m unittest tests/vm/test_checkers.py
"""

import pathlib
import re
import subprocess
import tempfile
import unittest

import sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import logscan  # noqa: E402

RUN = pathlib.Path(__file__).resolve().parent / "run"

# In this order: lockdep gives up when a kernel's memory is in doubt.
TROUBLES = {
    "sleep": "BUG: sleeping function called from invalid context",
    "order": "WARNING: possible circular locking dependency",
    "shift": "UBSAN: shift-out-of-bounds",
    "reference": "refcount_t: addition on 0; use-after-free",
    "timer": "ODEBUG: free active",
    "list": "list_add double add",
    "freed": "BUG: KASAN: slab-use-after-free in read_what_is_freed",
    "leak": "kmemleak: unreferenced object",
}
CAUSE = """
for trouble in {}; do
    echo "cause $trouble" >/dev/kmsg
    insmod /lib/modules/*/extra/barlease-trouble.ko what=$trouble || exit 9
    [ $trouble = leak ] || rmmod barlease_trouble || exit 9
done
echo done
"""


def run(*program, kernel="debug"):
    """(status, output, errors, kernel log) of a program on a kernel"""
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        done = subprocess.run(
            [RUN, "--kernel", kernel, "--test-modules", "--log", log.name,
             *program], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=600, check=False)
        return (done.returncode, done.stdout, done.stderr,
                log.read().replace("\r", ""))


class Checkers(unittest.TestCase):
    def test_each_checker_finds_what_it_is_for(self):
        status, out, _, log = run("sh", "-c", CAUSE.format(" ".join(TROUBLES)))
        self.assertEqual((status, out), (1, "done\n"))
        parts = dict(re.findall(r"\] cause (\w+)\n(.*?)(?=\] cause |\Z)", log,
                                re.DOTALL))
        for name, text in TROUBLES.items():
            with self.subTest(name=name):
                self.assertIn(text, "\n".join(logscan.findings(parts[name])))

    def test_a_leak_alone_fails_a_run_and_is_shown(self):
        status, out, err, _ = run("sh", "-c", CAUSE.format("leak"))
        self.assertEqual((status, out), (1, "done\n"))
        self.assertIn("lose_memory", err)

    def test_a_run_without_trouble_is_content(self):
        self.assertEqual(run("sh", "-c", "echo fine")[:2], (0, "fine\n"))


if __name__ == "__main__":
    unittest.main()
