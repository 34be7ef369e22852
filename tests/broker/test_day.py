#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A day of barleased in some seconds: usage: test_day.py BARLEASED LESSEE SHIM

$BARLEASE_DAY_SEED has it do what it did with that seed.
"""

import collections
import errno
import os
import random
import signal
import struct
import sys

import tap
from clock import HEAP, Timed
from raw import (FOR_EVER, GRANT, QUEUED, RECALLED, REFUSED, RELEASED, REVOKED,
                 Raw)
from test_metrics import figures_of

HOUR = 3600
STEP = 40 # seconds
LESSEES = 24
LIMIT, GRACE = 600, 60 # seconds, of all pools
SLICES = {"queues": 8, "pages": 4, "one": 1, "memory": 1}
SOCKET = "socket = RUN/queues.sock\nmode = 0666\nallow = anyone\n"
TERMS = f"time-limit = {LIMIT}s\ngrace = {GRACE}s\n"
DEVICE = "[Device accel]\nbackend = sim\nsize = 1M\n"
# What is in each policy, and what comes and goes.
ALWAYS = ("queues", "one")
FIXED = f"""\
[Pool queues]
device = accel
bar = 0
range = 0+32K
slice = 4K
max-leases = 7
{TERMS}{SOCKET}
[Slice one]
device = accel
bar = 2
range = 0+4K
{TERMS}{SOCKET}
"""
PAGES = f"""\
[Pool pages]
device = accel
bar = 1
range = 0+16K
slice = 4K
{TERMS}{SOCKET}
"""
MEMORY = f"""\
[Slice memory]
device = accel
bar = 3
range = 0+64K
{TERMS}{SOCKET}
"""
POLICIES = (DEVICE + FIXED + PAGES + MEMORY, DEVICE + FIXED + MEMORY,
            DEVICE + FIXED + PAGES, DEVICE + MEMORY + FIXED,
            DEVICE + FIXED + PAGES + MEMORY.replace("0+64K", "64K+64K"))


class Asking:
    """A request that waits."""

    def __init__(self, name, now, wait):
        self.name, self.since, self.wait = name, now, wait
        self.before = None # how many could have the same first, and itself


class Client:
    """A lessee that does whatever it likes."""

    def __init__(self, day):
        self.day = day
        self.connect()

    def connect(self):
        self.raw = Raw(self.day.lending.path / "queues.sock")
        self.leases = {} # number: name
        self.asking = {} # serial: Asking

    def ask(self, name=None, wait=None):
        random_ = self.day.random
        if name is None:
            name = random_.choice([*SLICES, *SLICES, ""])
            wait = random_.choice([0, 60, LIMIT, 3 * LIMIT, None])
        serial = self.raw.request(
            name, FOR_EVER if wait is None else wait * 1000)
        self.asking[serial] = Asking(name, self.day.now, wait)
        self.day.done["asked"] += 1

    def act(self):
        random_ = self.day.random
        what = random_.random()
        if what < 0.70:
            if len(self.asking) < 4:
                self.ask()
        elif what < 0.80:
            if self.leases:
                self.raw.release(random_.choice(list(self.leases)))
        elif what < 0.85:
            if self.asking:
                self.raw.cancel(random_.choice(list(self.asking)))
        elif what < 0.86:
            self.raw.close()
            self.day.done["died"] += 1
            self.connect()

    def hear(self):
        for kind, serial, body in self.raw.packets():
            if kind == GRANT:
                lease, name = struct.unpack_from("=Q64s", body)
                self.leases[lease] = name.rstrip(b"\0").decode()
                self.granted(self.asking.pop(serial))
            elif kind == QUEUED:
                self.queued(self.asking[serial])
            elif kind == REFUSED and serial in self.asking:
                error = struct.unpack_from("=I", body)[0]
                self.day.done[errno.errorcode[error]] += 1
                self.asking.pop(serial)
            elif kind in (RELEASED, REVOKED):
                self.leases.pop(struct.unpack_from("=Q", body)[0], None)
            elif kind == RECALLED and self.day.random.random() < 0.5:
                self.raw.release(struct.unpack_from("=Q", body)[0])
        for asking in self.asking.values():
            # No request waits for longer than it wants to.
            if asking.wait:
                assert self.day.now <= asking.since + asking.wait, \
                    (vars(asking), self.day.now)

    def queued(self, asking):
        """Who waits for anything may be before it, and is in no position."""
        if asking.before is None:
            asking.before = sum(
                1 for client in self.day.clients
                for other in client.asking.values()
                if other.name in (asking.name, "") and
                other.since <= asking.since)

    def granted(self, asking):
        """Each of those before it has had a lease of full length at most."""
        waited = self.day.now - asking.since
        self.day.done["granted"] += 1
        self.day.granted.append(asking)
        self.day.longest = max(self.day.longest, waited)
        # One whose offer comes and goes has no such promise, nor a quota.
        if asking.name == "one" and asking.before:
            self.day.done["waited for one"] += 1
            assert waited <= asking.before * (LIMIT + STEP), vars(asking)


class Day:
    """Some hours of random life, at whose ends nobody has anything."""

    def __init__(self, lending, seed):
        self.lending = lending
        self.random = random.Random(seed)
        self.now = 0
        self.longest = 0
        self.granted = [] # since time went on
        self.done = collections.Counter()
        self.clients = [Client(self) for _ in range(LESSEES)]

    def go(self, seconds):
        # What was asked for is done before time goes on.
        self.lending.clock.go()
        self.now += seconds
        self.lending.clock.go(seconds)
        self.granted = []
        for client in self.clients:
            client.hear()
        # Who came first goes first.
        for name in ALWAYS:
            waiting = [asking.since for client in self.clients
                       for asking in client.asking.values()
                       if asking.name == name]
            for asking in self.granted:
                assert asking.name != name or \
                    asking.since <= min(waiting, default=self.now), \
                    (vars(asking), waiting)

    def reload(self, policy, event):
        self.lending.write(policy)
        self.lending.process.send_signal(signal.SIGHUP)
        self.lending.clock.go()
        self.done[event] += 1

    def hour(self, number):
        policy = self.random.choice(POLICIES)
        for step in range(HOUR // STEP):
            if step == HOUR // STEP // 2:
                self.reload(policy.replace("0+32K", "0+33K"),
                            "policy-rejected")
                self.reload(policy, "policy-in-force")
            for client in self.random.sample(self.clients, 8):
                client.act()
            self.go(STEP)
        self.reload(POLICIES[0], "policy-in-force")
        return self.rest(number)

    def rest(self, number):
        """Who waits gets what he waits for; then all is given back."""
        for client in self.clients:
            for serial in client.asking:
                client.raw.cancel(serial)
            for lease in client.leases:
                client.raw.release(lease)
        self.go(2 * GRACE)
        for client in self.clients:
            # An answer may have been on its way.
            for lease in client.leases:
                client.raw.release(lease)
        self.go(STEP)
        for client in self.clients:
            assert not client.asking and not client.leases, number
            client.raw.close()
        self.clients = []
        self.go(STEP)
        measured = self.measure()
        self.clients = [Client(self) for _ in range(LESSEES)]
        self.go(STEP)
        return measured

    def measure(self):
        figures = figures_of(self.lending.path / "figures")
        ends = sum(value for name, value in figures.items()
                   if name.startswith("barlease_ends_total"))
        assert figures["barlease_grants_total"] == ends, figures
        assert figures["barlease_lessees"] == 0, figures
        for name, value in figures.items():
            if name.startswith("barlease_slices{"):
                assert figures[name.replace("slices", "slices_free")] == value
            if name.startswith(("barlease_leases", "barlease_requests_w",
                                "barlease_slices_stuck")):
                assert value == 0, (name, value)
        return {"heap": self.lending.clock.get(HEAP),
                "fds": self.lending.fds(),
                "rss": int(self.lending.status("RssAnon").split()[0])}


def check_log(day):
    """Each lease begins once and ends once, and the figures say the same."""
    lending = day.lending
    granted = [line["lease"] for line in lending.lines("grant")]
    ended = [line["lease"] for event in ("release", "revoke")
             for line in lending.lines(event)]
    assert granted == [str(number) for number in range(1, len(granted) + 1)]
    assert sorted(ended, key=int) == granted
    figures = figures_of(lending.path / "figures")
    assert figures["barlease_grants_total"] == len(granted)
    for result in ("in-force", "rejected"):
        # The first was that of its start.
        assert figures[f'barlease_reloads_total{{result="{result}"}}'] == \
            day.done[f"policy-{result}"] + (result == "in-force"), figures
    assert figures["barlease_recalls_total"] == len(lending.lines("recall"))
    denials = sum(value for name, value in figures.items()
                  if name.startswith("barlease_denials_total"))
    assert denials == len(lending.lines("deny")) + \
        figures["barlease_denials_kept_back_total"]
    assert figures["barlease_log_lines_lost_total"] == 0
    for why, count in collections.Counter(
            line["why"] for event in ("release", "revoke")
            for line in lending.lines(event)).items():
        assert figures[f'barlease_ends_total{{why="{why}"}}'] == count, why
    return figures


def test_a_day_leaves_nothing_behind():
    seed = int(os.environ.get("BARLEASE_DAY_SEED",
                              random.SystemRandom().randrange(1 << 32)))
    print(f"# seed {seed}")
    # What is kept for the next malloc() would count as in use.
    lending = Timed(POLICIES[0], "--keep=500", WATCHDOG_USEC="60000000",
                    room=500,
                    GLIBC_TUNABLES="glibc.malloc.tcache_count=0")
    lending.options += (f"--metrics={lending.path / 'figures'}",)
    with lending:
        day = Day(lending, seed)
        hours = [day.hour(number) for number in range(24)]
        print(f"# {dict(day.done)}, longest wait {day.longest} s")
        print(f"# hour 1: {hours[0]}, 2: {hours[1]}, 24: {hours[-1]}")
        print("# heap: " + " ".join(str(hour["heap"]) for hour in hours))
        assert day.now >= 24 * HOUR
        # Of each kind of thing there was some.
        for what in ("waited for one", "died", "ETIMEDOUT", "ECANCELED",
                     "EBUSY", "EDQUOT", "ENOENT", "policy-rejected"):
            assert day.done[what], (what, day.done)
        figures = check_log(day)
        for why in ("released", "lessee-gone", "time-limit", "recalled"):
            assert figures[f'barlease_ends_total{{why="{why}"}}'], figures
        # It lives, as far as its manager can tell.
        assert len(lending.hear_of("WATCHDOG")) >= 24 * HOUR // 60
        assert {hour["fds"] for hour in hours} == {hours[0]["fds"]}, hours
        assert hours[-1]["heap"] <= hours[1]["heap"] + 1024, hours
        # malloc() keeps a freed block of 1 MiB or gives it back, as it likes.
        assert hours[-1]["rss"] <= min(hour["rss"] for hour in hours) + 1280, \
            hours
        for client in day.clients:
            client.raw.close()
        lending.stop(signal.SIGINT)


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
