# SPDX-License-Identifier: MIT
"""The cache of kernels: unpacked packages, found through apt.

Layout, below cache_dir()/kernels/NAME, or NAME/CONFIGURATION of a kernel that is
built here:
    current            link to the newest VERSION that is complete
    VERSION/image      the kernel packages and busybox, unpacked
    VERSION/root       a minimal system of the kernel's own release, with its
                       headers and its compiler, to build modules in
    checked            its time says when apt was last asked

Nothing is ever installed on the host. A version is made in a folder of its
own and renamed when it is complete, so a kill at any moment does no harm.
"""

import fnmatch
import os
import re
import shutil
import subprocess
import time

from . import source
from .apt import AptRoot
from .common import Failure, Lock, cache_dir, kernel_entry, say
from .unpack import extract, unpack

CHECK_EVERY = 7 * 24 * 3600
# A kernel that is used is looked up each CHECK_EVERY.
UNUSED_AFTER = 4 * CHECK_EVERY
# An archive that could not be reached is not asked again at each run.
RETRY_AFTER = 3600

# Counts up when what a version's folder holds changes; older ones are made
# anew.
LAYOUT = "2"

# busybox for the guest. Not the host's: its static and its dynamic package
# exclude each other, and a host may need the one that it has.
GUEST_TOOLS = ["busybox-static"]

# What kbuild calls, beside the compiler and the libraries of linux-kbuild.
BUILD_TOOLS = ["make", "dash", "bash", "coreutils", "sed", "grep", "mawk",
               "findutils", "diffutils"]


class Kernel:
    """One kernel in the cache."""

    def __init__(self, name, version, folder):
        self.name = name
        self.version = version
        self.folder = folder
        self.image = folder / "image"
        self.root = folder / "root"
        self.release = version if "source" in kernel_entry(name) \
            else f"{version}-cloud-amd64"
        self.headers = f"/usr/src/linux-headers-{self.release}"

    @property
    def modules(self):
        return self._first(f"usr/lib/modules/{self.release}",
                           f"lib/modules/{self.release}")

    @property
    def vmlinuz(self):
        return self._first(f"usr/lib/modules/{self.release}/vmlinuz",
                           f"boot/vmlinuz-{self.release}")

    @property
    def busybox(self):
        return self._first("usr/bin/busybox")

    def _first(self, *candidates):
        for candidate in candidates:
            if (self.image / candidate).exists():
                return self.image / candidate
        raise Failure(f"{self.folder} holds no {candidates[0]}")


def _version_key(version):
    return [int(part) for part in re.findall(r"\d+", version)]


def _newest_version(apt, entry):
    """The newest version for which every package exists, and their version."""
    if "source" in entry:
        versions = apt.versions([entry["source"]]).get(entry["source"])
        if not versions:
            raise Failure(f"no {entry['source']} in {', '.join(apt.suites)}")
        newest = max(versions, key=_version_key)
        return source.release(entry, newest), newest
    patterns = (entry["image"] + " " + entry["headers"]).split()
    before, after = patterns[0].split("{v}")
    wanted = before + entry["version"] + after
    versions = {name[len(before):len(name) - len(after)]
                for name in apt.names(before) if fnmatch.fnmatch(name, wanted)}
    for version in sorted(versions, key=_version_key, reverse=True):
        packages = [pattern.format(v=version) for pattern in patterns]
        found = apt.versions(packages)
        common = set.intersection(*(found.get(package, set())
                                    for package in packages))
        if common:
            return version, max(common, key=_version_key)
    raise Failure(f"no complete set of packages like {wanted} in "
                  f"{', '.join(apt.suites)}")


def _make_stock(name, entry, apt, version, package_version, folder):
    """Download and unpack one version of a distribution's kernel."""
    def exact(key):
        return [f"{pattern.format(v=version)}={package_version}"
                for pattern in entry[key].split()]

    say(f"kernel {name}: fetching {version}")
    image = apt.download(exact("image") + GUEST_TOOLS)
    headers = apt.download(exact("headers"))
    kbuild = f"linux-kbuild-{version}={package_version}"
    tools = apt.download_with_dependencies([entry["compiler"], kbuild,
                                            *BUILD_TOOLS])
    say(f"kernel {name}: unpacking image, headers and build root")
    unpack(image, folder / "image")
    _unpack_root(tools + [deb for deb in headers if deb not in tools], entry,
                 folder / "root")


def _make_from_source(name, entry, apt, version, package_version, folder):
    """Build a kernel from one version of the distribution's source."""
    say(f"kernel {name}: fetching the source of {package_version}")
    image = apt.download(GUEST_TOOLS)
    code = apt.download([f"{entry['source']}={package_version}"])
    tools = apt.download_with_dependencies([entry["compiler"], *BUILD_TOOLS,
                                            *source.BUILD_TOOLS])
    unpack(image, folder / "image")
    _unpack_root(tools + code, entry, folder / "root")
    source.build(name, entry, version, folder)


