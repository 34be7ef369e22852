#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barlease doctor on machines that lack this or that.

usage: test_doctor.py BARLEASE BARLEASE_IN_TREE SOURCE
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

from command import IN_TREE, TOP, barlease

import tap # of tests/broker, by command.py

BDF = "0000:00:04.0"
OTHER = "0000:00:05.0"
RELEASE = "6.12.99-test"
VERSION = (TOP / "kmod/version").read_text().strip()


class Machine:
    """One that can lend."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.file("proc/sys/kernel/osrelease", RELEASE + "\n")
        self.file(f"lib/modules/{RELEASE}/modules.dep",
                  "updates/dkms/barlease-vfio-pci.ko.xz: kernel/vfio.ko\n")
        self.file("sys/kernel/security/lockdown",
                  "[none] integrity confidentiality\n")
        self.function(BDF, "barlease-vfio-pci")
        for file in ("dev/vfio/vfio", "dev/vfio/7"):
            self.file(file, "")
        self.module(VERSION)

    def file(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def link(self, name, target):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def function(self, bdf, driver, vfio=True):
        folder = f"sys/bus/pci/devices/{bdf}"
        for name, value in (("vendor", "0x1af4"), ("device", "0x1110"),
                            ("class", "0x050000"), ("resource", "")):
            self.file(f"{folder}/{name}", value + "\n")
        self.link(f"{folder}/driver", f"../../drivers/{driver}")
        self.link(f"{folder}/iommu_group",
                  "../../../../kernel/iommu_groups/7")
        (self.root / f"sys/kernel/iommu_groups/7/devices/{bdf}").mkdir(
            parents=True)
        if vfio:
            (self.root / folder / "vfio-dev/vfio0").mkdir(parents=True)

    def module(self, version, **parameters):
        folder = "sys/module/barlease_vfio_pci"
        self.file(f"{folder}/version", version + "\n")
        for name, value in parameters.items():
            self.file(f"{folder}/parameters/{name}", value + "\n")

    def without_module(self):
        (self.root / "sys/module/barlease_vfio_pci/version").unlink()
        (self.root / "sys/module/barlease_vfio_pci").rmdir()

    def doctor(self, *words, status=0):
        """{check: [(result, what, remedy), ...]}"""
        out, _ = barlease("doctor", "--json", *words, status=status,
                          root=self.root)
        found = {}
        for check in json.loads(out)["checks"]:
            found.setdefault(check["check"], []).append(
                (check["result"], check["seen"], check["remedy"]))
        return found


@contextlib.contextmanager
def machine():
    with tempfile.TemporaryDirectory() as root:
        yield Machine(root)


def test_a_machine_that_can_lend_is_well():
    with machine() as made:
        found = made.doctor()
        results = {name: {result for result, *_ in checks}
                   for name, checks in found.items()}
        assert results == {"iommu": {"ok"}, "module": {"ok"},
                           "signing": {"ok"}, "device": {"ok"},
                           "group": {"ok"}, "access": {"ok"},
                           "barleased": {"note"}}, found
        assert found["iommu"][0][1] == "it is on: 1 IOMMU groups", found


def test_people_are_told_what_to_do():
    with machine() as made:
        made.module("0.0.1")
        out, _ = barlease("doctor", status=1, root=made.root)
        assert "CHECK" in out and "\nWhat to do:\n  module: build" in out, out


def test_no_iommu_is_wrong():
    with machine() as made:
        subprocess.run(["rm", "-r", made.root / "sys/kernel/iommu_groups"],
                       check=True)
        (result, _, remedy), = made.doctor(status=1)["iommu"]
        assert result == "wrong" and "intel_iommu=on" in remedy


def test_vfio_without_an_iommu_is_wrong():
    with machine() as made:
        name = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
        made.file(name, "N\n")
        made.doctor()
        made.file(name, "Y\n")
        _, (result, seen, _) = made.doctor(status=1)["iommu"]
        assert result == "wrong" and "without an IOMMU" in seen


def test_the_module_must_be_there_for_this_kernel():
    with machine() as made:
        made.without_module()
        (result, seen, _), = made.doctor()["module"]
        assert result == "ok" and "bind loads it" in seen, seen
        made.file("proc/sys/kernel/osrelease", "6.12.100-other\n")
        (result, seen, remedy), = made.doctor(status=1)["module"]
        assert "6.12.100-other" in seen, seen
        assert "scripts/dkms-install" in remedy, remedy
        # What is like it is another one.
        made.file("lib/modules/6.12.100-other/modules.dep",
                  "kernel/x.ko: updates/barlease-vfio-pci.ko\n")
        made.doctor(status=1)


def test_the_module_must_be_of_this_version():
    with machine() as made:
        made.module("0.0.1")
        (result, seen, _), = made.doctor(status=1)["module"]
        assert result == "wrong" and f"0.0.1 is loaded, and this is barlease " \
            f"{VERSION}" in seen, seen


def test_parameters_that_are_not_safe_are_told():
    with machine() as made:
        made.module(VERSION, allow_2m="Y", allow_peers="N")
        _, (result, seen, _) = made.doctor(status=1)["module"]
        assert result == "wrong" and "mbind(2)" in seen, seen
        made.file("proc/sys/kernel/osrelease", "7.3.4-test\n")
        made.doctor()
        made.module(VERSION, allow_2m="Y", allow_peers="Y")
        _, (result, seen, _) = made.doctor()["module"]
        assert result == "note" and "allow_peers" in seen, seen


def test_a_kernel_that_wants_signatures_is_told():
    with machine() as made:
        made.file("sys/kernel/security/lockdown",
                  "none [integrity] confidentiality\n")
        made.file("sys/firmware/efi/efivars/SecureBoot-"
                  "8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\6\0\0\0\1")
        (result, seen, remedy), = made.doctor()["signing"]
        assert (result, "mokutil" in remedy) == ("note", True)
        assert "secure boot is on" in seen, seen
    with machine() as made:
        made.file("sys/module/module/parameters/sig_enforce", "Y\n")
        (result, seen, _), = made.doctor()["signing"]
        assert result == "note" and "secure boot is off" in seen, seen


def test_another_driver_in_the_group_is_wrong():
    with machine() as made:
        made.function(OTHER, "nvme", vfio=False)
        (result, seen, _), = made.doctor(status=1)["group"]
        assert result == "wrong" and f"{OTHER} of its IOMMU group 7 is " \
            "bound to nvme" in seen, seen


def test_a_function_with_another_driver_is_wrong_if_it_is_meant():
    with machine() as made:
        subprocess.run(["rm", "-r", made.root / "sys/bus/pci/devices"],
                       check=True)
        found = made.doctor()
        assert found["device"][0][0] == "note", found
    with machine() as made:
        (made.root / f"sys/bus/pci/devices/{BDF}/iommu_group").unlink()
        (result, seen, _), = made.doctor(BDF, status=1)["device"]
        assert "in no IOMMU group" in seen, seen
    with machine() as made:
        made.function(OTHER, "nvme", vfio=False)
        (result, seen, _), = made.doctor(OTHER, status=1)["device"]
        assert result == "wrong" and "is bound to nvme" in seen, seen
        barlease("doctor", "fffe:00:00.0", status=2, root=made.root)
    with machine() as made:
        made.link(f"sys/bus/pci/devices/{BDF}/driver",
                  "../../drivers/vfio-pci")
        (result, seen, _), = made.doctor(BDF)["device"]
        assert result == "note" and "may not be able to lend" in seen, seen


def test_who_may_not_open_a_function_is_told():
    with machine() as made:
        (made.root / "dev/vfio/7").unlink()
        (result, seen, remedy), = made.doctor()["access"]
        assert result == "note" and "udev" in remedy, seen
        # By its own file it may.
        made.file(f"sys/bus/pci/devices/{BDF}/vfio-dev/vfio0/dev", "511:0\n")
        made.file("dev/vfio/devices/vfio0", "")
        made.file("dev/iommu", "")
        (result, *_), = made.doctor()["access"]
        assert result == "ok"


def write_rule(made, device="0x1110"):
    """As "bind --persist" leaves it."""
    made.file("usr/bin/barlease", "")
    (made.root / "usr/bin/barlease").chmod(0o755)
    made.file(
        f"etc/udev/rules.d/75-barlease-{BDF}.rules",
        '# Written by "barlease bind --persist"; "barlease unbind --persist" '
        "removes it.\n# driver=barlease-vfio-pci\n"
        f'ACTION=="add", SUBSYSTEM=="pci", KERNEL=="{BDF}", '
        f'ATTR{{vendor}}=="0x1af4", ATTR{{device}}=="{device}", '
        'ATTR{class}=="0x050000", '
        'RUN{builtin}+="kmod load barlease-vfio-pci", '
        f'RUN+="{made.root}/usr/bin/barlease bind --persist '
        f'--driver barlease-vfio-pci {BDF}"\n')


def test_rules_that_bind_at_a_boot_are_told():
    with machine() as made:
        made.file(f"etc/udev/rules.d/75-barlease-{BDF}.rules~", "")
        assert "persist" not in made.doctor()
        write_rule(made)
        (result, seen, _), = made.doctor()["persist"]
        assert (result, seen) == \
            ("ok", f"{BDF} is bound to barlease-vfio-pci at each boot")
        out, _ = barlease("list", "--json", root=made.root)
        assert json.loads(out)["bars"][0]["at_boot"] == "barlease-vfio-pci"
        out, _ = barlease("list", root=made.root)
        assert "AT BOOT" in out, out
        # Of another function it is not asked.
        made.function(OTHER, "barlease-vfio-pci")
        assert "persist" not in made.doctor(OTHER)


def test_a_rule_that_binds_nothing_is_wrong():
    with machine() as made:
        write_rule(made, device="0x1111")
        (result, seen, _), = made.doctor(status=1)["persist"]
        assert result == "wrong" and "for another function" in seen, seen
        write_rule(made)
        (made.root / "usr/bin/barlease").chmod(0o644)
        *_, (result, seen, _) = made.doctor(status=1)["persist"]
        assert result == "wrong" and "not installed" in seen, seen
        made.file(f"etc/udev/rules.d/75-barlease-{BDF}.rules", "mine\n")
        (result, seen, _), *_ = made.doctor(status=1)["persist"]
        assert result == "wrong" and "not one of barlease" in seen, seen
        out, _ = barlease("list", "--json", root=made.root)
        assert json.loads(out)["bars"][0]["at_boot"] is None


def test_what_a_rule_has_not_bound_is_told():
    with machine() as made:
        write_rule(made)
        made.link(f"sys/bus/pci/devices/{BDF}/driver", "../../drivers/nvme")
        (result, seen, _), = made.doctor()["persist"]
        assert result == "note" and "is bound to nvme now" in seen, seen
        subprocess.run(["rm", "-r", made.root / "sys/bus/pci/devices" / BDF],
                       check=True)
        (result, seen, _), = made.doctor()["persist"]
        assert result == "note" and "is not there" in seen, seen


def bound(path):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.bind(str(path))
    return made


def test_a_policy_comes_before_the_start():
    with machine() as made:
        (result, seen, remedy), = made.doctor()["barleased"]
        assert result == "note" and "no /etc/barlease.conf" in seen, seen
        assert remedy.index("barlease.conf(5)") < \
               remedy.index("systemctl start barleased"), remedy
        made.file("etc/barlease.conf", "")
        (result, seen, remedy), = made.doctor()["barleased"]
        assert result == "note" and "control.sock" in seen, seen
        assert remedy.startswith("start it"), remedy


def test_sockets_that_nobody_listens_to_are_wrong():
    with machine() as made:
        for name in ("control.sock", "queues.sock"):
            bound(made.root / "run/barlease" / name).close()
        found = made.doctor(status=1)
        (result, seen, _), = found["barleased"]
        assert result == "wrong" and "nobody listens" in seen, seen
        (result, seen, _), = found["socket"]
        assert result == "wrong" and "queues.sock" in seen, seen


def test_sockets_of_others_are_told():
    if os.geteuid():
        raise tap.Skipped("only root can be another user")
    with machine() as made:
        made.root.chmod(0o755)
        for name in ("control.sock", "queues.sock"):
            path = made.root / "run/barlease" / name
            bound(path).close()
            path.chmod(0o600)
        done = subprocess.run(
            [IN_TREE, "doctor", "--json"], capture_output=True, text=True,
            check=False, user=65534, extra_groups=[], timeout=60,
            env={"BARLEASE_TEST_ROOT": str(made.root)})
        checks = json.loads(done.stdout)["checks"]
        told = {check["check"]: check for check in checks}
        assert told["socket"]["result"] == "note", told
        assert "may not open" in told["socket"]["seen"], told
        assert told["barleased"]["result"] == "note", told


tap.run(tap.tests_of(sys.modules[__name__]))
