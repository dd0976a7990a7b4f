#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines that nobody has on the desk: writes trees of sysfs and procfs files, for the readers.

    maketrees.py DIRECTORY [NAME...]

Each function below whose name starts with `tree_` makes one machine; its docstring says what is strange about it.
"""

import errno
import pathlib
import struct
import sys

# linux/rtnetlink.h, if_link.h, neighbour.h, net_namespace.h
RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWNSID, NLMSG_ERROR, NLMSG_DONE, NLM_F_MULTI = 16, 28, 88, 2, 3, 2
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO, IFLA_LINK_NETNSID = 1, 3, 5, 10, 18, 37
ARPHRD_ETHER, ARPHRD_NONE, AF_BRIDGE, NUD_PERMANENT, NUD_NOARP = 1, 0xfffe, 7, 0x80, 0x40


def attribute(kind, data):
    if isinstance(data, int):
        data = struct.pack("=I", data & 0xffffffff)
    elif isinstance(data, str):
        data = data.encode() + b"\0"
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(kind, payload, flags=NLM_F_MULTI):
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, 0, 0) + payload + bytes(-len(payload) % 4)


def dump(messages):
    return b"".join(messages) + message(NLMSG_DONE, bytes(4))


def error(number):
    """A question that the kernel refused."""
    return message(NLMSG_ERROR, struct.pack("=i", -number) + bytes(16), flags=0)


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def link(index, name, mac="02:00:00:00:ff:ff", kind=None, master=0, below=0, netns=None, active=0, arp=ARPHRD_ETHER):
    """One interface: `below` is its lower interface or, for a veth, the peer in namespace `netns`."""
    payload = struct.pack("=BxHiII", 0, arp, index, 0, 0) + attribute(IFLA_IFNAME, name)
    payload += attribute(IFLA_ADDRESS, mac_bytes(mac))
    if master:
        payload += attribute(IFLA_MASTER, master)
    if below:
        payload += attribute(IFLA_LINK, below)
    if netns is not None:
        payload += attribute(IFLA_LINK_NETNSID, netns)
    if kind:
        info = attribute(1, kind)
        if active:
            info += attribute(2, attribute(2, active))  # IFLA_INFO_DATA, IFLA_BOND_ACTIVE_SLAVE
        payload += attribute(IFLA_LINKINFO, info)
    return message(RTM_NEWLINK, payload)


def neighbour(port, mac, state=NUD_NOARP, master=3):
    return message(RTM_NEWNEIGH, struct.pack("=BxxxiHBB", AF_BRIDGE, port, state, 0, 0)
                   + attribute(2, mac_bytes(mac)) + attribute(9, master))


def generic(*attributes):
    """A message of the family "netdev"; its number differs from boot to boot."""
    return message(0x20, struct.pack("=BBxx", 1, 1) + b"".join(attribute(kind, value) for kind, value in attributes))


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

    def answer(self, name, data):
        """What the kernel said to a question that is not a file."""
        target = self.root / "netlink" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def process(self, pid, netns, comm="sleep", cgroup="/", cpus="0-3", threads=1, start=None, status="", numa_maps=None):
        base = f"proc/{pid}"
        self.link(f"{base}/ns/net", f"net:[{netns}]")
        self.file(f"{base}/comm", comm)
        self.file(f"{base}/cgroup", f"4:memory:/old\n0::{cgroup}")
        self.file(f"{base}/status", f"Name:\t{comm}\n{status}Cpus_allowed_list:\t{cpus}\nMems_allowed_list:\t0-1")
        self.file(f"{base}/stat", f"{pid} ({comm}) S 1 0 0 0 -1 0 0 0 0 0 7 8 0 0 20 0 {threads} 0 "
                                  f"{pid if start is None else start} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0")
        if numa_maps:
            self.file(f"{base}/numa_maps", numa_maps)

    def own(self, netns, pid=1):
        """The observer's own process and namespace."""
        self.process(pid, netns, comm="observer")
        self.link("proc/self", str(pid))

    def namespace(self, inode, number, links=None):
        """A namespace that ours knows under this number, and its links; links None: its answer is given elsewhere."""
        self.answer(f"nsid-{inode}", message(RTM_NEWNSID, bytes(4) + attribute(1, number), flags=0))
        if links is not None:
            self.answer(f"links-netns{number}", dump(links))

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


