# SPDX-License-Identifier: MIT
"""The part of a check in which barleased is a service of a real systemd."""

from machines import MachinePart
from results import say

from rig.common import Failure
from rig.service_system import SYSTEMS, service_machine, service_test_names


class ServicePart(MachinePart):
    """Systems with systemd, each on the kernel that it is booted with."""

    def service_names(self, kernel):
        return [f"systemd/{name}" for suite, its in SYSTEMS.items()
                if its == kernel for name in service_test_names(suite)]

    def other_names_on(self, kernel):
        return [*super().other_names_on(kernel), *self.service_names(kernel)]

    def other_steps(self, kernel):
        steps = super().other_steps(kernel)
        return [*steps, self.run_services] if self.service_names(kernel) \
            else steps

    def run_services(self, kernel):
        names = self.service_names(kernel)
        if not any(self.selected(f"{kernel}/{name}") for name in names):
            return
        suite = next(suite for suite, its in SYSTEMS.items() if its == kernel)
        say(f"{kernel}: a system with systemd (a first time: about 45 MB to "
            "download, half a minute to install)")
        try:
            machine = service_machine(suite)
        except Failure as failure:
            self.results.add("not ok", f"{kernel}/systemd", str(failure))
            return
        self.run_judged(kernel, "systemd", names,
                        lambda wanted: [*machine, *wanted])
