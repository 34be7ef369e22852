# SPDX-License-Identifier: MIT
"""Build a kernel from the distribution's source, in a build root."""

import hashlib
import os
import pathlib
import re
import shlex
import shutil
import time

from .common import Failure, VM, say, tail
from .root import run_in_root

# What building a whole kernel calls, beside what building a module does.
BUILD_TOOLS = ["bc", "bison", "flex", "gzip", "libc6-dev", "libelf-dev", "lz4",
               "perl", "tar", "xz-utils"]

# What is changed in the source: file, line, what to put after it. Lockdep gives
# up for good when it has reported something, so the kernel's own must not come
# to that. The hot-plug driver of ports waits for its reset_lock in both orders
# with pci_rescan_remove_lock, each time that a device is pulled out.
EDITS = [
    ("drivers/pci/hotplug/pciehp_hpc.c",
     "\tinit_rwsem(&ctrl->reset_lock);\n",
     "\tlockdep_set_novalidate_class(&ctrl->reset_lock);\n"),
]

# In the root; /src is the folder with the configuration. Half of the sources
# are headers that describe graphics cards, which no build of ours looks at.
# KERNEL, RELEASE, CONFIG and JOBS are put before.
UNPACK = r"""
set -e
mkdir "$KERNEL"
tar -xJf /usr/src/linux-source-*.tar.xz -C "$KERNEL" --strip-components=1 \
    --no-same-owner --exclude='*/drivers/gpu/drm/amd/include/*'
rm /usr/src/linux-*.tar.xz /usr/src/linux-patch-* 2>/dev/null || :
cd "$KERNEL"
KCONFIG_ALLCONFIG=/src/$CONFIG make allnoconfig
"""
BUILD = r"""
set -e
export KBUILD_BUILD_USER=barlease KBUILD_BUILD_HOST=localhost
cd "$KERNEL"
make -j$JOBS LOCALVERSION=-"${RELEASE#*-}" bzImage modules
make LOCALVERSION=-"${RELEASE#*-}" INSTALL_MOD_PATH=/out/usr DEPMOD=true \
    modules_install
rm -f /out/usr/lib/modules/$RELEASE/build
mkdir /out/boot
cp arch/x86/boot/bzImage /out/boot/vmlinuz-$RELEASE
# Modules are built with this much of it; the rest is large.
mkdir ../kept
cp -a --parents .config Makefile Module.symvers include scripts \
    arch/x86/Makefile* arch/x86/include tools/objtool/objtool ../kept
cd ..
rm -rf "$KERNEL"
mv kept "$KERNEL"
"""


def config_text(entry):
    """The configuration: its parts, each without its license but the first."""
    first, *more = (VM / name for name in entry["config"].split())
    return first.read_text() + "".join(part.read_text().partition("\n")[2]
                                       for part in more)


def config_digest(entry):
    """What tells this configuration and this way to build from others."""
    state = hashlib.sha256(config_text(entry).encode())
    for text in (UNPACK, BUILD, str(EDITS), *BUILD_TOOLS, entry["compiler"]):
        state.update(b"\0" + text.encode())
    return state.hexdigest()[:12]


def release(entry, package_version):
    """The name of the kernel that is made of a version of the source.

    Two that differ in anything have different names, so that no module is
    loaded into a kernel that it was not built for.
    """
    digest = hashlib.sha256(
        f"{package_version} {config_digest(entry)}".encode()).hexdigest()
    kind = pathlib.Path(entry["config"].split()[-1]).stem
    return f"{package_version.split('-')[0]}-{kind}-{digest[:8]}"


def lost_options(wanted, config):
    """The lines of a wanted configuration that a real one has not."""
    real = set(config.splitlines())
    for line in wanted.splitlines():
        match = re.fullmatch(r"# (CONFIG_\w+) is not set", line)
        if match:
            if any(other.startswith(match[1] + "=") for other in real):
                yield line
        elif line.startswith("CONFIG_") and line not in real:
            yield line


def edit(tree):
    for name, line, more in EDITS:
        file = tree / name
        text = file.read_text()
        if text.count(line) != 1:
            raise Failure(f"{name} of the source is not as it was: see EDITS "
                          f"in {__file__}")
        file.write_text(text.replace(line, line + more))


def _compiled(log):
    return len(re.findall(r"^  (?:CC|AS) ", log.read_text(errors="replace"),
                          re.MULTILINE))


def build(name, entry, version, folder):
    """Build the kernel in folder/root; put it into folder/image."""
    root = folder / "root"
    tree = root / "usr" / "src" / f"linux-headers-{version}"
    source = folder / "source"
    source.mkdir()
    (source / "config").write_text(config_text(entry))
    settings = "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in (
        ("KERNEL", f"/usr/src/{tree.name}"), ("RELEASE", version),
        ("CONFIG", "config"), ("JOBS", os.cpu_count() or 1)))

    def run(commands, log, tell=None):
        if run_in_root(root, source, settings + commands, log, tell):
            # The folder goes away, what it was about must not.
            kept = folder.parent / "failed.log"
            shutil.copyfile(log, kept)
            raise Failure(f"kernel {name} does not build (log: {kept}):\n"
                          f"{tail(log, 40)}")

    say(f"kernel {name}: unpacking the source")
    run(UNPACK, folder / "config.log")
    lost = list(lost_options(config_text(entry),
                             (tree / ".config").read_text()))
    if lost:
        raise Failure(f"{entry['config']}: does not come out with {version}: "
                      f"{', '.join(lost)}")
    edit(tree)
    log = folder / "build.log"
    started = time.monotonic()
    say(f"kernel {name}: building it (about 10 minutes with 2 processors)")
    run(BUILD, log, lambda: say(
        f"kernel {name}: {_compiled(log)} files are compiled"))
    shutil.copytree(root / "out", folder / "image", dirs_exist_ok=True)
    shutil.rmtree(root / "out")
    say(f"kernel {name}: built in {time.monotonic() - started:.0f} s")
