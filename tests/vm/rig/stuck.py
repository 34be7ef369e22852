# SPDX-License-Identifier: MIT
"""Notice a machine whose emulation has lost a write of a processor.

QEMU emulates with a flaw (seen in 7.2 and in 10.0): where one processor changes
what is at an address (a BAR that is switched on or off) another one's write to a
device's register can go astray. Two such registers the guest cannot do without,
and hangs; the kernel complains of a stall. Nothing in the guest can do that, nor
mend it.

- The end of an interrupt, where the interrupt controller is memory: the timer's
  interrupt counts as being handled for ever and no other comes.
- The tail of the IOMMU's queue: the IOMMU does not learn of the commands in it,
  and the processor that waits for their end (qi_submit_sync()) does so for ever,
  with interrupts off. The emulated IOMMU never takes long for one.
"""

import re
import time

# What the kernel says; other things can make it say so, too.
SUSPICION = b"kthread timer wakeup didn't happen"
# A processor is seen there each time that the kernel says where one hangs.
WAITS_FOR_IOMMU = b"RIP: 0010:qi_submit_sync+"
WAITS = 2
# It all begins with one of these; the last is what the rig has it hear when it
# has been silent for too long, which may come first.
COMPLAINT = re.compile(r"^\[ *([0-9.]+)\].*(?:rcu: INFO: rcu_"
                       r"|watchdog: BUG: soft lockup"
                       r"|NMI received for unknown reason)", re.MULTILINE)
# Within so many seconds there is one for each processor.
COMPLAINTS_SECONDS = 100

# Linux on x86: the vector of the local timer, acknowledged before it is handled.
TIMER_VECTOR = "236"


class Watch:
    """Reads a kernel's log as it grows."""

    def __init__(self, console):
        self.console = console
        self.position = 0
        self.heard = time.monotonic() # something new, when last asked
        self.rest = b""
        self.waits = 0

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
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.waits += sum(WAITS_FOR_IOMMU in line for line in lines)
        return any(SUSPICION in line for line in lines)

    def hangs_in_iommu(self):
        """Whether a processor was seen there again and again, so far."""
        return self.waits >= WAITS


def without_complaints(log):
    """A kernel log up to where it says that it hangs, which is no news."""
    found = list(COMPLAINT.finditer(log))
    for complaint in found:
        if float(found[-1][1]) - float(complaint[1]) <= COMPLAINTS_SECONDS:
            return log[:complaint.start()]
    return log


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
