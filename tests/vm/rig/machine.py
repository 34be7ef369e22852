# SPDX-License-Identifier: MIT
"""The emulated machine: its QEMU command line and its default devices.

Each device sits alone on the root bus at a fixed address, so that it has an
IOMMU group of its own and the address never changes. The exceptions lie below
ports: a pair of functions, which share a group and are reset together, an nvme
with SR-IOV, and a network interface with every kind of interrupt and region
there is. A default device that a test wants otherwise is changed with --device NAME:SIZE;
anything else that is given to --device goes to QEMU as it is.
"""

import pathlib
import re

from .common import Usage
from .emulator import fetch_emulator

# name -> slot, default size; the guest's environment tells the addresses.
DEVICES = {
    "ivshmem": (0x04, "16M"),
    "nvme": (0x05, "16M"),
    "testdev": (0x06, "8G"),
    "virtio-blk": (0x07, "16M"),
    "edu": (0x08, None),
    "display": (0x09, None),
    # Another edu, which is there to import leases of the others.
    "peer": (0x0f, None),
}
# Two functions of one device below a port of their own: reset together.
PORT_SLOT = 0x0a
PAIR = ("0000:01:00.0", "0000:01:00.1")
SRIOV_SLOT = 0x0b
SRIOV = "0000:02:00.0" # its VFs: 0000:02:00.1 and .2
NIC_SLOT = 0x0c
NIC = "0000:03:00.0"
# A device that can be unplugged, below a port of its own; as device_add has it.
# BAR 2 is memory. It has a reset of its own, so that nobody resets the slot.
HOTPLUG_SLOT = 0x0d
HOTPLUG_FUNCTION = "0000:04:00.0"
HOTPLUG = {"driver": "nvme", "id": "hotplug", "bus": "hotplug-port",
           "serial": "hotplug", "cmb_size_mb": 4}
FIRST_FREE_SLOT = 0x10

COMMAND_LINE = (
    "console=ttyS0,115200 ignore_loglevel printk.time=1 "
    # A guest that panics must end, with its last words in the log.
    "panic=1 oops=panic "
    # One that hangs is asked where, by an NMI: all processors, and all that
    # cannot be interrupted.
    "unknown_nmi_panic panic_print=0xc0 "
    "intel_iommu=on "
    # Boot faster: no self tests, no calibration.
    "cryptomgr.notests no_timer_check tsc=reliable random.trust_cpu=on "
    "mitigations=off nokaslr 8250.nr_uarts=4 "
    # Freed memory is poisoned, so that a use of it is an oops on stock kernels.
    "slub_debug=FZP "
    # One console port at its address is enough; do not look for others.
    "noautogroup audit=0 rdinit=/init"
)


