# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the lab keeps its things, and how it reports what it does.

Everything lies below one directory, $NEARQ_LAB_DIR or <checkout>/build/lab, so that two labs
with different directories share nothing. Layout:

  apt/      private lists and caches of apt
  debs/     downloaded packages
  qemu/     QEMU, its libraries and firmware, unpacked
  kernel/   the kernel package, unpacked
  boot/     vmlinux, initramfs, modules tree: all that a boot needs
  run/      the running guest: pid, console, sockets, share; emptied by every `up`
"""
import os
import sys
import time

LAB_SOURCE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
CHECKOUT = os.path.dirname(LAB_SOURCE)


class LabError(Exception):
    """A fault the user can act on; printed as one line, without a traceback."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


def lab_dir():
    """The directory of this lab, absolute."""
    chosen = os.environ.get("NEARQ_LAB_DIR")
    return os.path.abspath(chosen or os.path.join(CHECKOUT, "build", "lab"))


def lab_path(*parts):
    """A path below the lab directory."""
    return os.path.join(lab_dir(), *parts)


def read_text(path, default=None):
    """Contents of a small file, or the default when it does not exist."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return default


def write_atomically(path, text, mode=0o644):
    """Write under a temporary name, then rename: readers see the old file or the whole new one."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(temporary, mode)
    os.rename(temporary, path)


class Progress:
    """Progress lines on stderr, each with the seconds since the command began."""

    def __init__(self, quiet=False):
        self.start = time.monotonic()
        self.quiet = quiet

    def say(self, text):
        """One line, unless the user asked for quiet."""
        if not self.quiet:
            print(f"lab [{time.monotonic() - self.start:5.1f} s] {text}", file=sys.stderr, flush=True)
