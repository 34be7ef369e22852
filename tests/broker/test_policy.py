#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What barleased --check says of policies: usage: test_policy.py BARLEASED"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile

import policy_keys
import tap
from policy_wrong import FINE, RIGHT, WRONG

BARLEASED = sys.argv[1]


def check(text, name="policy.conf"):
    """(status, what is said without the name of the file)"""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / name
        file.write_bytes(text.encode(errors="surrogateescape"))
        done = subprocess.run([BARLEASED, "--check", file],
                              capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.stdout == "", done.stdout
        lines = done.stderr.splitlines()
        for line in lines:
            assert line.startswith(f"{file}:"), line
        return done.returncode, [line.removeprefix(f"{file}:")
                                 for line in lines]


def wrong_test(name, text, said):
    def test():
        found = check(text)
        assert found == (1, said), "\n".join(["said:", *found[1]])
    test.__name__ = f"{name}_is_a_mistake"
    return test


def key_test(key):
    def test():
        for name, text, said in policy_keys.cases(key):
            status, found = check(text)
            # What is wrong with a value that is there twice is not the point.
            assert status == 1 and set(said) <= set(found), \
                "\n".join([f"{key}, {name}:", *said, "said:", *found])
            assert len(found) == 1 or name == "twice", "\n".join(found)
    test.__name__ = f"each_value_that_{key}_cannot_have_is_a_mistake"
    return test


def fine_test(name, text):
    def test():
        assert check(text) == (0, []), check(text)
    test.__name__ = f"{name}_is_fine"
    return test


def test_too_many_sections_are_a_mistake():
    more = "".join(f"[Device d{i}]\nbackend = sim\nsize = 4K\n"
                   for i in range(1024))
    status, said = check(RIGHT + more)
    assert status == 1
    assert said == ["3076: [Device d1022]: more than 1024 sections",
                    "3079: [Device d1023]: more than 1024 sections"], said


def test_too_many_mistakes_are_told_as_many():
    status, said = check("x\n" * 5000)
    assert status == 1 and len(said) == 4097, len(said)
    assert said[-1] == " there are more mistakes than these", said[-1]
    assert said[4095].startswith("4096: "), said[4095]


def fails(*arguments):
    done = subprocess.run([BARLEASED, *arguments], capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_a_file_that_is_too_long_is_refused():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n" * ((1 << 20) + 1))
        file.flush()
        status, said = fails("--check", file.name)
        assert status == 1 and "File too large" in said, said
        file.truncate(1 << 20)
        status, said = fails("--check", file.name)
        assert status == 1 and "it lends nothing" in said, said


def test_what_is_no_file_is_refused():
    status, said = fails("--check", "/no/such/file")
    assert (status, said) == (1, "barleased: /no/such/file: No such file or "
                                 "directory\n"), said
    status, said = fails("--check", "/")
    assert status == 1 and "Is a directory" in said, said


def test_what_is_neither_a_file_nor_a_folder_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        pipe, sock = f"{folder}/pipe", f"{folder}/socket"
        os.mkfifo(pipe)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(sock)
            for path in (pipe, sock, "/dev/zero"):
                status, said = fails("--check", path)
                assert (status, said) == (
                    1, f"{path}:1: is not a file, but a pipe, a socket or a "
                       "device\n"), said


def test_100_mb_are_refused():
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(100 << 20)
        status, said = fails("--check", file.name)
        assert status == 1 and "File too large" in said, said


def test_as_many_keys_as_there_is_room_for_take_no_time():
    text = "[Pool q]\n" + "".join(f"{i:x}=\n" for i in range(130000))
    status, said = check(text)
    assert status == 1 and len(said) == 4097, len(said)


def test_wrong_command_lines_are_refused():
    for line, wrong in (
            ([], "a policy is needed, such as /etc/barlease.conf"),
            (["--check"], "--check: lacks its value"),
            (["--keep=1", "--metrics"], "--metrics: lacks its value"),
            (["--what"], "--what: no such option, or not with a value"),
            (["--keep=1", "a", "-kc"],
             "-k: no such option, or not with a value"),
            (["--help=me"], "--help=me: no such option, or not with a value"),
            (["--w\x1b[2J"], "--w\\x1b[2J: no such option, or not with a "
                             "value"),
            (["--keep=0", "a"], "0: not a number of fds from 1 to 4096"),
            (["--keep=4097", "a"], "4097: not a number of fds from 1 to 4096"),
            (["--keep", "9x", "a"], "9x: not a number of fds from 1 to 4096"),
            (["a", "b", "c"], "b: there is one policy, and nothing behind it"),
            (["--check", "a", "b"],
             "b: --check takes one policy, and nothing else")):
        assert fails(*line) == (
            2, f"barleased: {wrong}; see barleased --help\n"), fails(*line)


tap.run([*(wrong_test(*case) for case in WRONG),
         *(key_test(key) for key in policy_keys.WRONG),
         *(fine_test(*case) for case in FINE),
         *tap.tests_of(sys.modules[__name__])])
