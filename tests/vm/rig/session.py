# SPDX-License-Identifier: MIT
"""One run of a machine: start it, relay its ports, end it for certain."""

import contextlib
import fcntl
import os
import pathlib
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from .common import (EXIT_EMULATION, EXIT_HUNG, EXIT_TIMEOUT, Failure,
                     die_with_parent, say)
from .hostcall import HostCalls
from .monitor import Monitor, MonitorError
from .stuck import Watch, lost_processors, where

# A guest whose program has ended powers off at once.
POWER_OFF_SECONDS = 30
# What a guest needs at the most to say what it was at, and to end.
LAST_WORDS_SECONDS = 30


class Ended(Exception):
    """A signal asked this process to stop."""


class Outcome:
    """How a run ended."""

    def __init__(self, begun, status, timed_out, silent, lost, crash, log,
                 error):
        self.begun = begun # whether the guest came as far as the program
        self.status = status # of the program; None if the guest died first
        self.timed_out = timed_out
        self.silent = silent # for too long; the log has what it was at
        self.lost = lost # what, by the emulation, or None: see stuck.py
        self.crash = crash # the signal that ended QEMU itself, or None
        self.log = log
        self.error = error # what QEMU itself had to say

    def exit_status(self):
        if self.lost or self.crash:
            return EXIT_EMULATION
        if self.silent:
            return EXIT_HUNG
        if self.timed_out:
            return EXIT_TIMEOUT
        return 1 if self.status is None else self.status


class WorkFolder:
    """A temporary folder that goes away with the run.

    Short, as it holds sockets, whose names are limited to 107 bytes. A run
    holds a lock on its folder, so that a later one can tell which folders a
    killed run has left, and remove them.
    """

    PREFIX = "barlease-vm."
    # Between the making of a folder and its lock.
    GRACE_SECONDS = 60

    def __init__(self, keep=False):
        self.keep = keep

    def __enter__(self):
        self._remove_leftovers()
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=self.PREFIX))
        self.lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        if self.keep:
            (self.path / "keep").touch()
        return self.path

    def __exit__(self, *exception):
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)

    def _remove_leftovers(self):
        for path in pathlib.Path(tempfile.gettempdir()).glob(self.PREFIX + "*"):
            try:
                state = path.stat()
                if state.st_uid != os.geteuid() or (path / "keep").exists() or \
                   time.time() - state.st_mtime < self.GRACE_SECONDS:
                    continue
                folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY |
                                 os.O_NOFOLLOW)
            except OSError:
                continue
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            except BlockingIOError:
                pass
            finally:
                os.close(folder)


