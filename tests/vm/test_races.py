# SPDX-License-Identifier: MIT
"""Does the kernel with KCSAN find a data race in a module of ours?

python3 -m unittest tests/vm/test_races.py
"""

import pathlib
import shutil
import tempfile
import unittest

import sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import logscan  # noqa: E402
from rig.build import build_modules  # noqa: E402
from rig.common import TOP, build_dir  # noqa: E402
from test_checkers import run  # noqa: E402

CAUSE = "insmod /lib/modules/*/extra/barlease-trouble.ko what=race && echo done"

# Twenty resets are few for what is watched now and then.
OFTEN = "kcsan.skip_watch=300"


class Races(unittest.TestCase):
    def test_a_data_race_in_a_module_of_ours_is_found_and_fails_the_run(self):
        status, out, err, log = run("sh", "-c", CAUSE, kernel="kcsan")
        self.assertEqual((status, out), (1, "done\n"))
        found = "\n".join(logscan.findings(log))
        self.assertRegex(found, "BUG: KCSAN: data-race in .*count_on")
        self.assertIn("count_on", err)

    def test_a_mark_that_is_missing_in_the_driver_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            top = pathlib.Path(folder)
            for name in "kmod", "include":
                shutil.copytree(TOP / name, top / name)
            header = top / "kmod" / "device.h"
            text = header.read_text()
            self.assertIn("READ_ONCE(dev->gate)", text)
            header.write_text(text.replace("READ_ONCE(dev->gate)",
                                           "dev->gate"))
            module, = build_modules("kcsan", top)
            status, out, _, log = run(
                "--module", str(module), "--append", OFTEN,
                build_dir() / "tests" / "kernel" / "kernel-tests",
                "--only", "hot_reset_is_not_kept_away_by_faulting_lessees",
                kernel="kcsan")
        self.assertEqual(status, 1, out)
        self.assertIn("BUG: KCSAN: data-race in barlease_huge_fault",
                      "\n".join(logscan.findings(log)))

    def test_a_run_without_one_is_content(self):
        self.assertEqual(run("sh", "-c", "sleep 3; echo fine",
                             kernel="kcsan")[:2], (0, "fine\n"))


if __name__ == "__main__":
    unittest.main()
