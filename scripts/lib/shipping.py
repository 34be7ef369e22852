# SPDX-License-Identifier: MIT
"""The part of a check that is about DKMS: install, upgrade, remove, load."""

import subprocess

from machines import KERNEL_TESTS, MachinePart, only_options
from results import parse_kernel_test, say
from runs import Runs
from steps import BUILD, TOP, BuildFailed, end_with_parent, fresh_log, tail

RUN = TOP / "tests/dkms/run"
# The newest kernel of each is one of the list.
SUITES = {"bookworm": "6.12", "trixie": "7.3"}
# Where the module that DKMS has built is loaded, too.
LOADED = "bookworm"
LOADED_TEST = "module_of_dkms_passes_kernel_tests"
MODULE = BUILD / "dkms" / LOADED / "barlease-vfio-pci.ko"
BUILDS_IT = "install_builds_for_each_kernel"
# What shows that a module works, and not that of another kernel or version.
SOME_TESTS = ["revoke_ends_*", "export_probe_*", "mmap_*"]


class ShippingPart(MachinePart):
    """Systems with DKMS."""

    def suites(self):
        return [suite for suite, kernel in SUITES.items()
                if kernel in self.kernels]

    def shipping_names(self, suite):
        out = subprocess.run([RUN, suite, "--list"], capture_output=True,
                             text=True, check=True).stdout.split()
        if suite == LOADED:
            out.append(LOADED_TEST)
        return [f"dkms/{suite}/{name}" for name in out]

    def ships(self):
        return any(self.selected(name) for suite in self.suites()
                   for name in self.shipping_names(suite))

    def run_shipping(self):
        for suite in self.suites():
            self._run_suite(suite)

    def _run_suite(self, suite):
        prefix = f"dkms/{suite}/"
        wanted = [name.removeprefix(prefix)
                  for name in self.shipping_names(suite)
                  if self.selected(name)]
        if not wanted:
            return
        inside = [name for name in wanted if name != LOADED_TEST]
        if LOADED_TEST in wanted and BUILDS_IT not in inside:
            inside = [BUILDS_IT, *inside]
        if BUILDS_IT in inside and suite == LOADED:
            MODULE.unlink(missing_ok=True)
        log = fresh_log(f"dkms-{suite}.log")
        say(f"{prefix}: {len(wanted)} tests (a first time: about 120 MB to "
            "download, a minute to install)")
        options = ["--for-kernel", SUITES[suite]] if LOADED_TEST in wanted \
            else []
        reached = {}
        with open(log, "wb") as file, subprocess.Popen(
                [RUN, *options, suite, *inside], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=file, text=True,
                preexec_fn=end_with_parent()) as process:
            for line in process.stdout:
                test = parse_kernel_test(line.strip())
                if test:
                    verdict, name, reason = test
                    reached[name] = verdict
                    self.add_selected([(verdict, prefix + name, reason)])
        missing = [name for name in inside if name not in reached]
        for name in missing:
            self.results.add("not ok", prefix + name,
                             f"did not run, log: {log}")
        if LOADED_TEST in wanted:
            if reached.get(BUILDS_IT) == "ok":
                self.attempt(prefix + LOADED_TEST, self._load)
            else:
                self.results.add("not ok", prefix + LOADED_TEST, "not built")

    def _load(self):
        """Do kernel tests pass with the module that DKMS has built?"""
        kernel = SUITES[LOADED]
        runs = Runs(fresh_log("dkms-load.log"),
                    fresh_log("dkms-load-kernel.log"))

        def command(names):
            return ["--test-modules", "--module", MODULE, KERNEL_TESTS,
                    *names]

        say(f"{kernel}: booting with the module of DKMS")
        status = self.run_machine(
            kernel, ["--log", runs.console,
                     *command([word for name in SOME_TESTS
                               for word in ("--only", name)])],
            runs.output, runs.add)
        if not status:
            return
        runs.scan(status)
        unsteady = self.look_again(
            kernel, runs.failures,
            lambda names: command(only_options(names)), "", runs)
        if runs.findings or not runs.failures or \
           set(unsteady) != set(runs.failures):
            print(tail(runs.output), flush=True)
            raise BuildFailed(f"log: {runs.output}")
        for name in unsteady:
            self.results.note_unsteady(f"{kernel}/{name}, module of DKMS",
                                       runs.failures[name])