def option_rom():
    """An expansion ROM that is valid, and for no processor that there is."""
    image = bytearray(index * 7 & 0xff for index in range(2048))
    # PCI Firmware Specification 3.0, chapter 5: the image's header, and the
    # PCI data structure that it points to.
    image[0:0x1c] = bytes((0x55, 0xaa)) + bytes(0x16) + \
        (0x1c).to_bytes(4, "little")
    image[0x1c:0x34] = b"PCIR" + bytes((0xff, 0xff, 0xff, 0xff)) + bytes(2) + \
        (0x18).to_bytes(2, "little") + bytes(4) + \
        (len(image) // 512).to_bytes(2, "little") + bytes(2) + \
        bytes((0xff, 0x80)) + bytes(2)
    return bytes(image)


def parse_size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise Usage(f"'{text}' is not a size (a number with K, M or G)")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def address(name):
    return f"0000:00:{DEVICES[name][0]:02x}.0"


class Machine:
    """What is to be started; command() gives QEMU's arguments."""

    def __init__(self, folder, memory="1G", cpus=2):
        parse_size(memory)
        self.folder = pathlib.Path(folder)
        self.memory = memory
        self.cpus = cpus
        self.sizes = {name: size for name, (_, size) in DEVICES.items()}
        self.defaults = True
        self.append = ""
        self.patience = 1
        self.extra = []
        self.backing = None

    def add_device(self, specification):
        name, _, size = specification.partition(":")
        if name in DEVICES and "," not in specification:
            if not size or DEVICES[name][1] is None:
                raise Usage(f"device '{specification}': {name} is there by "
                            "default; only a size can be given, as in "
                            "ivshmem:64M")
            value = parse_size(size)
            if value & (value - 1):
                raise Usage(f"device '{specification}': the size must be a "
                            "power of two")
            self.sizes[name] = size
        else:
            self.extra.append(specification)

    def environment(self):
        """What the guest is told about the machine."""
        result = {"BARLEASE_HOSTCALL": "/dev/ttyS2",
                  "BARLEASE_PATIENCE": str(self.patience)}
        if self.defaults:
            for name in DEVICES:
                variable = "BARLEASE_" + name.upper().replace("-", "_")
                result[variable] = address(name)
            for number, function in enumerate(PAIR):
                result[f"BARLEASE_PAIR{number}"] = function
            result["BARLEASE_SRIOV"] = SRIOV
            result["BARLEASE_NIC"] = NIC
            result["BARLEASE_HOTPLUG"] = HOTPLUG_FUNCTION
        return result

    def prepare(self, ivshmem=None):
        """Make the files behind the devices."""
        if not self.defaults:
            return
        self.backing = pathlib.Path(ivshmem) if ivshmem \
            else self.folder / "ivshmem"
        size = parse_size(self.sizes["ivshmem"])
        try:
            with open(self.backing, "ab") as file:
                # A file that is there keeps its content, but QEMU maps all of
                # the size that it is told.
                if file.tell() != size:
                    file.truncate(size)
        except OSError as error:
            raise Usage(f"cannot use {self.backing}: {error.strerror}") \
                from error
        for name in ("nvme", "virtio-blk"):
            with open(self.folder / name, "wb") as file:
                file.truncate(parse_size(self.sizes[name]))
        (self.folder / "rom").write_bytes(option_rom())

    def _device_arguments(self):
        slot = {name: f"addr={number:#x}"
                for name, (number, _) in DEVICES.items()}
        folder = self.folder
        if any("," in str(path) for path in (folder, self.backing)):
            raise Usage("QEMU does not take a path with a comma")
        return [
            "-object", f"memory-backend-file,id=ivshmem-memory,share=on,"
                       f"mem-path={self.backing},size={self.sizes['ivshmem']}",
            "-device", "ivshmem-plain,id=ivshmem,memdev=ivshmem-memory,"
                       f"{slot['ivshmem']}",
            "-drive", f"file={folder}/nvme,format=raw,if=none,id=nvme-drive",
            "-device", "nvme,id=nvme,drive=nvme-drive,serial=barlease,"
                       f"{slot['nvme']}",
            "-device", f"pci-testdev,id=testdev,membar={self.sizes['testdev']},"
                       f"{slot['testdev']}",
            "-drive", f"file={folder}/virtio-blk,format=raw,if=none,"
                      "id=virtio-drive",
            "-device", "virtio-blk-pci,id=virtio-blk,drive=virtio-drive,"
                       "page-per-vq=on,num-queues=4,iommu_platform=on,"
                       f"disable-legacy=on,{slot['virtio-blk']}",
            "-device", f"edu,id=edu,{slot['edu']}",
            "-device", f"bochs-display,id=display,{slot['display']}",
            "-device", f"edu,id=peer,{slot['peer']}",
            "-device", "pcie-root-port,id=root-port,chassis=1,hotplug=off,"
                       f"addr={PORT_SLOT:#x}",
            "-device", "edu,id=pair0,bus=root-port,addr=0.0,multifunction=on",
            "-device", "edu,id=pair1,bus=root-port,addr=0.1",
            # To QEMU, VFs are devices that are plugged in.
            "-device", "pcie-root-port,id=sriov-port,chassis=2,"
                       f"addr={SRIOV_SLOT:#x}",
            "-device", "nvme-subsys,id=sriov-subsystem",
            "-device", "nvme,id=sriov,bus=sriov-port,serial=sriov,"
                       "subsys=sriov-subsystem,max_ioqpairs=8,msix_qsize=9,"
                       "sriov_max_vfs=2,sriov_vq_flexible=4,"
                       "sriov_vi_flexible=4,sriov_max_vq_per_vf=2,"
                       "sriov_max_vi_per_vf=2",
            "-device", "pcie-root-port,id=nic-port,chassis=3,hotplug=off,"
                       f"addr={NIC_SLOT:#x}",
            "-netdev", "user,id=nic-net,restrict=on",
            "-device", "e1000e,id=nic,bus=nic-port,netdev=nic-net,"
                       f"romfile={folder}/rom",
            # The port reports an unplugged device itself, and not ACPI.
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
            "-device", "pcie-root-port,id=hotplug-port,chassis=4,"
                       f"addr={HOTPLUG_SLOT:#x}",
            "-device", ",".join(f"{name}={value}"
                                for name, value in HOTPLUG.items()),
        ]

    def command(self, kernel, initramfs, console, ports, monitor, accelerator):
        """QEMU's arguments; ports are sockets that we listen on."""
        # The IOMMU needs the split interrupt controller; -cpu max has the
        # physical address bits that an 8 GiB BAR wants. Family 23 is an AMD
        # Zen: the kernel lets devices reach each other through its host bridge,
        # and through no bridge that QEMU has. With eim the kernel uses the
        # x2APIC: an interrupt ends by the write of a register and not of an
        # address, which emulation can lose (stuck.py).
        command = [
            *map(str, fetch_emulator()), "-nodefaults", "-no-user-config",
            "-display", "none", "-vga", "none", "-no-reboot",
            "-machine", "q35,kernel-irqchip=split",
            "-accel", accelerator, "-cpu", "max,family=23,model=1",
            "-smp", str(self.cpus), "-m", self.memory,
            "-device", "intel-iommu,intremap=on,eim=on",
            "-boot", "menu=off,strict=on",
            "-kernel", str(kernel), "-initrd", str(initramfs),
            "-append", f"{COMMAND_LINE} {self.append.strip()}".strip(),
            "-chardev", f"file,id=console,path={console}",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=monitor,path={monitor}",
            "-mon", "chardev=monitor,mode=control",
        ]
        for index, path in enumerate(ports):
            command += ["-chardev", f"socket,id=port{index},path={path}",
                        "-serial", f"chardev:port{index}"]
        if self.defaults:
            command += self._device_arguments()
        for index, specification in enumerate(self.extra):
            if "addr=" not in specification and "bus=" not in specification:
                specification += f",addr={FIRST_FREE_SLOT + index:#x}"
            command += ["-device", specification]
        return command
