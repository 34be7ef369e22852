# SPDX-License-Identifier: MIT
"""QEMU's monitor (QMP), one command at a time."""

import contextlib
import json
import re
import time

# The monitor answers at once; this is for a machine that is very busy.
ANSWER_SECONDS = 30
# The guest switches an emptied slot off, and takes a second for that.
SWITCH_OFF_SECONDS = 120

# Configuration space by I/O ports, and what of it is needed here: in the PCI
# Express capability there is Slot Control, where these bits switch the power
# and its indicator off. With the power the indicator is on.
CONFIG_ADDRESS, CONFIG_DATA = 0xcf8, 0xcfc
CAPABILITY_LIST = 0x34
CAPABILITY_EXPRESS = 0x10
SLOT_CONTROL = 0x18
POWER_OFF = 0x400 | 0x300
INDICATOR_ON = 0x100


class MonitorError(Exception):
    """QEMU does not do what it is asked for."""


class Monitor:
    """Commands to QEMU, and what follows from its events."""

    def __init__(self, connection):
        self.connection = connection
        self.pending = b""
        self.number = 0
        self.wake_up = False
        self.pressing_keys = False
        self.command("qmp_capabilities")

    def fileno(self):
        return self.connection.fileno()

    def close(self):
        self.connection.close()

    def receive(self):
        """Take in what is there; False if QEMU has hung up."""
        try:
            data = self.connection.recv(65536)
        except ConnectionResetError:
            data = b""
        self.pending += data
        for message in self._messages():
            self._happened(message)
        return bool(data)

    def _messages(self):
        while b"\n" in self.pending:
            line, self.pending = self.pending.split(b"\n", 1)
            yield json.loads(line)

    def _happened(self, message):
        if message.get("event") == "SUSPEND" and self.wake_up:
            self.wake_up = False
            self._send("system_wakeup", {})

    def press_key(self):
        """Wakes a guest that only idles, which cannot be seen from here."""
        if self.pressing_keys:
            self._send("send-key", {"keys": [{"type": "qcode",
                                              "data": "shift"}]})

    def _send(self, name, arguments):
        self.number += 1
        self.connection.sendall(json.dumps(
            {"execute": name, "arguments": arguments,
             "id": self.number}).encode() + b"\n")
        return self.number

    def command(self, name, **arguments):
        """Do it and return what QEMU returns."""
        number = self._send(name, arguments)
        self.connection.settimeout(ANSWER_SECONDS)
        try:
            while True:
                for message in self._messages():
                    if message.get("id") != number:
                        self._happened(message)
                    elif "error" in message:
                        raise MonitorError(message["error"]["desc"])
                    else:
                        return message["return"]
                data = self.connection.recv(65536)
                if not data:
                    raise MonitorError("QEMU has closed its monitor")
                self.pending += data
        except (TimeoutError, ConnectionError) as error:
            raise MonitorError(f"QEMU does not answer to {name}") from error
        finally:
            self.connection.settimeout(None)

    def _port_io(self, line):
        return self.command("human-monitor-command", **{"command-line": line})

    def _read_port(self, port):
        text = self._port_io(f"i /w {port:#x}")
        match = re.search(r"= (0x[0-9a-f]+)", text)
        if not match:
            raise MonitorError(text.strip())
        return int(match[1], 16)

    def _select(self, slot, register):
        """Let the data port be this register of a device of the root bus."""
        self._port_io(f"o /w {CONFIG_ADDRESS:#x} "
                      f"{0x80000000 | slot << 11 | register & 0xfc:#x}")
        return CONFIG_DATA + (register & 3)

    def _read_config16(self, slot, register):
        port = self._select(slot, register)
        return self._read_port(CONFIG_DATA) >> 8 * (port & 3) & 0xffff

    def _find_express(self, slot):
        position = self._read_config16(slot, CAPABILITY_LIST) & 0xfc
        while position:
            header = self._read_config16(slot, position)
            if header & 0xff == CAPABILITY_EXPRESS:
                return position
            position = header >> 8 & 0xfc
        raise MonitorError(f"slot {slot:#x} has no root port")

    @contextlib.contextmanager
    def _slot_control(self, slot):
        """Functions to read and write this register of the root port there.

        The machine stands still, as the guest uses the same two I/O ports.
        """
        def read():
            return self._read_config16(slot, register)

        def write(value):
            self._port_io(f"o /h {self._select(slot, register):#x} {value:#x}")

        self.command("stop")
        selected = self._read_port(CONFIG_ADDRESS)
        try:
            register = self._find_express(slot) + SLOT_CONTROL
            yield read, write
        finally:
            self._port_io(f"o /w {CONFIG_ADDRESS:#x} {selected:#x}")
            self.command("cont")

    def cut_slot_power(self, slot):
        """What is plugged in below the root port at this slot is gone at once.

        It writes to the port what its driver would write to switch the power
        off; QEMU then takes the devices away and the port tells the guest
        that they are gone. Nobody has asked the guest.
        """
        with self._slot_control(slot) as (read, write):
            control = read()
            write(control | POWER_OFF)
            # Empty; otherwise as the driver of the port leaves it. At boot the
            # indicator is off, and its going off tells plug_in() something.
            write(control & ~POWER_OFF | INDICATOR_ON)

    def _is_off(self, slot):
        with self._slot_control(slot) as (read, _):
            return read() & POWER_OFF == POWER_OFF

    def plug_in(self, slot, properties):
        """device_add, when the guest has switched the slot off.

        Before that, QEMU would take its doing so for a removal.
        """
        end = time.monotonic() + SWITCH_OFF_SECONDS
        while not self._is_off(slot):
            if time.monotonic() > end:
                raise MonitorError(f"slot {slot:#x} is not switched off")
            time.sleep(0.2) # each look stops the machine
        self.command("device_add", **properties)
