# SPDX-License-Identifier: MIT
"""What fish and zsh offer for a line, as somebody who types it sees it."""

import contextlib
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import time

from command import BARLEASE, PATIENCE, TOP

import tap # of tests/broker, by command.py

FOLDER = TOP / "cli/completion"

# What would complete the word before the cursor is written to a file instead.
ZSHRC = """\
PS1= PS2= RPS1=
fpath=($COMPLETION $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
	# These fill arrays, and offer nothing.
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then
		builtin compadd "$@"
		return
	fi
	local -a hits
	builtin compadd -A hits "$@"
	print -rl -- $hits >>$OFFERED
	builtin compadd "$@"
}
offer() {
	_main_complete
	compstate[insert]= compstate[list]=
	print END >>$OFFERED
}
zle -C offer complete-word offer
bindkey '^T' offer
bindkey '^U' kill-whole-line
print END >$OFFERED
"""


def need(shell):
    if not shutil.which(shell):
        raise tap.Skipped(f"there is no {shell} (scripts/install-deps)")


def environment(home, **more):
    return {"PATH": f"{pathlib.Path(BARLEASE).parent}:{os.environ['PATH']}",
            "HOME": str(home), "TERM": "vt100", "LC_ALL": "C.UTF-8", **more}


def offered_by_fish(lines):
    """{line: [word, ...]}"""
    need("fish")
    code = [f"source {FOLDER / 'barlease.fish'}"]
    for line in lines:
        code += [f"complete -C '{line}'", "echo END"]
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            ["fish", "--no-config", "-c", "\n".join(code)], text=True,
            capture_output=True, timeout=PATIENCE, check=False, cwd=home,
            stdin=subprocess.DEVNULL, env=environment(home))
    assert (done.returncode, done.stderr) == (0, ""), done
    answers = done.stdout.split("END\n")[:-1]
    assert len(answers) == len(lines), done.stdout
    return {line: [word.split("\t")[0] for word in answer.splitlines()]
            for line, answer in zip(lines, answers)}


def _wait(path, count):
    """The answers, when there are so many of them."""
    end = time.monotonic() + PATIENCE
    while True:
        text = path.read_text() if path.exists() else ""
        if text.count("END\n") >= count:
            return text.split("END\n")
        assert time.monotonic() < end, text
        time.sleep(0.005)


@contextlib.contextmanager
def _terminal(home, offered):
    """zsh at a terminal, which nobody looks at."""
    master, slave = pty.openpty()
    with subprocess.Popen(
            ["zsh", "-i"], stdin=slave, stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT, start_new_session=True, cwd=home,
            env=environment(home, ZDOTDIR=str(home), OFFERED=str(offered),
                            COMPLETION=str(FOLDER))) as shell:
        os.close(slave)
        try:
            yield master
        finally:
            shell.kill()
            os.close(master)


def offered_by_zsh(lines):
    """{line: [word, ...]}"""
    need("zsh")
    with tempfile.TemporaryDirectory() as home:
        path = pathlib.Path(home)
        (path / ".zshrc").write_text(ZSHRC)
        offered = path / "offered"
        with _terminal(home, offered) as master:
            for count, line in enumerate(lines, 1):
                _wait(offered, count)
                os.write(master, b"\x15" + line.encode() + b"\x14")
            answers = _wait(offered, len(lines) + 1)[1:]
    # An option with a value may have the sign that is between them.
    return {line: [word.removesuffix("=") for word in answer.split()]
            for line, answer in zip(lines, answers)}
