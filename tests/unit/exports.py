#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shared library exports the functions of its headers and nothing else.

usage: exports.py LIBRARY HEADER...
"""

import re
import subprocess
import sys


def declared(header):
    with open(header, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    # What is defined there, or is of one object alone, is not the library's.
    text = re.sub(r"^(static|BARLEASE_OBJECT_|#).*?(\n\n|\Z)", "\n", text,
                  flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"\b(barlease_\w+)\s*\(", text))


def exported(library):
    out = subprocess.run(
        ["nm", "-D", "--defined-only", library],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = {line.split()[-1] for line in out.splitlines()}
    # The version's own name is listed, too.
    return {name for name in names if not name.startswith("BARLEASE_")}


def main():
    library, *headers = sys.argv[1:]
    want = set().union(*map(declared, headers))
    have = {name.split("@")[0] for name in exported(library)}
    versions = {name.split("@")[-1] for name in exported(library)}
    flags = subprocess.run(["readelf", "-d", library], check=True,
                           capture_output=True, text=True).stdout
    print("1..4")
    for number, (name, wrong) in enumerate(
        [
            ("every_function_of_the_headers_is_exported", want - have),
            ("nothing_else_is_exported", have - want),
            ("all_have_a_version", versions - {"BARLEASE_0.1"}),
            # It may have set a handler of SIGBUS.
            ("the_library_is_never_unloaded",
             set() if "NODELETE" in flags else {library}),
        ],
        1,
    ):
        print("not ok" if wrong else "ok", number, "-", name)
        for symbol in sorted(wrong):
            print("#", symbol)


main()