def tree_rss(tree):
    """T3: an RSS table over half of the queues leaves the others free; one that names queues that are gone says nothing."""
    for index, table in enumerate(([0, 1, 0, 1, 1, 1], [0, 1, 9, 0])):
        name = f"eth{index}"
        tree.nic(name, f"0000:0{index + 1}:00.0", 0, driver="ice", queues=4)
        tree.answer(f"ethtool-{name}-channels", struct.pack("=9I", 0x3c, 0, 0, 1, 16, 0, 0, 1, 4))
        tree.answer(f"ethtool-{name}-rss-size", struct.pack("=2I", 0x38, len(table)))
        tree.answer(f"ethtool-{name}-rss-table", struct.pack(f"={2 + len(table)}I", 0x38, len(table), *table))
    # netdev-genl: eth0 (2) tells all, in no order; napi 903 polls for sending only
    tree.answer("queues-2", dump([generic((1, queue), (2, 2), (3, kind), (4, 900 + queue + 3 * kind))
                                  for kind in (1, 0) for queue in (3, 1, 0, 2)]))
    tree.answer("napis-2", dump([generic((1, 2), (2, 900 + queue), (3, 60 + queue)) for queue in (2, 0, 1, 3)]))
    for queue in range(4):
        tree.file(f"proc/irq/{60 + queue}/effective_affinity_list", 3 - queue)
    tree.plain()


def tree_containers(tree):
    """V3, V7: cgroups of their own, shared and nested; limits; fixed memory; and all that can be wrong with a veth."""
    tree.own(1000)
    tree.process(9, 1000, cgroup="/user.slice/session")
    # two processes in nested groups: the VM's group is the common one; 1.5 CPUs; memory as the group accounts it
    tree.process(202, 2001, comm="worker", cgroup="/docker/c1/app", cpus="2-3", threads=6)
    tree.process(201, 2001, comm="init (1)", cgroup="/docker/c1", cpus="2-3", start=100)
    tree.file("sys/fs/cgroup/docker/c1/cgroup.procs", "201")
    tree.file("sys/fs/cgroup/docker/c1/cpu.max", "150000 100000")
    tree.file("sys/fs/cgroup/docker/c1/memory.numa_stat", "anon N0=4096 N1=8192\nfile N0=0 N1=1000\n"
                                                          "kernel_stack N0=77 N1=77\nanon_thp N0=55 N1=55")
    # its group holds somebody else too: no group, named after its process, memory by its page tables
    tree.process(301, 2002, cgroup="/user.slice/session", cpus="0", status="VmLck:\t       4 kB\nHugetlbPages:\t 0 kB\n",
                 numa_maps="7f00 default file=/bin/x mapped=3 N0=2 N1=1 kernelpagesize_kB=4\n"
                           "7f10 default anon=1 dirty=1 N1=1 kernelpagesize_kB=2048\n7f20 default")
    tree.file("sys/fs/cgroup/user.slice/session/cgroup.procs", "9\n301")
    tree.link("run/netns/named", "net:[2003]")
    tree.link("run/docker/netns/0123456789ab", "net:[2001]")
    tree.link("run/netns/not-a-namespace", "file")
    for pid, netns in ((404, 2004), (405, 2005), (406, 2006), (407, 2007), (408, 2008), (409, 2009)):
        tree.process(pid, netns)
    mac = "02:00:00:00:00:{:02x}".format
    tree.namespace(2001, 1, [link(2, "eth0", mac(1)), link(3, "eth1", mac(0x11))])
    tree.namespace(2002, 2, [link(2, "eth0", mac(2))])
    tree.namespace(2003, 3, [link(2, "eth0", mac(3))])
    tree.namespace(2004, 4)
    tree.answer("links-netns4", error(errno.EINVAL))
    tree.namespace(2005, 5, [link(7, "other", mac(5))])
    tree.namespace(2006, 6)
    tree.answer("links-netns6", error(errno.EPERM))
    tree.namespace(2007, 7, [link(2, "eth0", mac(7))])
    tree.namespace(2008, 8, [link(2, "eth0", mac(7))])
    tree.namespace(2009, 9, [link(2, "eth0", "00:00:00:00:00:00")])
    veths = [link(10 + number, f"v{number}", kind="veth", master=3, below=2, netns=number) for number in range(1, 11)]
    veths.append(link(30, "v1b", kind="veth", master=3, below=3, netns=1))
    veths += [link(31, "here", kind="veth", below=32), link(32, "there", kind="veth", below=31)]
    tree.nic("eth0", "0000:01:00.0", 0)
    tree.answer("links", dump([link(2, "eth0", master=3), link(3, "br0", kind="bridge"), *reversed(veths)]))
    tree.plain()


