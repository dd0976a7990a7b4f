# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's command line for a shape.

All paths of sockets and pipes are relative: QEMU runs inside the run directory, so the length of the lab's
path never meets the 107 bytes of a unix socket address.
"""
import os
import re

from . import fetch, shape as shapes
from .paths import CHECKOUT, LabError, lab_path, read_text

KERNEL_ARGS = ("console=ttyS0 quiet panic=-1 mitigations=off audit=0 tsc=reliable no_timer_check "
               "intel_iommu=off random.trust_cpu=on net.ifnames=0")
GUEST_MODULES = ("veth bridge tun macvlan act_bpf cls_bpf cls_flower sch_ingress act_mirred vhost_net "
                 "af_packet_diag")
BUS_FIRST, BUS_STEP = 64, 16


def kvm_usable():
    """Is KVM worth an attempt: may this user open it, and has the processor virtualization?

    A /dev/kvm without the processor's flag (seen on a cloud machine) offers a KVM that cannot run an unchanged
    kernel: the guest then hangs in its first instructions."""
    flags = re.search(r"^flags\s*:.*\b(vmx|svm)\b", read_text("/proc/cpuinfo", ""), re.M)
    return bool(flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def accelerators(attempts):
    """What the attempts to boot use, in turn; NEARQ_LAB_ACCEL=tcg or kvm leaves no choice."""
    chosen = os.environ.get("NEARQ_LAB_ACCEL", "")
    if chosen not in ("", "tcg", "kvm"):
        raise LabError(f"NEARQ_LAB_ACCEL={chosen}: must be tcg or kvm", 2)
    if chosen:
        return [chosen] * attempts
    return (["kvm"] if kvm_usable() else []) + ["tcg"] * attempts


def processors(shape):
    """Sockets and cores: a package per socket where the nodes are alike, else one socket.

    No dies for the nodes of a package: QEMU 10.0 asserts in encode_topo_cpuid1f when there are any."""
    cores = {node.cpus for node in shape.nodes}
    packages = shape.packages if len(cores) == 1 else 1
    return f"{shape.cpus},sockets={packages},cores={shape.cpus // packages},threads=1"


def last_level_cache(shape):
    """Whose the L3 is: a package's, or a core's where a package has several nodes.

    Linux complains about siblings of a cache that belong to two nodes."""
    level = "socket" if len(shape.nodes) == shape.packages and len({n.cpus for n in shape.nodes}) == 1 else "core"
    return f",smp-cache.0.cache=l3,smp-cache.0.topology={level}"


def numa(shape):
    """Memory, nodes and distances."""
    if not shape.numa:
        return ["-m", f"{shape.nodes[0].memory_mib}M"]
    words = ["-m", f"{sum(node.memory_mib for node in shape.nodes)}M"]
    for i, node in enumerate(shape.nodes):
        cpus = shape.node_cpus(i)
        span = f",cpus={cpus[0]}-{cpus[1]}" if cpus else ""
        words += ["-object", f"memory-backend-ram,id=m{i},size={node.memory_mib}M",
                  "-numa", f"node,nodeid={i},memdev=m{i}{span}"]
    for i, row in enumerate(shape.distances):
        words += [w for j, d in enumerate(row) for w in ("-numa", f"dist,src={i},dst={j},val={d}") if i != j]
    return words


def bridges(shape):
    """A PCI host bridge per node that has a NIC."""
    nodes = sorted({nic.node for nic in shape.nics if nic.node is not None})
    return [w for n in nodes for w in
            ("-device", f"pxb-pcie,id=pxb{n},bus=pcie.0,bus_nr={BUS_FIRST + BUS_STEP * n},numa_node={n}")]


def nic(index, one):
    """A NIC behind a root port of its node; frames are datagrams between nicN.qemu and nicN.peer."""
    bus = "pcie.0" if one.node is None else f"pxb{one.node}"
    device = "virtio-net-pci" if one.model == "virtio-net" else one.model
    return ["-device", f"pcie-root-port,id=port{index},bus={bus},chassis={index + 1},slot={index + 1}",
            "-netdev", f"dgram,id=net{index},local.type=unix,local.path=nic{index}.qemu,"
                       f"remote.type=unix,remote.path=nic{index}.peer",
            "-device", f"{device},netdev=net{index},bus=port{index},mac={one.mac},romfile="]


def share(tag, path, readonly):
    """A folder of the machine, shown to the guest over 9p."""
    if "," in path:
        raise LabError(f"a comma in the path {path}: QEMU cannot share it")
    mode = ",readonly=on" if readonly else ""
    return ["-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap{mode}",
            "-device", f"virtio-9p-pci,bus=pcie.0,fsdev={tag},mount_tag={tag}"]


def firmware():
    """Folders of the unpacked packages with BIOS and option ROMs."""
    folders = ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu")
    return [w for f in folders for w in ("-L", lab_path("qemu", f))]


def command(shape, accel):
    """The whole command line, as a list."""
    program, _ = fetch.qemu_command()
    split = ",kernel-irqchip=split" if accel == "kvm" else ""
    engine = "kvm" if accel == "kvm" else "tcg,thread=multi"
    cpu = "host" if accel == "kvm" else "max,vendor=GenuineIntel,+x2apic,la57=off"
    words = [program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-machine", f"q35{split}{last_level_cache(shape)}", "-accel", engine, "-cpu", cpu, "-smp", processors(shape)]
    words += firmware() + numa(shape)
    words += ["-device", "intel-iommu,intremap=on,eim=on"] + bridges(shape)
    for index, one in enumerate(shape.nics):
        words += nic(index, one)
    words += share("share", "share", False) + share("root", "/", True)
    words += share("modules", lab_path("boot", "lib", "modules"), True) + share("tree", CHECKOUT, True)
    words += ["-chardev", "file,id=console,path=console.log", "-serial", "chardev:console",
              "-chardev", "pipe,id=bell,path=bell", "-serial", "chardev:bell",
              "-qmp", "unix:qmp.sock,server=on,wait=off", "-device", "virtio-rng-pci,bus=pcie.0",
              "-kernel", lab_path("boot", "vmlinux"), "-initrd", "initramfs",
              "-append", " ".join([KERNEL_ARGS, *shape.kernel_args])]
    return words


def guest_config(shape):
    """Shell variables for the guest's init."""
    pairs = " ".join(f"{n.mac}={n.name}" for n in shape.nics)
    drivers = " ".join(dict.fromkeys(shapes.MODELS[n.model] for n in shape.nics))
    return (f"TREE='{CHECKOUT}'\nNICS='{pairs}'\nNIC_COUNT={len(shape.nics)}\nNIC_MODULES='{drivers}'\n"
            f"MODULES='{GUEST_MODULES}'\n")
