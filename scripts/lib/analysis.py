# SPDX-License-Identifier: MIT
"""The part of a check that runs nothing of ours: the model, and style."""

from part import Part, python_test_names
from results import say
from steps import TOP, BuildFailed, fresh_log, run_logged, tail

MODEL = "tests/model/test_lifecycle.py"
STYLE = "tests/style/test_style.py"
# What has kernel modules in kmod/.
MODULES = [TOP, TOP / "tests/kernel/modules"]


class AnalysisPart(Part):
    """Those who look at a model, or at sources."""

    def model_names(self):
        return [f"model/{name}" for name in python_test_names(MODEL)]

    def run_model(self):
        """Does the model hold, and are the mistakes in it found?"""
        names = [name.removeprefix("model/") for name in self.model_names()
                 if self.selected(name)]
        if names:
            say("searching the model of a lease's life (45 s of processor)")
            self.add_selected(self.python_tests(MODEL, "model", None, names))

    def style_names(self):
        """What tests the next two."""
        return [f"style/{name}" for name in python_test_names(STYLE)]

    def run_style(self):
        names = [name.removeprefix("style/") for name in self.style_names()
                 if self.selected(name)]
        if names:
            self.add_selected(self.python_tests(STYLE, "style", None, names))

    def sparse(self, kernel):
        """Of the driver and of the modules of tests."""
        log = fresh_log("sparse.log")
        say(f"{kernel}: building the modules with sparse")
        for source in MODULES:
            if run_logged([TOP / "tests/vm/module-build", kernel, "--sparse",
                           "--source", source], log):
                print(tail(log), flush=True)
                raise BuildFailed(f"it complains, log: {log}")

    def checkpatch(self):
        """Of all C; scripts/checkpatch has the exceptions."""
        log = fresh_log("checkpatch.log")
        say("checking the style of all C (half a minute of processor)")
        if run_logged([TOP / "scripts/checkpatch"], log):
            print(tail(log), flush=True)
            raise BuildFailed(f"it complains, log: {log}")
