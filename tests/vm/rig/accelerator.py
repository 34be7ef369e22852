# SPDX-License-Identifier: MIT
"""KVM or emulation? Only a boot tells: some hosts offer /dev/kvm and fail."""

import os
import pathlib
import time

from .common import Lock, Usage, cache_dir, say
from .initramfs import Guest
from .machine import Machine
from .session import Session, WorkFolder

TCG = "tcg,thread=multi"
# By the word of BARLEASE_ACCEL. One thread emulates all processors in turn: what
# QEMU itself does wrong when they are at the same device does not happen then.
ACCELERATORS = {"kvm": "kvm", "tcg": TCG, "tcg-single": "tcg,thread=single"}
TRIAL_SECONDS = 20


def _trial(kernel):
    """Whether the kernel boots to a program with KVM, in bounded time."""
    with WorkFolder() as folder:
        machine = Machine(folder)
        machine.prepare()
        guest = Guest(kernel)
        guest.set_program("true", [], machine.environment())
        guest.write(folder / "initramfs")
        session = Session(folder, machine, lambda data: None,
                          time.monotonic() + TRIAL_SECONDS)
        outcome = session.run(kernel.vmlinuz, folder / "initramfs",
                              folder / "console", "kvm")
        return outcome.status == 0


def choose(kernel):
    """QEMU's -accel argument; a trial's result holds until the next boot."""
    wish = os.environ.get("BARLEASE_ACCEL")
    if wish:
        if wish not in ACCELERATORS:
            raise Usage(f"BARLEASE_ACCEL is {wish}: it must be one of "
                        f"{', '.join(ACCELERATORS)}")
        return ACCELERATORS[wish]
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    result = cache_dir() / "kvm"
    with Lock(cache_dir() / "kvm.lock", "tries KVM"):
        known = result.read_text().split() if result.exists() else []
        if known[:1] != [boot]:
            say(f"trying KVM (at most {TRIAL_SECONDS} s)")
            works = _trial(kernel)
            say("KVM works" if works else "KVM does not work here: emulating")
            known = [boot, "works" if works else "fails"]
            result.write_text(" ".join(known) + "\n")
    return "kvm" if known[1] == "works" else TCG
