# SPDX-License-Identifier: MIT
"""Write an initramfs archive: no root needed, everything belongs to root."""

import io
import pathlib
import stat


class Archive:
    """A cpio archive in the kernel's "newc" form, built in memory."""

    def __init__(self):
        self.out = io.BytesIO()
        self.inode = 0
        self.folders = set()
        self.names = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
                  len(encoded), 0)
        self.out.write(b"070701" + b"".join(b"%08x" % field
                                            for field in fields))
        self._padded(encoded)
        self._padded(data)
        self.names.add(name)

    def _padded(self, data):
        self.out.write(data)
        self.out.write(b"\0" * (-self.out.tell() % 4))

    def _parents(self, name):
        for parent in reversed(pathlib.PurePosixPath(name).parents):
            if str(parent) != ".":
                self.folder(str(parent))

    def folder(self, name, mode=0o755):
        name = name.strip("/")
        if name not in self.folders:
            self.folders.add(name)
            self._parents(name)
            self._entry(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        name = name.strip("/")
        self._parents(name)
        if isinstance(data, str):
            data = data.encode()
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        name = name.strip("/")
        self._parents(name)
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        name = name.strip("/")
        self._parents(name)
        self._entry(name, stat.S_IFCHR | mode, device=(major, minor))

    def has(self, name):
        return name.strip("/") in self.names

    def finish(self):
        self._entry("TRAILER!!!", 0)
        return self.out.getvalue()
