# SPDX-License-Identifier: MIT
"""Build everything and run all tests; the last line sums up."""

import argparse
import concurrent.futures
import fcntl
import sys
import traceback

from analysis import AnalysisPart
from fuzzing import FuzzPart
from host import CPUS, HostPart
from machines import DEBUG_KERNEL, DEFAULT_KERNELS
from results import keep_stdout_clean, say
from services import ServicePart
from shipping import ShippingPart
from steps import BUILD, LOGS, BuildFailed

from rig.common import Failure, kernel_entry, kernel_names

# The other kernel's headers come without what sparse needs.
SPARSE_KERNEL = "6.12"
STYLE_KERNELS = {SPARSE_KERNEL, DEBUG_KERNEL}


class Check(AnalysisPart, FuzzPart, HostPart, ShippingPart, ServicePart):
    """One run of all the steps."""

    def names(self):
        """All names of tests, and where they run."""
        for compiler in ("gcc", "clang"):
            yield f"build/{compiler}", "host"
        for name in [*(name for _, name, _ in self.host_tests()),
                     *self.sanitized_names()]:
            yield name, "host"
        for name in (*self.model_names(), *self.fuzz_names()):
            yield name, "host"
        for name in self.style_names_here():
            yield name, "host, build root"
        for name in self.guard_names():
            yield name, f"VM, {self.kernels[0]}"
        for suite in self.suites():
            for name in self.shipping_names(suite):
                yield name, f"system of {suite}"
        for kernel in self.kernels:
            for name in self.checker_names(kernel):
                yield name, f"VM, {kernel}"
            yield f"{kernel}/module-build", "build root"
            if kernel == SPARSE_KERNEL:
                yield f"{kernel}/sparse", "build root"
            if kernel == DEBUG_KERNEL:
                yield f"{kernel}/checkpatch", "host"
            for name in (*self.names_on(kernel), "kernel-log",
                         *self.other_names_on(kernel)):
                yield f"{kernel}/{name}", f"VM, {kernel}"

    def style_names_here(self):
        return self.style_names() if STYLE_KERNELS <= set(self.kernels) else []

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
        styles = any(map(self.selected, self.style_names_here()))
        checkers = [kernel for kernel in self.kernels
                    if any(map(self.selected, self.checker_names(kernel)))]
        kernels = [kernel for kernel in self.kernels
                   if any(self.selected(f"{kernel}/{name}") for name in
                          [*self.names_on(kernel),
                           *self.other_names_on(kernel), "module-build",
                           "sparse", "checkpatch", "kernel-log"])
                   or (guards and kernel == self.kernels[0])
                   or (styles and kernel in STYLE_KERNELS)
                   or kernel in checkers]
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
        self.run_model()
        self.run_parsers()
        if SPARSE_KERNEL in ready and \
           self.selected(f"{SPARSE_KERNEL}/sparse"):
            self.attempt(f"{SPARSE_KERNEL}/sparse", self.sparse, SPARSE_KERNEL)
        if DEBUG_KERNEL in ready and \
           self.selected(f"{DEBUG_KERNEL}/checkpatch"):
            self.attempt(f"{DEBUG_KERNEL}/checkpatch", self.checkpatch)
        if STYLE_KERNELS <= set(ready):
            self.run_style()
        # A machine has two processors: give each real ones, or races and
        # time limits come out otherwise.
        with concurrent.futures.ThreadPoolExecutor(
                max(1, CPUS // 2)) as pool:
            runs = [pool.submit(step, kernel) for kernel in ready
                    for step in (self.run_kernel, *self.other_steps(kernel))]
            if guards and self.kernels[0] in ready:
                runs.append(pool.submit(self.run_guards, self.kernels[0]))
            runs += [pool.submit(self.run_checkers, kernel)
                     for kernel in checkers if kernel in ready]
            if self.ships():
                runs.append(pool.submit(self.run_shipping))
            for run in runs:
                self.lost(run.exception())
        say(f"logs are in {LOGS}")
        return self.results.close()

    def lost(self, error):
        """A mistake in this program must not hide what the others found."""
        if error:
            traceback.print_exception(error)
            self.results.add("not ok", "check/steps", repr(error))


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
