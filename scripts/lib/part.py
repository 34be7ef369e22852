# SPDX-License-Identifier: MIT
"""What each part of a check needs: what is wanted, and what became of it."""

import re
import sys

from results import Results, matches, parse_kernel_test
from steps import TOP, BuildFailed, fresh_log, run_logged


def python_test_names(file):
    return re.findall(r"^    def test_(\w+)", (TOP / file).read_text(),
                      re.MULTILINE)


class Part:
    """One run of some steps."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.results = Results()

    def selected(self, name):
        patterns = self.arguments.only
        return not patterns or any(matches(pattern, name)
                                   for pattern in patterns)

    def add_selected(self, tests):
        for verdict, name, reason in tests:
            # Nobody knows what tests were to be there.
            lost = verdict == "not ok" and name.endswith("/tests")
            if lost or self.selected(name):
                self.results.add(verdict, name, reason)

    def python_tests(self, file, prefix, kernel=None, names=()):
        """(verdict, name, reason) of the tests in a Python file."""
        log = fresh_log(f"{prefix}.log")
        status = run_logged([sys.executable, TOP / "scripts/lib/pytests.py",
                             file, *names], log,
                            {"BARLEASE_TEST_KERNEL": kernel} if kernel else {})
        reported = {}
        for line in log.read_text(errors="replace").splitlines():
            test = parse_kernel_test(line)
            if test:
                verdict, name, reason = test
                reported[name] = verdict
                yield verdict, f"{prefix}/{name}", reason
        for name in names or python_test_names(file):
            if name not in reported:
                reported[name] = "not ok"
                yield "not ok", f"{prefix}/{name}", f"did not run, log: {log}"
        if not reported or status and "not ok" not in reported.values():
            yield "not ok", f"{prefix}/tests", f"log: {log}"

    def attempt(self, name, step, *arguments):
        """A build step is a test too; say whether it worked."""
        try:
            step(*arguments)
        except BuildFailed as failure:
            self.results.add("not ok", name, str(failure))
            return False
        # A download tests nothing, it can only stand in the way.
        if self.selected(name) and not name.endswith("/fetch"):
            self.results.add("ok", name)
        return True
