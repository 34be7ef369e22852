# SPDX-License-Identifier: MIT
"""The cache of kernels: unpacked packages, found through apt.

Layout, below cache_dir()/kernels/NAME, or NAME/CONFIGURATION of a kernel that is
built here (and see store.py):
    VERSION/image      the kernel packages and busybox, unpacked
    VERSION/root       a minimal system of the kernel's own release, with its
                       headers and its compiler, to build modules in

Nothing is ever installed on the host.
"""

import fnmatch
import shutil
import time

from . import source
from .apt import AptRoot, version_key
from .common import Failure, cache_dir, kernel_entry, say
from .store import CHECK_EVERY, Store
from .unpack import extract, unpack

# A kernel that is used is looked up each CHECK_EVERY.
UNUSED_AFTER = 4 * CHECK_EVERY

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


def _newest_version(apt, entry):
    """The newest version for which every package exists, and their version."""
    if "source" in entry:
        versions = apt.versions([entry["source"]]).get(entry["source"])
        if not versions:
            raise Failure(f"no {entry['source']} in {', '.join(apt.suites)}")
        newest = max(versions, key=version_key)
        return source.release(entry, newest), newest
    patterns = (entry["image"] + " " + entry["headers"]).split()
    before, after = patterns[0].split("{v}")
    wanted = before + entry["version"] + after
    versions = {name[len(before):len(name) - len(after)]
                for name in apt.names(before) if fnmatch.fnmatch(name, wanted)}
    for version in sorted(versions, key=version_key, reverse=True):
        packages = [pattern.format(v=version) for pattern in patterns]
        found = apt.versions(packages)
        common = set.intersection(*(found.get(package, set())
                                    for package in packages))
        if common:
            return version, max(common, key=version_key)
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


class _Kernels(Store):
    """The versions of one kernel in the cache."""

    def __init__(self, name):
        self.entry = kernel_entry(name)
        home = cache_dir() / "kernels" / name
        if "source" in self.entry:
            home = home / source.config_digest(self.entry)
        super().__init__(home, LAYOUT, f"kernel {name}")
        self.kernel = name
        self.suites = [self.entry["suite"], self.entry["carried-by"]]
        self.apt = AptRoot(home / "apt", self.suites)
        self.package_version = None

    def look(self):
        say(f"{self.name}: looking for the newest version in {self.suites[1]}")
        self.apt.update()
        version, self.package_version = _newest_version(self.apt, self.entry)
        return version

    def make(self, version, folder):
        make = _make_from_source if "source" in self.entry else _make_stock
        make(self.kernel, self.entry, self.apt, version, self.package_version,
             folder)

    def done(self):
        shutil.rmtree(self.apt.archives)
        if "source" in self.entry:
            _remove_unused(self.home)


def fetch_kernel(name, update=False):
    """Have kernel name in the cache and return it."""
    folder = _Kernels(name).get(update)
    return Kernel(name, folder.name, folder)


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
    kernels = _Kernels(kernel.name)
    with kernels.lock():
        say("adding sparse to the build root")
        kernels.apt.update()
        debs = kernels.apt.download_with_dependencies(["sparse"])
        # Its own package last: its presence says that the rest is there.
        extract(sorted(debs, key=lambda deb: deb.name.startswith("sparse_")),
                 kernel.root)
        shutil.rmtree(kernels.apt.archives)
