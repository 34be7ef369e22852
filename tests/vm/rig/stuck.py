# SPDX-License-Identifier: MIT
"""Notice a machine whose emulation has lost the end of an interrupt.

QEMU emulates with a flaw (seen in 7.2 and, with an interrupt controller in memory,
in 10.0): where one processor changes what is at an address (a BAR that is switched
on or off) another one's write to its interrupt controller can go astray. The
timer's interrupt then counts as being handled for ever and no other comes, so that
the guest hangs; the kernel complains of a stall. Nothing in the guest can do that,
nor mend it.
"""

import re
import time

# What the kernel says; other things can make it say so, too.
SUSPICION = b"kthread timer wakeup didn't happen"
# That begins with these words.
COMPLAINT = "rcu: INFO: rcu_"

# Linux on x86: the vector of the local timer, acknowledged before it is handled.
TIMER_VECTOR = "236"


class Watch:
    """Reads a kernel's log as it grows."""

    def __init__(self, console):
        self.console = console
        self.position = 0
        self.heard = time.monotonic() # something new, when last asked
        self.rest = b""

    def is_suspicious(self):
        """Whether the kernel has complained since it was last asked."""
        try:
            with open(self.console, "rb") as file:
                file.seek(self.position)
                data = file.read()
        except FileNotFoundError:
            return False
        self.position += len(data)
        if data:
            self.heard = time.monotonic()
        text = self.rest + data
        # Words that come in two pieces are found with the second one.
        self.rest = text[-len(SUSPICION) + 1:]
        return SUSPICION in text


def lost_processors(ask, count):
    """The processors in the midst of a timer interrupt; ask QEMU's monitor.

    Who does not have it in service a moment later was only busy, so ask twice.
    """
    return {number for number in range(count)
            if TIMER_VECTOR in _in_service(ask(f"info lapic {number}"))}


def where(ask, count):
    """A line for each processor: what it executes and handles."""
    for number, registers in zip(
            range(count), ask("info registers -a").split("CPU#")[1:]):
        words = re.findall(r"(?:RIP|RFL)=\S+", registers)
        vectors = _in_service(ask(f"info lapic {number}"))
        yield (f"processor {number}: {' '.join(words)}, "
               f"in service: {' '.join(vectors) or 'nothing'}")


def _in_service(text):
    match = re.search(r"^ISR\s+(.*)$", text.replace("\r", ""), re.MULTILINE)
    return match[1].split() if match else []
