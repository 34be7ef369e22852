#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""barlease explain: usage: test_explain.py BARLEASE BARLEASE_IN_TREE SOURCE"""

import errno
import json
import os
import re
import sys

from command import TOP, barlease

import tap # of tests/broker, by command.py


def explained(*words):
    return json.loads(barlease("explain", "--json", *words)[0])["explanations"]


def test_an_errno_is_explained_by_name_number_and_words():
    by_name = explained("EDQUOT")
    assert [one["where"] for one in by_name] == ["a request"], by_name
    assert by_name[0]["number"] == errno.EDQUOT
    assert "max-leases" in by_name[0]["remedy"]
    for other in (str(errno.EDQUOT), f"-{errno.EDQUOT}", "edquot",
                  os.strerror(errno.EDQUOT),
                  "cannot have queues: (EDQUOT)"):
        assert explained(other) == by_name, other


def test_an_errno_has_all_its_places():
    assert [one["where"] for one in explained("EBUSY")] == \
        ["a request", "opening a device"]


def test_words_of_a_message_tell_which_place_it_is():
    message = "cannot open 0000:00:04.0: another process owns it"
    one, = explained(message)
    assert (one["error"], one["where"]) == ("EBUSY", "opening a device"), one
    # Where both fit, the words say more than the errno.
    one, = explained("another process owns it (EBUSY)")
    assert one["where"] == "opening a device", one
    one, = explained("the lease is over: its time limit")
    assert one["where"] == "the end of a lease" and one["error"] is None, one


def test_a_name_within_a_word_is_not_meant():
    for word in ("xEIO", "EIOx", "xEIOx"):
        out, err = barlease("explain", word, status=1)
        assert out == "" and f"nothing here is about '{word}'" in err, err


def test_what_is_not_known_is_said():
    _, err = barlease("explain", "E2BIG", status=1)
    assert "no answer of barlease by itself" in err, err
    _, err = barlease("explain", "xyzzy", status=1)
    assert "nothing here is about 'xyzzy'" in err, err
    _, err = barlease("explain", "a\x1b[2Jb", status=1)
    assert "\x1b" not in err, err
    _, err = barlease("explain", "", status=2)
    assert "the message is empty" in err, err
    _, err = barlease("explain", "EBUSY", "EIO", status=2)
    assert "too many arguments: EIO" in err, err
    out, _ = barlease("explain", "--json", "xyzzy", status=1)
    assert json.loads(out) == {"explanations": []}, out


def test_without_an_argument_there_is_everything():
    everything = explained()
    assert len(everything) > 30
    for one in everything:
        assert one["meaning"].endswith(".") and one["remedy"], one
    out, _ = barlease("explain")
    assert "EDQUOT (122, " in out, out
    assert max(map(len, out.splitlines())) < 100, out


def test_each_refusal_of_the_protocol_is_explained():
    text = (TOP / "docs/protocol.md").read_text()
    table = text.split("## Refusals\n\n")[1].split("\n\n")[0]
    names = re.findall(r"\b(E[A-Z0-9]+)\b", table.split("| --- | --- |\n")[1])
    assert len(set(names)) > 12, names
    known = {one["error"] for one in explained()}
    assert set(names) <= known, set(names) - known


def test_each_reason_of_an_end_is_found_by_its_words():
    code = (TOP / "cli/holding_tables.c").read_text()
    words = re.findall(r'\[BARLEASE_END_(?:EXPIRED|RECALLED|REVOKED|DEVICE)\]'
                       r' = "([^"]*)"', code)
    assert len(words) == 4, words
    for word in words:
        one, = explained(f"the lease is over: {word}")
        assert one["where"] == "the end of a lease", one


tap.run(tap.tests_of(sys.modules[__name__]))