class Session:
    """Starts one machine and serves it until it is gone."""

    def __init__(self, folder, machine, output, deadline, silence=None,
                 interactive=None):
        self.folder = folder
        self.machine = machine
        self.output = output
        self.deadline = deadline
        self.silence = silence # seconds after which a guest is taken for hung
        self.silent = False
        self.heard = time.monotonic()
        self.interactive = interactive # an fd to read input for the guest from
        self.calls = HostCalls(machine.backing)
        self.selector = selectors.DefaultSelector()
        self.pending = b""
        self.watch = None
        self.lost = None

    def _listen(self, name, accepted):
        path = self.folder / name
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(1)

        def accept():
            connection, _ = listener.accept()
            self.selector.unregister(listener)
            listener.close()
            accepted(connection)

        self.selector.register(listener, selectors.EVENT_READ, accept)
        return path

    def _serve(self, connection, received):
        def ready():
            try:
                data = connection.recv(65536)
            except ConnectionResetError:
                data = b""
            if data:
                self.heard = time.monotonic()
                received(data)
            else:
                self.selector.unregister(connection)
                connection.close()

        self.selector.register(connection, selectors.EVENT_READ, ready)

    def _output_accepted(self, connection):
        self._serve(connection, self.output)
        if self.interactive is not None:
            def typed():
                data = os.read(self.interactive, 4096)
                if not data or b"\x1d" in data: # Ctrl-]
                    raise Ended
                connection.sendall(data)
            self.selector.register(self.interactive, selectors.EVENT_READ,
                                   typed)

    def _calls_accepted(self, connection):
        def received(data):
            self.pending += data
            while b"\n" in self.pending:
                line, self.pending = self.pending.split(b"\n", 1)
                answer = self.calls.answer(line.decode(errors="replace"))
                # QEMU may have died of what it was asked for.
                with contextlib.suppress(BrokenPipeError):
                    connection.sendall(answer.encode() + b"\n")

        self._serve(connection, received)

    def _monitor_accepted(self, connection):
        try:
            monitor = Monitor(connection)
        except MonitorError:
            # QEMU has died at once; that it started nothing is said later.
            connection.close()
            return
        self.calls.monitor = monitor

        def ready():
            if not monitor.receive():
                self.selector.unregister(monitor)
                monitor.close()

        self.selector.register(monitor, selectors.EVENT_READ, ready)

    def run(self, kernel, initramfs, console, accelerator):
        """Run the machine to its end."""
        ports = [self._listen("output", self._output_accepted),
                 self._listen("calls", self._calls_accepted)]
        monitor = self._listen("monitor", self._monitor_accepted)
        command = self.machine.command(kernel, initramfs, console, ports,
                                       monitor, accelerator)
        errors = self.folder / "qemu-errors"
        with open(errors, "wb") as error_file:
            try:
                qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=error_file, stderr=error_file,
                                        preexec_fn=die_with_parent())
            except OSError as error:
                raise Failure(f"cannot start QEMU: {error}") from error
        timed_out = False
        crash = None
        self.watch = Watch(console)
        try:
            timed_out = not self._relay(qemu)
            if qemu.poll() is not None and qemu.returncode < 0:
                crash = signal.Signals(-qemu.returncode).name
        finally:
            if qemu.poll() is None:
                qemu.kill()
            qemu.wait()
            self.selector.close()
        log = pathlib.Path(console)
        text = log.read_text(errors="replace") if log.exists() else ""
        return Outcome(self.calls.begun, self.calls.exit_status, timed_out,
                       self.silent, self.lost, crash, text.replace("\r", ""),
                       errors.read_text(errors="replace").strip())

    def _relay(self, qemu):
        """Serve the ports until QEMU ends (True) or time is up (False).

        Also until it is certain that the guest will never go on.
        """
        ended = False
        while qemu.poll() is None:
            if self.calls.exit_status is not None and not ended:
                ended = True
                self.deadline = min(self.deadline,
                                    time.monotonic() + POWER_OFF_SECONDS)
            left = self.deadline - time.monotonic()
            if left <= 0:
                return False
            self._pump(min(left, 0.5))
            if self.watch.is_suspicious() and self._has_lost_a_processor():
                self.lost = "the end of an interrupt"
                return True
            if self.watch.hangs_in_iommu():
                self.lost = "a command to the IOMMU"
                return True
            self._end_if_silent()
            if self.calls.monitor:
                self.calls.monitor.press_key()
        while self._pump(0): # what it sent before it ended
            pass
        return True

    def _end_if_silent(self):
        """Have a guest that hangs panic, so that its log tells where.

        An interrupt that cannot be masked reaches it whatever it waits for.
        """
        if not self.silence or self.silent or not self.calls.monitor or \
           time.monotonic() < max(self.heard, self.watch.heard) + self.silence:
            return
        self.silent = True
        self.deadline = min(self.deadline,
                            time.monotonic() + LAST_WORDS_SECONDS)
        with contextlib.suppress(MonitorError):
            for line in where(self._ask, self.machine.cpus):
                say(line)
            self.calls.monitor.command("inject-nmi")

    def _ask(self, line):
        return self.calls.monitor.command(
            "human-monitor-command", **{"command-line": line})

    def _has_lost_a_processor(self):
        try:
            first = lost_processors(self._ask, self.machine.cpus)
            time.sleep(1)
            return bool(first & lost_processors(self._ask, self.machine.cpus))
        except MonitorError:
            return False

    def _pump(self, timeout):
        events = self.selector.select(timeout)
        # A listener that nobody will connect to any more is always silent.
        for key, _ in events:
            key.data()
        return bool(events)


def stop_on_signals():
    """Turn the signals that end a program into an exception."""
    def handler(number, _frame):
        raise Ended(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def write_stdout(data):
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        # Python would flush once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Ended("a reader that went away") from error
