# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run a command in the guest: output live, exit code back, a deadline always.

The command's folder is made in the writable share, then a request is put into the queue beside it and the agent woken
through the guest's second serial port. Names are unique, so any number of commands may run at once.
"""
import os
import shlex
import shutil
import sys
import time

from . import guest
from .paths import CHECKOUT, LabError, write_atomically

TIMED_OUT, LOST, INTERRUPTED = 124, 125, 130
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "LANG": "C.UTF-8", "TMPDIR": "/tmp", "NEARQ_LAB": "1", "NEARQ_LAB_SHARE": "/run/nearq-lab/share"}


class Stalled(LabError):
    """The guest hangs or is gone: the caller may restart it and run the command again."""

    def __init__(self, reason):
        super().__init__(f"guest lost: {reason}", LOST)


def guest_folder():
    """Where the command starts: here, when here is inside the checkout, else the checkout itself."""
    here = os.getcwd()
    return here if os.path.commonpath([here, CHECKOUT]) == CHECKOUT else CHECKOUT


def script(words, environment):
    """The shell script that the agent runs. One word is taken as shell text, several as a command."""
    lines = [f"export {k}={shlex.quote(v)}" for k, v in {**ENVIRONMENT, **environment}.items()]
    lines.append(f"cd {shlex.quote(guest_folder())} || exit 126")
    lines.append(words[0] if len(words) == 1 else "exec " + shlex.join(words))
    return "\n".join(lines) + "\n"


def submit(words, stdin, environment):
    """Hand a command over; returns its id and folder."""
    name = f"{os.getpid()}-{time.monotonic_ns():x}"
    folder = guest.run_path("share", "cmd", name)
    os.makedirs(folder)
    write_atomically(os.path.join(folder, "script"), script(words, environment))
    for output in ("out", "err"):
        write_atomically(os.path.join(folder, output), "")
    with open(os.path.join(folder, "stdin"), "wb") as stream:
        stream.write(stdin)
    request(f"run.{name}")
    return name, folder


def request(name):
    """Put a request into the agent's queue and wake it."""
    with open(guest.run_path("share", "queue", name), "wb"):
        pass
    try:
        bell = os.open(guest.run_path("bell.in"), os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise Stalled(f"QEMU does not listen ({error.strerror})") from error
    try:
        os.write(bell, b"\n")
    except BlockingIOError:
        pass  # a full pipe wakes as well
    finally:
        os.close(bell)


class Follower:
    """Copies what appears in a growing file to one of our own outputs."""

    def __init__(self, path, target):
        self.stream = open(path, "rb")  # closed with the follower
        self.target = target

    def copy(self):
        """Pass on what is new; returns whether there was any."""
        data = self.stream.read()
        if data:
            self.target.write(data)
            self.target.flush()
        return bool(data)


def follow(value, folder, deadline):
    """Pass output on until the exit code is there; returns it. Raises TimeoutError or Stalled."""
    followers = [Follower(os.path.join(folder, "out"), sys.stdout.buffer),
                 Follower(os.path.join(folder, "err"), sys.stderr.buffer)]
    code_path = os.path.join(folder, "rc")
    while True:
        # looked up before the copy: what the command wrote before its exit code is then passed on too
        ended = os.path.exists(code_path)
        copied = [follower.copy() for follower in followers]
        if ended:
            with open(code_path, encoding="ascii") as stream:
                return int(stream.read())
        if time.monotonic() > deadline:
            raise TimeoutError
        reason = None if guest.alive(value) else "QEMU is gone"
        reason = reason or guest.stall_reason()
        if reason:
            raise Stalled(reason)
        if not any(copied):
            time.sleep(guest.TICK)


def execute(words, timeout, stdin=b"", environment=None):
    """Run a command in the guest and return its exit code; 124 after the deadline, 130 when interrupted."""
    value = guest.need()
    if not guest.alive(value):
        raise Stalled("QEMU is gone")
    name, folder = submit(words, stdin, environment or {})
    try:
        return follow(value, folder, time.monotonic() + timeout)
    except TimeoutError:
        if guest.console_mark():
            raise Stalled(f"no end after {timeout:g} s, and the console says: {guest.console_mark()}") from None
        request(f"kill.{name}")
        print(f"nearq-lab: no end after {timeout:g} s: {shlex.join(words)}", file=sys.stderr)
        return TIMED_OUT
    except KeyboardInterrupt:
        request(f"kill.{name}")
        return INTERRUPTED
    finally:
        if os.path.exists(os.path.join(folder, "rc")):
            shutil.rmtree(folder, ignore_errors=True)
