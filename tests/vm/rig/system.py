# SPDX-License-Identifier: MIT
"""Whole systems of other releases: packages are installed in them by dpkg.

Unlike a build root (root.py), where packages are only unpacked, the scripts of
packages run here, as on a machine. A system is kept as an archive, and each use
unpacks it anew in memory, so nothing that is done there stays.

Layout of one, below cache_dir()/systems/NAME/VERSION:
    base.tar    the system
"""

import hashlib
import os
import shlex
import shutil
import subprocess

from .apt import AptRoot
from .common import Failure, cache_dir, die_with_parent, say, tail
from .store import Store
from .unpack import unpack

# What the smallest Debian has.
SMALLEST = ["apt", "base-files", "base-passwd", "bash", "bsdutils", "coreutils",
            "dash", "debianutils", "diffutils", "dpkg", "findutils", "grep",
            "gzip", "hostname", "init-system-helpers", "libc-bin", "login",
            "mount", "ncurses-bin", "passwd", "perl-base", "sed",
            "sysvinit-utils", "tar", "util-linux"]

# Runs in namespaces of its own, so that mounts and processes go with it.
ENTER = r"""
set -e
PATH=$PATH:/usr/sbin:/sbin
mount --make-rprivate /
if [ -n "$BASE" ]; then
    mount -t tmpfs -o mode=755 tmpfs "$ROOT"
    tar -xf "$BASE" -C "$ROOT"
fi
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
for bind in $BINDS; do
    mkdir -p "$ROOT/${bind#*:}"
    mount --bind "${bind%%:*}" "$ROOT/${bind#*:}"
done
chroot "$ROOT" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive $SETTINGS sh -c "$COMMAND"
[ -n "$BASE" ] || eval "$AFTERWARDS"
"""

INSTALL = """
set -e
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
cd /var/cache/debs
install="dpkg --force-depends --force-confnew --install"
$install base-passwd_*.deb base-files_*.deb
$install libc6_*.deb perl-base_*.deb mawk_*.deb debconf_*.deb dpkg_*.deb
dpkg --force-depends --force-confnew --unpack ./*.deb
dpkg --configure --pending
dpkg --audit
cat more-status >>/var/lib/dpkg/status
cd /
rm -r /var/cache/debs
"""


def namespaces():
    """The command that makes them, for root or for an ordinary user."""
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    if os.geteuid():
        # Packages own files by more than one user.
        if not shutil.which("newuidmap"):
            raise Failure("an ordinary user needs the package uidmap here")
        enter += ["--map-root-user", "--map-auto"]
    return enter


def path_for_shell(path):
    """A path as a string; the lists that ENTER reads part at blanks and colons."""
    if any(char.isspace() or char == ":" for char in str(path)):
        raise Failure(f"blanks and colons do not work here, rename a folder: "
                      f"{path}")
    return str(path)


class System(Store):
    """A release of Debian with some packages.

    suites are those whose packages it has; left_out are patterns of files that
    nobody needs in it; layout counts up when either changes, see Store.
    """

    def __init__(self, name, suites, packages, left_out=(), layout="1"):
        super().__init__(cache_dir() / "systems" / name, layout,
                         f"the system {name}")
        self.packages = SMALLEST + packages
        self.left_out = left_out
        self.apt = AptRoot(self.home / "apt", suites)

    def look(self):
        say(f"{self.name}: looking for the newest packages")
        self.apt.update()
        status, further = self.find_more()
        (self.apt.folder / "state" / "status").write_text(status)
        names = self.apt.list_with_dependencies(self.packages + further)
        what = "\n".join([*sorted(names), *self.left_out])
        return hashlib.sha256(what.encode()).hexdigest()[:12]

    def find_more(self):
        """What dpkg is to take for installed, and names of further packages."""
        return "", []

    def make(self, version, folder):
        base = self.apt.download_with_dependencies(self.packages)
        say(f"{self.name}: installing {len(base)} packages in a folder")
        path_for_shell(folder)
        root = folder / "root"
        unpack(base, root)
        (root / "var/lib/dpkg/updates").mkdir(parents=True, exist_ok=True)
        (root / "var/lib/dpkg/status").touch()
        # Nobody reads them here.
        (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True, exist_ok=True)
        (root / "etc/dpkg/dpkg.cfg.d/small").write_text(
            "path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"
            "path-exclude=/usr/share/locale/*\nforce-unsafe-io\n")
        debs = root / "var/cache/debs"
        debs.mkdir(parents=True)
        for deb in base:
            shutil.copyfile(deb, debs / deb.name)
        shutil.copyfile(self.apt.folder / "state" / "status",
                        debs / "more-status")
        self._install(root, folder / "base.tar")

    def _install(self, root, archive):
        log = self.home / "install.log"
        pack = shlex.join(["tar", "-cf", str(archive), "-C", str(root),
                           *(f"--exclude=./{pattern}"
                             for pattern in self.left_out), "."])
        environment = dict(
            os.environ, ROOT=str(root), BASE="", BINDS="", SETTINGS="",
            COMMAND=INSTALL,
            AFTERWARDS=f"umount -l $ROOT/proc $ROOT/dev; {pack}; "
                       "rm -rf --one-file-system $ROOT")
        with open(log, "wb") as output:
            done = subprocess.run(
                [*namespaces(), "sh", "-c", ENTER], env=environment,
                stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, preexec_fn=die_with_parent(),
                check=False)
        if done.returncode:
            raise Failure(f"{self.name} cannot be installed (log: {log}):\n"
                          f"{tail(log, 20)}")

    def done(self):
        shutil.rmtree(self.apt.archives, ignore_errors=True)


def enter(folder, command, binds, settings, **options):
    """Start a shell command in a system; return the process.

    binds are folders of this machine and where they are to appear.
    """
    root = folder / "empty"
    root.mkdir(exist_ok=True)
    environment = dict(
        os.environ, ROOT=str(root), BASE=str(folder / "base.tar"),
        BINDS=" ".join(f"{path_for_shell(source)}:{target}"
                       for source, target in binds),
        SETTINGS=" ".join(f"{name}={value}"
                          for name, value in settings.items()),
        COMMAND=command)
    return subprocess.Popen([*namespaces(), "sh", "-c", ENTER],
                            env=environment, stdin=subprocess.DEVNULL,
                            preexec_fn=die_with_parent(), **options)
