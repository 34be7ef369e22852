# SPDX-License-Identifier: MIT
"""Does the kernel with KCSAN find a data race in a module of ours?

python3 -m unittest tests/vm/test_races.py
"""

import pathlib
import unittest

import sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import logscan  # noqa: E402
from test_checkers import run  # noqa: E402

CAUSE = "insmod /lib/modules/*/extra/barlease-trouble.ko what=race && echo done"


class Races(unittest.TestCase):
    def test_a_data_race_in_a_module_of_ours_is_found_and_fails_the_run(self):
        status, out, err, log = run("sh", "-c", CAUSE, kernel="kcsan")
        self.assertEqual((status, out), (1, "done\n"))
        found = "\n".join(logscan.findings(log))
        self.assertRegex(found, "BUG: KCSAN: data-race in .*count_on")
        self.assertIn("count_on", err)

    def test_a_run_without_one_is_content(self):
        self.assertEqual(run("sh", "-c", "sleep 3; echo fine",
                             kernel="kcsan")[:2], (0, "fine\n"))


if __name__ == "__main__":
    unittest.main()
