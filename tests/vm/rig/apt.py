# SPDX-License-Identifier: MIT
"""A private apt root: reads other Debian suites and leaves the host's alone.

The host's configuration (proxies, credentials) stays in effect; only its
folders and its sources are replaced. The address of the archive is taken from
the host's own sources, so whatever mirror it uses is used here too.
"""

import pathlib
import re
import subprocess

from .common import Failure, die_with_parent, say

KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def _index_targets(options):
    """List (address, release) of the Debian archives that apt knows."""
    out = subprocess.run(
        ["apt-get", *options, "indextargets", "--format",
         "$(REPO_URI) $(RELEASE) $(ORIGIN)", "Created-By: Packages"],
        check=True, capture_output=True, text=True).stdout
    targets = []
    for line in out.splitlines():
        fields = line.split()
        if len(fields) >= 2 and (len(fields) < 3 or fields[2] == "Debian"):
            targets.append((fields[0], fields[1]))
    return targets


def archive_addresses(scratch):
    """Addresses of the main and the security archive, by the host's sources."""
    targets = _index_targets([])
    if not targets:
        # Images often come with the lists removed. apt names an archive only
        # when it has its lists, so fetch them into a folder of our own.
        say("the machine has no package lists: reading its sources")
        for name in ("lists/partial", "cache/archives/partial"):
            (scratch / name).mkdir(parents=True, exist_ok=True)
        # The binary caches of the host must not be rewritten from them.
        options = ["-o", f"Dir::State::lists={scratch / 'lists'}",
                   "-o", f"Dir::Cache={scratch / 'cache'}",
                   "-o", "APT::Sandbox::User=root"]
        subprocess.run(["apt-get", *options, "-qq", "update"], check=False)
        targets = _index_targets(options)
    main = security = None
    for address, release in targets:
        if release.endswith("-security"):
            security = security or address
        elif "-" not in release:
            main = main or address
    if not main:
        raise Failure("this machine's apt sources name no Debian archive")
    if not security:
        # Debian's own mirrors carry the two archives side by side.
        security = re.sub(r"/debian/?$", "/debian-security/", main)
    return main, security


def version_key(version):
    """What to sort versions of one package by."""
    return [int(part) for part in re.findall(r"\d+", version)]


class AptRoot:
    """Package lists and downloads of one set of suites, below one folder."""

    def __init__(self, folder, suites):
        self.folder = folder
        self.suites = suites
        self.archives = folder / "cache" / "archives"
        self.conf = folder / "apt.conf"

    def _write(self):
        if not KEYRING.exists():
            raise Failure(f"{KEYRING} is missing: install "
                          "debian-archive-keyring")
        main, security = archive_addresses(self.folder / "host")
        for name in ("state/lists/partial", "cache/archives/partial",
                     "etc/empty"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "state" / "status").touch()
        sources = "".join(
            f"deb [signed-by={KEYRING}] "
            f"{security if suite.endswith('-security') else main} "
            f"{suite} main\n"
            for suite in self.suites)
        (self.folder / "etc" / "sources.list").write_text(sources)
        # Read last (-c), so that it wins over the host's files. The hooks that
        # container images add would clean up the host's cache, not ours.
        self.conf.write_text(f"""\
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Dir::State "{self.folder}/state";
Dir::State::status "{self.folder}/state/status";
Dir::State::lists "{self.folder}/state/lists";
Dir::Cache "{self.folder}/cache";
Dir::Cache::archives "{self.archives}";
Dir::Etc::sourcelist "{self.folder}/etc/sources.list";
Dir::Etc::sourceparts "{self.folder}/etc/empty";
Dir::Etc::preferences "{self.folder}/etc/preferences";
Dir::Etc::preferencesparts "{self.folder}/etc/empty";
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures {{ "amd64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
Acquire::Retries "3";
""")

    def _run(self, *arguments, cwd=None):
        done = subprocess.run([arguments[0], "-c", self.conf, *arguments[1:]],
                              cwd=cwd, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL,
                              preexec_fn=die_with_parent(), check=False)
        if done.returncode:
            raise Failure(f"{' '.join(map(str, arguments[:2]))} failed: "
                          f"{done.stderr.strip()}")
        return done.stdout

    def update(self):
        self._write()
        self._run("apt-get", "-qq", "-o", "APT::Update::Error-Mode=any",
                  "update")

    def versions(self, packages):
        """Map each package that exists to the set of its versions."""
        found = {}
        for line in self._run("apt-cache", "madison", *packages).splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3 and "Packages" in fields[2]:
                found.setdefault(fields[0], set()).add(fields[1])
        return found

    def names(self, prefix):
        return self._run("apt-cache", "pkgnames", prefix).split()

    def download(self, packages):
        """Fetch exactly these packages; return the paths of their files."""
        return self._fetch(packages, "download")

    def download_with_dependencies(self, packages):
        """Fetch the packages and all that they need, from nothing."""
        return self._fetch(packages, "--download-only", "install")

    def list_with_dependencies(self, packages):
        """The names of the files that the above would return."""
        return [path.name for path, _ in
                self._list(packages, "--download-only", "install")]

    def _list(self, packages, *action):
        # apt leaves out of the list what it has already: ask as if it had
        # nothing, to learn the names of all files.
        empty = self.folder / "etc" / "empty"
        listing = self._run("apt-get", "-y", "-qq", "-o",
                            f"Dir::Cache::archives={empty}", "--print-uris",
                            *action, *packages)
        return [(self.archives / match[1], int(match[2])) for match in
                re.finditer(r"^'[^']+' (\S+) (\d+)", listing, re.MULTILINE)]

    def _fetch(self, packages, *action):
        wanted = self._list(packages, *action)
        missing = [size for path, size in wanted if not path.exists()]
        if missing:
            say(f"downloading {len(missing)} packages, "
                f"{sum(missing) / 1e6:.0f} MB")
            self._run("apt-get", "-y", "-q", *action, *packages,
                      cwd=self.archives)
        return [path for path, _ in wanted]
