# SPDX-License-Identifier: MIT
"""Run the functions of a module that are named test_..., as TAP."""

import traceback


class Skipped(Exception):
    """What the test needs is not there."""


def run(tests):
    """Each of [function, ...] is told by its name; all are run."""
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        name = test.__name__.removeprefix("test_")
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Skipped as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception: # pylint: disable=broad-except
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)


def tests_of(module):
    return [value for name, value in vars(module).items()
            if name.startswith("test_")]
