# SPDX-License-Identifier: MIT
"""Things in the cache that have versions, of which the newest is looked up.

Layout of one, below its home:
    current    link to the newest VERSION that is complete
    VERSION/   what a maker has put there
    checked    its time says when was last looked for a newer one
    lock       held by who looks or makes

A version is made in a folder of its own and renamed when it is complete, so a
kill at any moment does no harm.
"""

import os
import shutil
import subprocess
import time

from .common import Failure, Lock, say

CHECK_EVERY = 7 * 24 * 3600
# An archive that could not be reached is not asked again at each run.
RETRY_AFTER = 3600
# What belongs to the store or to its user, and is no version.
OTHERS = {"apt", "current"}


class Store:
    """One thing in the cache: subclasses look for versions and make them."""

    def __init__(self, home, layout, name):
        self.home = home
        # Counts up when what a version's folder holds changes; older ones are
        # made anew.
        self.layout = layout
        self.name = name

    def look(self):
        """The newest version there is; called with the lock held."""
        raise NotImplementedError

    def make(self, version, folder):
        """Put that version into the folder, which make() makes."""
        raise NotImplementedError

    def done(self):
        """What is to be tidied up."""

    def lock(self):
        return Lock(self.home / "lock", f"fetches {self.name}")

    def current(self):
        """The folder of the version that is there, or None."""
        link = self.home / "current"
        return link.resolve() if self._is_complete(link) else None

    def get(self, update=False):
        """Have a version no older than CHECK_EVERY; return its folder."""
        folder = self.current()
        if folder and not update and self._is_fresh():
            return folder
        with self.lock():
            folder = self.current()
            if folder and not update and self._is_fresh():
                return folder
            try:
                return self._update()
            except Failure as failure:
                if not folder:
                    raise
                say(f"{self.name}: cannot look for a newer one ({failure}); "
                    f"using {folder.name} from the cache")
                asked = time.time() - CHECK_EVERY + RETRY_AFTER
                (self.home / "checked").touch()
                os.utime(self.home / "checked", (asked, asked))
                return folder

    def _is_complete(self, folder):
        try:
            return (folder / "layout").read_text() == self.layout
        except FileNotFoundError:
            return False

    def _is_fresh(self):
        try:
            return time.time() - (self.home / "checked").stat().st_mtime < \
                CHECK_EVERY
        except FileNotFoundError:
            return False

    def _update(self):
        for leftover in self.home.glob(".new-*"):
            shutil.rmtree(leftover)
        version = self.look()
        target = self.home / version
        if not self._is_complete(target):
            shutil.rmtree(target, ignore_errors=True)
            new = self.home / f".new-{version}"
            self.make(version, new)
            (new / "layout").write_text(self.layout)
            new.rename(target)
            say(f"{self.name}: {version} is in {target} ({_size(target)} MB)")
        former = self.current()
        link = self.home / ".current"
        link.unlink(missing_ok=True)
        link.symlink_to(version)
        os.replace(link, self.home / "current")
        (self.home / "checked").touch()
        # The former version stays, as somebody may be running it; older ones
        # go.
        keep = {version, former.name if former else version} | OTHERS
        for folder in self.home.iterdir():
            if folder.is_dir() and folder.name not in keep:
                shutil.rmtree(folder)
        self.done()
        return self.current()


def _size(folder):
    out = subprocess.run(["du", "-sm", folder], capture_output=True, text=True,
                         check=False).stdout
    return out.split()[0] if out else "?"
