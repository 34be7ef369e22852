#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What fish and zsh really offer; bash is asked by test_completion.py.

usage: test_shells.py BARLEASE BARLEASE_IN_TREE SOURCE
"""

import re
import sys

from command import barlease
from shells import offered_by_fish, offered_by_zsh

import tap # of tests/broker, by command.py


def commands():
    return [name for name in re.findall(r"^  ([a-z]+) +[A-Za-z]",
                                        barlease("--help")[0], re.MULTILINE)
            if name != "barlease"]


def options(command):
    """Those that its help has in the lines of its usage, and help itself."""
    usage = barlease(command, "--help")[0].split("\n\n")[0].split("[--]")[0]
    return {"--help", *re.findall(r"--[a-z][a-z-]*", usage)}


VALUES = {
    "barlease re": {"recall", "request", "reset", "revoke"},
    "barlease request --access ": {"rw", "ro"},
    "barlease request --cache w": {"wc"},
    "barlease run --open ": {"iommufd", "group"},
    "barlease fill --width 6": {"64"},
    "barlease recall --grace for": {"forever"},
    "barlease bind --driver vfio": {"vfio-pci"},
    "barlease explain EDQ": {"EDQUOT"},
}

# Behind a slice there is a command, which has its own completion.
BEHIND = {
    "barlease request queues -- barlease fi": {"fill"},
    "barlease request --wait 5s queues barlease fi": {"fill"},
    "barlease run --over-msix x -- barlease bind --fo": {"--force"},
}


def check(offered_by):
    wanted = {f"barlease {command} --": options(command)
              for command in commands()} | VALUES | BEHIND
    offered = offered_by([*wanted, "barlease "])
    everything = set(offered.pop("barlease "))
    assert {*commands(), "help"} <= everything, everything
    for line, words in offered.items():
        assert set(words) == wanted[line], (line, words)


def test_fish_offers_what_there_is():
    check(offered_by_fish)


def test_zsh_offers_what_there_is():
    check(offered_by_zsh)


tap.run(tap.tests_of(sys.modules[__name__]))
