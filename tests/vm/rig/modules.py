# SPDX-License-Identifier: MIT
"""Kernel modules for the guest: the wanted ones and all that they need."""

import lzma
import re
import subprocess

from .common import Failure

# What tests and the demo may load. A name that a kernel has built in, or does
# not have, is left out.
WANTED = ("vfio", "vfio_iommu_type1", "vfio_pci_core", "vfio_pci", "irqbypass",
          "iommufd", "nvme", "virtio_blk", "virtio_pci", "udmabuf",
          "aer_inject")


def _key(name):
    return name.replace("-", "_")


def _read(path):
    """The module itself, whatever it is compressed with."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq"], input=data, check=True,
                              capture_output=True).stdout
    if path.suffix == ".gz":
        return subprocess.run(["gzip", "-dc"], input=data, check=True,
                              capture_output=True).stdout
    return data


def _information(data, field):
    """All values of a field in a module's .modinfo."""
    return [value.decode() for value in
            re.findall(rb"\0" + field + rb"=([^\0]*)\0(?=)", data)]


def _depends(data):
    # depends= has exactly one entry; a stray match in code is not one of names.
    for value in _information(data, b"depends"):
        if re.fullmatch(r"[\w,-]*", value):
            return [_key(name) for name in value.split(",") if name]
    return []


def add_modules(archive, kernel, extra=()):
    """Put modules into the archive, so that busybox's modprobe finds them.

    extra are modules of our own: (file name, content).
    """
    base = f"lib/modules/{kernel.release}"
    available = {}
    for path in kernel.modules.rglob("*.ko*"):
        available.setdefault(_key(path.name.split(".ko")[0]), path)
    content, needs, places = {}, {}, {}
    for file_name, data in extra:
        name = _key(file_name.removesuffix(".ko"))
        content[name], places[name] = data, f"extra/{file_name}"
        needs[name] = _depends(data)
    todo = [name for name in WANTED if name in available]
    todo += [need for needed in needs.values() for need in needed]
    while todo:
        name = todo.pop()
        if name in content:
            continue
        if name not in available:
            raise Failure(f"{kernel.release} has no module {name}")
        path = available[name]
        content[name] = _read(path)
        places[name] = str(path.relative_to(kernel.modules)).split(".ko")[0] \
            + ".ko"
        needs[name] = _depends(content[name])
        todo += needs[name]

    def closure(name):
        """What to load before name, nearest first, as depmod writes it."""
        found = []
        for need in needs[name]:
            found += [need] + closure(need)
        return list(dict.fromkeys(found))

    for name, data in content.items():
        archive.file(f"{base}/{places[name]}", data)
    archive.file(f"{base}/modules.dep", "".join(
        f"{places[name]}: {' '.join(places[need] for need in closure(name))}\n"
        for name in content))
    archive.file(f"{base}/modules.alias", "".join(
        f"alias {alias} {name}\n" for name, data in content.items()
        for alias in _information(data, b"alias") if alias.isprintable()))
    archive.file(f"{base}/modules.symbols", "")
    builtin = kernel.modules / "modules.builtin"
    archive.file(f"{base}/modules.builtin", builtin.read_bytes())
