# SPDX-License-Identifier: MIT
"""Every key of a policy with every kind of wrong value, and what is said."""

from policy_wrong import DEVICE, POOL, RIGHT

# The lines of what is right.
SIZE, BAR, RANGE, SLICE, ALLOW, NEW = 3, 6, 7, 8, 9, 10

NUMBER = ("not a number of bytes, decimal or 0x hexadecimal with an optional "
          "K, M, G or T")
NOTHING = "nothing; it must have a page or more"
ODD = "not a multiple of the page size, 4096 bytes"
LARGE = "more than 64 bits hold"
COUNT = "not a number from 1 to 4294967295"
TIME = "not a number and ms, s, m, h or d, such as 500ms"
LONG = "more than 36500d"
BDF = "not a PCI address, such as 0000:01:00.0"
MODE = "not permissions in octal from 000 to 0777, such as 0660"
PATH = ("not the path of a socket from the root, such as "
        "/run/barlease/queues.sock")
PLAIN = "write it without //, /. and /.., so that each socket has one path"

SIZES = {
    "-4K": NUMBER, "+4K": NUMBER, "4KB": NUMBER, "4Ki": NUMBER, "4k": NUMBER,
    "4 K": NUMBER, "4P": NUMBER, "4.5K": NUMBER, "0x": NUMBER, "1e6": NUMBER,
    "0x1000 0": NUMBER, "K": NUMBER, "\u0664K": NUMBER, "0": NOTHING,
    "0x0": NOTHING, "1": ODD, "4097": ODD, "0xffffffffffffffff": ODD,
    "18446744073709551616": LARGE, "0x10000000000000000": LARGE,
    "16777216T": LARGE, "99999999999999999999999999999999999999": LARGE,
}
COUNTS = {value: COUNT for value in (
    "0", "-1", "+1", "1.5", "0x10", "4K", "1 2", "one", "4294967296",
    "18446744073709551617", "1e3", "1;2")}
TIMES = {
    "1": TIME, "-1s": TIME, "+1s": TIME, "1.5s": TIME, "1S": TIME, "s": TIME,
    "1us": TIME, "1min": TIME, "1h30m": TIME, "1s 1s": TIME, "0x1s": TIME,
    "for ever": TIME, "36501d": LONG, "876001h": LONG, "3153600001s": LONG,
    "3153600000001ms": LONG, "18446744073709551616ms": LONG,
}
YES = {value: "neither yes nor no"
       for value in ("true", "1", "on", "Yes", "yes no", "\"yes\"")}

