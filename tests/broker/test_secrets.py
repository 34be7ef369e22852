#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a lessee may not have is not there, as far as it can find out.

usage: test_secrets.py BARLEASED LESSEE BARLEASE
"""

import errno
import os
import struct
import sys
import time

import tap
from lending import PATIENCE, need_root
from operators import DEVICE, Operators, Raw
from raw import (CANCEL, FOR_EVER, GONE, GRANT, LIST, LISTED, QUEUED, RECALLED,
                 REFUSED, RELEASE, RELEASED, REQUEST, REVOKED)

CLIENT, OTHER = 64001, 64002 # users
SHOWN = f"""\
[Pool queues]
device = accel
bar = 2
range = 1M+8K
slice = 4K
socket = RUN/queues.sock
mode = 0666
allow = user:{CLIENT} user:{OTHER}
max-leases = 4
"""
# Larger, write-combining, on the same socket, and before and after the others.
SECRET = f"""\
[Slice {{}}]
device = accel
bar = {{}}
range = 0+1M
cache = wc
socket = RUN/queues.sock
mode = 0666
allow = user:{OTHER}
grace = 1h
"""
ORDINARY = DEVICE + SHOWN
WITH_SECRETS = (DEVICE + SECRET.format("secret", 0) + SHOWN +
                SECRET.format("hidden", 1))


class Client(Raw):
    """A lessee of some user, which keeps all that it is sent."""

    def __init__(self, lending, user):
        os.seteuid(user)
        try:
            super().__init__(lending.path / "queues.sock")
        finally:
            os.seteuid(0)
        self.serial = 0

    def ask(self, kind, rest=b""):
        self.serial += 1
        self.send(kind, rest, serial=self.serial)
        return self.serial

    def request(self, name="", wait=0, access=0, attribute=0, minimum=0):
        return self.ask(REQUEST, struct.pack(
            "=64sIIQQ", name.encode(), access, attribute, minimum, wait))

    def cancel(self, request):
        self.ask(CANCEL, struct.pack("=II", request, 0))

    def release(self, lease):
        self.ask(RELEASE, struct.pack("=Q", lease))

    def heard(self):
        """All up to now; its own list is asked for, and comes last."""
        self.ask(LIST)
        packets = [self.receive()]
        while packets[-1][0] != LISTED:
            packets.append(self.receive())
        return packets

    def granted(self):
        """The numbers of the leases that it has been told of by now."""
        return [struct.unpack("=Q", rest[:8])[0]
                for kind, _, rest in self.heard() if kind == GRANT]


def masked(packet):
    """Without the number of a lease: those count all leases, see protocol.md"""
    kind, serial, rest = packet
    if kind in (GRANT, RELEASED, RECALLED, REVOKED, GONE):
        rest = b"number.." + rest[8:]
    return kind, serial, rest


def ask_for_all(client):
    """Everything that can be asked for without waiting."""
    for name in ("secret", "hidden", "nothing", "queues/0", ""):
        for access in (0, 1):
            for attribute in (0, 1):
                for minimum in (0, 1 << 20, 1 << 40):
                    if name or minimum or attribute:
                        client.request(name, 0, access, attribute, minimum)
        client.request(name, 0 if not name else FOR_EVER)


def life_of_client(lending, client, others):
    """What it hears step by step, while others do what they do in between."""
    yield "empty", client.heard()
    ask_for_all(client)
    yield "asked for all", client.heard()
    others.send("take")
    yield "others have taken", client.heard()
    ask_for_all(client)
    yield "asked again", client.heard()
    for _ in range(2):
        client.request("queues")
    others.send("wait")
    waits = [client.request(name, FOR_EVER) for name in ("", "queues", "")]
    yield "waits", client.heard()
    ask_for_all(client)
    yield "asked while it waited", client.heard()
    for what in ("recall", "revoke", "wait more", "cancel", "leave"):
        others.send(what)
        yield "others: " + what, client.heard()
    lending.reload(ORDINARY)
    yield "a reload", client.heard()
    for request in waits:
        client.cancel(request)
    yield "cancelled", client.heard()


def life_of_others(lending):
    """What is done to secrets, by those who may have them and by operators."""
    other, second = Client(lending, OTHER), Client(lending, OTHER)
    wanted = {"minimum": 1 << 20, "attribute": 1, "wait": FOR_EVER}
    assert (yield) == "take"
    other.request("secret")
    other.request("hidden")
    leases = other.granted()
    assert len(leases) == 2, leases
    assert (yield) == "wait"
    requests = [second.request(**wanted) for _ in range(4)]
    assert QUEUED in [kind for kind, _, _ in second.heard()]
    assert (yield) == "recall"
    lending.barlease("recall", leases[0])
    assert RECALLED in [kind for kind, _, _ in other.heard()]
    assert (yield) == "revoke"
    lending.barlease("revoke", leases[0])
    assert REVOKED in [kind for kind, _, _ in other.heard()]
    # Who waited for anything has it.
    assert len(second.granted()) == 1
    assert (yield) == "wait more"
    second.request("hidden", FOR_EVER)
    second.request(**wanted)
    second.heard()
    assert (yield) == "cancel"
    second.cancel(requests[2])
    assert REFUSED in [kind for kind, _, _ in second.heard()]
    assert (yield) == "leave"
    other.socket.close()
    # That somebody has gone comes by itself, before or after what others ask.
    end = time.monotonic() + PATIENCE
    while not second.granted():
        assert time.monotonic() < end, "nobody has what was given back"
    yield


def life_of_nobody():
    while True:
        yield


def transcript(policy):
    with Operators(policy) as lending:
        client = Client(lending, CLIENT)
        others = life_of_others(lending) if policy == WITH_SECRETS \
            else life_of_nobody()
        next(others)
        return [(step, [masked(packet) for packet in packets])
                for step, packets in life_of_client(lending, client, others)]


def test_what_one_may_not_have_makes_no_difference():
    need_root()
    without, beside = transcript(ORDINARY), transcript(WITH_SECRETS)
    assert len(without) == len(beside) == 13
    # It has asked, got, and waited.
    kinds = {kind for _, packets in without for kind, _, _ in packets}
    assert kinds >= {REFUSED, GRANT, QUEUED, LISTED}, kinds
    for (step, expected), (_, heard) in zip(without, beside):
        assert heard == expected, (step, heard, expected)


def test_what_one_may_not_have_is_refused_as_what_is_not_there():
    need_root()
    with Operators(WITH_SECRETS) as lending:
        client = Client(lending, CLIENT)
        holder = Client(lending, OTHER)
        leases = []
        for held in (False, True):
            if held:
                holder.request("secret")
                leases = holder.granted()
            for wait in (0, 5, FOR_EVER):
                answers = []
                for name in ("secret", "nobody"):
                    client.request(name, wait)
                    answers.append(client.refusal()[1:])
                assert answers[0] == answers[1], answers
                assert answers[0][0] == errno.ENOENT
        held, = leases
        said = []
        for lease in (held, held + 1):
            client.release(lease)
            _, error, sentence = client.refusal()
            said.append((error, sentence.replace(str(lease), "N")))
        assert said[0] == said[1], said
        # Operators are told the true reason.
        reasons = {line["offer"]: line["reason"]
                   for line in lending.lines("deny")}
        assert reasons["secret"] == "the policy does not allow it", reasons
        assert reasons["nobody"] != reasons["secret"]


tap.run(tap.tests_of(sys.modules[__name__]))
