#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Completion and the manual page have all that the command has, and no more.

usage: test_completion.py BARLEASE BARLEASE_IN_TREE SOURCE
"""

import re
import subprocess
import sys

from command import BARLEASE, PATIENCE, TOP, barlease

import tap # of tests/broker, by command.py

FOLDER = TOP / "cli/completion"
BASH = FOLDER / "barlease.bash"
ZSH = (FOLDER / "_barlease").read_text()
FISH = (FOLDER / "barlease.fish").read_text()
PAGE = (TOP / "man/barlease.1").read_text()


def commands():
    found = re.findall(r"^  ([a-z]+) +[A-Za-z]", barlease("--help")[0],
                       re.MULTILINE)
    found = [name for name in found if name != "barlease"]
    assert len(found) > 10, found
    return found


def options(command):
    """Those that its help has in the lines of its usage, and help itself."""
    usage = barlease(command, "--help")[0].split("\n\n")[0]
    usage = usage.split("[--]")[0]
    return {"--help", *re.findall(r"--[a-z][a-z-]*", usage)}


def in_bash(code):
    done = subprocess.run(["bash", "-c", f'. "$1"; {code}', "bash", BASH],
                          capture_output=True, text=True, check=False,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.split()


def completed(*line):
    """What bash offers for the last word."""
    words = " ".join(f"'{word}'" for word in line)
    return in_bash(f"COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; "
                   '_barlease; printf "%s\\n" "${COMPREPLY[@]}"')


def in_zsh(command):
    block = re.search(rf"^\t{command}\)\n(.*?)^\t\t;;", ZSH,
                      re.MULTILINE | re.DOTALL)
    return set(re.findall(r"'(--[a-z-]+)[=\[]", block[1]))


def in_fish(command):
    return {f"--{name}" for name in re.findall(
        rf"^complete .*'__barlease_is {command}' -l ([a-z-]+)", FISH,
        re.MULTILINE)}


def in_page(command):
    """The lines of its head, and the items below it."""
    entry = re.search(rf"^\.It Cm {command}\b(.*?)(?=^\.It Cm [a-z]+ O|"
                      r"^\.It Cm unbind|^\.Ss|^\.Sh)",
                      PAGE, re.MULTILINE | re.DOTALL)
    assert entry, command
    return {name.replace("\\-", "--", 1) for name in
            re.findall(r"Fl (\\-[a-z][a-z-]*)", entry[1].split("\n")[0])}


def test_each_command_is_completed():
    for command in commands():
        assert command in completed("barlease", ""), command
        assert f"\t\t'{command}:" in ZSH, command
        assert re.search(rf"needs_command -a {command} ", FISH), command
        assert re.search(rf"^\.It Cm {command}\b", PAGE, re.MULTILINE), \
            command


def test_summaries_are_those_of_the_command():
    text = barlease("--help")[0]
    for command in commands():
        summary = re.search(rf"^  {command} +(.*)", text, re.MULTILINE)[1]
        if "'" not in summary:
            assert f"'{command}:{summary}'" in ZSH, command
            assert f"-a {command} -d '{summary}'" in FISH, command


def test_each_option_is_completed_and_no_other():
    for command in commands():
        wanted = options(command)
        assert set(completed("barlease", command, "--")) - {"--"} == wanted \
            or set(in_bash(f"_barlease_options {command}")) == wanted, command
        assert set(in_bash(f"_barlease_options {command}")) == wanted, command
        assert in_zsh(command) == wanted, (command, in_zsh(command))
        assert in_fish(command) == wanted, (command, in_fish(command))
        assert in_page(command) == wanted - {"--help"}, \
            (command, in_page(command))


def test_the_command_knows_each_option():
    for command in commands():
        for option in options(command) - {"--help"}:
            done = subprocess.run([BARLEASE, command, option],
                                  capture_output=True, text=True,
                                  timeout=PATIENCE, check=False,
                                  stdin=subprocess.DEVNULL,
                                  env={"PATH": "/nowhere"}) \
                if option not in ("--json", "--probe") else None
            assert not done or "no such option" not in done.stderr, done


def test_values_are_completed():
    for words, wanted in (
            (("request", "--access", ""), ["rw", "ro"]),
            (("request", "--cache", "w"), ["wc"]),
            (("run", "--open", ""), ["iommufd", "group"]),
            (("peek", "--width", ""), ["8", "16", "32", "64"]),
            (("recall", "--grace", "for"), ["forever"]),
            (("explain", "EDQ"), ["EDQUOT"])):
        assert completed("barlease", *words) == wanted, words


def test_a_command_behind_a_slice_is_completed():
    assert "cat" in completed("barlease", "request", "queues", "--", "ca")
    assert "cat" in completed("barlease", "request", "--wait", "5s", "queues",
                              "ca")
    # And before it are options of our own.
    assert "--wait" in completed("barlease", "request", "--w")


tap.run(tap.tests_of(sys.modules[__name__]))
