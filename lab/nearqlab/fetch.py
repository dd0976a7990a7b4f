# SPDX-License-Identifier: LGPL-2.1-or-later
"""Get QEMU, a kernel and busybox from Debian without installing anything.

A private apt configuration names the mirror the machine itself uses, plus the backports suite of the
same release: igb needs QEMU >= 8, and its queues need a recent kernel. Packages are verified by apt's
signatures, unpacked with dpkg into the lab directory, and never configured: a kernel that is *installed*
would rewrite the machine's boot loader.

Each step ends with a rename of a finished directory, so an interrupted fetch starts again at that step.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess

from . import image
from .paths import LabError, lab_path, read_text, write_atomically

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
QEMU_PACKAGES = ["qemu-system-x86", "kmod", "zstd"]
QEMU_OLDEST = 8
# Raised when what a fetch leaves behind changes its form; older lab directories are then fetched anew.
FORMAT = "1"


def run(command, cwd=None):
    """Run a program and return its standard output; its complaints become the error's text."""
    result = subprocess.run(command, cwd=cwd, text=True, capture_output=True,
                            env={**os.environ, "LC_ALL": "C"}, check=False)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise LabError(f"{os.path.basename(command[0])} failed: " + " / ".join(lines[-3:]))
    return result.stdout


def codename():
    """The release of Debian this machine runs."""
    match = re.search(r"^VERSION_CODENAME=\"?(\w+)", read_text("/etc/os-release", ""), re.M)
    if not match:
        raise LabError("/etc/os-release names no VERSION_CODENAME: the lab needs a Debian machine")
    return match.group(1)


def sites_of_lists(release):
    """Sites from which apt has lists of this release; nothing on a machine that never updated."""
    out = run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(SITE)", "Created-By: Packages"])
    return [line.split()[2] for line in out.splitlines() if line.split()[:2] == ["Debian", release]]


def sites_of_sources(release):
    """Sites that the machine's source files name for this release, for a machine without lists."""
    sites = []
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*")):
        text = read_text(path, "") if path.endswith((".list", ".sources")) else ""
        sites += re.findall(rf"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+{release}\s", text, re.M)
        for stanza in re.split(r"\n\s*\n", text):
            if re.search(rf"^Suites:.*\b{release}(\s|$)", stanza, re.M):
                sites += re.findall(r"^URIs:\s*(\S+)", stanza, re.M)
    return sites


def mirror(release):
    """The first site that serves this release of Debian."""
    sites = sites_of_lists(release) or sites_of_sources(release)
    if not sites:
        raise LabError(f"apt's sources on this machine name no Debian mirror with {release}; add one to /etc/apt")
    return sites[0]


class PrivateApt:
    """apt with sources, lists and caches of its own below the lab directory."""

    def __init__(self):
        self.release = codename()
        self.root = lab_path("apt")
        for folder in ("lists/partial", "cache/archives/partial", "empty"):
            os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
        site = mirror(self.release)
        write_atomically(os.path.join(self.root, "sources.list"), "".join(
            f"deb {signed}{site} {suite} main\n" for suite in (self.release, self.backports)))

    @property
    def backports(self):
        """The suite that carries a newer QEMU and kernel for this release."""
        return f"{self.release}-backports"

    def options(self):
        """Options that keep apt away from the machine's own lists and hooks."""
        root = self.root
        pairs = {"Dir::Etc::SourceList": f"{root}/sources.list", "Dir::Etc::SourceParts": "-",
                 "Dir::State::Lists": f"{root}/lists", "Dir::Cache": f"{root}/cache",
                 "APT::Get::List-Cleanup": "0", "APT::Sandbox::User": "",
                 "APT::Update::Post-Invoke-Success::": "", "Acquire::Languages": "none"}
        return [word for key, value in pairs.items() for word in ("-o", f"{key}={value}")]

    def call(self, tool, *words, cwd=None):
        """Run apt-get or apt-cache with the private configuration."""
        return run([tool, *self.options(), *words], cwd=cwd)

    def update(self):
        """Fetch the lists."""
        self.call("apt-get", "update", "-q")

    def missing(self, packages):
        """Those of the packages and their dependencies that the machine lacks, as (name, version).

        Asked against the machine's own package state first; when that state is broken or mid-change,
        against an empty one, which yields the whole closure without the C library."""
        words = ["-s", "-q", "-t", self.backports, "--no-install-recommends", "--no-remove", "install", *packages]
        try:
            out = self.call("apt-get", *words)
        except LabError:
            empty = os.path.join(self.root, "empty", "status")
            write_atomically(empty, "")
            out = self.call("apt-get", "-o", f"Dir::State::status={empty}", *words)
        found = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", out, re.M)
        return [(name.split(":")[0], version) for name, version in found if name != "libc6"]

    def kernel(self):
        """Name and version of the concrete kernel package behind the newest linux-image-amd64."""
        shown = self.call("apt-cache", "show", f"linux-image-amd64/{self.backports}")
        match = re.search(r"^Depends: (linux-image-\S+) \(= (\S+)\)", shown, re.M)
        if not match:
            raise LabError(f"no linux-image-amd64 in {self.backports} of the mirror")
        return match.groups()

    def download(self, packages, folder):
        """Download packages, given as (name, version or None), into a folder; those already there stay."""
        os.makedirs(folder, exist_ok=True)
        wanted = [f"{name}={version}" if version else name for name, version in packages]
        self.call("apt-get", "-q", "download", *wanted, cwd=folder)
        return sorted(glob.glob(os.path.join(folder, "*.deb")))


