# SPDX-License-Identifier: MIT
"""Does a check fail when tests fail, are skipped or do not run at all?

python3 -m unittest scripts/lib/test_check.py
"""

import argparse
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check  # noqa: E402
import fuzzing  # noqa: E402
import machines  # noqa: E402
import steps  # noqa: E402
from results import parse_kernel_test, parse_tap  # noqa: E402

SOME_TESTS = """\
import unittest
class Some(unittest.TestCase):
	def test_good(self):
		pass
	def test_bad(self):
		self.assertEqual(1, 2)
	def test_broken(self):
		raise OSError("no such thing")
	def test_absent(self):
		self.skipTest("not here")
	def test_in_parts(self):
		for i in range(3):
			with self.subTest(i=i):
				self.assertNotEqual(i, 1)
""".expandtabs(4)


class Checks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.replace(steps, "LOGS", self.folder)
        self.check = self.new()

    def replace(self, where, name, value):
        patch = mock.patch.object(where, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def new(self, **arguments):
        return check.Check(argparse.Namespace(
            **{"only": None, "kernel": None, "list": False, **arguments}))

    def program(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def run_meson(self, text):
        """What becomes of unit tests that a meson of this kind runs?"""
        self.program("bin/meson", text)
        (self.folder / "meson-logs").mkdir()
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        with mock.patch.dict(os.environ, PATH=path):
            return [(verdict, name) for verdict, name, _ in
                    self.check.unit_tests(self.folder, "unit")]

    def test_a_meson_without_a_report_is_a_failure(self):
        self.assertEqual(self.run_meson("exit 0"), [("not ok", "unit/tests")])

    def test_an_empty_report_is_a_failure(self):
        self.assertEqual(
            self.run_meson(f": >{self.folder}/meson-logs/check-unit.json"),
            [("not ok", "unit/tests")])

    def test_a_meson_that_fails_though_no_test_did_is_a_failure(self):
        line = '{"name": "a", "result": "OK", "stdout": "ok 1 - x"}'
        report = self.folder / "meson-logs" / "check-unit.json"
        self.assertEqual(self.run_meson(f"echo '{line}' >{report}; exit 1"),
                         [("ok", "unit/a/x"), ("not ok", "unit/tests")])

    def test_a_case_that_an_older_cmocka_skips_is_no_failure(self):
        report = self.folder / "meson-logs" / "check-unit.json"
        line = ('{"name": "a", "result": "FAIL", "returncode": 0, '
                '"stdout": "not ok 1 # SKIP x"}')
        self.assertEqual(self.run_meson(f"echo '{line}' >{report}; exit 1"),
                         [("skip", "unit/a/x")])

    def test_a_test_that_dies_between_its_cases_is_a_failure(self):
        report = self.folder / "meson-logs" / "check-unit.json"
        line = ('{"name": "a", "result": "FAIL", "returncode": -11, '
                '"stdout": "not ok 1 # SKIP x"}')
        self.assertEqual(self.run_meson(f"echo '{line}' >{report}; exit 1"),
                         [("skip", "unit/a/x"), ("not ok", "unit/a")])

    def test_lost_tests_fail_a_check_of_others_too(self):
        lost = self.new(only=["something"])
        lost.add_selected([("not ok", "unit/tests", "why")])
        self.assertIn("unit/tests", lost.results.failed)

    def test_kernel_tests_that_are_missing_or_list_nothing_are_a_failure(self):
        self.replace(machines, "KERNEL_TESTS",
                     self.folder / "tests/kernel/kernel-tests")
        for text in (None, "exit 0", "exit 1"):
            if text:
                self.program("tests/kernel/kernel-tests", text)
            with self.subTest(text=text), \
                 self.assertRaises(steps.BuildFailed):
                self.check.list_kernel_tests()

    def test_no_part_hides_what_another_one_does(self):
        parts = check.Check.__mro__[:-1]
        for number, part in enumerate(parts):
            for name, value in vars(part).items():
                if any(name in vars(other) for other in parts[number + 1:]) \
                   and not name.startswith("__"):
                    # Whoever means to adds to it.
                    self.assertIn("super", value.__code__.co_names, name)

    def test_a_step_that_breaks_is_a_failure_among_the_others(self):
        with mock.patch("sys.stderr", io.StringIO()) as stderr:
            self.check.lost(None)
            self.check.lost(TypeError("odd"))
        self.assertEqual(self.check.results.failed,
                         {"check/steps": "TypeError('odd')"})
        self.assertIn("TypeError: odd", stderr.getvalue())

    def fuzz(self, text):
        self.program("fuzz", text)
        self.replace(fuzzing, "RUN", self.folder / "fuzz")
        self.replace(fuzzing, "TARGETS", ("packet", "lessee", "server"))
        self.check.run_parsers()
        return self.check.results.failed

    def test_what_a_fuzzer_finds_is_a_failure(self):
        found = self.fuzz("echo ok packet: 9 executions; echo ok lessee: 9\n"
                          "echo not ok server: look at there; exit 1")
        self.assertEqual(found, {"fuzz/server": "look at there"})

    def test_a_fuzzer_that_does_not_run_is_a_failure(self):
        self.assertEqual(sorted(self.fuzz("echo ok packet: 9 executions")),
                         ["fuzz/lessee", "fuzz/server"])

    def python_tests(self, *names):
        path = self.folder / "test_some.py"
        path.write_text(SOME_TESTS)
        return {name: (verdict, reason) for verdict, name, reason in
                self.check.python_tests(path, "some", None, names)}

    def test_each_python_test_has_a_verdict(self):
        self.assertEqual(self.python_tests(), {
            "some/good": ("ok", ""),
            "some/bad": ("not ok", "AssertionError: 1 != 2"),
            "some/broken": ("not ok", "OSError: no such thing"),
            "some/absent": ("skip", "not here"),
            "some/in_parts": ("not ok", "AssertionError: 1 == 1")})

    def test_a_python_test_that_does_not_run_is_a_failure(self):
        found = self.python_tests("good", "nonexistent")
        self.assertEqual(found["some/good"][0], "ok")
        self.assertEqual(found["some/nonexistent"][0], "not ok")

    def test_scripts_use_no_name_that_is_not_there(self):
        top = pathlib.Path(__file__).resolve().parents[2]
        files = [*top.glob("scripts/lib/*.py"), *top.glob("tests/**/*.py"),
                 *top.glob("man/*.py"), *top.glob("examples/*.py")]
        self.assertGreater(len(files), 20)
        done = subprocess.run(["pyflakes3", *files], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_a_kernel_that_is_named_twice_is_tested_once(self):
        self.assertEqual(self.new(kernel=["6.12", "6.12"]).kernels, ["6.12"])

    def test_lines_of_results_are_understood(self):
        self.assertEqual(parse_kernel_test("not ok a_b: why: so"),
                         ("not ok", "a_b", "why: so"))
        self.assertIsNone(parse_kernel_test("okay"))
        self.assertEqual([case[:2] for case in parse_tap(
            "1..3\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP c\n")],
            [("ok", "a"), ("not ok", "b"), ("skip", "c")])


if __name__ == "__main__":
    unittest.main()
