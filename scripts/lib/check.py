# SPDX-License-Identifier: MIT
"""Build everything and run all tests; the last line sums up."""

import argparse
import concurrent.futures
import fcntl
import fnmatch
import json
import os
import re
import subprocess
import sys

from results import (Results, keep_stdout_clean, matches, parse_kernel_test,
                     parse_tap, say)
from steps import (BUILD, LOGS, TOP, BuildFailed, end_with_parent, fresh_log,
                   run_logged, tail)

from rig import logscan
from rig.common import (EXIT_EMULATION, EXIT_HUNG, Failure, kernel_entry,
                        kernel_names, patience)

DEFAULT_KERNELS = ["6.12", "7.3", "debug"]
# It finds more than others; whether it does is tested, too.
DEBUG_KERNEL = "debug"
# The other kernel's headers come without what sparse needs.
SPARSE_KERNEL = "6.12"
VM_TIMEOUT = 1500
# Each program there has something to say more often than that.
VM_SILENCE = 90
# How many machines may be tried where QEMU itself fails.
MACHINES = 3
CPUS = len(os.sched_getaffinity(0))
FINE = ("OK", "EXPECTEDFAIL", "SKIP") # as meson's reports have it
GUARDS = "tests/vm/test_guards.py"
CHECKERS = "tests/vm/test_checkers.py"
CLI_TEST = TOP / "tests/vm/cli_test.sh"
DEMO_OPTIONS = ["--file", TOP / "README.md",
                "--file", TOP / "LICENSES/MIT.txt",
                "--file", f"{BUILD}/demo/lessee:/lessee"]


KERNEL_TESTS = BUILD / "tests" / "kernel" / "kernel-tests"


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


def python_test_names(file):
    return re.findall(r"^    def test_(\w+)", (TOP / file).read_text(),
                      re.MULTILINE)


