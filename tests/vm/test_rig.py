# SPDX-License-Identifier: MIT
"""The parts of the rig that decide: what it calls trouble, what it answers.

python3 -m unittest tests/vm/test_rig.py
"""

import json
import os
import pathlib
import socket
import sys
import tempfile
import threading
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import (accelerator, hostcall, logscan, monitor,  # noqa: E402
                 source, stuck)
from rig.common import Failure, Usage, kernel_entry, kernel_names  # noqa: E402
from rig.cpio import Archive  # noqa: E402
from rig.machine import Machine, parse_size  # noqa: E402


class LogScan(unittest.TestCase):
    def test_trouble_in_a_kernel_log_is_found(self):
        for line in (
                "WARNING: CPU: 1 PID: 70 at fs/inode.c:1 x+0x1/0x2",
                "BUG: kernel NULL pointer dereference, address: 00",
                "BUG: KASAN: slab-use-after-free in f+0x1/0x2",
                "BUG: sleeping function called from invalid context at x",
                "Oops: 0000 [#1] PREEMPT SMP NOPTI",
                "Oops: general protection fault, probably for address",
                "WARNING: possible circular locking dependency detected",
                "INFO: task a:1 blocked for more than 120 seconds.",
                "rcu: INFO: rcu_preempt self-detected stall on CPU",
                "WARNING: suspicious RCU usage",
                "refcount_t: underflow; use-after-free.",
                "ODEBUG: free active (active state 0) object: 00 object type: "
                "timer_list hint: x+0x0/0x1",
                "UBSAN: shift-out-of-bounds in x.c:1:1",
                "kernel BUG at mm/page_table_check.c:101!",
                "list_add double add: new=0, prev=0, next=0.",
                "kmemleak: 10 new suspected memory leaks (see "
                "/sys/kernel/debug/kmemleak)",
                "kmemleak: Kernel memory leak detector disabled",
                "kmemleak: unreferenced object 0xffff (size 8):",
                "kmemleak: cannot scan",
                "ODEBUG: Out of memory. ODEBUG disabled",
                "DMA-API: debugging out of memory - disabling",
                "BUG: KCSAN: data-race in a / b",
                "watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
                "Kernel panic - not syncing: x",
                "DMAR: [DMA Write NO_PASID] Request device [00:05.0] fault "
                "addr 0x0 [fault reason 0x05] PTE Write access is not set"):
            with self.subTest(line=line):
                self.assertTrue(logscan.findings(f"[    1.000000] {line}\n"))

    def test_normal_lines_of_a_kernel_log_are_left_alone(self):
        for line in (
                "barlease_vfio_pci: loading out-of-tree module taints kernel.",
                "barlease_vfio_pci: module verification failed: signature "
                "and/or required key missing - tainting kernel",
                "DMAR: Host address width 39",
                "kasan: KernelAddressSanitizer initialized",
                "kmemleak: Kernel memory leak detector initialized (mem pool "
                "available: 15000)",
                "DMA-API: preallocated 65536 debug entries",
                "Command line: console=ttyS0 panic=1 oops=panic",
                "Kernel command line: rcupdate.rcu_cpu_stall_timeout=60",
                "\tRCU CPU stall warnings timeout set to 60 "
                "(rcu_cpu_stall_timeout).",
                "rcu: \tRCU lockdep checking is enabled.",
                "vfio-pci 0000:00:04.0: enabling device (0000 -> 0002)"):
            with self.subTest(line=line):
                self.assertFalse(logscan.findings(f"[    1.000000] {line}\n"))

    def test_a_data_race_counts_where_code_of_ours_is_in_it(self):
        a, b = " do_exit+0x1/0x2", " vfio_read+0x1/0x2 [vfio_pci_core]"
        ours = " barlease_fault+0x1/0x2 [barlease_vfio_pci]"
        access = "read to 0x1 of 1 bytes by task 1 on cpu 0:"
        for frames, foreign in (((a, b), 1), ((ours, a), 0),
                                ((a, b, ours), 0), ((a, a, b, ours), 1),
                                ((a, b, a, "", access, a, ours), 0)):
            text = "\n".join("[    1.000000] " + line for line in (
                "=" * 66, "BUG: KCSAN: data-race in a / b", "", access,
                *frames, "", "=" * 66, ours, ""))
            with self.subTest(frames=frames):
                self.assertEqual(logscan.foreign_races(text), foreign)
                self.assertEqual(len(logscan.findings(text)), 1 - foreign)
                # What else is said in between is judged as ever.
                self.assertTrue(logscan.findings(
                    text.replace("] \n", "] WARNING: x\n", 1)))
        # One that was cut off may have been ours.
        self.assertTrue(logscan.findings("BUG: KCSAN: data-race in a / b\n"))

    def test_the_report_shows_what_follows_a_finding(self):
        text = "a\nb\nc\nWARNING: x\nd\ne\n"
        self.assertEqual(logscan.report(text),
                         ["b", "c", "WARNING: x", "d", "e"])


