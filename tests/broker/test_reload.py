#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Policy files that are no files, have no end, or change while they are read.

usage: test_reload.py BARLEASED LESSEE
"""

import contextlib
import os
import re
import signal
import socket
import sys
import threading
import time

import tap
from lending import PATIENCE, Lending
from policies import ALL

# What a policy may take to be read, in KiB: its text, and what it becomes.
ROOM = 4 << 10
SECONDS = 2


def memory(lending):
    """The most that it has had, in KiB."""
    with open(f"/proc/{lending.process.pid}/maps", encoding="ascii") as file:
        # A sanitizer keeps what is freed.
        if "libasan" in file.read():
            return 0
    with open(f"/proc/{lending.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1])


def outcomes(lending):
    """How many reloads were there, and how many of them were rejected."""
    said = lending.said()
    rejected = len(re.findall("^event=policy-rejected", said, re.MULTILINE))
    taken = len(re.findall("^event=policy-in-force", said, re.MULTILINE))
    return taken + rejected, rejected


def reload(lending):
    """Return: whether what is there now was taken."""
    count, rejected = outcomes(lending)
    lending.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    while outcomes(lending)[0] == count:
        assert lending.process.poll() is None, lending.said()
        assert time.monotonic() < end, "it hangs"
        time.sleep(0.001)
    return outcomes(lending)[1] == rejected


@contextlib.contextmanager
def always(doing):
    """Do it again and again, beside what is done."""
    over = threading.Event()

    def run():
        while not over.is_set():
            doing()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# What is in the place of the file

def fifo(path):
    os.mkfifo(path)


def folder(path):
    path.mkdir()


def endless_device(path):
    path.symlink_to("/dev/zero")


def terminal(path):
    path.symlink_to("/dev/ptmx")


def listening_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def dangling_link(path):
    path.symlink_to("nowhere")


def loop_of_links(path):
    path.symlink_to(path.name)


def nothing(_):
    pass


def sparse(path):
    path.write_text(ALL)
    os.truncate(path, 2 << 30)


def file_of_the_kernel(path):
    path.symlink_to("/proc/kallsyms")


PLACES = {
    fifo: "is not a file, but a pipe, a socket or a device",
    folder: "Is a directory",
    endless_device: "is not a file, but a pipe, a socket or a device",
    terminal: "is not a file, but a pipe, a socket or a device",
    listening_socket: "is not a file, but a pipe, a socket or a device",
    dangling_link: "No such file or directory",
    loop_of_links: "Too many levels of symbolic links",
    nothing: "No such file or directory",
    sparse: "File too large",
    file_of_the_kernel: "",
}


def test_what_is_no_policy_file_changes_nothing():
    with Lending(ALL) as lending:
        lessee = lending.lessee()
        lessee.get("queues")
        # What a reload takes that changes nothing.
        assert reload(lending)
        fds, before = lending.fds(), memory(lending)
        for make, reason in PLACES.items():
            lending.file.unlink()
            make(lending.file)
            assert not reload(lending), make.__name__
            said = lending.said().splitlines()[-2:]
            assert any(reason in line for line in said), (make.__name__, said)
            assert lessee("touch") == "touched", make.__name__
            assert lessee("list") == "listed queues/4/3", make.__name__
            if make is folder:
                lending.file.rmdir()
                lending.file.touch()
            elif make is nothing:
                lending.file.touch()
        assert lending.fds() == fds
        assert memory(lending) < before + ROOM, (before, memory(lending))
        # And it goes on.
        lending.file.unlink()
        lending.write(ALL)
        assert reload(lending)


def test_a_file_that_grows_without_end_takes_no_memory():
    with Lending(ALL) as lending, \
         open(lending.file, "ab", buffering=0) as file:
        lessee = lending.lessee()
        lessee.get("queues")
        assert reload(lending)
        before = memory(lending)
        with always(lambda: file.write(b"# more of it\n" * 1000)):
            # Until it has been too long for a while.
            end = time.monotonic() + PATIENCE
            while os.fstat(file.fileno()).st_size < 8 << 20:
                reload(lending)
                assert time.monotonic() < end
            for _ in range(20):
                assert not reload(lending)
        os.truncate(lending.file, 8 << 20)
        assert not reload(lending)
        assert "File too large" in lending.said().splitlines()[-1]
        assert memory(lending) < before + ROOM, (before, memory(lending))
        assert lessee("touch") == "touched"


# Two policies that have no part in common: what begins as one and ends as the
# other, or does not end, is a mistake.

def policy_of(lending, device, slices):
    filling = "# filling\n" * 5000
    return f"[Pool {device}]\ndevice = {device}\nbar = 2\n" \
        f"range = 0+{4 * slices}K\nslice = 4K\nallow = anyone\n" \
        f"socket = {lending.path}/queues.sock\nmode = 0666\n{filling}" \
        f"[Device {device}]\nbackend = sim\nsize = 1M\n"


LISTED = {"listed one/4/4", "listed two/8/8"}


def reloads_of_two(lending, change):
    """Reload for a while. Return: how often, and how often in vain."""
    taken = rejected = 0
    lessee = lending.lessee()
    with always(change):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if reload(lending):
                taken += 1
            else:
                rejected += 1
            assert lessee("list") in LISTED, lessee("list")
    return taken, rejected


def test_a_file_that_is_written_while_it_is_read_is_taken_whole_or_not_at_all():
    with Lending(ALL) as lending:
        both = [policy_of(lending, "one", 4), policy_of(lending, "two", 8)]
        lending.write(both[0])
        assert reload(lending)

        def change():
            for text in both:
                # In its place, and in pieces.
                with open(lending.file, "w", encoding="ascii") as file:
                    file.write(text)

        taken, rejected = reloads_of_two(lending, change)
        print(f"# {taken} taken, {rejected} rejected")
        assert taken > 10 and rejected > 10, (taken, rejected)


def test_a_file_that_is_replaced_while_it_is_read_is_taken_each_time():
    with Lending(ALL) as lending:
        both = [policy_of(lending, "one", 4), policy_of(lending, "two", 8)]
        lending.write(both[0])
        assert reload(lending)

        def change():
            for text in both:
                new = lending.path / "new"
                new.write_text(text)
                new.rename(lending.file)

        taken, rejected = reloads_of_two(lending, change)
        print(f"# {taken} taken, {rejected} rejected")
        assert taken > 10 and not rejected, (taken, rejected)


tap.run(tap.tests_of(sys.modules[__name__]))
