#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines that nobody has on the desk: writes trees of sysfs and procfs files, for the readers.

    maketrees.py DIRECTORY [NAME...]

Each function below whose name starts with `tree_` makes one machine; its docstring says what is strange about it.
"""

import pathlib
import sys


def masks(cpus):
    """The kernel's mask format: words of 32 bits, highest first."""
    value = sum(1 << cpu for cpu in cpus)
    words = []
    while True:
        words.insert(0, f"{value & 0xffffffff:08x}")
        value >>= 32
        if not value:
            return ",".join(words)


def lists(numbers):
    """The kernel's list format: 0-3,8."""
    numbers, parts = sorted(numbers), []
    while numbers:
        end = 0
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1:
            end += 1
        parts.append(str(numbers[0]) if not end else f"{numbers[0]}-{numbers[end]}")
        numbers = numbers[end + 1:]
    return ",".join(parts)


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.interrupts, self.cpus, self.next_irq, self.next_index = [], [], 30, 2
        self.file("proc/sys/kernel/hostname", self.root.name)

    def file(self, path, text=""):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{text}\n")

    def link(self, path, target):
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.symlink_to(target)

    def directory(self, path):
        (self.root / path).mkdir(parents=True, exist_ok=True)

    # cores

    def cpu(self, number, node=None, package=0, core=None, siblings=None, packages_cpus=None, online=True):
        """siblings: CPUs of its core; packages_cpus: of its package."""
        base = f"sys/devices/system/cpu/cpu{number}"
        self.cpus.append((number, online))
        self.directory(base)
        if node is not None:
            self.link(f"{base}/node{node}", f"../../node/node{node}")
        if number:
            self.file(f"{base}/online", int(online))
        if not online:  # the kernel takes the topology away
            return
        siblings, packages_cpus = siblings or [number], packages_cpus or [number]
        self.file(f"{base}/topology/core_id", number if core is None else core)
        self.file(f"{base}/topology/physical_package_id", package)
        for name, cpus in (("thread_siblings", siblings), ("core_cpus", siblings), ("core_siblings", packages_cpus),
                           ("package_cpus", packages_cpus)):
            self.file(f"{base}/topology/{name}", masks(cpus))
            self.file(f"{base}/topology/{name}_list", lists(cpus))

    def node(self, number, cpus, memory_mib, distance=None, free_mib=None):
        base = f"sys/devices/system/node/node{number}"
        self.file(f"{base}/cpulist", lists(cpus))
        self.file(f"{base}/cpumap", masks(cpus))
        free = memory_mib // 2 if free_mib is None else free_mib
        self.file(f"{base}/meminfo", f"Node {number} MemTotal: {memory_mib * 1024} kB\n"
                                     f"Node {number} MemFree: {free * 1024} kB\n"
                                     f"Node {number} Active(file): 1024 kB\n"
                                     f"Node {number} Inactive(file): 2048 kB")
        if distance:
            self.file(f"{base}/distance", " ".join(map(str, distance)))

    def finish(self, nodes=()):
        numbers = [number for number, _ in self.cpus]
        online = [number for number, on in self.cpus if on]
        for name, cpus in (("present", numbers), ("possible", numbers), ("online", online)):
            self.file(f"sys/devices/system/cpu/{name}", lists(cpus))
        if nodes:
            for name in ("online", "possible", "has_memory"):
                self.file(f"sys/devices/system/node/{name}", lists(nodes))
        self.file("proc/cpuinfo", "\n\n".join(f"processor\t: {cpu}\nvendor_id\t: GenuineIntel" for cpu in online))
        self.file("proc/meminfo", "MemTotal: 8388608 kB\nMemFree: 4194304 kB")
        self.file("proc/stat", "cpu  0 0 0 0\n" + "\n".join(f"cpu{cpu} 1 2 3 4 5 6 7 8 9 10" for cpu in online))
        width = "".join(f"       CPU{cpu}" for cpu in online)
        counts = "          0" * len(online)
        self.file("proc/interrupts", f"           {width}\n"
                  + "\n".join(f"{irq:4}:{counts} PCI-MSIX-{bus} {i:4}-edge      {name}"
                              for i, (irq, bus, name) in enumerate(self.interrupts))
                  + f"\n NMI:{counts}   Non-maskable interrupts\n ERR:          0")

    # interfaces

    def nic(self, name, bus, node, driver="igb", queues=2, rx_only=None, parent=""):
        """A network interface on PCI; parent: more of its device's path below the PCI function ("virtio2")."""
        device = f"sys/devices/pci{bus[:7]}/{bus}"
        if not (self.root / device / "numa_node").exists():
            self.file(f"{device}/numa_node", node)
            self.link(f"sys/bus/pci/devices/{bus}", f"../../../devices/pci{bus[:7]}/{bus}")
        below = f"{device}/{parent}" if parent else device
        self.directory(f"sys/bus/pci/drivers/{driver}")
        if not (self.root / below / "driver").exists():
            self.link(f"{below}/driver", f"{'../' * below.count('/')}bus/pci/drivers/{driver}")
        base = f"{below}/net/{name}"
        self.link(f"{base}/device", "../../../" + below.rsplit("/", 1)[1])
        self.link(f"sys/class/net/{name}", f"../../{base[4:]}")
        self.file(f"{base}/ifindex", self.next_index)
        self.next_index += 1
        self.file(f"{base}/threaded", 0)
        for queue in range(queues):
            self.directory(f"{base}/queues/rx-{queue}")
            self.file(f"{base}/queues/tx-{queue}/xps_cpus", masks([queue]))

    def irq(self, name, bus, cpu=0, mask=None, effective=True, listed=True):
        """mask: CPUs it may go to (only `cpu`); effective: does the architecture tell where it goes; listed as MSI."""
        number, self.next_irq = self.next_irq, self.next_irq + 1
        self.interrupts.append((number, bus, name))
        if listed:
            self.file(f"sys/devices/pci{bus[:7]}/{bus}/msi_irqs/{number}", "msix")
        self.file(f"proc/irq/{number}/smp_affinity_list", lists(mask or [cpu]))
        if effective:
            self.file(f"proc/irq/{number}/effective_affinity_list", cpu if effective is True else effective)
        return number

    # shapes

    def plain(self, nodes=2, cpus=2, package=lambda node: node, distances=None):
        """Nodes with as many CPUs each and one thread per core."""
        for node in range(nodes):
            mine = list(range(node * cpus, node * cpus + cpus))
            near = [cpu for other in range(nodes) if package(other) == package(node)
                    for cpu in range(other * cpus, other * cpus + cpus)]
            for cpu in mine:
                self.cpu(cpu, node, package=package(node), packages_cpus=near)
            self.node(node, mine, 4096, distances[node] if distances else
                      [10 if other == node else 20 for other in range(nodes)])
        self.finish(range(nodes))


