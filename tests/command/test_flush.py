#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is what was stored to a write-combining lease sent before its mapping ends?

No emulator keeps such stores back, and nothing shows it from outside: so this
looks at the instructions. usage: test_flush.py LIBRARY_OF_THE_COMMAND
"""

import pathlib
import re
import subprocess
import sys

LIBRARY = sys.argv[1]

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "broker"))

import tap # of tests/broker


def instructions(function):
    """Those of a function, with the names of what is called."""
    code = subprocess.run(
        ["objdump", "--disassemble", "--reloc", "--no-show-raw-insn",
         LIBRARY], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^[0-9a-f]+ <{function}>:\n(.*?)\n\n", code,
                      re.MULTILINE | re.DOTALL)
    assert found, function
    return found[1]


def with_flush(code):
    """They, with those of barlease_wc_flush() where it is called: a compiler
    that does not optimize has not put it there."""
    call = re.compile(r"^.*\bbarlease_wc_flush\b.*$", re.MULTILINE)
    if call.search(code):
        flush = instructions("barlease_wc_flush")
        code = call.sub(lambda _: flush, code)
    return code


def test_stores_are_sent_before_the_mapping_ends():
    code = with_flush(instructions("window_end"))
    flush = re.search(r"\b(sfence|dsb\s+oshst)\b", code)
    end = re.search(r"\bbarlease_map_end\b", code)
    assert flush and end and flush.start() < end.start(), code


tap.run(tap.tests_of(sys.modules[__name__]))
