#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are accesses to devices single instructions, in the order that is promised?

usage: order.py INCLUDE SOURCE PROCESSOR COMPILER
"""

import re
import subprocess
import sys

# The instructions of each function that touch memory or order it.
WANTED = {
    "x86_64": {
        "read8": [r"mov(zbl|b) \(%rdi\)"],
        "read16": [r"mov(zwl|w) \(%rdi\)"],
        "read32": [r"movl \(%rdi\)"],
        "read64": [r"movq \(%rdi\)"],
        "write8": [r"movb .*\(%rdi\)"],
        "write16": [r"movw .*\(%rdi\)"],
        "write32": [r"movl .*\(%rdi\)"],
        "write64": [r"movq .*\(%rdi\)"],
        "doorbell": [r"movl \$1, \(%rdi\)", r"movl \$2, \(%rsi\)",
                     r"movl \$3, \(%rdi\)"],
        "status": [r"\w+l \(%rdi\)", r"\w+l \(%rsi\)", r"\w+l \(%rdi\)"],
        "flush": [r"movl \$1, \(%rdi\)", "sfence", r"movl \$3, \(%rdi\)"],
    },
    "aarch64": {
        "read8": [r"ldrb .*\[x0\]"],
        "read16": [r"ldrh .*\[x0\]"],
        "read32": [r"ldr w\d+, \[x0\]"],
        "read64": [r"ldr x\d+, \[x0\]"],
        "write8": [r"strb w1, \[x0\]"],
        "write16": [r"strh w1, \[x0\]"],
        "write32": [r"str w1, \[x0\]"],
        "write64": [r"str x1, \[x0\]"],
        "doorbell": [r"str w\d+, \[x0\]", "dmb oshst", r"str w\d+, \[x1\]",
                     r"str w\d+, \[x0\]"],
        "status": [r"ldr w\d+, \[x\d+\]", r"ldr w\d+, \[x1\]", "dmb oshld",
                   r"ldr w\d+, \[x\d+\]"],
        "flush": [r"str w\d+, \[x0\]", "dsb oshst", r"str w\d+, \[x0\]"],
    },
}
MATTERS = re.compile(r"\(%r[ds]i\)|\[x\d+\]|fence|dmb|dsb")


def functions(assembly):
    """What matters of each function, in order."""
    name, found = None, {}
    for line in assembly.splitlines():
        label = re.match(r"(\w+):", line)
        if label:
            name = label[1]
        # Not directives, which begin with a dot.
        elif re.match(r"\s+[a-z]", line) and MATTERS.search(line):
            line = " ".join(line.split("#")[0].split())
            found.setdefault(name, []).append(line)
    return found


def main():
    include, source, processor, *compiler = sys.argv[1:]
    assembly = subprocess.run(
        [*compiler, "-std=gnu11", "-O2", "-fcf-protection=none" if
         processor == "x86_64" else "-O2", f"-I{include}", "-S", "-o", "-",
         source], check=True, capture_output=True, text=True).stdout
    found = functions(assembly)
    wanted = WANTED[processor]
    print(f"1..{len(wanted)}")
    for number, (name, patterns) in enumerate(wanted.items(), 1):
        lines = found.get(name, [])
        good = len(lines) == len(patterns) and all(
            re.match(pattern, line) for pattern, line in zip(patterns, lines))
        print("ok" if good else "not ok", number, "-", name)
        if not good:
            print("#", "; ".join(lines))


main()