WRONG = {
    "pci": {value: BDF for value in (
        "0000:01:00", "0000:01:00.8", "0000:01:20.0", "0000:101:00.0",
        "1:00.0", "0000:01:00.0 0", "000000000:01:00.0", "-1:00.0",
        "g000:01:00.0", "0000:01:00.00", "0000.01.00.0", "accel")},
    "backend": {value: "neither vfio nor sim (a simulated device)"
                for value in ("Sim", "vfio-pci", "sim vfio", "0")},
    "size": SIZES,
    "device": {"accel2": "there is no [Device accel2]; do you mean accel?",
               "Accel": "there is no [Device Accel]; do you mean accel?",
               "accel accel": "there is no [Device accel accel]",
               "0": "there is no [Device 0]"},
    "bar": {value: "not a BAR, from 0 to 5"
            for value in ("6", "-1", "02", "0x2", "2 3", "BAR2", "+2", "2K",
                          "18446744073709551618")},
    "range": {
        "4K": "not OFFSET+LENGTH, such as 1M+256K",
        "1M-256K": "not OFFSET+LENGTH, such as 1M+256K",
        "+256K": NUMBER, "1M+": NUMBER, "+": NUMBER, "-1+256K": NUMBER,
        "1M+256K+4K": NUMBER, "1M++256K": NUMBER, "1MB+256K": NUMBER,
        "1M+256k": NUMBER, "0" * 64 + "+256K": NUMBER, "1M+0": NOTHING,
        "1+256K": ODD, "1M+1": ODD, "16777216T+256K": LARGE,
        "0+16777216T": LARGE,
        "0xfffffffffffff000+4K": "longer than 64 bits can tell",
        "64M+256K": "reaches behind the BARs of accel, 67108864 bytes",
        "0xffffffffffff0000+32K":
            "reaches behind the BARs of accel, 67108864 bytes"},
    "slice": {**SIZES, "512K": "does not divide the range, 262144 bytes",
              "0xfffffffffffff000": "does not divide the range, 262144 bytes"},
    "access": {value: "neither rw nor ro"
               for value in ("r", "RW", "wo", "rw ro", "0", "rw,ro")},
    "cache": {value: "neither nc (non-cached) nor wc (write-combining)"
              for value in ("uc", "NC", "wb", "nc wc", "0")},
    "exclusive": YES,
    "over-msix": YES,
    "max-leases": COUNTS,
    "max-leases-per-group": COUNTS,
    "max-leases-per-cgroup": COUNTS,
    "max-waiting": COUNTS,
    "time-limit": {
        **TIMES, "0": TIME,
        "0s": "no time at all; without this key there is no limit"},
    "grace": TIMES,
    "socket": {
        "queues.sock": PATH, "@queues": PATH, "/": PATH, "/run/": PATH,
        "~/queues.sock": PATH, "//queues": PLAIN, "/run//queues": PLAIN,
        "/run/./queues": PLAIN, "/run/../queues": PLAIN, "/run/.": PLAIN,
        "/run/..": PLAIN, "/..": PLAIN,
        "/" + "x" * 107: "has 108 bytes, and a socket's path can have 107",
        "/" + "\u00fc" * 54: "has 109 bytes, and a socket's path can have "
                             "107"},
    "mode": {value: MODE for value in (
        "66", "00660", "1777", "7777", "0o660", "-660", "+660", "0888",
        "0x1b0", "rw-rw----", "u=rw", "0660 0", "8", "37777777777")},
    "socket-group": {value: "there is no such group on this machine"
                     for value in ("no-such-group", "-1", "4294967295",
                                   "4294967296", "0 0", "0x0")},
    "allow": {
        "user:": "there is no such user on this machine",
        "group:": "there is no such group on this machine",
        "user:-1": "there is no such user on this machine",
        "user:4294967296": "there is no such user on this machine",
        "group:0x0": "there is no such group on this machine",
        "cgroup:": "the path of a cgroup begins with /",
        "cgroup:*": "the path of a cgroup begins with /",
        "cgroup:/a/": "the path of a cgroup does not end with /",
        "all": "none of user:NAME, group:NAME, cgroup:PATTERN and anyone",
        "User:root": "none of user:NAME, group:NAME, cgroup:PATTERN and "
                     "anyone",
        "anyone,": "none of user:NAME, group:NAME, cgroup:PATTERN and anyone",
        ":": "none of user:NAME, group:NAME, cgroup:PATTERN and anyone"},
}

# Where they are, in what is right; the others come last.
LINES = {"backend": 2, "size": SIZE, "device": 5, "bar": BAR, "range": RANGE,
         "slice": SLICE, "allow": ALLOW}
OF_DEVICE = ("pci", "backend", "size")
REAL = "[Device accel]\npci = 01:00.0\n" + POOL + "access = rw\n"
FINE = {"exclusive": "no", "over-msix": "yes", "time-limit": "1h",
        "grace": "0s", "socket": "/run/s", "mode": "600", "socket-group": "0",
        "access": "ro", "cache": "wc"}


def policy_with(key, line):
    """(text, number of the line): what is right with that line for its key."""
    if key == "pci":
        return REAL.replace("pci = 01:00.0", line), 2
    lines = RIGHT.splitlines()
    if key in LINES:
        lines[LINES[key] - 1] = line
    else:
        lines.append(line)
    return "\n".join(lines) + "\n", LINES.get(key, NEW)


def value_cases(key):
    """(name, text, what is said) of each wrong value."""
    for value, words in WRONG[key].items():
        text, number = policy_with(key, f"{key} = {value}")
        yield value, text, [f"{number}: {key} = {value}: {words}"]


def form_cases(key):
    """The same of what can be wrong with any key."""
    for line in (f"{key} =", f"{key} = ; none", f"{key}:"):
        text, number = policy_with(key, line)
        yield line, text, [f"{number}: {key} = : has no value"]
    yield "alone", RIGHT + key, \
        [f'10: "{key}": is no key = value, no [Section] and no comment']


def place_cases(key):
    """Where it does not belong, and twice."""
    line = f"{key} = {FINE.get(key, '4K')}"
    kind = "Pool" if key == "slice" else "Slice"
    yield "before any section", f"{line}\n{RIGHT}", \
        [f"1: {line}: is in no section, such as [Pool queues]"]
    if key in OF_DEVICE:
        yield "in a pool", f"{RIGHT}{line}\n", \
            [f"10: {line}: is for a [Device], not for a [Pool]"]
    else:
        yield "in a device", f"{DEVICE}{line}\n{POOL}", \
            [f"4: {line}: is for a [{kind}], not for a [Device]"]
    if key != "allow":
        text, first = policy_with(key, f"{key} = 4K\n{key} = 4K")
        yield "twice", text, [f"{first + 1}: {key} = 4K: line {first} has "
                              "this key already"]


def cases(key):
    return [*value_cases(key), *form_cases(key), *place_cases(key)]
