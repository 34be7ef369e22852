# SPDX-License-Identifier: MIT
"""Play systemd: start barleased as it does, hear it, and keep its fds."""

import os
import select
import signal
import socket
import threading
import time

from lending import BARLEASED, PATIENCE, Lending

FDS_START = 3
FDS_ABOVE = 100 # where they wait until each is put where it belongs
FDS_MAX = 253 # of one message, as Linux has it


class Child:
    """A process, for who expects a subprocess.Popen."""

    def __init__(self, arguments, environment, log, fds):
        self.returncode = None
        self.pid = os.fork()
        if self.pid:
            return
        try:
            null = os.open("/dev/null", os.O_RDONLY)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(null, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            for number, fd in enumerate(fds):
                os.dup2(fd, FDS_ABOVE + number)
            os.closerange(FDS_START, FDS_ABOVE)
            for number in range(len(fds)):
                os.dup2(FDS_ABOVE + number, FDS_START + number)
            os.closerange(FDS_START + len(fds), 1024)
            environment["LISTEN_PID"] = str(os.getpid())
            os.execve(arguments[0], arguments, environment)
        finally:
            os._exit(127)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout):
        end = time.monotonic() + timeout
        while self.poll() is None:
            assert time.monotonic() < end, "it does not end"
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)


class Managed(Lending):
    """barleased as a service."""

    def __init__(self, policy, *options, room=1000, **environment):
        super().__init__(policy, *options)
        self.environment = environment
        self.sockets = [] # that the manager listens to
        self.store = [] # [name, fd], in the order in which they came
        self.room = room # in it
        self.told = [] # {key: value} of each message
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.path / "notify"))
        # It has room for a few messages only: somebody must always listen.
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.ear = threading.Thread(target=self.listen_on, daemon=True)
        self.ear.start()

    def listen(self, name):
        """As a socket unit does."""
        new = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        new.bind(str(self.path / name))
        (self.path / name).chmod(0o666)
        new.listen()
        self.sockets.append(("unit.socket", new))
        return new

    def start(self):
        handed = [(name, sock.fileno()) for name, sock in self.sockets]
        handed += self.store
        environment = dict(
            os.environ, NOTIFY_SOCKET=str(self.path / "notify"),
            **self.environment)
        if handed:
            environment["LISTEN_FDS"] = str(len(handed))
            environment["LISTEN_FDNAMES"] = ":".join(name
                                                     for name, _ in handed)
        self.log.touch()
        self.process = Child([BARLEASED, *self.options, str(self.file)],
                             environment, self.log,
                             [fd for _, fd in handed])

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self.ended.set()
        self.ear.join()
        for _, fd in self.store:
            os.close(fd)
        for _, sock in self.sockets:
            sock.close()
        self.notify.close()

    def listen_on(self):
        while not self.ended.is_set():
            if select.select([self.notify], [], [], 0.05)[0]:
                self.hear()

    def hear(self):
        """Take what was said so far."""
        with self.lock:
            while select.select([self.notify], [], [], 0)[0]:
                text, fds, _, _ = socket.recv_fds(self.notify, 4096, FDS_MAX)
                message = dict(line.split("=", 1)
                               for line in text.decode().splitlines() if line)
                self.told.append(message)
                self.keep(message, list(fds))

    def keep(self, message, fds):
        name = message.get("FDNAME", "stored")
        if "FDSTOREREMOVE" in message:
            for entry in [entry for entry in self.store if entry[0] == name]:
                os.close(entry[1])
                self.store.remove(entry)
        elif "FDSTORE" in message:
            while fds and len(self.store) < self.room:
                self.store.append((name, fds.pop(0)))
        for fd in fds:
            os.close(fd)

    def hear_of(self, key, count=1):
        """Wait until that many messages have this key. Return those."""
        end = time.monotonic() + PATIENCE
        while True:
            self.hear()
            found = [message for message in self.told if key in message]
            if len(found) >= count:
                return found
            assert time.monotonic() < end, self.told
            time.sleep(0.01)

    def kept(self):
        """Names of what is in the store now."""
        self.hear()
        return sorted(name for name, _ in self.store)

    def kill(self):
        """As a crash."""
        self.stop(signal.SIGKILL)
        self.hear()

    def start_again(self):
        before = self.said().count("event=ready")
        self.start()
        self.wait_for("event=ready", before + 1)
