# SPDX-License-Identifier: MIT
"""Does a run of a machine fail when it must? Boots one for each case.

BARLEASE_TEST_KERNEL=6.12 python3 -m unittest tests/vm/test_guards.py
"""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

RUN = pathlib.Path(__file__).resolve().parent / "run"
KERNEL = os.environ.get("BARLEASE_TEST_KERNEL", "6.12")
COMMAND = [RUN, "--kernel", KERNEL, "--no-module"]


def run(*arguments):
    done = subprocess.run([*COMMAND, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120,
                          check=False)
    return done.returncode, done.stdout, done.stderr


class Guards(unittest.TestCase):
    def test_a_programs_output_and_status_come_through(self):
        status, out, _ = run("sh", "-c", "echo out; echo err >&2; exit 3")
        self.assertEqual((status, out), (3, "out\nerr\n"))

    def test_a_warning_in_the_kernel_log_fails_the_run(self):
        status, out, err = run("sh", "-c",
                               "echo 'WARNING: a test' >/dev/kmsg; echo done")
        self.assertEqual((status, out), (1, "done\n"))
        self.assertIn("WARNING: a test", err)

    def test_a_panic_fails_the_run(self):
        status, _, err = run("sh", "-c",
                             "echo c >/proc/sysrq-trigger; sleep 60")
        self.assertEqual(status, 1)
        self.assertIn("Kernel panic", err)

    def test_a_guest_that_powers_off_too_early_fails_the_run(self):
        status, _, err = run("poweroff", "-f")
        self.assertEqual(status, 1)
        self.assertIn("before the program did", err)

    def test_a_guest_that_dies_at_boot_is_started_again_and_then_fails(self):
        status, _, err = run("--append", "rdinit=/nonexistent", "true")
        self.assertEqual(status, 1)
        self.assertEqual(err.count("once more"), 2)

    def test_time_that_is_up_ends_the_run(self):
        status, _, err = run("--timeout", "8", "sleep", "100")
        self.assertEqual(status, 124)
        self.assertIn("time is up", err)

    def test_a_guest_that_says_nothing_is_asked_where_it_is(self):
        status, _, err = run("--silence", "20", "sleep", "100")
        self.assertEqual(status, 123)
        self.assertIn("said nothing for 20 s", err)
        self.assertRegex(err, r"processor 1: RIP=[0-9a-f]{16}")
        self.assertIn("Kernel panic - not syncing: NMI", err)

    def test_wrong_requests_have_status_2(self):
        for arguments in (["./nonexistent"], ["nonexistent"],
                          ["--file", "/nonexistent", "true"],
                          ["--device", "ivshmem:3M", "true"],
                          ["--device", "nonexistent", "true"],
                          ["--memory", "1X", "true"],
                          ["--timeout", "0", "true"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(run(*arguments)[0], 2)

    def test_the_host_sees_what_reaches_the_device(self):
        # BAR 2 by /dev/mem, as no driver of ours is part of this test.
        status, out, _ = run("sh", "-c", """
            device=/sys/bus/pci/devices/$BARLEASE_IVSHMEM
            echo 1 >$device/enable
            start=$(sed -n 3p $device/resource | cut -d' ' -f1)
            hostcall snapshot
            devmem $((start + 0x200000)) 32 0x44332211
            hostcall changed
            hostcall write 0x300000 a5
            devmem $((start + 0x300000)) 8""")
        self.assertEqual((status, out), (0, "0x200000+0x4\n0xA5\n"))

    def _ends_with(self, number):
        """Signal a run; its QEMU must go. What is left of its folder?"""
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [*COMMAND, "sh", "-c", "echo up; sleep 100"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=dict(os.environ, TMPDIR=folder))
            self.assertEqual(process.stdout.readline(), b"up\n")
            process.send_signal(number)
            process.wait(timeout=20)
            process.stdout.close()
            deadline = time.monotonic() + 10
            while self._users_of(folder) and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertEqual(self._users_of(folder), [])
            return list(pathlib.Path(folder).iterdir())

    def test_a_crash_of_qemu_is_told_from_one_of_the_guest(self):
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [*COMMAND, "sh", "-c", "echo up; sleep 100"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env=dict(os.environ, TMPDIR=folder))
            self.assertEqual(process.stdout.readline(), "up\n")
            for path in self._users_of(folder):
                if b"-kernel" in path.read_bytes():
                    os.kill(int(path.parent.name), signal.SIGABRT)
            _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 125)
        self.assertIn("QEMU itself has crashed (SIGABRT)", err)

    def _users_of(self, folder):
        users = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if folder.encode() in path.read_bytes():
                    users.append(path)
            except OSError:
                pass
        return users

    def test_a_terminated_run_leaves_nothing(self):
        self.assertEqual(self._ends_with(signal.SIGTERM), [])

    def test_an_interrupted_run_leaves_nothing(self):
        self.assertEqual(self._ends_with(signal.SIGINT), [])

    def test_a_killed_run_leaves_no_machine(self):
        self._ends_with(signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
