# SPDX-License-Identifier: MIT
"""The part of a check that runs nothing of ours: the model, and style."""

from part import Part, python_test_names
from results import say
from steps import TOP, BuildFailed, fresh_log, run_logged, tail

MODEL = "tests/model/test_lifecycle.py"


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

    def checkpatch(self):
        """Of the kernel code; scripts/checkpatch has the exceptions."""
        log = fresh_log("checkpatch.log")
        if run_logged([TOP / "scripts/checkpatch"], log):
            print(tail(log), flush=True)
            raise BuildFailed(f"it complains, log: {log}")
