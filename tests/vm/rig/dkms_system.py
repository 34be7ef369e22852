# SPDX-License-Identifier: MIT
"""Systems that build modules by DKMS, and headers of kernels for them.

Further files of one (see system.py):
    debs        packages of kernel headers, which a use installs
    releases    of those kernels, oldest first
"""

import fnmatch
import shutil

from .apt import version_key
from .common import Failure, kernel_entry
from .system import System

PACKAGES = ["dkms", "gcc", "make", "libc6-dev"]

# For each system: the kernels whose headers it gets, in this order. A name of
# the list of kernels, or a suite and a pattern of versions.
SYSTEMS = {
    "bookworm": [("bookworm", "6.1.*"), "6.12"],
    "trixie": [("trixie", "6.12.*+deb13"), "7.3"],
}

# A package of headers may depend on the image, which nobody boots here.
IMAGE = """\
Package: linux-image-{release}
Status: install ok installed
Maintainer: nobody
Architecture: amd64
Version: {version}
Description: not here

"""


def _patterns(suite):
    """The suite that carries each kernel, and a pattern of its versions."""
    for kernel in SYSTEMS[suite]:
        if isinstance(kernel, str):
            entry = kernel_entry(kernel)
            kernel = entry["carried-by"], entry["version"]
        yield kernel


class DkmsSystem(System):
    """A release of Debian with DKMS and a compiler."""

    def __init__(self, suite):
        self.patterns = list(_patterns(suite))
        super().__init__(suite, list(dict.fromkeys(
            [suite, *(carrier for carrier, _ in self.patterns)])), PACKAGES)
        self.suite = suite
        self.headers = []
        self.releases = []

    def find_more(self):
        images = "".join(self._choose(pattern) for _, pattern in self.patterns)
        return images, self.headers

    def _choose(self, pattern):
        before, after = "linux-headers-", "-cloud-amd64"
        # A name without a patch level is that of a package which only depends
        # on the newest one.
        versions = [name[len(before):-len(after)]
                    for name in self.apt.names(before)
                    if fnmatch.fnmatch(name, f"{before}{pattern}{after}")]
        versions = [version for version in versions if version.count(".") > 1]
        for version in sorted(versions, key=version_key, reverse=True):
            name = f"{before}{version}{after}"
            found = self.apt.versions([name]).get(name)
            if found:
                release = version + after
                number = max(found, key=version_key)
                self.releases.append(release)
                self.headers += [f"{name}={number}",
                                 f"{before}{version}-common={number}"]
                return IMAGE.format(release=release, version=number)
        raise Failure(f"there are no headers like {pattern} for {self.suite}")

    def make(self, version, folder):
        super().make(version, folder)
        base = self.apt.download_with_dependencies(self.packages)
        everything = self.apt.download_with_dependencies(
            self.packages + self.headers)
        (folder / "debs").mkdir()
        for deb in everything:
            if deb not in base:
                shutil.copyfile(deb, folder / "debs" / deb.name)
        (folder / "releases").write_text("\n".join(self.releases) + "\n")
