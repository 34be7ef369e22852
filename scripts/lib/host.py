# SPDX-License-Identifier: MIT
"""The part of a check that is done on this machine: builds and unit tests."""

import json
import os

from part import Part
from results import parse_tap, say
from steps import BUILD, LOGS, TOP, BuildFailed, fresh_log, run_logged, tail

CPUS = len(os.sched_getaffinity(0))
FINE = ("OK", "EXPECTEDFAIL", "SKIP") # as meson's reports have it


class HostPart(Part):
    """Builds, unit tests, tests of the rig and of the check."""

    def __init__(self, arguments):
        super().__init__(arguments)
        self.host_results = []

    # Builds

    def build(self, compiler, folder, *options):
        """Build userspace with one compiler; raise if it does not."""
        log = fresh_log(f"build-{folder.name}.log")
        cpp = {"gcc": "g++", "clang": "clang++"}[compiler]
        say(" ".join(["building with", compiler, *options]))
        if not (folder / "build.ninja").exists():
            status = run_logged(["meson", "setup", folder, TOP,
                                 "-Dwerror=true", "-Dtests=enabled",
                                 *options], log,
                                {"CC": compiler, "CXX": cpp})
        else:
            status = 0
        if status or run_logged(["ninja", "-C", folder], log):
            print(tail(log), flush=True)
            raise BuildFailed(f"does not build, log: {log}")

    # Unit tests

    def unit_tests(self, folder, prefix):
        """(verdict, name, reason) of each case of each unit test."""
        log = fresh_log(f"{prefix}.log")
        base = f"check-{prefix}"
        report = folder / "meson-logs" / f"{base}.json"
        report.unlink(missing_ok=True)
        status = run_logged(["meson", "test", "-C", folder, "--no-rebuild",
                             "--logbase", base, "--num-processes", str(CPUS)],
                            log, {"CMOCKA_MESSAGE_OUTPUT": "TAP"})
        lines = report.read_text().splitlines() if report.exists() else []
        tests = [json.loads(line) for line in lines]
        yield from self._of_report(tests, prefix, log)
        if not tests or status and all(test["result"] in FINE
                                       for test in tests):
            yield "not ok", f"{prefix}/tests", f"log: {log}"

    def _of_report(self, tests, prefix, log):
        for test in tests:
            name = f"{prefix}/{test['name'].split(' / ')[-1]}"
            outcome = test["result"]
            cases = list(parse_tap(test.get("stdout", "")))
            for verdict, case, reason in cases:
                yield verdict, f"{name}/{case}", reason
            verdicts = {case[0] for case in cases}
            # An older cmocka writes "not ok" of a case that it skips, which
            # meson takes for a failure.
            if outcome == "FAIL" and test.get("returncode") == 0 and \
               "skip" in verdicts and "not ok" not in verdicts:
                continue
            if outcome in ("OK", "EXPECTEDFAIL"):
                if not cases:
                    yield "ok", name, ""
            elif outcome == "SKIP":
                if not cases:
                    yield "skip", name, "says meson's log"
            elif "not ok" not in verdicts: # it died between its cases
                yield "not ok", name, f"{outcome.lower()}, log: {log}"

    def host_tests(self):
        """They take seconds, and only running them tells their names."""
        if not self.host_results:
            say("tests on the host")
            self.host_results = list(self._run_host_tests())
        return self.host_results

    def _run_host_tests(self):
        yield from self.unit_tests(BUILD, "unit")
        yield from self.python_tests("tests/vm/test_rig.py", "rig")
        yield from self.python_tests("scripts/lib/test_check.py", "check")
        yield from self.python_tests("scripts/lib/test_runs.py", "runs")
        yield from self.python_tests("tests/documents/test_documents.py",
                                     "documents")
        yield from self.python_tests("tests/examples/test_examples.py",
                                     "examples")
        yield from self.python_tests("tests/packaging/test_packaging.py",
                                     "packaging")

    def add_host_tests(self):
        self.add_selected(self.host_tests())
        sanitized = LOGS / "sanitized"
        if any(self.selected(name) for name in self.sanitized_names()) and \
           self.attempt("build/sanitized", self.build, "gcc", sanitized,
                        "-Db_sanitize=address,undefined"):
            tests = list(self.unit_tests(sanitized, "sanitized"))
            self.add_selected(tests)
            reported = {name for _, name, _ in tests}
            self.add_selected(
                ("not ok", name, "did not run, though it does without")
                for name in self.sanitized_names()[1:] if name not in reported)

    def sanitized_names(self):
        """The unit tests run a second time; their names tell which is which."""
        return ["build/sanitized",
                *(f"sanitized/{name.removeprefix('unit/')}"
                  for _, name, _ in self.host_tests()
                  if name.startswith("unit/"))]
