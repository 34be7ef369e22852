#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barleased that cannot go on, and begins anew: usage: test_anew.py BARLEASED
LESSEE
"""

import os
import sys
import time

import tap
from policies import ALL
from test_resume import Kept, entry, lose, write


def policy_become(text):
    """As one of a version that took it for right."""
    def spoil(lending):
        with os.fdopen(os.memfd_create("policy"), "wb") as policy:
            policy.write(text)
            policy.flush()
            os.dup2(policy.fileno(), entry(lending, "policy")[1])
    return spoil


MISTAKEN = policy_become(b"[What]\n\n[Pool\nsize = 1\n")
SPOILS = (write(0, b"x"), lose("policy"), MISTAKEN)


def spoiled(lending, spoil):
    """It is cut off, and what is kept of it is spoiled."""
    lending.lessee().get("queues")
    lending.kill()
    spoil(lending)
    lending.told.clear()


def places(lending, key, name=""):
    """Of those messages, among what was told."""
    return [place for place, message in enumerate(lending.told)
            if key in message and message.get("FDNAME", "").startswith(name)]


def test_the_manager_has_let_go_of_devices_before_they_are_opened_anew():
    for spoil in SPOILS:
        with Kept(ALL) as lending:
            spoiled(lending, spoil)
            lending.start_again()
            lending.hear_of("READY")
            assert lending.lines("resume-failed"), lending.said()
            barrier, = places(lending, "BARRIER")
            assert max(places(lending, "FDSTOREREMOVE", "device/")) < barrier
            assert barrier < min(places(lending, "FDSTORE", "device/"))


def test_devices_without_a_policy_are_let_go_of_too():
    with Kept(ALL) as lending:
        lending.kill()
        lose("policy")(lending)
        lending.told.clear()
        lending.start_again()
        lending.hear_of("READY")
        assert not lending.lines("resume-failed"), lending.said()
        barrier, = places(lending, "BARRIER")
        assert max(places(lending, "FDSTOREREMOVE", "device/")) < barrier
        assert barrier < min(places(lending, "FDSTORE", "device/"))


def test_who_goes_on_or_has_nothing_to_go_on_with_does_not_wait():
    with Kept(ALL) as lending:
        lending.hear_of("READY")
        assert not places(lending, "BARRIER"), lending.told
        spoiled(lending, lambda lending: None)
        lending.start_again()
        lending.hear_of("READY")
        assert not places(lending, "BARRIER"), lending.told


class Deaf(Kept):
    """A manager that does not get round to what it is told."""

    def keep(self, message, fds):
        if "BARRIER" in message:
            self.sockets += [("barrier", os.fdopen(fd)) for fd in fds]
        else:
            super().keep(message, fds)


def test_a_manager_that_takes_its_time_is_not_waited_for_for_ever():
    with Deaf(ALL) as lending:
        spoiled(lending, MISTAKEN)
        begin = time.monotonic()
        lending.start_again()
        assert 2 < time.monotonic() - begin < 20
        lending.lessee().get("queues")


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
