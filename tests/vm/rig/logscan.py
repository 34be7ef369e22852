# SPDX-License-Identifier: MIT
"""Look for trouble in a kernel log."""

import re

# What no test may cause. Only a test that is about the kernel's own reporting
# could want one of these; there is none.
FINDING = re.compile(
    r"WARNING|\bBUG\b|\bOops\b|Call Trace|possible circular|INFO: possible"
    r"|INFO: task .* blocked|INFO: trying to register|rcu.*stall"
    r"|suspicious RCU|KASAN|KCSAN|KFENCE|UBSAN|refcount_t"
    r"|general protection|[Uu]nable to handle|soft lockup|hard LOCKUP"
    r"|kmemleak|ODEBUG|DMA-API: .*disabling|Modules linked in|Kernel panic|DMAR: \[.*fault"
    r"|bad p[gu4m]d|DEBUG_LOCKS_WARN_ON|list_(?:add|del) (?:corruption|double)|lockdep")

# A driver built out of tree and unsigned says so when it is loaded; the rest
# are announcements at boot.
NORMAL = re.compile(
    r"loading out-of-tree module taints kernel"
    r"|module verification failed: signature"
    r"|RCU CPU stall warnings timeout set to"
    r"|RCU lockdep checking is enabled"
    r"|Lock dependency validator"
    r"|(?:kasan|KASAN|KernelAddressSanitizer): .*(?:initialized|enabled)"
    r"|kfence: initialized"
    r"|kmemleak: Kernel memory leak detector initialized"
    r"|[Cc]ommand line:")

# Between these a test lets a device use addresses that it has no more.
FAULTS_BEGIN = "barlease-test: DMA faults are expected"
FAULTS_END = "barlease-test: no more DMA faults"
DMA_FAULT = re.compile(r"DMAR: \[.*fault")

# A data race is ours if one of the two accesses is made by a function of ours or
# for one: in what it calls, or what that calls. Further down are those that the
# kernel has on its own behalf, as in the IOMMU's driver when a lease is imported,
# and the kernel has many. A report ends with a line like this.
RACE = "BUG: KCSAN:"
RACE_ENDS = "=" * 20
FRAME = re.compile(r"^(?:\[[^]]*\] )? \S+\+0x")
OUR_CODE = re.compile(r"\[barlease_\w+\]")
OUR_DEPTH = 3

CONTEXT_AFTER = 30


def _is_foreign_race(lines, index):
    if RACE not in lines[index]:
        return False
    depth = 0
    for line in lines[index + 1:]:
        depth = depth + 1 if FRAME.match(line) else 0
        if 0 < depth <= OUR_DEPTH and OUR_CODE.search(line):
            return False
        if RACE_ENDS in line:
            return True
    return False # who knows what was to follow


def _found(lines):
    """The indices of the lines that no run may have."""
    expected = False
    for index, line in enumerate(lines):
        if FAULTS_BEGIN in line or FAULTS_END in line:
            expected = FAULTS_BEGIN in line
        elif FINDING.search(line) and not NORMAL.search(line) \
                and not (expected and DMA_FAULT.search(line)) \
                and not _is_foreign_race(lines, index):
            yield index


def foreign_races(text):
    """How many data races are reported that are none of ours."""
    lines = text.splitlines()
    return sum(_is_foreign_race(lines, index) for index in range(len(lines)))


def findings(text):
    """The lines of a kernel log that no run may have."""
    lines = text.splitlines()
    return [lines[index] for index in _found(lines)]


def report(text):
    """The first finding with what follows it, for a person to read."""
    lines = text.splitlines()
    for index in _found(lines):
        return lines[max(0, index - 2):index + CONTEXT_AFTER]
    return []


def tail(text, count=40):
    return text.splitlines()[-count:]
