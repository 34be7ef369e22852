#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A lessee, from docs/protocol.md and the standard library alone.

lessee.py SOCKET                       list what is offered
lessee.py SOCKET NAME OFFSET [VALUE]   lease a slice, read or write 32 bits,
            [--hold]                   and give it back (when it is recalled)
"""

import itertools
import mmap
import os
import socket
import struct
import sys

HEADER = struct.Struct("=IHHII")  # size, type, version, serial, 0
LIST, REQUEST, CANCEL, RELEASE = range(1, 5)
OFFER, LISTED, QUEUED, GRANT, REFUSED, RELEASED = range(16, 22)
RECALLED, REVOKED, DEVICE = range(32, 35)
BODIES = {OFFER: "=64sQIIIIQ", LISTED: "=II", QUEUED: "=II",
          GRANT: "=Q64sIIQQIIQ", REFUSED: "=II256s", RELEASED: "=Q",
          RECALLED: "=QQ", REVOKED: "=QII", DEVICE: "=QII"}
ENDS = {3: "its time is over", 4: "not released in time", 5: "by the lessor",
        6: "the device is lost", 7: "the server ends"}
serials = itertools.count(1)


def text(field):
    return field.rstrip(b"\0").decode(errors="replace")


def send(server, type, body=b""):
    server.send(HEADER.pack(16 + len(body), type, 1, next(serials), 0) + body)


def receive(server):
    """The next packet: its type, its fields, and the fd that came with it."""
    data, fds, flags, _ = socket.recv_fds(server, 512, 1)
    if not data:
        sys.exit("the server has hung up: all leases are over")
    size, type, version, _, _ = HEADER.unpack_from(data)
    if (version != 1 or type not in BODIES or
            not size == len(data) == 16 + struct.calcsize(BODIES[type])):
        sys.exit("this is not version 1 of the protocol")
    if flags & socket.MSG_CTRUNC or len(fds) != (type == GRANT):
        sys.exit("an fd is lost, or one came that does not belong there")
    fields = struct.unpack_from(BODIES[type], data, 16)
    if type == REFUSED:
        sys.exit(f"refused: {text(fields[2])} ({os.strerror(fields[0])})")
    return type, fields, fds[0] if fds else -1


def list_offers(server):
    send(server, LIST)
    while (packet := receive(server))[0] != LISTED:
        name, size, slices, free, waiting, _, _ = packet[1]
        print(f"{text(name)}: {free} of {slices} are free, of {size} bytes "
              f"each; {waiting} requests wait")


def request(server, name):
    """The number of a lease, and its memory."""
    send(server, REQUEST,
         struct.pack("=64sIIQQ", name.encode(), 0, 0, 0, 2**64 - 1))
    while (packet := receive(server))[0] != GRANT:
        print("waiting, at position", packet[1][0])
    lease, name, index, _, _, size, *_ = packet[1]
    print(f"granted: {text(name)} {index}, {size} bytes")
    memory = mmap.mmap(packet[2], size)  # with an fd of its own
    os.close(packet[2])
    return lease, memory


def hold(server):
    """Wait until the lease is wanted back; exit where it is gone already."""
    while (packet := receive(server))[0] != RECALLED:
        if packet[0] == REVOKED:
            sys.exit(f"revoked: {ENDS.get(packet[1][1], 'for a new reason')}")
        print("the device is", "away" if packet[1][1] == 1 else "back")
    print("recalled, with", packet[1][1], "ms left")


sys.stdout.reconfigure(line_buffering=True)
arguments = [word for word in sys.argv[1:] if word != "--hold"]
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
    connection.connect(arguments[0])
    if len(arguments) == 1:
        sys.exit(list_offers(connection))
    number, memory = request(connection, arguments[1])
    words, word = memoryview(memory).cast("I"), int(arguments[2], 0) // 4
    if len(arguments) > 3:
        words[word] = int(arguments[3], 0)
    print(f"{arguments[2]}: {words[word]:#x}")
    if "--hold" in sys.argv:
        hold(connection)
    send(connection, RELEASE, struct.pack("=Q", number))
    while receive(connection)[0] != RELEASED:
        pass  # an event that was on its way
    print("released")
