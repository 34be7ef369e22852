# SPDX-License-Identifier: MIT
"""Unpack packages into a folder, as the root of a system."""

import subprocess

from .common import Failure


def unpack(debs, target):
    """Unpack packages without running any of their scripts."""
    target.mkdir(parents=True)
    # Every release that is used has a merged /usr; the links are made by the
    # installer there, not by a package.
    for name in ("bin", "sbin", "lib", "lib64"):
        (target / "usr" / name).mkdir(parents=True)
        (target / name).symlink_to(f"usr/{name}")
    for name in ("proc", "dev", "tmp", "src", "sys"):
        (target / name).mkdir()
    extract(debs, target)


def extract(debs, target):
    for deb in debs:
        # Unlike dpkg-deb -x, this keeps the links above when a package
        # holds a folder of that name.
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb],
                              stdout=subprocess.PIPE) as reader:
            done = subprocess.run(
                ["tar", "-x", "--keep-directory-symlink",
                 "--no-same-owner", "-C", target,
                 "--exclude=./usr/share/doc", "--exclude=./usr/share/man",
                 "--exclude=./usr/share/locale"],
                stdin=reader.stdout, capture_output=True, text=True,
                check=False)
        if done.returncode or reader.returncode:
            raise Failure(f"cannot unpack {deb.name}: {done.stderr.strip()}")
