# SPDX-License-Identifier: MIT
"""The part of a check that fuzzes what others have written."""

import os

from part import Part
from results import parse_kernel_test, say
from steps import TOP, fresh_log, run_logged

RUN = TOP / "tests/fuzz/run"
TARGETS = ("packet", "lessee", "server", "policy", "control", "kept",
           "command")
# How long each of them runs, all at once.
SECONDS = int(os.environ.get("BARLEASE_FUZZ_SECONDS", "60"))


class FuzzPart(Part):
    """Inputs that nobody thought of."""

    def fuzz_names(self):
        return [f"fuzz/{name}" for name in TARGETS]

    def run_parsers(self):
        wanted = [name.removeprefix("fuzz/") for name in self.fuzz_names()
                  if self.selected(name)]
        if not wanted:
            return
        log = fresh_log("fuzz.log")
        say(f"fuzzing what others have written for {SECONDS} s")
        run_logged([RUN, "--seconds", str(SECONDS), *wanted], log)
        missing = set(wanted)
        for line in log.read_text(errors="replace").splitlines():
            test = parse_kernel_test(line)
            if test and test[1] in missing:
                missing.remove(test[1])
                verdict, name, sentence = test
                if verdict == "ok":
                    say(f"fuzz/{name}: {sentence}")
                    sentence = ""
                self.results.add(verdict, f"fuzz/{name}", sentence)
        for name in sorted(missing):
            self.results.add("not ok", f"fuzz/{name}",
                             f"did not run, log: {log}")