def _unpack_root(debs, entry, root):
    unpack(debs, root)
    # The kernel's build files call plain names, which Debian makes by its
    # alternatives system; no maintainer script has run here.
    bin_folder = root / "usr" / "bin"
    for link, target in (("awk", "mawk"), ("gcc", entry["compiler"]),
                         ("sh", "dash")):
        if not (bin_folder / link).exists():
            (bin_folder / link).symlink_to(target)


def _is_complete(folder):
    try:
        return (folder / "layout").read_text() == LAYOUT
    except FileNotFoundError:
        return False


def _size(folder):
    out = subprocess.run(["du", "-sm", folder], capture_output=True, text=True,
                         check=False).stdout
    return out.split()[0] if out else "?"


def _home(name, entry):
    home = cache_dir() / "kernels" / name
    return home / source.config_digest(entry) if "source" in entry else home


def cached_kernel(name):
    """The kernel as it lies in the cache, or None."""
    link = _home(name, kernel_entry(name)) / "current"
    if not _is_complete(link):
        return None
    folder = link.resolve()
    return Kernel(name, folder.name, folder)


def _is_fresh(home):
    try:
        return time.time() - (home / "checked").stat().st_mtime < CHECK_EVERY
    except FileNotFoundError:
        return False


def fetch_kernel(name, update=False):
    """Have kernel name in the cache and return it."""
    entry = kernel_entry(name)
    home = _home(name, entry)
    kernel = cached_kernel(name)
    if kernel and not update and _is_fresh(home):
        return kernel
    with Lock(home / "lock", f"fetches kernel {name}"):
        kernel = cached_kernel(name)
        if kernel and not update and _is_fresh(home):
            return kernel
        try:
            return _fetch_locked(name, entry, home)
        except Failure as failure:
            if not kernel:
                raise
            say(f"kernel {name}: cannot look for a newer one ({failure}); "
                f"using {kernel.version} from the cache")
            asked = time.time() - CHECK_EVERY + RETRY_AFTER
            (home / "checked").touch()
            os.utime(home / "checked", (asked, asked))
            return kernel


def _fetch_locked(name, entry, home):
    for leftover in home.glob(".new-*"):
        shutil.rmtree(leftover)
    suites = [entry["suite"], entry["carried-by"]]
    apt = AptRoot(home / "apt", suites)
    say(f"kernel {name}: looking for the newest version in {suites[1]}")
    apt.update()
    version, package_version = _newest_version(apt, entry)
    target = home / version
    if not _is_complete(target):
        shutil.rmtree(target, ignore_errors=True)
        new = home / f".new-{version}"
        make = _make_from_source if "source" in entry else _make_stock
        make(name, entry, apt, version, package_version, new)
        (new / "layout").write_text(LAYOUT)
        new.rename(target)
        say(f"kernel {name}: {version} is in {target} ({_size(target)} MB)")
    former = cached_kernel(name)
    link = home / ".current"
    link.unlink(missing_ok=True)
    link.symlink_to(version)
    os.replace(link, home / "current")
    (home / "checked").touch()
    # The former version stays, as somebody may be running it; older ones go.
    keep = {version, former.version if former else version}
    for folder in home.iterdir():
        if folder.is_dir() and folder.name not in keep | {"apt", "current"}:
            shutil.rmtree(folder)
    shutil.rmtree(apt.archives)
    if "source" in entry:
        _remove_unused(home)
    return cached_kernel(name)


def _remove_unused(home):
    """Remove the kernels of configurations that nobody has asked for lately."""
    for other in home.parent.iterdir():
        try:
            unused = time.time() - (other / "checked").stat().st_mtime
        except FileNotFoundError:
            continue # it is being made
        if other != home and unused > UNUSED_AFTER:
            shutil.rmtree(other)


def add_sparse(kernel):
    """Put the checker into a kernel's build root, which comes without it."""
    if (kernel.root / "usr/bin/sparse").exists():
        return
    home = kernel.folder.parent
    entry = kernel_entry(kernel.name)
    with Lock(home / "lock", f"fetches kernel {kernel.name}"):
        say("adding sparse to the build root")
        apt = AptRoot(home / "apt", [entry["suite"], entry["carried-by"]])
        apt.update()
        debs = apt.download_with_dependencies(["sparse"])
        # Its own package last: its presence says that the rest is there.
        extract(sorted(debs, key=lambda deb: deb.name.startswith("sparse_")),
                 kernel.root)
        shutil.rmtree(apt.archives)