class FakeQemu(threading.Thread):
    """A monitor that answers, with the configuration space of one device."""

    SLOT, EXPRESS = 0x0d, 0x54

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection = connection
        self.config = bytearray(256)
        self.config[0x34] = 0x40
        self.config[0x40:0x42] = bytes([0x0d, self.EXPRESS])
        self.config[self.EXPRESS] = 0x10
        self.address = 0x80001234
        self.log = []

    def port(self, line):
        words = line.split()
        port = int(words[2], 16)
        at = self.address & 0xfc | port & 3
        if words[0] == "i":
            value = self.address if port == 0xcf8 else \
                int.from_bytes(self.config[at:at + 4], "little")
            return f"portl[{port:#06x}] = {value:#010x}\r\n"
        if port == 0xcf8:
            self.address = int(words[3], 16)
        else:
            assert self.address >> 11 & 0x1f == self.SLOT
            value = int(words[3], 16)
            self.config[at:at + 2] = value.to_bytes(2, "little")
            self.log.append(f"{at:#x}={value:#x}")
        return ""

    def run(self):
        for line in self.connection.makefile("r"):
            request = json.loads(line)
            name, result = request["execute"], {}
            if name == "human-monitor-command":
                result = self.port(request["arguments"]["command-line"])
            else:
                self.log.append(name)
            answer = {"return": result, "id": request["id"]}
            if name == "device_del":
                answer = {"error": {"desc": "no"}, "id": request["id"]}
            self.connection.sendall(json.dumps({"event": "RESUME"}).encode()
                                    + b"\n" + json.dumps(answer).encode()
                                    + b"\n")


class Monitor(unittest.TestCase):
    def setUp(self):
        ours, theirs = socket.socketpair()
        self.qemu = FakeQemu(theirs)
        self.qemu.start()
        self.monitor = monitor.Monitor(ours)
        self.addCleanup(theirs.close)
        self.addCleanup(self.monitor.close)
        self.qemu.log.clear()

    def test_an_answer_is_told_from_events(self):
        self.assertEqual(self.monitor.command("query"), {})

    def test_a_refusal_is_an_error(self):
        with self.assertRaisesRegex(monitor.MonitorError, "no"):
            self.monitor.command("device_del", id="x")

    def test_power_is_cut_and_the_port_left_as_if_it_were_on(self):
        control = self.qemu.EXPRESS + 0x18
        for indicator in 0x1, 0x3: # on, and off as at boot
            with self.subTest(indicator=indicator):
                self.qemu.log.clear()
                self.qemu.config[control:control + 2] = bytes(
                    [0xc1, indicator])
                self.monitor.cut_slot_power(self.qemu.SLOT)
                self.assertEqual(self.qemu.log, [
                    "stop", f"{control:#x}=0x7c1", f"{control:#x}=0x1c1",
                    "cont"])
                self.assertEqual(self.qemu.address, 0x80001234)

    def test_a_slot_without_a_port_is_refused_and_the_machine_goes_on(self):
        self.qemu.config[self.qemu.EXPRESS] = 0
        with self.assertRaisesRegex(monitor.MonitorError, "no root port"):
            self.monitor.cut_slot_power(self.qemu.SLOT)
        self.assertEqual(self.qemu.log, ["stop", "cont"])

    def test_nothing_is_plugged_in_before_the_slot_is_off(self):
        control = self.qemu.EXPRESS + 0x18
        with mock.patch.object(monitor, "SWITCH_OFF_SECONDS", 0):
            with self.assertRaisesRegex(monitor.MonitorError, "not switched"):
                self.monitor.plug_in(self.qemu.SLOT, {"id": "x"})
        self.assertNotIn("device_add", self.qemu.log)
        self.qemu.config[control + 1] = 0x07
        self.monitor.plug_in(self.qemu.SLOT, {"id": "x"})
        self.assertEqual(self.qemu.log[-1], "device_add")


