# SPDX-License-Identifier: MIT
"""The guest's whole file system: busybox, modules, the program, its files."""

import os
import pathlib
import re
import shlex
import subprocess

from .common import Failure, Usage, VM, build_dir
from .cpio import Archive
from .modules import add_modules

LIBRARIES = "usr/lib/x86_64-linux-gnu"

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
lessee:x:1000:1000:lessee:/tmp:/bin/sh
other:x:1001:1001:other:/tmp:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUP = """\
root:x:0:
lessee:x:1000:
other:x:1001:
nogroup:x:65534:
"""


class Guest:
    """Collects what goes into the guest."""

    def __init__(self, kernel):
        self.archive = Archive()
        self._system(kernel.busybox)

    def _system(self, busybox):
        archive = self.archive
        for name in ("proc", "sys", "dev", "run", "mnt", "root",
                     "usr/bin", "usr/sbin", "usr/local/bin", LIBRARIES):
            archive.folder(name)
        archive.folder("tmp", 0o1777)
        for name in ("bin", "sbin", "lib", "lib64"):
            archive.folder(f"usr/{name}")
            archive.link(name, f"usr/{name}")
        # The kernel opens the console before devtmpfs is there.
        archive.character_device("dev/console", 5, 1)
        archive.character_device("dev/null", 1, 3, 0o666)
        archive.file("usr/bin/busybox", busybox.read_bytes(), 0o755)
        applets = subprocess.run([busybox, "--list"], check=True,
                                 capture_output=True, text=True).stdout
        for applet in applets.split():
            if applet != "busybox":
                archive.link(f"usr/bin/{applet}", "busybox")
        archive.link("usr/sbin/modprobe", "../bin/busybox")
        for name in ("init", "hostcall"):
            data = (VM / "guest" / name).read_bytes()
            archive.file("init" if name == "init" else f"usr/bin/{name}",
                         data, 0o755)
        # hostcall needs it, and Debian's busybox has none.
        self.add("/usr/bin/flock", "/usr/bin/flock")
        archive.file("etc/passwd", PASSWD)
        archive.file("etc/group", GROUP)
        archive.file("etc/nsswitch.conf", "passwd: files\ngroup: files\n")

    def add_kernel_modules(self, kernel, extra):
        add_modules(self.archive, kernel, extra)

    def add(self, host_path, guest_path):
        """Copy a file or a folder of the host, with the libraries it needs."""
        host_path = pathlib.Path(host_path)
        if host_path.is_dir():
            for child in sorted(host_path.iterdir()):
                self.add(child, f"{guest_path}/{child.name}")
            return
        try:
            data = host_path.read_bytes()
        except OSError as error:
            raise Usage(f"cannot read {host_path}: {error.strerror}") from error
        name = guest_path.strip("/")
        top = name.split("/")[0]
        if top in ("bin", "sbin", "lib", "lib64"):
            name = "usr/" + name # those are links in the guest
        self.archive.file(name, data, host_path.stat().st_mode & 0o777)
        if data.startswith(b"\x7fELF"):
            self._add_libraries(host_path)
        elif data.startswith(b"#!") and os.access(host_path, os.X_OK):
            interpreter = data[2:].split(b"\n")[0].split()[0].decode()
            if not self._has(interpreter):
                raise Usage(f"{host_path} wants {interpreter}, which the "
                            "guest does not have (it has busybox's sh)")

    def _has(self, path):
        name = path.strip("/")
        if name.split("/")[0] in ("bin", "sbin"):
            name = "usr/" + name
        return self.archive.has(name)

    def _add_libraries(self, path):
        done = subprocess.run(["ldd", path], capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL="C"), check=False)
        if done.returncode:
            return # a static program, or not one for this machine
        for line in done.stdout.splitlines():
            if "not found" in line:
                raise Failure(f"{path}: {line.strip()}")
            match = re.match(r"\s*(?:(\S+) => )?(/\S+) \(0x", line)
            if not match:
                continue # the vDSO
            soname, library = match.groups()
            if soname and "/" not in soname:
                name = f"{LIBRARIES}/{soname}"
            else: # the program interpreter goes where the program names it
                name = library.strip("/")
                if name.split("/")[0] in ("lib", "lib64"):
                    name = "usr/" + name
            if not self.archive.has(name):
                self.archive.file(name, pathlib.Path(library).read_bytes(),
                                  0o755)

    def add_cli(self):
        """The barlease command, if it has been built."""
        command = build_dir() / "cli" / "barlease"
        if command.exists():
            self.add(command, "/usr/bin/barlease")

    def set_program(self, program, arguments, environment):
        """What /init runs: a file of the host, or a command of the guest."""
        if "/" in program:
            path = pathlib.Path(program)
            if not path.is_file():
                raise Usage(f"there is no program {program}")
            if not os.access(path, os.X_OK):
                raise Usage(f"{program} is not executable")
            guest_path = f"/usr/local/bin/{path.name}"
            self.add(path, guest_path)
        else:
            if not self.archive.has(f"usr/bin/{program}"):
                raise Usage(f"the guest has no command '{program}' (write a "
                            "path, as in ./program, for a file of the host)")
            guest_path = program
        # Not exec: a session's leader would get the serial ports that it
        # opens as its controlling terminal.
        self.archive.file("etc/rig/program",
                          f"{shlex.join([guest_path, *arguments])}\nexit $?\n")
        self.archive.file("etc/rig/environment", "".join(
            f"export {name}={shlex.quote(value)}\n"
            for name, value in environment.items()))

    def set_interactive(self, size):
        self.archive.file("etc/rig/interactive", "")
        if size.lines and size.columns: # some terminals do not know
            self.archive.file("etc/rig/size",
                              f"rows {size.lines} cols {size.columns}\n")

    def write(self, path):
        path.write_bytes(self.archive.finish())
