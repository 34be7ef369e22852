# SPDX-License-Identifier: MIT
"""Systems that barleased is a service of: systemd, and what it links with."""

import re
import subprocess
import tarfile

from .common import TOP, VM, Failure, build_dir, die_with_parent
from .system import System

TESTS = TOP / "tests" / "systemd"
# In this order they are run.
PARTS = ["start.sh", "confined.sh", "reload.sh", "keep.sh", "lost.sh",
         "persist.sh", "modules.sh"]
# The system and its archive are both in memory for a moment.
MEMORY = "2G"

# For each system: the kernel of the list that it is booted with.
SYSTEMS = {"bookworm": "6.12", "trixie": "7.3"}
# What is tested by itself on one of them alone, the older one: how it comes and
# goes, and what it may. What outlives what is asked of both.
ONCE = {"start.sh": "bookworm", "confined.sh": "bookworm",
        "persist.sh": "bookworm", "modules.sh": "bookworm"}

PACKAGES = ["systemd", "udev", "kmod", "libinih1", "libseccomp2",
            "libsmartcols1", "libsystemd0"]

# An emulated processor copies each megabyte. Nothing is installed there again,
# and the rig has loaded the modules of the kernel.
LEFT_OUT = ["usr/lib/udev/hwdb.*", "etc/udev/hwdb.bin", "usr/bin/perl*",
            "usr/lib/x86_64-linux-gnu/perl*", "usr/share/perl*",
            "usr/lib/x86_64-linux-gnu/libperl.so*", "usr/share/i18n",
            "usr/share/zoneinfo", "var/lib/apt", "var/lib/dpkg",
            "usr/lib/x86_64-linux-gnu/libapt-*"]


class ServiceSystem(System):
    """A release of Debian with systemd."""

    def __init__(self, suite):
        super().__init__(f"{suite}-service", [suite], PACKAGES, LEFT_OUT, "2")


def service_test_names(suite=None):
    """All of them, or those that are run on a system unless others are named."""
    text = "".join((TESTS / part).read_text() for part in PARTS
                   if not suite or ONCE.get(part, suite) == suite)
    return re.findall(r"^test_(\w+)\(\)", text, re.MULTILINE)


def _of_root(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode &= 0o755
    return entry


def _pack(archive):
    """What is added to a system: what is installed, and the tests."""
    installed = archive.with_name("installed")
    done = subprocess.run(
        ["meson", "install", "-C", build_dir(), "--no-rebuild", "--quiet",
         "--destdir", installed], capture_output=True, text=True,
        preexec_fn=die_with_parent(), check=False)
    if done.returncode:
        raise Failure(f"cannot be installed: {done.stdout}{done.stderr}")
    with tarfile.open(archive, "w") as tar:
        tar.add(installed, ".", filter=_of_root)
        for path, name in (
                (build_dir() / "tests/broker/broker_lessee",
                 "usr/local/bin/broker_lessee"),
                (VM / "guest/hostcall", "usr/local/bin/hostcall"),
                (TESTS, "tests")):
            tar.add(path, name, filter=_of_root)


def service_machine(suite):
    """What has tests/vm/run run the tests, whose names are to follow."""
    folder = ServiceSystem(suite).get()
    added = build_dir() / "systemd" / suite / "added.tar"
    added.parent.mkdir(parents=True, exist_ok=True)
    _pack(added)
    return ["--memory", MEMORY, "--file", f"{folder / 'base.tar'}:/base.tar",
            "--file", f"{added}:/added.tar", TESTS / "boot.sh"]
