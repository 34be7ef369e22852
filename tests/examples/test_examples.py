# SPDX-License-Identifier: MIT
"""Do the examples do what they say, built as their readers would build them?

python3 -m unittest tests/examples/test_examples.py     (after ninja -C build)
"""

import os
import pathlib
import re
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/vm"))
from rig.common import build_dir  # noqa: E402

EXAMPLES = TOP / "examples"
PYTHON = [sys.executable, EXAMPLES / "lessee.py"]
PATIENCE = 60 # seconds; everything takes far less
WHOLE_BAR = 1 << 20


class Installed:
    """The library as it is installed, and what is built with it."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        subprocess.run(["meson", "install", "-C", build_dir(), "--no-rebuild",
                        "--quiet", "--destdir", root],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       check=True)
        package, = self.root.rglob("libbarlease.pc")
        self.library, = self.root.rglob("libbarlease.so")
        self.environment = dict(
            os.environ, PKG_CONFIG_LIBDIR=str(package.parent),
            PKG_CONFIG_SYSROOT_DIR=str(root),
            LD_LIBRARY_PATH=str(self.library.parent))

    def build(self, compiler, name):
        """A program from one file, with what pkg-config says and no more."""
        flags = subprocess.run(["pkg-config", "--cflags", "--libs",
                                "libbarlease"], env=self.environment,
                               capture_output=True, text=True,
                               check=True).stdout
        program = self.root / f"{name}.{compiler}"
        subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-O2", "-o",
                        program, EXAMPLES / f"{name}.c", *shlex.split(flags)],
                       check=True)
        return program


class Program:
    """One that runs; what it prints is looked at line by line."""

    def __init__(self, case, *command, environment=None):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment, bufsize=0)
        self.case = case
        self.pending = b""
        case.addCleanup(self.close)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def line(self):
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if not select.select([self.process.stdout], [], [],
                                 max(left, 0))[0]:
                self.case.fail(f"nothing more but {self.pending!r}")
            more = self.process.stdout.read(4096)
            if not more:
                self.case.fail(f"it has ended, with {self.pending!r}")
            self.pending += more
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def expect(self, *patterns):
        for pattern in patterns:
            self.case.assertRegex(self.line(), f"^{pattern}$")

    def expect_in_the_end(self, pattern, *more):
        """The same, after whatever a lessee has counted until then."""
        line = self.line()
        while re.fullmatch(r"counted to \d+", line):
            line = self.line()
        self.case.assertRegex(line, f"^{pattern}$")
        self.expect(*more)

    def say(self, text):
        self.process.stdin.write(text.encode())

    def ends(self, status):
        self.case.assertEqual(self.process.wait(PATIENCE), status)


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.installed = Installed(folder.name)
        cls.programs = {name: cls.installed.build("gcc", name)
                        for name in ("lessor", "lessee")}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/socket"

    def start(self, name, *arguments):
        return Program(self, self.programs[name], self.path,
                       *map(str, arguments),
                       environment=self.installed.environment)

    def listens(self):
        """Its file alone is there a little before."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            return server.connect_ex(self.path) == 0

    def lessor(self, slice_size=WHOLE_BAR):
        lessor = self.start("lessor", "sim", 0, slice_size)
        deadline = time.monotonic() + PATIENCE
        while not self.listens():
            self.assertIsNone(lessor.process.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return lessor

    def python(self, *arguments):
        return Program(self, *PYTHON, self.path, *map(str, arguments))

    def test_both_build_with_clang_as_well(self):
        for name in self.programs:
            self.assertTrue(self.installed.build("clang", name).exists())

    def test_they_use_the_library_that_is_installed(self):
        for program in self.programs.values():
            out = subprocess.run(["ldd", program], check=True, text=True,
                                 capture_output=True,
                                 env=self.installed.environment).stdout
            self.assertIn(str(self.installed.library.parent), out)

    def test_they_are_as_short_as_promised(self):
        for name, most in (("lessor.c", 149), ("lessee.c", 149),
                           ("lessee.py", 100)):
            with self.subTest(name=name):
                lines = (EXAMPLES / name).read_text().splitlines()
                self.assertLessEqual(len(lines), most)

    def test_the_python_client_needs_the_standard_library_alone(self):
        names = re.findall(r"^\s*(?:import|from) (\w+)",
                           (EXAMPLES / "lessee.py").read_text(), re.MULTILINE)
        self.assertIn("socket", names)
        self.assertEqual(set(names) - sys.stdlib_module_names, set())

    def test_the_python_client_lists(self):
        self.lessor(4096)
        client = self.python()
        client.expect("slice: 256 of 256 are free, of 4096 bytes each; "
                      "0 requests wait")
        client.ends(0)

    def test_the_python_client_writes_and_reads(self):
        lessor = self.lessor()
        client = self.python("slice", "0x104", "0xdecade")
        client.expect(r"granted: slice 0, 1048576 bytes", "0x104: 0xdecade",
                      "released")
        client.ends(0)
        client = self.python("slice", "0x104")
        client.expect("granted: .*", "0x104: 0xdecade", "released")
        client.ends(0)
        lessor.expect(r"slice 0 is lent to python3\S* \(\d+\)",
                      "slice 0 is back: released")

    def test_the_python_client_waits_its_turn(self):
        lessor = self.lessor()
        first = self.python("slice", 0, "--hold")
        first.expect("granted: .*", "0: 0x0")
        second = self.python("slice", 0)
        second.expect("waiting, at position 1")
        third = self.python("slice", 0)
        third.expect("waiting, at position 2")
        lessor.say("recall\n")
        first.expect(r"recalled, with \d+ ms left", "released")
        second.expect("granted: .*", "0: 0x0", "released")
        third.expect("waiting, at position 1", "granted: .*")
        third.ends(0)

    def test_the_python_client_is_told_of_a_revocation(self):
        lessor = self.lessor()
        client = self.python("slice", 0, "--hold")
        client.expect("granted: .*", "0: 0x0")
        lessor.process.stdin.close()
        client.expect("revoked: the server ends")
        client.ends(1)
        lessor.ends(0)

    def test_the_python_client_is_refused_with_a_sentence(self):
        self.lessor()
        client = self.python("other", 0)
        client.expect(r"refused: .+ \(No such file or directory\)")
        client.ends(1)

    def test_the_lessee_works_until_it_is_recalled(self):
        lessor = self.lessor()
        lessee = self.start("lessee", "slice")
        lessee.expect("granted: slice 0, 1048576 bytes", "counted to 0")
        lessor.say("recall\n")
        lessee.expect_in_the_end(r"recalled, with \d+ ms left", "released")
        lessee.ends(0)
        # What it has counted is in the device.
        client = self.python("slice", 0)
        client.expect("granted: .*")
        self.assertGreater(int(client.line().removeprefix("0: "), 0), 0)
        lessor.expect(r"slice 0 is lent to lessee\S* \(\d+\)",
                      "slice 0 is back: released")

    def test_the_lessee_survives_the_end_of_the_lessor(self):
        for way in ("by itself", "killed"):
            with self.subTest(way=way):
                lessor = self.lessor()
                lessee = self.start("lessee")
                lessee.expect("granted: slice 0, .*", "counted to 0")
                if way == "killed":
                    lessor.process.kill()
                    lessor.ends(-signal.SIGKILL)
                    lessee.expect_in_the_end(
                        "the server has closed the connection")
                else:
                    lessor.process.stdin.close()
                    lessor.ends(0)
                    lessee.expect_in_the_end("revoked")
                lessee.ends(0)

    def test_the_lessor_gets_back_what_the_dead_had(self):
        lessor = self.lessor()
        lessee = self.start("lessee")
        lessee.expect("granted: .*")
        waiting = self.start("lessee")
        waiting.expect("waiting, at position 1")
        lessee.process.kill()
        waiting.expect("granted: slice 0, .*")
        lessor.expect("slice 0 is lent to .*", "slice 0 is back: taken",
                      r"slice 0 is lent to lessee\S* \(\d+\)")

    def test_the_lessor_has_a_rule_of_its_own(self):
        self.lessor(4096)
        types = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.settimeout(PATIENCE)
            server.connect(self.path)
            for serial in range(1, 4):
                server.send(struct.pack("=IHHII64sIIQQ", 104, 2, 1, serial, 0,
                                        b"slice", 0, 0, 0, 0))
                answer, fds, _, _ = socket.recv_fds(server, 512, 1)
                types.append(struct.unpack_from("=H", answer, 4)[0])
                for fd in fds:
                    os.close(fd)
        self.assertEqual(types, [19, 19, 20])
        self.assertIn(b"nobody gets more than two", answer)


if __name__ == "__main__":
    unittest.main()
