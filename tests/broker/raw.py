# SPDX-License-Identifier: MIT
"""Lessees that never wait: packets, of which docs/protocol.md tells."""

import errno
import os
import socket
import struct

HEADER = struct.Struct("=IHHII")
LIST, REQUEST, CANCEL, RELEASE = range(1, 5)
OFFER, LISTED, QUEUED, GRANT, REFUSED, RELEASED = range(16, 22)
RECALLED, REVOKED, GONE = range(32, 35)
FOR_EVER = 2**64 - 1


class Raw:
    """A connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.serial = 0

    def send(self, kind, body=b""):
        self.serial += 1
        self.socket.send(HEADER.pack(16 + len(body), kind, 1, self.serial, 0)
                         + body)
        return self.serial

    def request(self, name, wait=0, access=0):
        return self.send(REQUEST, struct.pack("=64sIIQQ", name.encode(),
                                              access, 0, 0, wait))

    def release(self, lease):
        return self.send(RELEASE, struct.pack("=Q", lease))

    def cancel(self, serial):
        return self.send(CANCEL, struct.pack("=II", serial, 0))

    def packets(self):
        """What has come: (type, serial, body) of each; fds are closed."""
        found = []
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 512, 1)
            except BlockingIOError:
                return found
            for fd in fds:
                os.close(fd)
            if not data:
                raise ConnectionError(errno.ECONNRESET, "hung up")
            _, kind, _, serial, _ = HEADER.unpack_from(data)
            found.append((kind, serial, data[16:]))

    def close(self):
        self.socket.close()
