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
        self._run_python(MODEL, "model", self.model_names(),
                         "searching the model of a lease's life (45 s of "
                         "processor)")

    def _run_python(self, file, prefix, names, progress=None):
        """Run the tests of a Python file that are selected, if there are any."""
        wanted = [name.removeprefix(f"{prefix}/") for name in names
                  if self.selected(name)]
        if wanted and progress:
            say(progress)
        if wanted:
            self.add_selected(self.python_tests(file, prefix, None, wanted))

    def style_names(self):
        """What tests the next two."""
        return [f"style/{name}" for name in python_test_names(STYLE)]

    def run_style(self):
        self._run_python(STYLE, "style", self.style_names())

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
