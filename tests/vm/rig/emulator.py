# SPDX-License-Identifier: MIT
"""QEMU of Debian 13, in the cache, with all that it needs.

That of Debian 12 (7.2) emulates processors with flaws that lose interrupts and
tear instructions while another processor switches a BAR or changes code, and its
processors have an x2APIC with KVM only.
"""

import os
import pathlib
import shutil

from .apt import AptRoot, version_key
from .common import Failure, Usage, cache_dir
from .store import Store
from .unpack import unpack

SUITE = "trixie"
PACKAGE = "qemu-system-x86"
PROGRAM = "usr/bin/qemu-system-x86_64"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = f"{LIBRARIES}/ld-linux-x86-64.so.2"
FIRMWARE = ("usr/share/qemu", "usr/share/seabios")


class _Emulator(Store):
    def __init__(self):
        super().__init__(cache_dir() / "emulator", "1", "QEMU")
        self.apt = AptRoot(self.home / "apt", [SUITE])

    def look(self):
        self.apt.update()
        versions = self.apt.versions([PACKAGE]).get(PACKAGE)
        if not versions:
            raise Failure(f"no {PACKAGE} in {SUITE}")
        # A loader's path of libraries cannot have a colon.
        return max(versions, key=version_key).replace(":", "_")

    def make(self, version, folder):
        unpack(self.apt.download_with_dependencies([PACKAGE]), folder)

    def done(self):
        shutil.rmtree(self.apt.archives, ignore_errors=True)


def fetch_emulator(update=False):
    """Have it in the cache; return the command that starts it.

    $BARLEASE_QEMU is one to use instead.
    """
    chosen = os.environ.get("BARLEASE_QEMU")
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise Usage(f"BARLEASE_QEMU is {chosen}, which is no program")
        return [pathlib.Path(chosen)]
    folder = _Emulator().get(update)
    # It is linked against its own release's libraries.
    command = [folder / LOADER, "--library-path", folder / LIBRARIES,
               folder / PROGRAM]
    for firmware in FIRMWARE:
        command += ["-L", folder / firmware]
    return command
