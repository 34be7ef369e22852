# SPDX-License-Identifier: MIT
"""What becomes of tests on machines that fail, hang or have bad luck?

python3 -m unittest scripts/lib/test_runs.py
"""

import argparse
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import runs  # noqa: E402
import steps  # noqa: E402

BAD_LOG = "BUG: KASAN: use-after-free in x\n"
LOST_LOG = "[  417.348783] watchdog: BUG: soft lockup - CPU#1 stuck\n"
HUNG_LOG = ("Uhhuh. NMI received for unknown reason 20 on CPU 0.\n"
            "Kernel panic - not syncing: NMI: Not continuing\n")


class Machine:
    """One run: what the tests say, the status, the kernel's log."""

    def __init__(self, verdicts, status=None, log=""):
        self.verdicts = verdicts
        self.status = status
        self.log = log

    def run(self, names, console, note):
        console.write_text(f"booted\n{self.log}")
        failed = False
        for name in names:
            if name not in self.verdicts:
                continue
            verdict, _, reason = self.verdicts[name].partition(": ")
            failed |= verdict == "not ok"
            note(verdict, name, reason)
        return int(failed) if self.status is None else self.status


class MachineRuns(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patch = mock.patch.object(steps, "LOGS", self.folder)
        patch.start()
        self.addCleanup(patch.stop)
        self.part = runs.RunPart(argparse.Namespace(only=None))
        self.asked = []

    def run_on(self, wanted, *machines):
        """Run tests on these machines; none may be left."""
        left = list(machines)

        def run_machine(_kernel, arguments, output, note):
            output.write_text("said\n")
            option, console, *names = arguments
            self.assertEqual(option, "--log")
            self.asked.append(names)
            return left.pop(0).run(names, console, note)

        with mock.patch.object(self.part, "run_machine", run_machine):
            done = self.part.run_tests("6.12", "what",
                                       [f"x/{name}" for name in wanted],
                                       list, "x/")
        self.assertEqual(left, [])
        return done

    def failed(self):
        return list(self.part.results.failed)

    def test_what_a_failed_emulation_leaves_out_runs_on_another(self):
        done = self.run_on("abcd",
                           *(Machine({name: "ok"}, runs.EXIT_EMULATION)
                             for name in "abc"))
        self.assertEqual(self.asked, [["a", "b", "c", "d"], ["b", "c", "d"],
                                      ["c", "d"]])
        self.assertEqual(list(done.reached), ["x/a", "x/b", "x/c"])
        self.assertEqual(done.status, runs.EXIT_EMULATION)

    def test_what_a_failed_emulation_said_of_its_hang_is_no_finding(self):
        done = self.run_on("a", Machine({}, runs.EXIT_EMULATION, LOST_LOG),
                           Machine({"a": "ok"}))
        self.assertEqual((done.findings, self.failed()), ([], []))
        done = self.run_on("b", Machine({}, runs.EXIT_EMULATION,
                                        BAD_LOG + LOST_LOG),
                           Machine({"b": "ok"}))
        self.assertEqual(done.findings, [BAD_LOG.strip()])

    def test_what_a_guest_that_hangs_leaves_out_runs_on_another(self):
        fine = Machine({name: "ok" for name in "abcd"})
        done = self.run_on("abcd", Machine({"a": "ok"}, runs.EXIT_HUNG,
                                           HUNG_LOG), fine,
                           Machine({"b": "not ok: again"}))
        self.assertEqual(self.asked, [["a", "b", "c", "d"], ["c", "d"],
                                      ["b"]])
        self.assertEqual(self.failed(), ["6.12/x/b"])
        self.assertEqual(done.status, 0)
        self.assertEqual(done.findings, [])

    def test_a_failure_that_does_not_come_again_is_unsteady(self):
        again = Machine({"b": "ok"})
        done = self.run_on("ab", Machine({"a": "ok", "b": "not ok: why"}),
                           again, again, again)
        self.assertEqual(self.asked[1:], [["b"]] * 3)
        self.assertEqual(self.failed(), [])
        self.assertEqual(self.part.results.unsteady, {"6.12/x/b": "why"})
        self.assertEqual(self.part.results.passed, {"6.12/x/a", "6.12/x/b"})
        self.assertFalse(done.all_passed())

    def test_a_failure_that_comes_again_is_one(self):
        self.run_on("ab", Machine({"a": "ok", "b": "not ok: why"}),
                    Machine({"b": "ok"}), Machine({"b": "not ok: so"}))
        self.assertEqual(self.part.results.failed, {"6.12/x/b": "why"})

    def test_one_that_says_nothing_when_run_again_has_failed(self):
        self.run_on("b", Machine({"b": "not ok: why"}), Machine({}))
        self.assertEqual(self.failed(), ["6.12/x/b"])

    def test_trouble_in_the_log_leaves_no_second_look(self):
        done = self.run_on("b", Machine({"b": "not ok: why"}, log=BAD_LOG))
        self.assertEqual(self.failed(), ["6.12/x/b"])
        self.assertEqual(done.findings, [BAD_LOG.strip()])

    def test_trouble_in_the_log_of_a_second_look_fails_it(self):
        self.run_on("b", Machine({"b": "not ok: why"}),
                    Machine({"b": "ok"}, 1, BAD_LOG))
        self.assertEqual(self.failed(), ["6.12/x/b"])

    def test_trouble_before_a_guest_hangs_is_found(self):
        done = self.run_on("b", Machine({}, runs.EXIT_HUNG,
                                        BAD_LOG + HUNG_LOG))
        self.assertEqual(self.failed(), ["6.12/x/b"])
        self.assertEqual(done.findings, [BAD_LOG.strip()])

    def test_what_was_left_behind_leaves_no_second_look(self):
        self.run_on("b", Machine({"b": f"not ok: why{runs.LEFT_BEHIND}2"}))
        self.assertEqual(self.failed(), ["6.12/x/b"])

    def test_a_race_gets_no_second_look(self):
        for name in ("a_race_of_two", "stress_of_all"):
            with self.subTest(name=name):
                self.run_on([name], Machine({name: "not ok: why"}))
                self.assertIn(f"6.12/x/{name}", self.failed())

    def test_many_failures_get_no_second_look(self):
        self.run_on("abcde", Machine({name: "not ok: why"
                                      for name in "abcde"}))
        self.assertEqual(len(self.failed()), 5)


if __name__ == "__main__":
    unittest.main()