class HostCalls(unittest.TestCase):
    def setUp(self):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(bytes(65536 * 3))
        self.file.flush()
        self.calls = hostcall.HostCalls(self.file.name)

    def tearDown(self):
        self.file.close()

    def ask(self, *lines):
        return [self.calls.answer(line) for line in lines]

    def test_an_unchanged_file_has_no_changed_ranges(self):
        self.assertEqual(self.ask("snapshot", "changed"), ["ok", "ok"])

    def test_changed_ranges_are_exact_at_both_ends(self):
        self.ask("snapshot", "write 5 01", "write 0xffff 0203")
        self.assertEqual(self.ask("changed"), ["ok 0x5+0x1 0xffff+0x2"])

    def test_changed_ranges_merge_over_small_gaps_alone(self):
        self.ask("snapshot", "write 0 01", "write 64 01", "write 200 01")
        self.assertEqual(self.ask("changed"), ["ok 0x0+0x41 0xc8+0x1"])
        self.assertEqual(self.ask("changed 1"),
                         ["ok 0x0+0x1 0x40+0x1 0xc8+0x1"])

    def test_bytes_that_are_written_are_read_back(self):
        self.assertEqual(self.ask("write 16 00ff10", "read 15 5"),
                         ["ok", "ok 0000ff1000"])

    def test_a_wrong_digest_is_an_error(self):
        right = self.ask("digest 0 16")[0].split()[1]
        self.assertEqual(self.ask(f"compare 0 16 {right}"), ["ok"])
        self.assertTrue(self.ask("compare 0 16 00")[0].startswith("error "))

    def test_bad_requests_are_refused(self):
        for line in ("", "nonsense", "read", "read 0", "read 0 x", "read -1 1",
                     "read 0 65537", "read 196608 1", "write 0 xyz",
                     "write 196608 00", "changed", "exit", "__init__ x"):
            with self.subTest(line=line):
                self.assertRegex(self.ask(line)[0], "^error ")


class Stuck(unittest.TestCase):
    def test_a_complaint_is_found_once_also_in_two_pieces(self):
        with tempfile.NamedTemporaryFile() as console:
            watch = stuck.Watch(console.name)
            seen = []
            for text in ("rcu: INFO: rcu_preempt detected stalls\n",
                         "rcu: rcu_preempt kthread timer wake",
                         "up didn't happen for 6504 jiffies!\n", "more\n"):
                console.write(text.encode())
                console.flush()
                seen.append(watch.is_suspicious())
        self.assertEqual(seen, [False, False, True, False])
        self.assertFalse(stuck.Watch("/nonexistent").is_suspicious())

    def test_a_processor_that_waits_for_the_iommu_again_and_again_hangs(self):
        with tempfile.NamedTemporaryFile() as console:
            watch = stuck.Watch(console.name)
            seen = []
            for text in ("RIP: 0010:qi_submit_sync+0x281", "/0x470\n",
                         "RIP: 0010:other+0x1/0x2\n", "RIP: 0010:qi_sub",
                         "mit_sync+0x281/0x470\n"):
                console.write(text.encode())
                console.flush()
                watch.is_suspicious()
                seen.append(watch.hangs_in_iommu())
        self.assertEqual(seen, [False, False, False, False, True])

    def test_what_is_said_of_a_hang_alone_is_left_out_of_a_log(self):
        before = ("[   10.000001] watchdog: BUG: soft lockup - CPU#0 stuck\n"
                  "[  400.000000] WARNING: of something else\n")
        hang = ("[  417.348783] watchdog: BUG: soft lockup - CPU#1 stuck\n"
                "[  417.549673] rcu: INFO: rcu_preempt detected stalls\n"
                "[  480.000001] rcu: INFO: rcu_preempt detected stalls\n")
        self.assertEqual(stuck.without_complaints(before + hang), before)
        silence = ("[  491.963449] Uhhuh. NMI received for unknown reason 21\n"
                   "[  491.968607] Kernel panic - not syncing: NMI: Not\n")
        for end in (silence, hang + silence):
            self.assertEqual(stuck.without_complaints(before + end), before)
        self.assertEqual(stuck.without_complaints("[ 1.0] fine\n"),
                         "[ 1.0] fine\n")

    def test_a_timer_interrupt_in_service_is_told_from_a_pending_one(self):
        apics = {"info lapic 0": "ESR\t 0x00000000\nISR\t 236 \r\n"
                                 "IRR\t 34 236 \r\n",
                 "info lapic 1": "ISR\t (none)\r\nIRR\t 236 \r\n"}
        self.assertEqual(stuck.lost_processors(apics.get, 2), {0})

    def test_a_processor_is_asked_where_it_is(self):
        answers = {"info lapic 0": "ISR\t 236 \r\n",
                   "info registers -a": "\r\nCPU#0\r\nRAX=1 RBX=2\r\n"
                                        "RIP=ffff RFL=202 [-------]\r\n"}
        self.assertEqual(list(stuck.where(answers.get, 1)),
                         ["processor 0: RIP=ffff RFL=202, in service: 236"])


