# SPDX-License-Identifier: LGPL-2.1-or-later
"""From the unpacked kernel package to what a boot needs: vmlinux, modules, initramfs.

Software emulation is slow at decompressing, so nothing that the guest reads is compressed: the kernel is
taken out of its zstd stream (and boots through PVH), the modules out of xz, the initramfs is a plain cpio.
"""
import glob
import lzma
import os
import re
import shutil
import stat
import subprocess

from .paths import LAB_SOURCE, LabError, lab_path

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# Modules the initramfs loads, and the folders or modules of the kernel package the guest can load later.
BOOT_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay"]
MODULE_TREE = [
    "kernel/net/", "kernel/fs/9p/", "kernel/fs/overlayfs/", "kernel/fs/netfs/", "kernel/drivers/vhost/",
    "kernel/drivers/net/ethernet/intel/igb/", "kernel/drivers/net/ethernet/intel/igbvf/",
    "kernel/drivers/net/ethernet/intel/e1000e/", "kernel/drivers/net/vmxnet3/", "kernel/drivers/net/netdevsim/",
    "kernel/drivers/net/bonding/", "kernel/drivers/net/ipvlan/", "kernel/drivers/net/macvlan",
    "kernel/drivers/net/macvtap", "kernel/drivers/net/tap", "kernel/drivers/net/tun", "kernel/drivers/net/veth",
    "kernel/drivers/net/virtio_net", "kernel/drivers/net/net_failover", "kernel/drivers/net/dummy",
    "kernel/drivers/net/ifb", "kernel/drivers/net/vrf", "kernel/drivers/net/vxlan/", "kernel/drivers/net/nlmon",
    "kernel/drivers/virtio/", "kernel/drivers/char/hw_random/virtio",
]


def kernel_release():
    """The release string of the unpacked kernel, which names its module folder."""
    found = glob.glob(lab_path("kernel", "boot", "vmlinuz-*"))
    if len(found) != 1:
        raise LabError(f"expected one kernel in {lab_path('kernel', 'boot')}, found {len(found)}")
    return os.path.basename(found[0])[len("vmlinuz-"):]