def unpack(packages, target):
    """Unpack packages into a directory that appears only when it is complete."""
    partial = f"{target}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(partial)
    for package in packages:
        run(["dpkg", "-x", package, partial])
    shutil.rmtree(target, ignore_errors=True)
    os.rename(partial, target)


def qemu_command():
    """QEMU of the lab directory and the environment it needs."""
    root = lab_path("qemu")
    libraries = [f"{root}{d}/x86_64-linux-gnu" for d in ("/usr/lib", "/lib")]
    pulse = [f"{libraries[0]}/pulseaudio"]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries + pulse),
                   "QEMU_MODULE_DIR": f"{libraries[0]}/qemu"}
    return f"{root}/usr/bin/qemu-system-x86_64", environment


def qemu_version():
    """QEMU's version as it prints it; fails when it cannot run here."""
    program, environment = qemu_command()
    result = subprocess.run([program, "--version"], env=environment, text=True, capture_output=True, check=False)
    match = re.search(r"version (\d+)(\.\S+)", result.stdout)
    if not match:
        raise LabError("the unpacked QEMU does not run: " + (result.stderr.strip() or "no version printed"))
    if int(match.group(1)) < QEMU_OLDEST:
        raise LabError(f"QEMU {match.group(0)} has no igb: the lab needs {QEMU_OLDEST} or newer")
    return match.group(1) + match.group(2)


def fetch_qemu(apt, progress):
    """Busybox, QEMU and the tools of this module, each with what the machine lacks of its needs."""
    packages = apt.missing(QEMU_PACKAGES) + [("busybox-static", None)]
    progress.say(f"download QEMU: {len(packages)} packages the machine lacks")
    debs = apt.download(packages, lab_path("debs", "qemu"))
    unpack(debs, lab_path("qemu"))
    progress.say(f"unpacked QEMU {qemu_version()}")


def fetch_kernel(apt, progress):
    """The kernel package, unpacked."""
    name, version = apt.kernel()
    progress.say(f"download kernel: {name} {version}")
    debs = apt.download([(name, version)], lab_path("debs", "kernel"))
    unpack(debs, lab_path("kernel"))


def fetched():
    """Is a whole and current fetch there?"""
    return read_text(lab_path("fetched"), "").strip() == FORMAT


def discard():
    """Remove what a fetch of another format left."""
    for folder in ("qemu", "kernel", "boot"):
        shutil.rmtree(lab_path(folder), ignore_errors=True)
    os.unlink(lab_path("fetched"))


def fetch(progress):
    """Everything a boot needs; returns at once when it is there already."""
    os.makedirs(lab_path(), exist_ok=True)
    with open(lab_path("fetch.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if fetched():
            return
        if os.path.exists(lab_path("fetched")):
            discard()
        apt = PrivateApt()
        progress.say(f"update lists of {apt.release} and {apt.backports} in {lab_path('apt')}")
        apt.update()
        if not os.path.isdir(lab_path("qemu")):
            fetch_qemu(apt, progress)
        if not os.path.isdir(lab_path("kernel")):
            fetch_kernel(apt, progress)
        image.build(progress)
        shutil.rmtree(lab_path("debs"), ignore_errors=True)
        write_atomically(lab_path("fetched"), FORMAT + "\n")
        progress.say("fetch complete")
