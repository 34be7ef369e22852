# SPDX-License-Identifier: MIT
"""Requests that the guest makes of the host: one line in, one line out.

The guest writes a line to its third serial port (/dev/ttyS2, the environment's
BARLEASE_HOSTCALL) and reads one line: "ok", "ok ANSWER" or "error REASON".
Whoever calls holds flock(2) on the port until it has the answer. Numbers are
decimal or 0x... Offsets count in the file behind the ivshmem device's BAR 2.

    digest OFFSET LENGTH            sha256 of these bytes, in hex
    compare OFFSET LENGTH SHA256    ok if the digest is this, else an error
    read OFFSET LENGTH              these bytes, in hex (at most 64 KiB)
    write OFFSET HEX                put bytes there
    snapshot                        remember the whole file
    changed [GAP]                   START+LENGTH of each run of bytes that are
                                    not as in the snapshot, in 0x form; runs
                                    less than GAP (64) bytes apart are one, as
                                    real data has bytes that happen to be
                                    equal; "ok" alone if nothing changed
    size                            of the file
    powerdown                       press the machine's power button
    unplug                          ask the guest to give up the device at the
                                    port for hot-plugging (attention button)
    yank                            take that device away without asking
    plug                            put another one there
    wake                            wake the machine when it next suspends
    press                           press a key of its keyboard again and again,
                                    until the next request
    begin                           the program begins now (said by /init)
    exit STATUS                     the program has ended (said by /init)
"""

import hashlib
import pathlib
import re

from .machine import HOTPLUG, HOTPLUG_SLOT
from .monitor import MonitorError

READ_LIMIT = 65536


class Refused(Exception):
    """The request is answered with an error."""


def _number(text):
    try:
        value = int(text, 0)
    except ValueError as error:
        raise Refused(f"'{text}' is not a number") from error
    if value < 0:
        raise Refused(f"'{text}' is negative")
    return value


def changed_runs(before, after, gap):
    """(start, length) of each run of bytes that differ."""
    block = 1 << 16
    runs = []
    for base in range(0, len(after), block):
        old, new = before[base:base + block], after[base:base + block]
        if old == new:
            continue
        difference = (int.from_bytes(old, "big") ^ int.from_bytes(new, "big")
                      ).to_bytes(len(new), "big")
        for match in re.finditer(rb"[^\0]+", difference):
            start, end = base + match.start(), base + match.end()
            if runs and start - runs[-1][1] < gap:
                runs[-1][1] = end
            else:
                runs.append([start, end])
    return [(start, end - start) for start, end in runs]


class HostCalls:
    """Answers requests about one machine."""

    def __init__(self, backing):
        self.backing = pathlib.Path(backing) if backing else None
        self.monitor = None
        self.snapshot = None
        self.begun = False
        self.exit_status = None

    def answer(self, line):
        """The answer to one request line, without its newline."""
        words = line.split()
        if self.monitor:
            self.monitor.pressing_keys = False
        try:
            if not words:
                raise Refused("empty request")
            method = getattr(self, f"_do_{words[0]}", None)
            if not method:
                raise Refused(f"unknown request '{words[0]}'")
            try:
                result = method(*words[1:])
            except TypeError as error:
                raise Refused(f"wrong number of arguments to {words[0]}") \
                    from error
            return f"ok {result}" if result else "ok"
        except (Refused, MonitorError, OSError) as error:
            return f"error {error}"

    def _bytes(self, offset, length):
        if not self.backing:
            raise Refused("this machine has no ivshmem device")
        offset, length = _number(offset), _number(length)
        if offset + length > self.backing.stat().st_size:
            raise Refused("that is past the end of the file")
        with open(self.backing, "rb") as file:
            file.seek(offset)
            return file.read(length)

    def _all(self):
        return self._bytes("0", str(_number(self._do_size())))

    def _do_size(self):
        if not self.backing:
            raise Refused("this machine has no ivshmem device")
        return str(self.backing.stat().st_size)

    def _do_digest(self, offset, length):
        return hashlib.sha256(self._bytes(offset, length)).hexdigest()

    def _do_compare(self, offset, length, digest):
        found = self._do_digest(offset, length)
        if found != digest.lower():
            raise Refused(f"the digest is {found}")

    def _do_read(self, offset, length):
        if _number(length) > READ_LIMIT:
            raise Refused(f"more than {READ_LIMIT} bytes")
        return self._bytes(offset, length).hex()

    def _do_write(self, offset, text):
        try:
            data = bytes.fromhex(text)
        except ValueError as error:
            raise Refused("the data is not hexadecimal") from error
        self._bytes(offset, str(len(data)))
        with open(self.backing, "r+b") as file:
            file.seek(_number(offset))
            file.write(data)

    def _do_snapshot(self):
        self.snapshot = self._all()

    def _do_changed(self, gap="64"):
        if self.snapshot is None:
            raise Refused("there is no snapshot")
        return " ".join(
            f"{start:#x}+{length:#x}" for start, length in
            changed_runs(self.snapshot, self._all(), max(1, _number(gap))))

    def _monitor(self):
        if not self.monitor:
            raise Refused("this machine has no monitor")
        return self.monitor

    def _do_powerdown(self):
        self._monitor().command("system_powerdown")

    def _do_unplug(self):
        self._monitor().command("device_del", id=HOTPLUG["id"])

    def _do_yank(self):
        self._monitor().cut_slot_power(HOTPLUG_SLOT)

    def _do_plug(self):
        self._monitor().plug_in(HOTPLUG_SLOT, HOTPLUG)

    def _do_wake(self):
        self._monitor().wake_up = True

    def _do_press(self):
        self._monitor().pressing_keys = True

    def _do_begin(self):
        self.begun = True

    def _do_exit(self, status):
        self.exit_status = _number(status)