def tree_gaps(tree):
    """T1: node ids with gaps, and SLIT rows in order of the ids that there are."""
    for index, node in enumerate((0, 3, 8)):
        mine = [index * 2, index * 2 + 1]
        for cpu in mine:
            tree.cpu(cpu, node, package=index, packages_cpus=mine)
        tree.node(node, mine, 2048, [[10, 15, 31], [15, 10, 29], [31, 29, 10]][index])
    tree.nic("eth0", "0000:3b:00.0", 8)
    tree.finish((0, 3, 8))


def tree_memory_nodes(tree):
    """T1: node 1 has CPUs and no memory, node 2 memory (CXL) and no CPUs."""
    for node in (0, 1):
        mine = [node * 2, node * 2 + 1]
        for cpu in mine:
            tree.cpu(cpu, node, package=node, packages_cpus=mine)
    tree.node(0, [0, 1], 4096, [10, 21, 24])
    tree.node(1, [2, 3], 0, [21, 10, 28])
    tree.node(2, [], 16384, [24, 28, 10])
    tree.finish((0, 1, 2))


def tree_nowhere(tree):
    """T2: the firmware does not say where the NIC is (node -1); another one claims a node that does not exist."""
    tree.nic("eth0", "0000:01:00.0", -1)
    tree.nic("eth1", "0000:02:00.0", 7)
    tree.plain()


def tree_virtio(tree):
    """T2: the NIC's own device is virtio2; its PCI parent has the node and the interrupts."""
    tree.nic("eth0", "0000:05:00.0", 1, driver="virtio_net", parent="virtio2")
    for queue in range(2):
        tree.irq(f"virtio2-input.{queue}", "0000:05:00.0", cpu=2 + queue)
        tree.irq(f"virtio2-output.{queue}", "0000:05:00.0", cpu=0)
    tree.irq("virtio1-input.0", "0000:04:00.0", cpu=1)
    tree.plain()


