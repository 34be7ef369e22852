# SPDX-License-Identifier: MIT
"""Run the tests of one Python file; print a verdict for each of them.

python3 pytests.py FILE [NAME...]     NAME: as in ok NAME, without test_
"""

import importlib.util
import pathlib
import sys
import traceback
import unittest


class Lines(unittest.TestResult):
    """Prints one line per test: ok NAME, skip NAME: why, not ok NAME: why."""

    def __init__(self, out):
        super().__init__()
        self.buffer = True
        self.out = out
        self.trouble = {}

    def _print(self, verdict, test, reason=""):
        name = test.id().split(".")[-1].removeprefix("test_")
        # What fails outside of a test is called "setUpClass (file.Class)".
        name = name.split(" ")[0].rstrip(")")
        reason = " ".join(reason.split())
        print(f"{verdict} {name}{': ' if reason else ''}{reason}",
              file=self.out, flush=True)

    def _failed(self, test, error):
        traceback.print_exception(*error, file=sys.__stderr__)
        lines = traceback.format_exception_only(*error[:2])
        return self.trouble.setdefault(test.id(), lines[-1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._print("not ok", test, self._failed(test, err))

    def addError(self, test, err):
        super().addError(test, err)
        self._print("not ok", test, self._failed(test, err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None: # the test itself will not be told
            first = test.id() not in self.trouble
            reason = self._failed(test, err)
            if first:
                self._print("not ok", test, reason)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._print("skip", test, reason)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._print("ok", test)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._print("ok", test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._print("not ok", test, "was expected to fail")


def every_test(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from every_test(test)
        else:
            yield test


def main():
    path = pathlib.Path(sys.argv[1])
    names = {f"test_{name}" for name in sys.argv[2:]}
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    tests = unittest.defaultTestLoader.loadTestsFromModule(module)
    chosen = unittest.TestSuite(
        test for test in every_test(tests)
        if not names or test.id().split(".")[-1] in names)
    result = Lines(sys.stdout)
    chosen.run(result)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