def find_program(name):
    """A program of the machine, or the lab's own copy of it, and the environment it needs."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found:
        return found, dict(os.environ)
    root = lab_path("qemu")
    for folder in ("usr/bin", "usr/sbin", "bin", "sbin"):
        path = os.path.join(root, folder, name)
        if os.path.lexists(path):
            library = f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"
            return path, {**os.environ, "LD_LIBRARY_PATH": library}
    raise LabError(f"no program {name}, neither on this machine nor in {root}")


def busybox():
    """The static busybox of the lab directory."""
    for folder in ("bin", "usr/bin"):
        path = lab_path("qemu", folder, "busybox")
        if os.path.exists(path):
            return path
    raise LabError(f"no busybox in {lab_path('qemu')}; remove that directory and fetch again")


def extract_vmlinux(source, target):
    """Take the uncompressed kernel out of vmlinuz; when that is not possible, copy vmlinuz itself."""
    with open(source, "rb") as stream:
        data = stream.read()
    start = data.find(ZSTD_MAGIC)
    program, environment = find_program("zstd")
    # The stream is followed by other parts of vmlinuz: zstd complains about them after writing all of it.
    out = subprocess.run([program, "-dcq"], input=data[start:], env=environment, capture_output=True, check=False)
    plain = out.stdout.startswith(b"\x7fELF") and start > 0
    with open(target, "wb") as stream:
        stream.write(out.stdout if plain else data)
    return plain


def read_module(path):
    """Bytes of a module, decompressed."""
    opener = lzma.open if path.endswith(".xz") else open
    with opener(path, "rb") as stream:
        return stream.read()


def module_name(path):
    """Name of a module as `depends=` writes it."""
    return re.sub(r"\.ko(\.xz)?$", "", os.path.basename(path)).replace("-", "_")


def module_depends(data):
    """Names in the `depends=` field of a module."""
    match = re.search(rb"\0depends=([^\0]*)\0", data)
    return [name.replace("-", "_") for name in match.group(1).decode().split(",") if name] if match else []


def copy_modules(source, target):
    """Decompress the wanted modules, and those they depend on, into a tree of their own."""
    paths = {module_name(p): p for p in glob.glob(f"{source}/**/*.ko*", recursive=True)}
    todo = [n for n, p in paths.items() if os.path.relpath(p, source).startswith(tuple(MODULE_TREE))]
    done = set()
    while todo:
        name = todo.pop()
        if name in done or name not in paths:
            continue
        done.add(name)
        data = read_module(paths[name])
        todo += module_depends(data)
        relative = re.sub(r"\.xz$", "", os.path.relpath(paths[name], source))
        os.makedirs(os.path.join(target, os.path.dirname(relative)), exist_ok=True)
        with open(os.path.join(target, relative), "wb") as stream:
            stream.write(data)
    for extra in glob.glob(f"{source}/modules.*"):
        shutil.copy(extra, target)
    return len(done)


def depmod(base, release):
    """Index a module tree."""
    program, environment = find_program("depmod")
    result = subprocess.run([program, "-b", base, release], env=environment, capture_output=True, text=True,
                            check=False)
    if result.returncode:
        raise LabError(f"depmod failed: {result.stderr.strip()}")


def boot_modules(tree):
    """Files of the modules the initramfs loads, dependencies first."""
    order = []
    depends = {}
    with open(os.path.join(tree, "modules.dep"), encoding="utf-8") as stream:
        for line in stream:
            path, _, needs = line.partition(":")
            depends[module_name(path)] = [path] + needs.split()
    for name in BOOT_MODULES:
        # modules.dep lists what a module needs from nearest to farthest; absent ones are built in.
        order += [p for p in reversed(depends.get(name, [])) if p not in order]
    return [os.path.join(tree, path) for path in order]


class Cpio:
    """A writer of the "newc" archive the kernel unpacks at boot."""

    def __init__(self):
        self.parts = []
        self.count = 0

    def add(self, name, mode, data=b""):
        """Append one entry."""
        self.count += 1
        encoded = name.encode() + b"\0"
        fields = [self.count, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self.parts += [header, bytes(-len(header) % 4), data, bytes(-len(data) % 4)]

    def folder(self, name):
        """Append a directory."""
        self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, path, mode):
        """Append a file of the machine."""
        with open(path, "rb") as stream:
            self.add(name, stat.S_IFREG | mode, stream.read())

    def write(self, path):
        """Write the archive with its trailer."""
        self.add("TRAILER!!!", 0)
        with open(path, "wb") as stream:
            stream.write(b"".join(self.parts))


def build_initramfs(tree, target):
    """Busybox, the modules that reach the machine's root file system, and the guest's scripts."""
    archive = Cpio()
    for name in ("bin", "dev", "proc", "sys", "lab", "modules", "root"):
        archive.folder(name)
    archive.file("bin/busybox", busybox(), 0o755)
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    archive.file("init", os.path.join(LAB_SOURCE, "guest", "init"), 0o755)
    modules = boot_modules(tree)
    for path in modules:
        archive.file("modules/" + os.path.basename(path), path, 0o644)
    order = "".join(os.path.basename(path) + "\n" for path in modules)
    archive.add("modules/order", stat.S_IFREG | 0o644, order.encode())
    archive.write(target)


def build(progress):
    """Make the boot directory out of the unpacked kernel."""
    release = kernel_release()
    partial = lab_path("boot.partial")
    shutil.rmtree(partial, ignore_errors=True)
    tree = os.path.join(partial, "lib", "modules", release)
    os.makedirs(tree)
    source = lab_path("kernel", "lib", "modules", release)
    if not os.path.isdir(source):
        source = lab_path("kernel", "usr", "lib", "modules", release)
    progress.say(f"kernel {release}: take out vmlinux and modules")
    if not extract_vmlinux(lab_path("kernel", "boot", f"vmlinuz-{release}"), os.path.join(partial, "vmlinux")):
        progress.say("vmlinuz could not be decompressed and is booted as it is: slower by some seconds")
    count = copy_modules(source, tree)
    depmod(partial, release)
    progress.say(f"{count} modules indexed")
    shutil.rmtree(lab_path("boot"), ignore_errors=True)
    os.rename(partial, lab_path("boot"))
