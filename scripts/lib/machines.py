# SPDX-License-Identifier: MIT
"""The part of a check that boots machines."""

import fnmatch
import re
import subprocess

from part import python_test_names
from results import say
from runs import RunPart
from steps import BUILD, TOP, BuildFailed, fresh_log, run_logged, tail

from rig.common import kernel_entry

DEFAULT_KERNELS = ["6.12", "7.3", "debug"]
# They find more than others; whether they do is tested, too.
DEBUG_KERNEL = "debug"
RACE_KERNEL = "kcsan"
GUARDS = "tests/vm/test_guards.py"
CHECKERS = {
    DEBUG_KERNEL: "tests/vm/test_checkers.py",
    RACE_KERNEL: "tests/vm/test_races.py",
}
CLI_TEST = TOP / "tests/vm/cli_test.sh"
DEMO_OPTIONS = ["--file", TOP / "README.md",
                "--file", TOP / "LICENSES/MIT.txt",
                "--file", f"{BUILD}/demo/lessee:/lessee"]
KERNEL_TESTS = BUILD / "tests" / "kernel" / "kernel-tests"
KERNEL_FUZZ = BUILD / "tests" / "kernel" / "fuzz" / "kernel-fuzz"
FUZZ_NAMES = ["fuzz/sequences", "fuzz/storm"]
FUZZ_SECONDS = 15
DEBUG_FUZZ_SECONDS = 60


def only_options(names):
    """What makes kernel-tests run these."""
    options = []
    for name in names:
        # A bracket makes it a glob, so that it matches this name alone and
        # not also those which contain it.
        options += ["--only", f"{name[:-1]}[{name[-1]}]"]
    return options


def cli_test_names():
    return [f"cli/{name}" for name in
            re.findall(r"^test_(\w+)\(\)", CLI_TEST.read_text(),
                       re.MULTILINE)]