class Check:
    """One run of all the steps."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.results = Results()
        self.kernels = list(dict.fromkeys(arguments.kernel or
                                          DEFAULT_KERNELS))
        self.kernel_tests = []
        self.host_results = []

    def selected(self, name):
        patterns = self.arguments.only
        return not patterns or any(matches(pattern, name)
                                   for pattern in patterns)

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

    def list_kernel_tests(self):
        program = BUILD / "tests" / "kernel" / "kernel-tests"
        try:
            out = subprocess.run([program, "--list"], capture_output=True,
                                 text=True, check=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise BuildFailed(f"cannot be listed: {error}") from error
        self.kernel_tests = out.split()
        if not self.kernel_tests:
            raise BuildFailed(f"{program} lists nothing")

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

    def add_selected(self, tests):
        for verdict, name, reason in tests:
            # Nobody knows what tests were to be there.
            lost = verdict == "not ok" and name.endswith("/tests")
            if lost or self.selected(name):
                self.results.add(verdict, name, reason)

    def sanitized_names(self):
        """The unit tests run a second time; their names tell which is which."""
        return ["build/sanitized",
                *(f"sanitized/{name.removeprefix('unit/')}"
                  for _, name, _ in self.host_tests()
                  if name.startswith("unit/"))]

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

    def run_guards(self, kernel):
        """Do runs of machines fail when they must?"""
        say(f"{kernel}: booting for each of the rig's guards")
        names = [name.removeprefix("guard/") for name in self.guard_names()
                 if self.selected(name)]
        self.add_selected(self.python_tests(GUARDS, "guard", kernel,
                                            names))

    def guard_names(self):
        return [f"guard/{name}" for name in python_test_names(GUARDS)]

    def run_checkers(self):
        """Does the debug kernel find what it must?"""
        names = [name.removeprefix("checker/") for name in self.checker_names()
                 if self.selected(name)]
        if names:
            say(f"{DEBUG_KERNEL}: booting for each test of the checkers")
            self.add_selected(self.python_tests(CHECKERS, "checker", None,
                                                names))

    def checker_names(self):
        if DEBUG_KERNEL not in self.kernels:
            return []
        return [f"checker/{name}" for name in python_test_names(CHECKERS)]

    # Kernel tests

    def fetch(self, kernel):
        log = fresh_log(f"{kernel}-fetch.log")
        say(f"{kernel}: having the kernel in the cache (a first time: "
            + ("about 240 MB to download, 8 minutes to build)"
               if kernel == DEBUG_KERNEL else "about 120 MB to download)"))
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
        wanted = [name for name in self.kernel_tests
                  if self.selected(f"{kernel}/{name}")]
        if judge_log and not wanted:
            wanted = self.kernel_tests
        if not wanted:
            return

        def command(names):
            return ["--test-modules", "--log", console, KERNEL_TESTS,
                    *(only_options(names) if names != self.kernel_tests
                      else [])]

        console = fresh_log(f"{kernel}-kernel.log")
        output = fresh_log(f"{kernel}-tests.log")
        say(f"{kernel}: booting, {len(wanted)} tests")
        status, reached = self._run_tests(kernel, wanted, command, output)
        missing = [name for name in wanted if name not in reached]
        if status == 124 or missing:
            print(tail(output, 60), flush=True)
        if status == 124:
            self.results.add("not ok", f"{kernel}/vm", f"time was up after "
                             f"{self.vm_timeout(kernel)} s; logs: {output}, {console}")
        elif missing:
            self.results.add("not ok", f"{kernel}/vm",
                             f"ended (status {status}) before {missing[0]} "
                             f"and {len(missing) - 1} others had a result; "
                             f"logs: {output}, {console}")
        elif status and not any(verdict == "not ok"
                                for verdict in reached.values()) \
                and not self._log_findings(console):
            self.results.add("not ok", f"{kernel}/vm",
                             f"status {status} though no test failed; "
                             f"log: {output}")
        findings = self._log_findings(console)
        if findings or judge_log:
            self.results.add("not ok" if findings else "ok",
                             f"{kernel}/kernel-log",
                             f"{findings[0].strip()} (log: {console})"
                             if findings else "")

    def _log_findings(self, console):
        if not console.exists():
            return ["there is no kernel log"]
        return logscan.findings(console.read_text(errors="replace"))

    def run_cli(self, kernel):
        """The command's tests."""
        self._run_judged(kernel, "cli", cli_test_names(),
                         lambda names: [CLI_TEST, *names])

    def by_group_names(self, kernel):
        """Where devices open by iommufd, some tests run once more by group."""
        patterns = kernel_entry(kernel).get("by-group", "").split()
        return [f"by-group/{name}" for name in self.kernel_tests
                if any(fnmatch.fnmatchcase(name, pattern)
                       for pattern in patterns)]

    def run_by_group(self, kernel):
        self._run_judged(kernel, "by-group", self.by_group_names(kernel),
                         lambda names: ["--test-modules", KERNEL_TESTS,
                                        "--open", "group",
                                        *only_options(names)])

    def _run_judged(self, kernel, what, names, command):
        """Run tests on a machine that judges its kernel log itself."""
        wanted = [name for name in names if self.selected(f"{kernel}/{name}")]
        if not wanted:
            return
        say(f"{kernel}: booting, {len(wanted)} tests ({what})")
        output = fresh_log(f"{kernel}-{what}.log")
        status, reached = self._run_tests(kernel, wanted, command, output,
                                          f"{what}/")
        if len(reached) < len(wanted):
            print(tail(output, 60), flush=True)
        for name in wanted:
            if name not in reached:
                self.results.add("not ok", f"{kernel}/{name}",
                                 f"did not run, log: {output}")
        if status and len(reached) == len(wanted) and \
           "not ok" not in reached.values():
            self.results.add("not ok", f"{kernel}/{what}",
                             f"status {status} though no test failed; "
                             f"log: {output}")

    def run_demo(self, kernel):
        """What scripts/demo shows."""
        name = f"{kernel}/demo"
        if not self.selected(name):
            return
        say(f"{kernel}: booting for the demo")
        output = fresh_log(f"{kernel}-demo.log")
        status, _ = self._run_machine(
            kernel, [*DEMO_OPTIONS, BUILD / "demo" / "story"], output, None)
        self.results.add("not ok" if status else "ok", name,
                         f"status {status}, log: {output}" if status else "")

    def vm_timeout(self, kernel):
        return VM_TIMEOUT * patience(kernel)

    def _run_tests(self, kernel, wanted, command, output, prefix=""):
        """(status, verdicts) of tests, on more machines where one hangs.

        That is a failure of the test that it hangs in, but where QEMU itself
        is known to have failed.
        """
        reached = {}
        for _ in range(MACHINES):
            left = [name for name in wanted if name not in reached]
            status, verdicts = self._run_machine(
                kernel, command([name.removeprefix(prefix) for name in left]),
                output, prefix)
            reached.update(verdicts)
            if status == EXIT_EMULATION:
                say(f"{kernel}: QEMU has lost an interrupt (see "
                    "tests/vm/rig/stuck.py); the rest on another machine")
            elif status == EXIT_HUNG and len(reached) < len(wanted):
                hung = next(name for name in wanted if name not in reached)
                reached[hung] = "not ok"
                print(tail(output, 60), flush=True)
                self.results.add("not ok", f"{kernel}/{hung}",
                                 f"the guest hung in it, log: {output}")
            else:
                break
        return status, reached

    def _run_machine(self, kernel, arguments, output, prefix=""):
        """(status, verdicts): those that a program prints, if prefix is one"""
        reached = {}
        with open(output, "wb") as file, subprocess.Popen(
                [TOP / "tests/vm/run", "--kernel", kernel, "--timeout",
                 str(self.vm_timeout(kernel)), "--silence",
                 str(VM_SILENCE * patience(kernel)), *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=file, preexec_fn=end_with_parent()) as machine:
            for raw in machine.stdout:
                file.write(raw)
                file.flush()
                test = parse_kernel_test(raw.decode(errors="replace").strip())
                if test and prefix is not None:
                    verdict, name, reason = test
                    name = prefix + name
                    reached[name] = verdict
                    if self.selected(f"{kernel}/{name}"):
                        self.results.add(verdict, f"{kernel}/{name}", reason)
        return machine.returncode, reached

    # All of it

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

    def names(self):
        """All names of tests, and where they run."""
        for compiler in ("gcc", "clang"):
            yield f"build/{compiler}", "host"
        for name in [*(name for _, name, _ in self.host_tests()),
                     *self.sanitized_names()]:
            yield name, "host"
        for name in self.guard_names():
            yield name, f"VM, {self.kernels[0]}"
        for name in self.checker_names():
            yield name, f"VM, {DEBUG_KERNEL}"
        for kernel in self.kernels:
            yield f"{kernel}/module-build", "build root"
            if kernel == SPARSE_KERNEL:
                yield f"{kernel}/sparse", "build root"
            for name in self.kernel_tests:
                yield f"{kernel}/{name}", f"VM, {kernel}"
            for name in ("kernel-log", *self.by_group_names(kernel),
                         *cli_test_names(), "demo"):
                yield f"{kernel}/{name}", f"VM, {kernel}"

    def list(self):
        for name, place in self.names():
            if self.selected(name):
                print(f"{name}  ({place})")
        return 0

    def run(self):
        if self.arguments.list:
            keep_stdout_clean()
        if not self.attempt("build/gcc", self.build, "gcc", BUILD):
            return self.results.close()
        try:
            self.list_kernel_tests()
        except BuildFailed as failure:
            self.results.add("not ok", "kernel-tests", str(failure))
            return self.results.close()
        if self.arguments.list:
            return self.list()
        names = [name for name, _ in self.names()]
        if not any(map(self.selected, names)):
            print(f"check: no test matches {' '.join(self.arguments.only)}",
                  file=sys.stderr)
            return 2
        guards = any(map(self.selected, self.guard_names()))
        checkers = any(map(self.selected, self.checker_names()))
        kernels = [kernel for kernel in self.kernels
                   if any(self.selected(f"{kernel}/{name}") for name in
                          [*self.kernel_tests, *cli_test_names(), "demo",
                           *self.by_group_names(kernel),
                           "module-build", "sparse", "kernel-log"])
                   or (guards and kernel == self.kernels[0])
                   or (checkers and kernel == DEBUG_KERNEL)]
        # Downloads wait for the network, builds for the processor.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            fetched = {kernel: pool.submit(self.attempt, f"{kernel}/fetch",
                                           self.fetch, kernel)
                       for kernel in kernels}
            if self.selected("build/clang"):
                self.attempt("build/clang", self.build, "clang",
                             LOGS / "clang")
            self.add_host_tests()
            ready = [kernel for kernel in kernels if fetched[kernel].result()
                     and self.attempt(f"{kernel}/module-build",
                                      self.build_module, kernel)]
        if SPARSE_KERNEL in ready and \
           self.selected(f"{SPARSE_KERNEL}/sparse"):
            self.attempt(f"{SPARSE_KERNEL}/sparse", self.build_module,
                         SPARSE_KERNEL, "--sparse")
        # A machine has two processors: give each real ones, or races and
        # time limits come out otherwise.
        with concurrent.futures.ThreadPoolExecutor(
                max(1, CPUS // 2)) as pool:
            runs = [pool.submit(step, kernel) for kernel in ready
                    for step in (self.run_kernel, self.run_by_group,
                                 self.run_cli,
                                 self.run_demo)]
            if guards and self.kernels[0] in ready:
                runs.append(pool.submit(self.run_guards, self.kernels[0]))
            if checkers and DEBUG_KERNEL in ready:
                runs.append(pool.submit(self.run_checkers))
            for run in runs:
                run.result()
        say(f"logs are in {LOGS}")
        return self.results.close()


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="check", description=__doc__,
        epilog="Exit status: 0 if no test failed and one passed, 1 if not, "
               "2 for a wrong request.")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="run the tests whose name contains NAME, or "
                             "matches it as a glob (can be repeated)")
    parser.add_argument("--kernel", action="append", metavar="K",
                        help=f"one of {', '.join(kernel_names())} (can be "
                             f"repeated; default: "
                             f"{' and '.join(DEFAULT_KERNELS)})")
    parser.add_argument("--list", action="store_true",
                        help="print the names of the tests and where they "
                             "run; boot nothing")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    try:
        for kernel in arguments.kernel or []:
            kernel_entry(kernel)
    except Failure as failure:
        print(f"check: {failure}", file=sys.stderr)
        return failure.status
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("check: another check runs in this tree", file=sys.stderr)
            return 1
        return Check(arguments).run()


if __name__ == "__main__":
    sys.exit(main())
