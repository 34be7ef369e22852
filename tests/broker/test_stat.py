#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figures for operators: usage: test_stat.py BARLEASED LESSEE BARLEASE"""

import json
import subprocess
import sys
import time

import tap
from lending import PATIENCE, need_root
from operators import (ALL, BARLEASE, DEVICE, DONE, FIGURE, QUEUES, STAT,
                       Operators, Raw)


class Figured(Operators):
    """Has them in a file, too."""

    def command(self):
        *command, file = super().command()
        return [*command, f"--metrics={self.path / 'figures'}", file]

    def stat(self):
        """{name and labels as Prometheus has them: value}"""
        found = {}
        for figure in json.loads(self.barlease("stat", "--json")[0])["figures"]:
            labels = ""
            if figure["label"]:
                labels = f'{figure["label"]}="{figure["of"]}"'
            if figure["device"]:
                labels += f',device="{figure["device"]}"'
            name = figure["figure"] + (f"{{{labels}}}" if labels else "")
            assert name not in found, name
            assert figure["type"] == ("counter" if "_total" in name else
                                      "gauge"), figure
            assert figure["help"].endswith("."), figure
            found[name] = figure["value"]
        return found


def in_file(path):
    return {name: int(value) for name, value in (
        line.rsplit(" ", 1) for line in path.read_text().splitlines()
        if not line.startswith("#"))}


def used(lending):
    """Each kind of figure is something else than 0."""
    lessee, other = lending.lessee(), lending.lessee()
    for _ in range(3):
        lessee.get("queues")
    assert lessee("release") == "released"
    memory = lending.lessee(socket="memory.sock")
    memory.get("memory")
    memory("start", "memory")
    assert memory("event") == "queued 1"
    other("request", "queues", "wc", 0)
    other("request", "nothing", "rw", 0)
    other("request", "nothing", "rw", 0)
    lending.barlease("recall", 1)
    assert lessee("event") == "recalled 1"
    lending.barlease("revoke", 1)


def test_figures_are_those_of_prometheus():
    with Figured(ALL) as lending:
        used(lending)
        lending.reload(ALL.replace("4K", "5K"), "policy-rejected")
        lending.reload(ALL)
        said = lending.stat()
        # It is written when a reload is over.
        end = time.monotonic() + PATIENCE
        while in_file(lending.path / "figures") != said:
            assert time.monotonic() < end, \
                set(in_file(lending.path / "figures").items()) ^ \
                set(said.items())
            time.sleep(0.01)
        assert {
            "barlease_grants_total": 4,
            "barlease_recalls_total": 1,
            'barlease_denials_total{error="EOPNOTSUPP"}': 1,
            'barlease_denials_total{error="ENOENT"}': 2,
            'barlease_denials_total{error="EBUSY"}': 0,
            'barlease_denials_total{error="other"}': 0,
            'barlease_ends_total{why="released"}': 1,
            'barlease_ends_total{why="lessor"}': 1,
            'barlease_requests_waiting{offer="memory",device="sim:accel"}': 1,
            'barlease_slices_free{offer="queues",device="sim:accel"}': 3,
            'barlease_reloads_total{result="rejected"}': 1,
            "barlease_lessees": 3,
        }.items() <= said.items(), said


def test_people_are_spared_reasons_that_have_not_been():
    with Figured(ALL) as lending:
        used(lending)
        out, _ = lending.barlease("stat")
        head, *lines = out.splitlines()
        assert head.split() == ["FIGURE", "OF", "DEVICE", "VALUE", "WHAT"]
        denials = [line.split()[1:3] for line in lines
                   if line.startswith("barlease_denials_total")]
        assert denials == [["ENOENT", "2"], ["EOPNOTSUPP", "1"]], out
        # What there is none of now is told all the same.
        assert any(line.split()[:4] == ["barlease_slices_stuck", "queues",
                                        "sim:accel", "0"]
                   for line in lines), out
        assert any(line.split()[:2] == ["barlease_stuck_total", "0"]
                   for line in lines), out


def test_an_answer_counts_its_figures():
    with Figured(DEVICE + QUEUES) as lending:
        raw = Raw(lending.control)
        raw.send(STAT, serial=4711)
        kinds = []
        while not kinds or kinds[-1] != DONE:
            kind, serial, rest = raw.receive()
            assert serial == 4711
            kinds.append(kind)
        assert set(kinds[:-1]) == {FIGURE}, kinds
        assert int.from_bytes(rest[:4], sys.byteorder) == len(kinds) - 1
        assert len(kinds) - 1 == len(lending.stat()), kinds


def test_an_offer_that_is_gone_has_no_figures():
    with Figured(ALL) as lending:
        lending.lessee(socket="memory.sock").get("memory")
        lending.reload(DEVICE + QUEUES)
        assert not [name for name in lending.stat() if "memory" in name]
        # Its lease is over all the same.
        assert lending.stat()["barlease_grants_total"] == 1


def test_a_user_who_is_no_operator_is_told_nothing():
    need_root()
    with Figured(ALL) as lending:
        lending.control.chmod(0o666)
        out, err = lending.barlease("stat", status=1, user=65534)
        assert out == "" and "Permission denied" in err, err


def test_a_wrong_line_is_refused():
    for words, why in ((["x"], "too many arguments: x"),
                       (["--nonsense"], "no such option: --nonsense"),
                       (["--control", "x" * 5000], "too long"),
                       (["--control"], "--control needs a value")):
        done = subprocess.run([BARLEASE, "stat", *words], text=True,
                              capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert why in done.stderr, done


tap.run(tap.tests_of(sys.modules[__name__]))