class MachinePart(RunPart):
    """Kernel modules, and what is run on the kernels."""

    def __init__(self, arguments):
        super().__init__(arguments)
        self.kernels = list(dict.fromkeys(arguments.kernel or
                                          DEFAULT_KERNELS))
        self.kernel_tests = []

    def list_kernel_tests(self):
        try:
            out = subprocess.run([KERNEL_TESTS, "--list"], capture_output=True,
                                 text=True, check=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise BuildFailed(f"cannot be listed: {error}") from error
        self.kernel_tests = out.split()
        if not self.kernel_tests:
            raise BuildFailed(f"{KERNEL_TESTS} lists nothing")

    def run_guards(self, kernel):
        """Do runs of machines fail when they must?"""
        say(f"{kernel}: booting for each of the rig's guards")
        names = [name.removeprefix("guard/") for name in self.guard_names()
                 if self.selected(name)]
        self.add_selected(self.python_tests(GUARDS, "guard", kernel,
                                            names))

    def guard_names(self):
        return [f"guard/{name}" for name in python_test_names(GUARDS)]

    def run_checkers(self, kernel):
        """Does a debug kernel find what it must?"""
        names = [name.removeprefix("checker/")
                 for name in self.checker_names(kernel) if self.selected(name)]
        if names:
            say(f"{kernel}: booting for each test of the checkers")
            self.add_selected(self.python_tests(CHECKERS[kernel], "checker",
                                                kernel, names))

    def checker_names(self, kernel):
        if kernel not in CHECKERS:
            return []
        return [f"checker/{name}"
                for name in python_test_names(CHECKERS[kernel])]

    def names_on(self, kernel):
        """What of the kernel tests is run on a kernel."""
        patterns = kernel_entry(kernel).get("tests", "*").split()
        return [name for name in self.kernel_tests
                if any(fnmatch.fnmatchcase(name, pattern)
                       for pattern in patterns)]

    def other_names_on(self, kernel):
        """What else is; nothing where not all kernel tests are."""
        if "tests" in kernel_entry(kernel):
            return []
        return [*self.by_group_names(kernel), *cli_test_names(), *FUZZ_NAMES,
                "demo"]

    def other_steps(self, kernel):
        if not self.other_names_on(kernel):
            return []
        return [self.run_by_group, self.run_cli, self.run_fuzz, self.run_demo]

    # Kernel tests

    def fetch(self, kernel):
        log = fresh_log(f"{kernel}-fetch.log")
        say(f"{kernel}: having the kernel in the cache (a first time: "
            + ("about 240 MB to download, 8 minutes to build)"
               if kernel in CHECKERS else "about 120 MB to download)"))
        if run_logged([TOP / "tests/vm/kernel-fetch", kernel], log):
            raise BuildFailed(f"cannot be fetched: {tail(log, 1)}")

    def build_module(self, kernel, *options):
        log = fresh_log("-".join([kernel, "module", *options]) + ".log")
        say(" ".join([f"{kernel}: building the module", *options]))
        if run_logged([TOP / "tests/vm/module-build", kernel, *options], log):
            print(tail(log), flush=True)
            raise BuildFailed(f"does not build, log: {log}")

    def run_kernel(self, kernel):
        """Boot the kernel, run the selected kernel tests in it.

        The log is that of all of them if it alone is selected.
        """
        judge_log = self.selected(f"{kernel}/kernel-log")
        all_names = self.names_on(kernel)
        wanted = [name for name in all_names
                  if self.selected(f"{kernel}/{name}")]
        if judge_log and not wanted:
            wanted = all_names
        if not wanted:
            return

        def command(names):
            return ["--test-modules", KERNEL_TESTS,
                    *(only_options(names) if names != self.kernel_tests
                      else [])]

        say(f"{kernel}: booting, {len(wanted)} tests")
        runs = self.run_tests(kernel, "tests", wanted, command)
        missing = [name for name in wanted if name not in runs.reached]
        if runs.status == 124 or missing:
            print(tail(runs.output, 60), flush=True)
        if runs.status == 124:
            self.results.add("not ok", f"{kernel}/vm", "time was up after "
                             f"{self.vm_timeout(kernel)} s; "
                             f"log: {runs.output}")
        elif missing:
            self.results.add("not ok", f"{kernel}/vm",
                             f"ended (status {runs.status}) before "
                             f"{missing[0]} and {len(missing) - 1} others "
                             f"had a result; log: {runs.output}")
        elif runs.status and runs.all_passed() and not runs.findings:
            self.results.add("not ok", f"{kernel}/vm",
                             f"status {runs.status} though no test failed; "
                             f"log: {runs.output}")
        if runs.findings or judge_log:
            self.results.add("not ok" if runs.findings else "ok",
                             f"{kernel}/kernel-log",
                             f"{runs.findings[0].strip()} "
                             f"(log: {runs.console})"
                             if runs.findings else "")

    def run_cli(self, kernel):
        """The command's tests."""
        self.run_judged(kernel, "cli", cli_test_names(),
                         lambda names: [CLI_TEST, *names])

    def by_group_names(self, kernel):
        """Where devices open by iommufd, some tests run once more by group."""
        patterns = kernel_entry(kernel).get("by-group", "").split()
        return [f"by-group/{name}" for name in self.kernel_tests
                if any(fnmatch.fnmatchcase(name, pattern)
                       for pattern in patterns)]

    def run_by_group(self, kernel):
        self.run_judged(kernel, "by-group", self.by_group_names(kernel),
                         lambda names: ["--test-modules", KERNEL_TESTS,
                                        "--open", "group",
                                        *only_options(names)])

    def run_fuzz(self, kernel):
        """Random operations, other ones each time: the log has the seed."""
        seconds = DEBUG_FUZZ_SECONDS if kernel == DEBUG_KERNEL \
            else FUZZ_SECONDS

        def command(names):
            return ["--test-modules", KERNEL_FUZZ,
                    *(["--storm", str(seconds // 3)]
                      if "storm" in names else []),
                    *(["--seconds", str(seconds - seconds // 3)]
                      if "sequences" in names else [])]

        self.run_judged(kernel, "fuzz", FUZZ_NAMES, command)

    def run_judged(self, kernel, what, names, command):
        """Run tests on a machine that judges its kernel log itself."""
        wanted = [name for name in names if self.selected(f"{kernel}/{name}")]
        if not wanted:
            return
        say(f"{kernel}: booting, {len(wanted)} tests ({what})")
        runs = self.run_tests(kernel, what, wanted, command, f"{what}/")
        if len(runs.reached) < len(wanted):
            print(tail(runs.output, 60), flush=True)
        for name in wanted:
            if name not in runs.reached:
                self.results.add("not ok", f"{kernel}/{name}",
                                 f"did not run, log: {runs.output}")
        if runs.status and len(runs.reached) == len(wanted) and \
           runs.all_passed():
            self.results.add("not ok", f"{kernel}/{what}",
                             f"status {runs.status} though no test failed; "
                             f"log: {runs.output}")

    def run_demo(self, kernel):
        """What scripts/demo shows."""
        name = f"{kernel}/demo"
        if not self.selected(name):
            return
        say(f"{kernel}: booting for the demo")
        output = fresh_log(f"{kernel}-demo.log")
        status = self.run_machine(
            kernel, [*DEMO_OPTIONS, BUILD / "demo" / "story"], output)
        self.results.add("not ok" if status else "ok", name,
                         f"status {status}, log: {output}" if status else "")
