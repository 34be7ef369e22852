# SPDX-License-Identifier: MIT
"""Build the kernel module for a kernel of the cache, in that kernel's root."""

import hashlib
import os
import pathlib
import re
import shlex
import shutil

from .common import Failure, Lock, TOP, build_dir, kernel_entry, say, tail
from .fetch import add_sparse, fetch_kernel
from .root import run_in_root

VM = pathlib.Path(__file__).resolve().parent.parent

# What a build leaves beside the sources.
PRODUCT = re.compile(r"\..*|.*\.(o|ko|a|mod|mod\.c|symvers|order|tmp|dwo)"
                     r"|Module\.symvers|modules\.order")


def _sources(top):
    """The files that a build of the module may read, relative to top."""
    for folder in ("kmod", "include"):
        for path in sorted((top / folder).rglob("*")):
            if path.is_file() and not PRODUCT.fullmatch(path.name):
                yield path.relative_to(top)


def _digest(top, sources, *words):
    state = hashlib.sha256()
    for word in words:
        state.update(word.encode() + b"\0")
    for path in sources:
        data = (top / path).read_bytes()
        state.update(f"{path} {len(data)}\0".encode() + data)
    return state.hexdigest()


def _copy_sources(top, sources, target):
    """Bring target up to date; unchanged files keep their times for make."""
    for path in sources:
        source, copy = top / path, target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)
    known = set(sources)
    for path in _sources(target):
        if path not in known:
            (target / path).unlink()


def _additions(name):
    """What this kernel has added to our modules: (path in kmod/, text)"""
    addition = kernel_entry(name).get("addition")
    return [(f"{addition}{suffix}", (VM / f"{addition}{suffix}").read_text())
            for suffix in (".c", ".mk")] if addition else []


def _add(additions, folder):
    for path, text in additions:
        if path.endswith(".mk"):
            path = "Kbuild"
            text = (folder / path).read_text() + text
        (folder / path).write_text(text)


def build_modules(name, top=TOP, sparse=False):
    """Build kmod/ for kernel name; return the paths of its modules.

    With sparse, every file is checked as well, and a complaint is a failure.

    The source tree is not written to: the sources are copied into the build
    folder, one copy per kernel, so that kernels can be built side by side.
    """
    top = pathlib.Path(top).resolve()
    if not (top / "kmod" / "Makefile").exists():
        raise Failure(f"{top} has no kmod/Makefile")
    kernel = fetch_kernel(name)
    work = build_dir() / "modules" / kernel.release
    if sparse:
        # Newer kernels ask a script whether sparse is good enough, which
        # Debian's headers leave out, and go on without it.
        makefile = kernel.root / \
            f"usr/src/linux-headers-{kernel.version}-common/Makefile"
        if "checker-valid.sh" in makefile.read_text():
            raise Failure(f"the headers of {kernel.release} cannot run sparse")
        add_sparse(kernel)
        work = work.with_name(work.name + "-sparse")
    if top != TOP:
        work = work / hashlib.sha256(str(top).encode()).hexdigest()[:12]
    with Lock(work.parent / f".lock-{work.name}", "builds this module"):
        sources = list(_sources(top))
        additions = _additions(name)
        digest = _digest(top, sources, str(kernel.root),
                         *(text for _, text in additions))
        stamp = work / "built"
        if stamp.exists() and stamp.read_text().split()[0] == digest:
            return [work / path for path in stamp.read_text().split()[1:]]
        say(f"building the module for {kernel.release}")
        work.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        _copy_sources(top, sources, work)
        _add(additions, work / "kmod")
        log = work / "build.log"
        command = (f"make -C /src/kmod -j{os.cpu_count() or 1} KCFLAGS=-Werror "
                   f"KDIR={shlex.quote(kernel.headers)}")
        if sparse:
            command += " C=2 CF=-D__CHECK_ENDIAN__"
        status = run_in_root(kernel.root, work, command, log)
        modules = sorted((work / "kmod").glob("*.ko"))
        if status or not modules:
            raise Failure(f"the module does not build for {kernel.release} "
                          f"(log: {log}):\n{tail(log, 40)}")
        complaints = [line for line in
                      log.read_text(errors="replace").splitlines()
                      if "warning:" in line or "error:" in line]
        if complaints:
            raise Failure(f"the build for {kernel.release} complains (log: "
                          f"{log}):\n" + "\n".join(complaints))
        stamp.write_text(" ".join(
            [digest, *(f"kmod/{module.name}" for module in modules)]) + "\n")
        return modules
