# SPDX-License-Identifier: MIT
"""barleased with a socket for operators, the command, and raw packets."""

import json
import os
import select
import socket
import struct
import subprocess
import sys

from lending import BARLEASED, PATIENCE, Lending

BARLEASE = sys.argv[3]

DEVICE = "[Device accel]\nbackend = sim\nsize = 64M\n"
QUEUES = """\
[Pool queues]
device = accel
bar = 2
range = 1M+16K
slice = 4K
socket = RUN/queues.sock
mode = 0666
allow = anyone
grace = 1h
"""
MEMORY = """\
[Slice memory]
device = accel
bar = 0
range = 0+1M
socket = RUN/memory.sock
mode = 0666
allow = anyone
"""
ALL = DEVICE + QUEUES + MEMORY

# Types of packets, and sizes that control/protocol.h asserts, too.
LIST, RECALL, REVOKE, WATCH, STAT = 64, 65, 66, 67, 68
OFFER, LEASE, WAITING, DONE, FIGURE, EVENT, REFUSED = \
    80, 81, 82, 83, 84, 96, 20


class Operators(Lending):
    """Lending that operators can look into."""

    def command(self):
        return [BARLEASED, "--control", self.control, self.file]

    @property
    def control(self):
        return self.path / "control.sock"

    def barlease(self, command, *words, status=0, user=None):
        """What the command says: (stdout, stderr)."""
        done = subprocess.run(
            [BARLEASE, command, "--control", self.control, *map(str, words)],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
            stdin=subprocess.DEVNULL, user=user,
            extra_groups=[] if user else None)
        assert done.returncode == status, done
        return done.stdout, done.stderr

    def listed(self):
        """barlease list --json, without the functions of this machine."""
        return json.loads(self.barlease("list", "--json")[0])

    def start_command(self, command, *words, **how):
        return subprocess.Popen(
            [BARLEASE, command, *map(str, words)], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **how)


class Raw:
    """An operator that may send whatever it likes."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))

    def send(self, kind, rest=b"", size=None, version=1, serial=7,
             reserved=0):
        size = 16 + len(rest) if size is None else size
        self.socket.send(struct.pack("=IHHII", size, kind, version, serial,
                                     reserved) + rest)

    def receive(self):
        """(type, serial, rest), or None at the end."""
        try:
            data = self.socket.recv(4096)
        except ConnectionResetError:
            return None
        if not data:
            return None
        size, kind, version, serial, reserved = struct.unpack(
            "=IHHII", data[:16])
        assert (size, version, reserved) == (len(data), 1, 0), data
        return kind, serial, data[16:]

    def refusal(self):
        """(serial, errno, sentence)"""
        kind, serial, rest = self.receive()
        assert kind == REFUSED, kind
        error, = struct.unpack("=I", rest[:4])
        return serial, error, rest[8:].rstrip(b"\0").decode()

    def is_over(self):
        return self.receive() is None


def line_of(stream):
    """The next line, without waiting for ever."""
    line = b""
    # A buffer would have lines that select() does not know of.
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], PATIENCE)
        assert ready, "no line comes"
        byte = os.read(stream.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.decode()


def ended(process, status):
    """Its output, when it has ended so."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, (process.returncode, out, err)
    return out, err
