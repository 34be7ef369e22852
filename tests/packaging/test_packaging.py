# SPDX-License-Identifier: MIT
"""Does who packages this get what the options say?

python3 -m unittest tests/packaging/test_packaging.py
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
# All that no test is about.
USED = ["--prefix=/usr", "--libdir=lib", "--buildtype=plain",
        "-Dtests=disabled"]
OF_SYSTEMD = {
    "/usr/lib/systemd/system/barleased.service",
    "/usr/lib/systemd/system/barleased.socket",
    "/usr/lib/sysusers.d/barlease.conf",
    "/usr/lib/tmpfiles.d/barlease.conf",
    "/usr/lib/udev/rules.d/70-barlease.rules",
}
PROGRAMS = {"/usr/bin/barlease", "/usr/sbin/barleased"}
VERSION = (TOP / "kmod/version").read_text().strip()
FILES = OF_SYSTEMD | PROGRAMS | {
    "/usr/lib/libbarlease.so",
    "/usr/lib/libbarlease.so.0",
    f"/usr/lib/libbarlease.so.{VERSION}",
    "/usr/lib/pkgconfig/libbarlease.pc",
    "/usr/include/barlease.h",
    "/usr/include/linux/barlease.h",
    "/usr/share/bash-completion/completions/barlease",
    "/usr/share/fish/vendor_completions.d/barlease.fish",
    "/usr/share/zsh/site-functions/_barlease",
    "/usr/share/man/man1/barlease.1",
    "/usr/share/man/man4/barlease-vfio-pci.4",
    "/usr/share/man/man5/barlease.conf.5",
    "/usr/share/man/man7/barlease.7",
    "/usr/share/man/man8/barleased.8",
}
# Those have one name each for every function, header or example.
FOLDERS = ("/usr/share/man/man3/", "/usr/include/barlease/",
           "/usr/share/doc/barlease/")


class Configured:
    """A build folder, and what meson has said of it."""

    def __init__(self, *options, top=TOP, folder=None, **environment):
        self.folder = folder or tempfile.mkdtemp(prefix="barlease-package-")
        done = subprocess.run(
            ["meson", "setup", self.folder, top, *USED, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
            env=dict(os.environ, **environment))
        self.status, self.said = done.returncode, done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def introspect(self, what):
        return json.loads(subprocess.run(
            ["meson", "introspect", self.folder, f"--{what}"],
            capture_output=True, text=True, check=True).stdout)

    def installed(self):
        return set(self.introspect("installed").values())

    def programs(self):
        """Names of those that are built, and whether they are installed."""
        return {target["name"]: target["installed"]
                for target in self.introspect("targets")
                if target["type"] == "executable"}

    def install(self, destination):
        for command in (["ninja", "-C", self.folder],
                        ["meson", "install", "-C", self.folder,
                         "--no-rebuild", "--destdir", destination]):
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)


class WithoutPackage:
    """Where pkg-config finds all that this machine has but for one package."""

    def __init__(self, name):
        self.folder = tempfile.TemporaryDirectory()
        searched = subprocess.run(
            ["pkg-config", "--variable=pc_path", "pkg-config"],
            capture_output=True, text=True, check=True).stdout
        for folder in reversed(searched.strip().split(":")):
            for file in pathlib.Path(folder).glob("*.pc"):
                link = pathlib.Path(self.folder.name) / file.name
                link.unlink(missing_ok=True)
                if file.stem != name:
                    link.symlink_to(file)

    def __enter__(self):
        return {"PKG_CONFIG_LIBDIR": self.folder.name, "PKG_CONFIG_PATH": ""}

    def __exit__(self, *_):
        self.folder.cleanup()


def warnings(said):
    return [line for line in said.splitlines() if "WARNING: " in line]


def content(folder):
    """What is below a folder: modes, and bytes or where a link points."""
    return {
        str(path.relative_to(folder)):
        (path.lstat().st_mode,
         path.readlink() if path.is_symlink() else path.read_bytes())
        for path in folder.rglob("*") if path.is_symlink() or path.is_file()
    }


class Packaging(unittest.TestCase):
    def test_what_is_installed_is_what_packages_list(self):
        with Configured() as configured:
            self.assertEqual(configured.status, 0, configured.said)
            self.assertEqual(warnings(configured.said), [])
            self.assertEqual({path for path in configured.installed()
                              if not path.startswith(FOLDERS)}, FILES)

    def test_only_what_is_installed_is_built_without_tests(self):
        with Configured() as configured:
            self.assertEqual(configured.programs(),
                             {"barlease": True, "barleased": True})

    def test_what_is_left_out_is_said(self):
        with Configured("-Dsystemd=disabled",
                        "-Dseccomp=disabled") as configured:
            self.assertEqual(configured.status, 0, configured.said)
            systemd, seccomp = warnings(configured.said)
            self.assertIn("without libsystemd no unit", systemd)
            self.assertIn("without libseccomp barleased has all", seccomp)
            self.assertEqual(configured.installed() & OF_SYSTEMD, set())
            self.assertLess(PROGRAMS, configured.installed())

    def test_what_is_missing_is_left_out_or_said(self):
        for option in ("systemd", "seccomp"):
            with self.subTest(option=option), \
                 WithoutPackage(f"lib{option}") as environment:
                with Configured(**environment) as configured:
                    self.assertEqual(configured.status, 0, configured.said)
                    self.assertEqual(len(warnings(configured.said)), 1)
                with Configured(f"-D{option}=enabled",
                                **environment) as configured:
                    self.assertNotEqual(configured.status, 0)
                    self.assertRegex(configured.said,
                                     rf'ERROR: Dependency "lib{option}"')

    def test_other_machines_are_refused_at_once(self):
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
            file.write("[binaries]\nc = 'cc'\n[host_machine]\n"
                       "system = 'linux'\ncpu_family = 'x86'\ncpu = 'i686'\n"
                       "endian = 'little'\n")
            file.flush()
            with Configured(f"--cross-file={file.name}") as configured:
                self.assertNotEqual(configured.status, 0)
                self.assertIn("for x86-64 and arm64, not for x86",
                              configured.said)

    def test_there_is_no_archive_of_the_library(self):
        with Configured("-Ddefault_library=both") as configured:
            warning, = warnings(configured.said)
            self.assertIn("shared library only", warning)
            self.assertEqual({path for path in configured.installed()
                              if path.endswith(".a")}, set())

    def test_other_folders_and_times_make_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            names = subprocess.run(["git", "-C", TOP, "ls-files"],
                                   capture_output=True, text=True,
                                   check=True).stdout.split()
            found = []
            for name, zone, mask in (("first", "UTC", 0o22),
                                     ("further/down", "Asia/Tokyo", 0o2)):
                top = folder / name
                self.addCleanup(os.umask, os.umask(mask))
                for file in names:
                    if (TOP / file).exists():
                        (top / file).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(TOP / file, top / file)
                        shutil.copymode(TOP / file, top / file)
                build = Configured(
                    top=top, folder=top / "obj", TZ=zone,
                    CFLAGS=f"-g -Werror=date-time -ffile-prefix-map={top}=.")
                self.assertEqual(build.status, 0, build.said)
                build.install(top / "installed")
                found.append(content(top / "installed"))
            self.assertEqual(set(found[0]), set(found[1]))
            self.assertEqual([file for file in found[0]
                              if found[0][file] != found[1][file]], [])
            self.assertIn("usr/sbin/barleased", found[0])


if __name__ == "__main__":
    unittest.main()
