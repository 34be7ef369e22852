# SPDX-License-Identifier: MIT
"""Tests on machines: more machines where one fails, and a second look."""

import fnmatch
import subprocess

from part import Part
from results import parse_kernel_test, say
from steps import TOP, end_with_parent, fresh_log, tail

from rig import logscan, stuck
from rig.common import EXIT_EMULATION, EXIT_HUNG, patience

VM_TIMEOUT = 1500
# Each program there has something to say more often than that.
VM_SILENCE = 90
# How many machines may be tried where QEMU itself fails, or a guest hangs.
MACHINES = 3
# So many times a test that failed must pass on further machines, not to count
# as failed; where more than a few fail, it is not for lack of luck.
LOOKS = 3
FEW = 4
# What looks for things that happen rarely must not find any.
NO_SECOND_LOOK = ["*race*", "*stress*", "fuzz/*"]
# What kernel-tests says of a test that failed and left something, too.
LEFT_BEHIND = "; afterwards: "
# Before that a machine that hung had said nothing of it: see session.py.
HUNG_MARK = "NMI received for unknown reason"


class Runs:
    """What came of some tests on one machine or more."""

    def __init__(self, output, console):
        self.output = output
        self.console = console
        self.status = 0
        self.reached = {}
        self.failures = {}
        self.findings = []

    def all_passed(self):
        return not any(verdict == "not ok"
                       for verdict in self.reached.values())

    def add(self, verdict, name, reason):
        self.reached[name] = verdict
        if verdict == "not ok":
            self.failures[name] = reason

    def scan(self, status):
        """Add what the log of the last machine has."""
        if not self.console.exists():
            self.findings.append("there is no kernel log")
            return
        text = self.console.read_text(errors="replace")
        if status == EXIT_HUNG:
            text = text.partition(HUNG_MARK)[0]
        if status == EXIT_EMULATION:
            text = stuck.without_complaints(text)
        self.findings += logscan.findings(text)


class RunPart(Part):
    """Runs tests on machines."""

    def vm_timeout(self, kernel):
        return VM_TIMEOUT * patience(kernel)

    def run_tests(self, kernel, what, wanted, command, prefix=""):
        """Run tests, on more machines where one fails.

        A guest that hangs is a failure of the test that it hangs in, but where
        QEMU itself is known to have failed.
        """
        label = f"{kernel}-{what}"
        runs = Runs(fresh_log(f"{label}.log"), fresh_log(f"{label}-kernel.log"))
        for _ in range(MACHINES):
            left = [name for name in wanted if name not in runs.reached]
            runs.status = self._run_some(kernel, left, command, prefix, runs)
            if runs.status == EXIT_EMULATION:
                say(f"{kernel}: QEMU itself has failed; the rest on another "
                    "machine")
            elif runs.status == EXIT_HUNG and len(runs.reached) < len(wanted):
                hung = next(name for name in wanted
                            if name not in runs.reached)
                print(tail(runs.output, 60), flush=True)
                runs.add("not ok", hung, "the guest hung in it, "
                                         f"log: {runs.output}")
            else:
                break
            if len(runs.reached) == len(wanted):
                break
        self._judge_failures(kernel, command, prefix, runs)
        return runs

    def _run_some(self, kernel, names, command, prefix, runs):
        """Run tests on one machine; return its status."""
        def note(verdict, name, reason):
            name = prefix + name
            runs.add(verdict, name, reason)
            if verdict == "not ok":
                say(f"failed: {kernel}/{name}: {reason}")
            elif self.selected(f"{kernel}/{name}"):
                self.results.add(verdict, f"{kernel}/{name}", reason)

        runs.console.unlink(missing_ok=True)
        return self._run_and_scan(kernel, names, command, prefix, runs, note)

    def _run_and_scan(self, kernel, names, command, prefix, runs, note):
        status = self.run_machine(
            kernel, ["--log", runs.console,
                     *command([name.removeprefix(prefix) for name in names])],
            runs.output, note)
        runs.scan(status)
        return status

    def _judge_failures(self, kernel, command, prefix, runs):
        """A failure is one, unless it does not happen again and is harmless.

        Emulated machines on a busy host do strange things at times. Trouble
        in the kernel's log and anything left behind always counts.
        """
        failures = {name: reason for name, reason in runs.failures.items()
                    if self.selected(f"{kernel}/{name}")}
        unsteady = self.look_again(kernel, failures, command, prefix, runs)
        for name, reason in failures.items():
            if name in unsteady:
                self.results.add_unsteady(f"{kernel}/{name}", reason)
            else:
                self.results.add("not ok", f"{kernel}/{name}", reason)

    def look_again(self, kernel, failures, command, prefix, runs):
        """Which of the tests that failed pass by themselves, each time?"""
        names = [name for name, reason in failures.items()
                 if LEFT_BEHIND not in reason
                 and not any(fnmatch.fnmatchcase(name, pattern)
                             for pattern in NO_SECOND_LOOK)]
        if runs.findings or not names or len(runs.failures) > FEW:
            return []
        for look in range(1, LOOKS + 1):
            say(f"{kernel}: look {look} of {LOOKS} at {' '.join(names)}")
            again = Runs(runs.output, fresh_log(f"{runs.output.stem}-again-"
                                                f"{look}-kernel.log"))
            self._run_and_scan(
                kernel, names, command, prefix, again,
                lambda verdict, name, reason, again=again:
                again.add(verdict, prefix + name, reason))
            if again.findings:
                return []
            names = [name for name in names
                     if again.reached.get(name) == "ok"]
            if not names:
                return []
        return names

    def run_machine(self, kernel, arguments, output, note=None):
        """Run a program on a machine; return the status.

        note: called with each verdict, name and reason that it prints
        """
        with open(output, "ab") as file, subprocess.Popen(
                [TOP / "tests/vm/run", "--kernel", kernel, "--timeout",
                 str(self.vm_timeout(kernel)), "--silence",
                 str(VM_SILENCE * patience(kernel)), *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=file, preexec_fn=end_with_parent()) as machine:
            for raw in machine.stdout:
                file.write(raw)
                file.flush()
                test = parse_kernel_test(raw.decode(errors="replace").strip())
                if test and note:
                    note(*test)
        return machine.returncode
