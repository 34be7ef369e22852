#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figures of barleased: usage: test_metrics.py BARLEASED LESSEE"""

import os
import pathlib
import re
import signal
import sys
import tempfile
import time

import tap
from lending import PATIENCE, Lending
from policies import ALL, BOTH

OF_QUEUES = '{offer="queues",device="sim:accel"}'
OF_MEMORY = '{offer="memory",device="sim:accel"}'


def lending_to(path, policy):
    return Lending(policy, f"--metrics={path}")


def figures_of(path):
    """Each by its name and labels; what is no line of Prometheus' fails."""
    figures, types = {}, {}
    for line in path.read_text().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in types, line
            types[name] = kind
            continue
        if line.startswith("# HELP "):
            assert len(line.split(" ", 3)) == 4, line
            continue
        found = re.fullmatch(r'(\w+)((?:\{\w+="[^"\\]*"(?:,\w+="[^"\\]*")*\})?'
                             r') (\d+)', line)
        assert found and found[1] in types, line
        assert found[1].endswith("_total") == (types[found[1]] == "counter")
        figures[found[1] + found[2]] = int(found[3])
    return figures


def wait_for(lending, path, **figures):
    """Until these are in the file, which a reload has written."""
    lending.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    while True:
        said = figures_of(path) if path.exists() else {}
        if figures.items() <= said.items():
            return said
        assert time.monotonic() < end, said
        time.sleep(0.01)


def run_with_figures(policy):
    lending = Lending(policy)
    lending.options = (f"--metrics={lending.path / 'figures'}",)
    return lending, lending.path / "figures"


def test_figures_are_there_from_the_start():
    lending, path = run_with_figures(BOTH)
    with lending:
        said = wait_for(lending, path, barlease_grants_total=0)
        assert said["barlease_slices" + OF_QUEUES] == 4, said
        assert said["barlease_slices_free" + OF_QUEUES] == 4, said
        assert said["barlease_slices" + OF_MEMORY] == 1, said
        # They tell of what is not for everybody.
        assert path.stat().st_mode & 0o777 == 0o600
        assert not path.with_name("figures.new").exists()
        lending.stop()
        assert not path.exists()


def test_who_was_let_read_the_figures_may_read_the_next():
    lending, path = run_with_figures(BOTH)
    with lending:
        wait_for(lending, path, barlease_grants_total=0)
        group = path.stat().st_gid if os.geteuid() else 64003
        os.chown(path, -1, group)
        path.chmod(0o646)
        lending.lessee().get("memory")
        wait_for(lending, path, barlease_grants_total=1)
        status = path.stat()
        # To read them, that is.
        assert (status.st_mode & 0o777, status.st_gid) == (0o644, group), \
            status


def test_figures_tell_what_is_lent():
    lending, path = run_with_figures(BOTH)
    with lending:
        lessee, other = lending.lessee(), lending.lessee()
        for _ in range(3):
            lessee.get("queues")
        assert lessee("release") == "released"
        lessee.get("memory")
        other("start", "memory")
        assert other("event") == "queued 1"
        other("request", "queues", "wc", 0)
        said = wait_for(lending, path, barlease_grants_total=4)
        expected = {
            "barlease_slices_free" + OF_QUEUES: 2,
            "barlease_leases" + OF_QUEUES: 2,
            "barlease_leases" + OF_MEMORY: 1,
            "barlease_requests_waiting" + OF_MEMORY: 1,
            "barlease_slices_stuck" + OF_MEMORY: 0,
            "barlease_lessees": 2,
            'barlease_denials_total{error="EOPNOTSUPP"}': 1,
            'barlease_denials_total{error="EBUSY"}': 0,
            'barlease_ends_total{why="released"}': 1,
        }
        assert expected.items() <= said.items(), said


def test_figures_tell_of_reloads_and_recalls():
    lending, path = run_with_figures(BOTH)
    with lending:
        lessee = lending.lessee()
        lessee.get("memory")
        lending.reload(BOTH.replace("4K", "5K"), "policy-rejected")
        lending.reload(ALL + "grace = 0ms\n")
        assert lessee("event") == "recalled 1"
        assert lessee("release") == "released"
        said = wait_for(lending, path, barlease_recalls_total=1)
        assert said['barlease_reloads_total{result="rejected"}'] == 1, said
        assert said['barlease_reloads_total{result="in-force"}'] >= 2, said
        assert "barlease_slices" + OF_MEMORY not in said, said


def test_who_asks_in_vain_does_not_fill_the_log():
    lending, path = run_with_figures(ALL)
    with lending:
        lessee = lending.lessee()
        for _ in range(1000):
            assert lessee("request", "nothing", "rw", 0).startswith("refused")
        said = wait_for(lending, path, **{
            'barlease_denials_total{error="ENOENT"}': 1000})
        told = len(lending.lines("deny"))
        assert 20 <= told < 1000, told
        assert said["barlease_denials_kept_back_total"] == 1000 - told, said
        # When there is time again, it is told how many there were.
        end = time.monotonic() + PATIENCE
        while "kept-back" not in lending.lines("deny")[-1]:
            assert time.monotonic() < end, lending.said()
            lessee("request", "nothing", "rw", 0)
            time.sleep(0.05)
        assert int(lending.lines("deny")[-1]["kept-back"]) >= 1000 - told


def test_a_file_that_cannot_be_written_is_told_once():
    with tempfile.TemporaryDirectory() as folder:
        with lending_to(f"{folder}/none/figures", ALL) as lending:
            for count in (2, 3, 4):
                lending.process.send_signal(signal.SIGHUP)
                lending.wait_for("event=policy-in-force", count)
            assert lending.lessee().get("queues")
            line, = lending.lines("metrics-failed")
            assert line["error"] == "No such file or directory", line


def test_what_is_in_the_place_of_figures_is_not_written_to():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "figures"
        other = pathlib.Path(folder) / "other"
        other.write_text("other")
        new = path.with_name("figures.new")
        for put in (lambda: os.mkfifo(new), lambda: os.link(other, new),
                    lambda: os.symlink(other, new)):
            put()
            with lending_to(path, ALL) as lending:
                lending.lessee().get("queues")
                wait_for(lending, path, barlease_grants_total=1)
                assert not lending.lines("metrics-failed"), lending.said()
            assert other.read_text() == "other"


def test_a_full_disk_leaves_the_figures_before():
    lending, path = run_with_figures(ALL)
    with lending:
        wait_for(lending, path, barlease_grants_total=0)
        # As good as a disk that is full: there is no such place.
        path.with_name("figures.new").mkdir()
        lending.lessee().get("queues")
        lending.process.send_signal(signal.SIGHUP)
        lending.wait_for("event=metrics-failed")
        assert figures_of(path)["barlease_grants_total"] == 0


if __name__ == "__main__":
    tap.run(tap.tests_of(sys.modules[__name__]))
