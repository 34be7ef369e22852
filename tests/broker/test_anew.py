#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barleased that cannot go on, and begins anew: usage: test_anew.py BARLEASED
LESSEE
"""

import os
import sys

import tap
from policies import ALL
from test_resume import Kept, entry


def policy_become(text):
    """As one of a version that took it for right."""
    def spoil(lending):
        with os.fdopen(os.memfd_create("policy"), "wb") as policy:
            policy.write(text)
            policy.flush()
            os.dup2(policy.fileno(), entry(lending, "policy")[1])
    return spoil


MISTAKEN = policy_become(b"[What]\n\n[Pool\nsize = 1\n")


def spoiled(lending, spoil):
    """It is cut off, and what is kept of it is spoiled."""
    lending.lessee().get("queues")
    lending.kill()
    spoil(lending)
    lending.told.clear()


def test_mistakes_of_the_policy_that_was_kept_are_told():
    with Kept(ALL) as lending:
        spoiled(lending, MISTAKEN)
        lending.start_again()
        mistakes = lending.lines("mistake")
        assert len(mistakes) > 1, lending.said()
        assert {mistake["policy"] for mistake in mistakes} == {"kept"}
        assert mistakes[0]["at"] == f"{lending.file}:1", mistakes
        assert "What" in mistakes[0]["reason"], mistakes
        failed, = lending.lines("resume-failed")
        assert failed["error"] == "the policy before has mistakes", failed
        # And those of the file are as ever.
        lending.reload("[What]\n", "policy-rejected")
        assert "policy" not in lending.lines("mistake")[-1]


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