def tree_snc(tree):
    """T1, irqbalance 50 and 104: two nodes per package; the NIC belongs to a node, not to the package."""
    tree.nic("eth0", "0000:81:00.0", 3)
    for queue in range(2):
        tree.irq(f"eth0-TxRx-{queue}", "0000:81:00.0", cpu=4 + 2 * queue)  # node 2: same package, wrong node; node 3
    tree.plain(nodes=4, package=lambda node: node // 2,
               distances=[[10, 12, 21, 21], [12, 10, 21, 21], [21, 21, 10, 12], [21, 21, 12, 10]])


def tree_flat(tree):
    """T1, irqbalance 88, 91 and 172: a kernel without NUMA has no node folder at all, and a NIC on node -1."""
    for cpu in range(4):
        tree.cpu(cpu, package=0, packages_cpus=range(4))
    tree.nic("eth0", "0000:01:00.0", -1)
    for queue in range(2):
        tree.irq(f"eth0-TxRx-{queue}", "0000:01:00.0", cpu=queue)
    tree.finish()


def tree_offline(tree):
    """T1: hyper-threads (n and n + 4), of which CPUs 3 and 7 (one core) and 5 are offline."""
    online = {0, 1, 2, 4, 6}
    for cpu in range(8):
        node = cpu % 4 // 2
        tree.cpu(cpu, node, package=node, core=cpu % 4, online=cpu in online,
                 siblings=sorted({cpu % 4, cpu % 4 + 4} & online),
                 packages_cpus=sorted({cpu for cpu in online if cpu % 4 // 2 == node}))
    tree.node(0, sorted(online & {0, 1, 4, 5}), 4096, [10, 20])
    tree.node(1, sorted(online & {2, 3, 6, 7}), 4096, [20, 10])
    tree.finish((0, 1))


def tree_offline_nowhere(tree):
    """T1: an offline CPU whose node the kernel does not tell."""
    for cpu in range(3):
        tree.cpu(cpu, 0 if cpu < 2 else None, packages_cpus=[0, 1], online=cpu < 2)
    tree.node(0, [0, 1], 4096, [10])
    tree.finish((0,))


def tree_bond(tree):
    """T2: a bond over NICs on two nodes; a NIC below a bridge is in no bond."""
    for index in range(2):
        tree.nic(f"eth{index}", f"0000:{index + 1}1:00.0", index)
        tree.link(f"sys/devices/pci0000:{index + 1}1/0000:{index + 1}1:00.0/net/eth{index}/master",
                  "../../../../virtual/net/bond0")
    tree.nic("eth2", "0000:31:00.0", 1)
    tree.link("sys/devices/pci0000:31/0000:31:00.0/net/eth2/master", "../../../../virtual/net/br0")
    for name, mark in (("bond0", "bonding"), ("br0", "bridge")):
        tree.file(f"sys/devices/virtual/net/{name}/ifindex", 90)
        tree.directory(f"sys/devices/virtual/net/{name}/{mark}")
        tree.link(f"sys/class/net/{name}", f"../../devices/virtual/net/{name}")
    tree.file("sys/class/net/bonding_masters", "bond0")
    tree.plain()


def tree_sriov(tree):
    """T2: a physical function and its two virtual ones."""
    tree.nic("pf0", "0000:17:00.0", 0, driver="ice")
    for index in range(2):
        bus = f"0000:17:01.{index}"
        tree.nic(f"vf{index}", bus, 0, driver="iavf", queues=1)
        tree.link(f"sys/devices/pci0000:17/{bus}/physfn", "../0000:17:00.0")
    tree.plain()


PATTERNS = [
    # driver, name of the interrupt of queue N; {i}: interface, {b}: PCI address
    ("i40e", "i40e-{i}-TxRx-{n}"),
    ("hns3", "hns3-{b}-TxRx-{n}"),
    ("igb", "{i}-TxRx-{n}"),
    ("ena", "{i}-Tx-Rx-{n}"),
    ("vmxnet3", "{i}-rxtx-{n}"),
    ("tg3", "{i}-txrx-{n}"),
    ("e1000e", "{i}-rx-{n}"),
    ("stmmac", "{i}:rx-{n}"),
    ("bnx2x", "{i}-fp-{n}"),
    ("be2net", "{i}-q{n}"),
    ("sfc", "{i}-{n}"),
    ("mlx5_core", "mlx5_comp{n}@pci:{b}"),
    ("mana", "mana_q{n}@pci:{b}"),
]


def tree_irqs(tree):
    """T3: how drivers name the interrupts of their queues, each with one for link changes in front."""
    for index, (driver, pattern) in enumerate(PATTERNS):
        name, bus = f"eth{index}", f"0000:{index + 16:02x}:00.0"
        tree.nic(name, bus, 0, driver=driver)
        tree.irq(name, bus)
        for queue in range(2):
            tree.irq(pattern.format(i=name, b=bus, n=queue), bus, cpu=1 + queue)
    tree.nic("single0", "0000:40:00.0", 1, driver="r8169", queues=1)
    tree.irq("xhci_hcd, single0", "0000:40:00.0", cpu=3)
    tree.plain()


def tree_affinity(tree):
    """T3, irqbalance 68, 171, 246 and 275: asked for, hinted and real places of an interrupt differ."""
    tree.nic("eth0", "0000:01:00.0", 0, queues=5)
    tree.irq("eth0-TxRx-0", "0000:01:00.0", cpu=3, mask=[0, 1, 2, 3])         # all allowed, goes to 3
    irq = tree.irq("eth0-TxRx-1", "0000:01:00.0", cpu=1, mask=[2])            # somebody changed it: not moved yet
    tree.file(f"proc/irq/{irq}/affinity_hint", "8")                           # and the driver would like CPU 3
    tree.irq("eth0-TxRx-2", "0000:01:00.0", cpu=2, effective=False)           # only the mask is told
    tree.irq("eth0-TxRx-3", "0000:01:00.0", mask=[2, 3], effective=" ")       # not started yet
    managed = tree.irq("eth0-TxRx-4", "0000:01:00.0", cpu=0)
    tree.file(f"sys/kernel/debug/irq/irqs/{managed}", "handler:  handle_edge_irq\ndstate:   0x35400200\n"
                                                      "            IRQD_AFFINITY_MANAGED\n")
    tree.plain()


def tree_threaded(tree):
    """T3: threaded NAPI on a kernel that does not name the threads: as many as queues, or too many to tell."""
    pid = 100
    for index, threads in enumerate((2, 3)):
        name = f"eth{index}"
        tree.nic(name, f"0000:0{index + 1}:00.0", 0)
        (tree.root / f"sys/class/net/{name}/threaded").write_text("1\n")
        for queue in range(2):
            tree.irq(f"{name}-TxRx-{queue}", f"0000:0{index + 1}:00.0", cpu=0)
        for thread in reversed(range(threads)):
            pid += 1
            tree.file(f"proc/{pid}/comm", f"napi/{name}-{8192 + thread}")
            tree.file(f"proc/{pid}/status", f"Name:\tx\nCpus_allowed_list:\t{'0-3' if thread else 2}")
            tree.file(f"proc/{pid}/stat", f"{pid} (napi/{name}-{8192 + thread}) S 2 0 0 0 -1 2129984 0 0 0 0 7 8 0 0 20 0 1 "
                                          f"0 77 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0")
    tree.plain()


def tree_garbage(tree):
    """Bad places: files that are empty, cut, or not what they should be."""
    tree.nic("eth0", "0000:01:00.0", "nonsense")
    tree.nic("eth1", "0000:02:00.0", 99999999999999)
    tree.plain()
    (tree.root / "sys/devices/system/node/node0/distance").write_text("10 2")
    (tree.root / "sys/devices/system/node/node1/distance").write_text("20 -10 junk\n")
    (tree.root / "sys/devices/system/node/node1/meminfo").write_text("")
    (tree.root / "proc/interrupts").write_text("  30: 1 2\n:::\n99999999999999999999: 1  x  eth0-TxRx-0\n  31:")
    (tree.root / "proc/stat").write_text("cpu")
    tree.file("netlink/links", "this is no netlink message, and long enough to hold a header of one")
    tree.file("netlink/ethtool-eth0-channels", "short")


def tree_escape(tree):
    """Safety: links that try to lead outside of the tree, or in a circle."""
    tree.nic("eth0", "0000:01:00.0", 0)
    tree.plain()
    base = tree.root / "sys/devices/pci0000:01/0000:01:00.0"
    (base / "numa_node").unlink()
    (base / "numa_node").symlink_to("../../../../../../../../../../../../tmp/nearq-escape")
    (base / "driver").unlink()
    (base / "driver").symlink_to("/etc")
    queue = base / "net/eth0/queues/tx-0/xps_cpus"
    queue.unlink()
    queue.symlink_to("xps_cpus")


def make(directory, names=None):
    """Makes the named trees, or all, and returns their names."""
    known = {name[5:].replace("_", "-"): function for name, function in globals().items() if name.startswith("tree_")}
    for name in names or known:
        known[name](Tree(pathlib.Path(directory) / name))
    return list(names or known)


if __name__ == "__main__":
    print("\n".join(make(sys.argv[1], sys.argv[2:])))