class Kernels(unittest.TestCase):
    def test_each_kernel_that_is_offered_is_complete(self):
        for name in kernel_names():
            with self.subTest(name=name):
                entry = kernel_entry(name)
                kind = ("source", "config") if "source" in entry \
                    else ("version", "image", "headers")
                for key in ("suite", "carried-by", "compiler", *kind):
                    self.assertIn(key, entry)

    def test_an_unknown_kernel_is_refused(self):
        with self.assertRaises(Usage):
            kernel_entry("5.10")

    def test_a_configuration_is_put_together_of_its_parts(self):
        with tempfile.TemporaryDirectory() as folder:
            parts = [pathlib.Path(folder) / name for name in "ab"]
            for part in parts:
                part.write_text(f"# license\nCONFIG_{part.name}=y\n")
            text = source.config_text({"config": " ".join(map(str, parts))})
        self.assertEqual(text, "# license\nCONFIG_a=y\nCONFIG_b=y\n")

    def test_an_option_that_does_not_come_out_is_found(self):
        wanted = "# about\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n"
        for config, lost in (
                ("CONFIG_A=y\nCONFIG_B=m\n", []),
                ("CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n", []),
                ("CONFIG_A=y\nCONFIG_B=y\n", ["CONFIG_B=m"]),
                ("CONFIG_B=m\nCONFIG_AA=y\n", ["CONFIG_A=y"]),
                ("CONFIG_A=y\nCONFIG_B=m\nCONFIG_C=y\n",
                 ["# CONFIG_C is not set"])):
            with self.subTest(config=config):
                self.assertEqual(list(source.lost_options(wanted, config)),
                                 lost)

    def test_an_edit_that_does_not_fit_the_source_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder, \
             mock.patch.object(source, "EDITS", [("x.c", "a\n", "b\n")]):
            file = pathlib.Path(folder) / "x.c"
            file.write_text("0\na\n1\n")
            source.edit(pathlib.Path(folder))
            self.assertEqual(file.read_text(), "0\na\nb\n1\n")
            for text in ("0\n", "a\na\n"):
                file.write_text(text)
                with self.assertRaises(Failure):
                    source.edit(pathlib.Path(folder))

    def test_a_kernel_of_another_configuration_has_another_name(self):
        entry = dict(kernel_entry("debug"))
        with tempfile.NamedTemporaryFile("w") as config:
            config.write("CONFIG_A=y\n")
            config.flush()
            other = dict(entry, config=config.name)
            names = {source.release(entry, "6.12.1-1"),
                     source.release(entry, "6.12.1-2"),
                     source.release(other, "6.12.1-1")}
        self.assertEqual(len(names), 3)


class Machines(unittest.TestCase):
    def test_sizes_are_read_and_bad_ones_refused(self):
        self.assertEqual(parse_size("16M"), 16 << 20)
        for text in ("", "M", "16m", "-1", "1.5G"):
            with self.subTest(text=text), self.assertRaises(Usage):
                parse_size(text)

    def test_a_default_device_takes_a_size_of_a_power_of_two(self):
        machine = Machine("/nonexistent")
        machine.add_device("ivshmem:64M")
        self.assertEqual(machine.sizes["ivshmem"], "64M")
        for text in ("ivshmem", "ivshmem:3M", "edu:1M"):
            with self.subTest(text=text), self.assertRaises(Usage):
                machine.add_device(text)


class Accelerator(unittest.TestCase):
    def test_it_is_what_the_environment_says_or_a_mistake(self):
        for wish, is_said in ("tcg-single", "tcg,thread=single"), \
                             ("tcg", "tcg,thread=multi"), ("kvm", "kvm"):
            with self.subTest(wish=wish), \
                    mock.patch.dict(os.environ, BARLEASE_ACCEL=wish):
                self.assertEqual(accelerator.choose(None), is_said)
        with mock.patch.dict(os.environ, BARLEASE_ACCEL="tgc"), \
                self.assertRaisesRegex(Usage, "tgc"):
            accelerator.choose(None)


class Initramfs(unittest.TestCase):
    def test_an_entry_has_its_folders_before_it_and_ends_aligned(self):
        archive = Archive()
        archive.file("/a/b/c", "hello", 0o755)
        data = archive.finish()
        self.assertEqual(len(data) % 4, 0)
        self.assertLess(data.index(b"\0a\0"[1:]), data.index(b"a/b\0"))
        self.assertLess(data.index(b"a/b\0"), data.index(b"a/b/c\0"))
        self.assertTrue(data.startswith(b"070701"))


if __name__ == "__main__":
    unittest.main()
