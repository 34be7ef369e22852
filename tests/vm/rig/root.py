# SPDX-License-Identifier: MIT
"""Run commands in a build root, a system of another release in a folder."""

import os
import subprocess

from .common import die_with_parent

# Runs in namespaces of its own: the mounts vanish with it, whatever happens.
# objtool reads /proc; /dev/null is all that is wanted of /dev. An ordinary user's
# PATH lacks the folder of chroot.
ENTER = r"""
set -e
PATH=$PATH:/usr/sbin:/sbin
mount --make-rprivate /
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --bind "$SOURCE" "$ROOT/src"
exec chroot "$ROOT" /usr/bin/env -i PATH=/usr/bin:/usr/sbin HOME=/ LC_ALL=C \
    sh -c "$COMMAND"
"""


# How often a long run tells how it goes.
TELL_EVERY = 30


def run_in_root(root, source, command, log, tell=None):
    """Run a shell command in a build root, with source mounted on /src.

    tell is called now and then while it runs.
    """
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    if os.geteuid():
        enter.append("--map-root-user")
    environment = dict(os.environ, ROOT=str(root), SOURCE=str(source),
                       COMMAND=command)
    with open(log, "wb") as output:
        with subprocess.Popen(enter + ["sh", "-c", ENTER], env=environment,
                              stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT,
                              preexec_fn=die_with_parent()) as process:
            while True:
                try:
                    return process.wait(TELL_EVERY if tell else None)
                except subprocess.TimeoutExpired:
                    tell()