def tree_uplinks(tree):
    """T2, V3: bridges whose way out is a NIC, a vlan on a bond, a team, another container, and none at all."""
    tree.own(1000)
    for index in range(4):
        tree.nic(f"eth{index}", f"0000:0{index + 1}:00.0", index % 2)
        tree.file(f"sys/class/net/eth{index}/ifindex", 2 + index)
    tree.link("sys/class/net/eth3/master", "../../../../virtual/net/team0")
    links = [link(2, "eth0", master=20), link(3, "eth1", master=10), link(4, "eth2", master=10), link(5, "eth3", master=12),
             link(10, "bond0", kind="bond", active=4), link(11, "bond0.5", kind="vlan", below=10, master=21),
             link(12, "team0", kind="team", master=22), *(link(20 + n, f"br{n}", kind="bridge") for n in range(4))]
    for number in range(5):
        master = 20 + number if number < 4 else 0
        tree.process(100 + number, 2000 + number, comm=f"vm{number}")
        tree.namespace(2000 + number, number, [link(2, "eth0", f"02:00:00:00:00:0{number}")])
        links.append(link(30 + number, f"v{number}", kind="veth", master=master, below=2, netns=number))
    tree.answer("links", dump(links))
    tree.plain()


def tree_taps(tree):
    """V2: a VMM with two taps, one with nothing behind it yet, a tunnel, a tap that nobody holds."""
    tree.own(1000)
    tree.process(50, 1000, comm="qemu-system-x86", cgroup="/machine/vm-a", cpus="2,3", threads=4)
    tree.process(51, 1000, comm="firecracker")
    tree.process(52, 7777, comm="elsewhere")  # the same name in another namespace is another interface
    tree.file("sys/fs/cgroup/machine/vm-a/cgroup.procs", "50")
    for pid, fd, name in ((50, 7, "tap0"), (50, 12, "tap1"), (51, 4, "tap2"), (51, 5, "tun0"), (52, 3, "tap3")):
        tree.link(f"proc/{pid}/fd/{fd}", "/dev/net/tun")
        tree.file(f"proc/{pid}/fdinfo/{fd}", f"pos:\t0\nflags:\t0104002\niff:\t{name}")
    tree.link("proc/50/fd/1", "/dev/null")
    tree.link("proc/50/fd/2", "/dev/net/tun")  # open, and not attached to anything
    tree.file("proc/50/fdinfo/2", "pos:\t0")
    tree.nic("eth0", "0000:01:00.0", 0)
    tree.answer("links", dump([link(2, "eth0", master=3), link(3, "br0", kind="bridge"),
                               *(link(10 + n, f"tap{n}", kind="tun", master=3) for n in range(4)),
                               link(20, "tun0", kind="tun", arp=ARPHRD_NONE)]))
    tree.answer("fdb", dump([neighbour(11, "02:00:00:00:00:21"), neighbour(10, "02:00:00:00:00:12"),
                             neighbour(10, "02:00:00:00:00:11"), neighbour(10, "33:33:00:00:00:01"),
                             neighbour(12, "02:00:00:00:00:99", state=NUD_PERMANENT),
                             neighbour(2, "02:00:00:00:00:77")]))
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
