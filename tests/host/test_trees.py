# SPDX-License-Identifier: LGPL-2.1-or-later
"""The readers on captured trees: hand-made strange machines, and captures of the lab.

Each tree has a golden snapshot in data/NAME.json. NEARQ_GOLDEN=write writes them anew; look at the difference before
it is committed. What must be so whatever the golden file says is asserted below, by name.
"""

import json
import os
import pathlib
import subprocess
import tarfile

import pytest

import maketrees
from rig import OBSERVE, named, notices, run

DATA = pathlib.Path(__file__).parent / "data"
HAND_MADE = [name[5:].replace("_", "-") for name in dir(maketrees) if name.startswith("tree_")]
CAPTURED = sorted(path.name.split(".")[0] for path in DATA.glob("*.tar.xz"))


@pytest.fixture
def observe(tmp_path):
    def observe(name, parse=json.loads):
        if name in CAPTURED:
            with tarfile.open(DATA / f"{name}.tar.xz") as archive:
                archive.extractall(tmp_path / name)
        else:
            maketrees.make(tmp_path, [name])
        return parse(run(OBSERVE, tmp_path / name))
    return observe


@pytest.mark.parametrize("name", HAND_MADE + CAPTURED)
def test_golden(name, observe):
    """T1-T3, T5, V3: every tree gives the snapshot that was looked at once and found right."""
    text, golden = observe(name, parse=str), DATA / f"{name}.json"
    if os.environ.get("NEARQ_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


def test_gaps(observe):
    """T1: ids stay the kernel's, distances follow them."""
    snapshot = observe("gaps")
    assert [node["id"] for node in snapshot["nodes"]] == [0, 3, 8]
    assert [cpu["node"] for cpu in snapshot["cpus"]] == [0, 0, 3, 3, 8, 8]
    assert snapshot["distance"] == [[10, 15, 31], [15, 10, 29], [31, 29, 10]]
    assert snapshot["pnics"][0]["node"] == 8


def test_memory_nodes(observe):
    """T1: nodes without memory and without CPUs are nodes."""
    snapshot = observe("memory-nodes")
    assert [node["mem_total"] for node in snapshot["nodes"]] == [4 << 30, 0, 16 << 30]
    assert {cpu["node"] for cpu in snapshot["cpus"]} == {0, 1}


def test_nowhere(observe):
    """T2: an unknown home is unknown, and said so; not node 0."""
    snapshot = observe("nowhere")
    assert [pnic["node"] for pnic in snapshot["pnics"]] == [None, None]
    assert [n["subject"] for n in notices(snapshot, "node-unknown")] == ["eth0", "eth1"]


def test_virtio(observe):
    """T2, T3: through the PCI parent to the node, and by the virtio number to the interrupts."""
    snapshot = observe("virtio")
    pnic, = snapshot["pnics"]
    assert (pnic["node"], pnic["bus"], pnic["driver"]) == (1, "0000:05:00.0", "virtio_net")
    assert [queue["cpu"] for queue in snapshot["queues"]] == [2, 3]


def test_snc(observe):
    """T1, irqbalance 50 and 104: node and package are two things."""
    snapshot = observe("snc")
    assert [node["package"] for node in snapshot["nodes"]] == [0, 0, 1, 1]
    assert snapshot["pnics"][0]["node"] == 3
    assert [named_cpu(snapshot, queue["cpu"])["node"] for queue in snapshot["queues"]] == [2, 3]


def named_cpu(snapshot, number):
    return next(cpu for cpu in snapshot["cpus"] if cpu["id"] == number)


def test_flat(observe):
    """T1, irqbalance 88, 91 and 172: no NUMA is one node, and no complaint about the NIC's place."""
    snapshot = observe("flat")
    assert [node["id"] for node in snapshot["nodes"]] == [0]
    assert notices(snapshot, "no-numa") and not notices(snapshot, "node-unknown")
    assert [queue["cpu"] for queue in snapshot["queues"]] == [0, 1]


def test_offline(observe):
    """T1: offline CPUs are known with their node; threads of a core with their first one."""
    snapshot = observe("offline")
    cpus = {cpu["id"]: (cpu["node"], cpu["core"], cpu["online"]) for cpu in snapshot["cpus"]}
    assert cpus == {0: (0, 0, True), 1: (0, 1, True), 2: (1, 2, True), 3: (1, 3, False),
                    4: (0, 0, True), 5: (0, 5, False), 6: (1, 2, True), 7: (1, 7, False)}


def test_offline_nowhere(observe):
    """T1: a CPU whose place nobody knows is left out and reported."""
    snapshot = observe("offline-nowhere")
    assert [cpu["id"] for cpu in snapshot["cpus"]] == [0, 1]
    assert [n["subject"] for n in notices(snapshot, "not-supported")] == ["cpu2"]


def test_bond(observe):
    """T2: members of a bond on different nodes; a bridge is no bond."""
    pnics = observe("bond")["pnics"]
    assert [(pnic["name"], pnic["node"], pnic["bond"]) for pnic in pnics] == [
        ("eth0", 0, "bond0"), ("eth1", 1, "bond0"), ("eth2", 1, "")]


def test_sriov(observe):
    """T2: virtual functions name their physical one."""
    pnics = observe("sriov")["pnics"]
    assert [(pnic["name"], pnic["physfn"]) for pnic in pnics] == [("pf0", None), ("vf0", "pf0"), ("vf1", "pf0")]


def test_irqs(observe):
    """T3: queue 0 on CPU 1 and queue 1 on CPU 2 by each driver's names, not on CPU 0 with the link's interrupt."""
    snapshot = observe("irqs")
    for pnic in snapshot["pnics"]:
        cpus = [queue["cpu"] for queue in snapshot["queues"] if queue["pnic"] == pnic["name"]]
        assert cpus == ([3] if pnic["name"] == "single0" else [1, 2]), pnic["driver"]
    assert len(snapshot["pnics"]) == len(maketrees.PATTERNS) + 1


def test_affinity(observe):
    """T3, irqbalance 68, 171, 246 and 275: where an interrupt really goes, whatever was asked or hinted."""
    queues = observe("affinity")["queues"]
    assert [queue["cpu"] for queue in queues] == [3, 1, 2, 2, 0]
    assert [queue["movable"] for queue in queues] == [True, True, True, True, False]


def test_threaded(observe):
    """T3: threads in order of their NAPI where there are as many as queues; otherwise no guess."""
    snapshot = observe("threaded")
    told = [(queue["pnic"], queue["napi"], queue["thread"], queue["cpu"]) for queue in snapshot["queues"]]
    assert told == [("eth0", 8192, 102, 2), ("eth0", 8193, 101, 3), ("eth1", None, None, None),
                    ("eth1", None, None, None)]
    assert [n["subject"] for n in notices(snapshot, "not-supported")] == ["eth1"]


def test_rss(observe):
    """T3: default and free queues by the table; interrupts as the kernel tells them, in whatever order."""
    snapshot = observe("rss")
    queues = {name: [q for q in snapshot["queues"] if q["pnic"] == name] for name in ("eth0", "eth1")}
    assert [q["role"] for q in queues["eth0"]] == ["default", "default", "free", "free"]
    assert [q["rss_entries"] for q in queues["eth0"]] == [2, 4, 0, 0]
    assert [(q["napi"], q["irq"], q["cpu"]) for q in queues["eth0"]] == [(900 + n, 60 + n, 3 - n) for n in range(4)]
    assert {q["role"] for q in queues["eth1"]} == {"default"}
    assert [(pnic["channels_max"], pnic["rss_entries"]) for pnic in snapshot["pnics"]] == [(16, 6), (16, 0)]


def test_containers(observe):
    """V3, V7: what is found of each container, and what of each broken one."""
    snapshot = observe("containers")
    vms = {vm["name"]: vm for vm in snapshot["vms"]}
    assert list(vms) == ["0123456789ab", "sleep-301", "named"]
    first, second, third = vms.values()
    assert (first["pid"], first["cgroup"], first["cpus"], first["home"]) == (201, "/docker/c1", 2, [1])
    assert first["mem"] == {"0": 4096, "1": 9192}
    assert not first["mem_fixed"]
    assert (second["pid"], second["cgroup"], second["cpus"], second["home"]) == (301, "", 1, [0])
    assert second["mem"] == {"0": 2 * 4096, "1": 4096 + 2048 * 1024}
    assert second["mem_fixed"]
    assert (third["pid"], third["home"], third["placed"]) == (None, [0, 1], False)
    assert [(vnic["name"], vnic["vm"], vnic["pnic"]) for vnic in snapshot["vnics"]] == [
        ("v1", "0123456789ab", "eth0"), ("v2", "sleep-301", "eth0"), ("v3", "named", "eth0"),
        ("v1b", "0123456789ab", "eth0")]
    assert {(n["kind"], n["subject"]) for n in snapshot["notices"]} == {
        ("namespace-gone", "v4"), ("vanished", "v5"), ("no-permission", "v6"), ("mac-twice", "02:00:00:00:00:07"),
        ("no-mac", "v9"), ("namespace-gone", "v10")}


def test_uplinks(observe):
    """T2, V3: the way out is found through a vlan, an active slave and a team."""
    snapshot = observe("uplinks")
    assert {vnic["name"]: vnic["pnic"] for vnic in snapshot["vnics"]} == {
        "v0": "eth0", "v1": "eth2", "v2": "eth3", "v3": None, "v4": None}
    assert named(snapshot["pnics"], "eth3")["bond"] == "team0"


def test_taps(observe):
    """V2: one VM with two vnics; a tap whose guest has not spoken; nothing for a tunnel or a tap of nobody."""
    snapshot = observe("taps")
    vm, = snapshot["vms"]
    assert (vm["name"], vm["kind"], vm["pid"], vm["cpus"], vm["home"]) == ("vm-a", "process", 50, 2, [1])
    assert [(vnic["name"], vnic["mac"]) for vnic in snapshot["vnics"]] == [
        ("tap0", "02:00:00:00:00:11"), ("tap1", "02:00:00:00:00:21")]
    assert [n["subject"] for n in notices(snapshot, "no-mac")] == ["tap2"]
    assert "2 addresses" in notices(snapshot, "not-supported")[0]["detail"]


def test_garbage(observe):
    """Bad input: what cannot be read is unknown; the rest stands."""
    snapshot = observe("garbage")
    assert snapshot["distance"] == [[10, 20], [20, 10]]
    assert [pnic["node"] for pnic in snapshot["pnics"]] == [None, None]
    assert all(queue["irq"] is None and queue["cpu"] is None for queue in snapshot["queues"])


def test_escape(observe):
    """Safety: a link never leads outside of the tree."""
    outside = pathlib.Path("/tmp/nearq-escape")
    outside.write_text("1\n")
    try:
        snapshot = observe("escape")
    finally:
        outside.unlink()
    pnic, = snapshot["pnics"]
    assert pnic["node"] is None
    assert snapshot["queues"][0]["xps"] == ""


def test_lab(observe):
    """T1-T3, V3, V7: the lab's host of four nodes with four containers."""
    snapshot = observe("lab-four")
    assert snapshot["distance"] == [[10, 16, 16, 22], [16, 10, 22, 16], [16, 22, 10, 16], [22, 16, 16, 10]]
    assert {vm["name"]: (vm["home"], vm["placed"]) for vm in snapshot["vms"]} == {
        "vm1": ([0], True), "vm2": ([3], True), "vm3": ([0, 1, 2, 3], False), "vm4": ([1], True)}
    assert all(vnic["pnic"] == "eth0" for vnic in snapshot["vnics"])
    hard = [queue for queue in snapshot["queues"] if queue["kind"] == "hard"]
    assert [queue["cpu"] for queue in hard] == [0, 1, 4, 5, 6, 7, 0, 1]
    assert sum(queue["rss_entries"] for queue in hard) == named(snapshot["pnics"], "eth0")["rss_entries"] == 128


def test_lab_nics(observe):
    """T2, T3: igb, e1000e, virtio-net and vmxnet3, each on its node, the last one with threaded NAPI."""
    snapshot = observe("lab-nics")
    assert [(pnic["driver"], pnic["node"]) for pnic in snapshot["pnics"]] == [
        ("igb", 1), ("e1000e", 0), ("virtio_net", 2), ("vmxnet3", 3)]
    threads = [queue["thread"] for queue in snapshot["queues"] if queue["pnic"] == "eth3" and queue["kind"] == "hard"]
    assert len(set(threads)) == 8 and None not in threads


def fails(*arguments):
    result = subprocess.run([OBSERVE, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 1 and not result.stdout
    return result.stderr


def test_too_many_nodes(tmp_path):
    """T1: more nodes than the kernel can have is an error with both numbers."""
    tree = maketrees.Tree(tmp_path / "many")
    tree.cpu(0, 0)
    for node in range(1025):
        tree.node(node, [0] if node == 0 else [], 16)
    tree.finish(range(1025))
    assert "found 1025 NUMA nodes; allowed: 1 to 1024" in fails(tmp_path / "many")


def test_bad_places(tmp_path):
    """T5: each bad place is a message that says what was found and what is allowed."""
    assert "No such file" in fails(tmp_path / "absent")
    (tmp_path / "dir").mkdir()
    assert "without sys and proc" in fails(tmp_path / "dir")
    (tmp_path / "empty").write_text("")
    assert "found nothing" in fails(tmp_path / "empty")
    (tmp_path / "bad.xml").write_text("<html>")
    assert "lstopo" in fails(tmp_path / "bad.xml")
    (tmp_path / "cut.json").write_text('{"nearq-snapshot": 1, "name"')
    assert "cut.json" in fails(tmp_path / "cut.json")


def test_snapshot_is_itself(observe, tmp_path):
    """T5: a snapshot is read back as the same bytes, every time."""
    maketrees.make(tmp_path, ["snc"])
    text = run(OBSERVE, tmp_path / "snc")
    (tmp_path / "snc.json").write_text(text)
    assert run(OBSERVE, tmp_path / "snc.json") == text
    assert run(OBSERVE, "--ticks", 2, tmp_path / "snc.json", input="\n") == text + text


def test_hwloc_xml(tmp_path, observe):
    """T5: topology alone, from what the capture of the lab's host exported."""
    tree = observe("lab-four")
    snapshot = json.loads(run(OBSERVE, tmp_path / "lab-four/netlink/hwloc.xml"))
    for key in ("cpus", "distance"):
        assert snapshot[key] == tree[key]
    assert [node["id"] for node in snapshot["nodes"]] == [0, 1, 2, 3]
    assert snapshot["queues"] == snapshot["vms"] == []


def test_hwloc_xml_with_devices():
    """T2, T5: network interfaces of the XML, on the node that it puts them on."""
    snapshot = json.loads(run(OBSERVE, DATA / "devices.xml"))
    assert [(pnic["name"], pnic["bus"], pnic["node"]) for pnic in snapshot["pnics"]] == [
        ("eth0", "0000:3b:00.0", 1), ("eth1", "0000:5e:00.0", None)]
    assert [n["subject"] for n in notices(snapshot, "node-unknown")] == ["eth1"]
    assert snapshot["distance"] == [[10, 21], [21, 10]]
