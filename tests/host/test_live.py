# SPDX-License-Identifier: LGPL-2.1-or-later
"""The readers on a live host: a namespace with containers, taps and traffic."""

import os
import subprocess

import pytest

from rig import OBSERVE, UPLINK, Host, named, notices, run, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
TAP_MAC = "02:00:00:00:00:07"


@pytest.fixture
def host():
    with Host() as host:
        yield host


def test_container(host):
    """V3: a namespace behind a veth is a VM with the inner MAC, its main process, its CPUs, its uplink."""
    _, (process,) = host.container("c1", MAC1, cpus={1})
    snapshot = host.observe()
    vm, = snapshot["vms"]
    assert vm["name"].endswith("-c1") and vm["kind"] == "container"
    assert vm["pid"] == process.pid
    assert vm["placed"] is True and vm["cpus"] == 1
    vnic, = snapshot["vnics"]
    assert (vnic["name"], vnic["mac"], vnic["vm"], vnic["pnic"]) == ("c1", MAC1, vm["name"], UPLINK)
    assert sum(vm["mem"].values()) > 0
    assert snapshot["interval_ns"] == 0


def test_container_without_process(host):
    """V3: a named namespace that nobody is in floats over all nodes."""
    host.container("c1", MAC1, processes=0)
    vm, = host.observe()["vms"]
    assert vm["pid"] is None and vm["placed"] is False


def test_container_floats(host):
    """V3: a container that may run everywhere is not placed; its main process is the oldest one."""
    _, processes = host.container("c1", MAC1, processes=3)
    vm, = host.observe()["vms"]
    assert vm["placed"] is False
    assert vm["pid"] == processes[0].pid
    assert vm["cpus"] == min(3, os.cpu_count())


def test_veth_between_own_ends_is_no_vm(host):
    """V3: a pair with both ends on the host belongs to nobody."""
    host.ip(host.host, "link add x type veth peer name y")
    assert host.observe()["vms"] == []


def test_uplink_through_vlan_and_bond(host):
    """T2, V3: the physical port is found behind a vlan and a bond; without a bridge there is none."""
    host.container("c1", MAC1)
    host.ip(host.host, f"link set {UPLINK} nomaster")
    assert host.observe()["vnics"][0]["pnic"] is None
    try:
        host.ip(host.host, "link add bond0 type bond mode active-backup")
    except subprocess.CalledProcessError:
        pytest.skip("this kernel has no bonding; the bond of the captured trees remains")
    host.ip(host.host, f"link set {UPLINK} down")
    host.ip(host.host, f"link set {UPLINK} master bond0")
    host.ip(host.host, "link add link bond0 name bond0.5 type vlan id 5")
    host.ip(host.host, "link set bond0.5 master br0")
    snapshot = host.observe()
    assert snapshot["vnics"][0]["pnic"] == UPLINK
    assert named(snapshot["pnics"], UPLINK)["bond"] == "bond0"


def test_mac_twice(host):
    """V3: a MAC on two VMs is reported once for each, both are left out, the rest goes on."""
    host.container("c1", MAC1)
    host.container("c2", MAC1)
    host.container("c3", MAC2)
    snapshot = host.observe()
    assert [vnic["name"] for vnic in snapshot["vnics"]] == ["c3"]
    assert len(snapshot["vms"]) == 1
    twice = notices(snapshot, "mac-twice")
    assert [n["subject"] for n in twice] == [MAC1, MAC1]
    assert {"c1", "c2"} == {n["detail"].split()[2] for n in twice}


def test_namespace_gone(host):
    """V3: a veth whose other end is where nobody is and that has no name."""
    namespace, (process,) = host.container("c1", MAC1)
    host.container("c2", MAC2)
    keeper = os.open(f"/run/netns/{namespace}", os.O_RDONLY)  # keeps it alive, as a leaked descriptor would
    try:
        host.delete(namespace)
        process.kill()
        process.wait()
        snapshot = host.observe()
    finally:
        os.close(keeper)
    assert [n["subject"] for n in notices(snapshot, "namespace-gone")] == ["c1"]
    assert [vnic["name"] for vnic in snapshot["vnics"]] == ["c2"]


def test_vanishes_between_observations(host):
    """V3, T6: a container that ends is gone from the next observation, and one that starts is in it."""
    namespace, (process,) = host.container("c1", MAC1)
    host.container("c2", MAC2)
    observer = host.observer()
    assert len(observer.next()["vnics"]) == 2
    process.kill()
    process.wait()
    host.delete(namespace)
    until(lambda: "c1" not in run("ip", "-n", host.host, "-br", "link"), "the veth goes with its namespace")
    snapshot = observer.next()
    assert [vnic["name"] for vnic in snapshot["vnics"]] == ["c2"]
    host.container("c3", MAC1)
    assert [vnic["name"] for vnic in observer.next()["vnics"]] == ["c2", "c3"]


def test_process_ends_but_namespace_stays(host):
    """V3: the main process ends between two observations; the next one sees the VM without it."""
    _, (process,) = host.container("c1", MAC1)
    observer = host.observer()
    assert observer.next()["vms"][0]["pid"] == process.pid
    process.kill()
    process.wait()
    assert observer.next()["vms"][0]["pid"] is None


def test_home_follows_affinity(host):
    """V3: whoever moves a container, the next observation has its new CPUs."""
    _, (process,) = host.container("c1", MAC1)
    observer = host.observer()
    assert observer.next()["vms"][0]["placed"] is False
    os.sched_setaffinity(process.pid, {0})
    vm, = observer.next()["vms"]
    assert vm["placed"] is True and vm["home"] == [0]


def open_tap(namespace, name):
    """A process in the host's namespace that holds a tap, as a VMM does."""
    code = f"""
import fcntl, os, struct, sys
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"{name}", 0x0002 | 0x1000))  # TUNSETIFF, IFF_TAP | IFF_NO_PI
print(flush=True)
while os.read(tun, 2048):
    pass
"""
    return ("/usr/bin/python3", "-c", code)


def start_tap(host, name):
    process = host.start(host.host, *open_tap(host.host, name), stdout=subprocess.PIPE)
    assert process.stdout.readline() == "\n"
    host.ip(host.host, f"link set {name} master br0 up")
    return process


def test_tap(host):
    """V2: the process behind a tap is a VM; its MAC is the one that the bridge knows behind the port."""
    process = start_tap(host, "tap0")
    snapshot = host.observe()
    assert snapshot["vms"] == []
    assert [n["subject"] for n in notices(snapshot, "no-mac")] == ["tap0"]
    run("bridge", "-n", host.host, "fdb", "add", TAP_MAC, "dev", "tap0", "master", "static")
    snapshot = host.observe()
    vm, = snapshot["vms"]
    vnic, = snapshot["vnics"]
    assert (vm["kind"], vm["pid"]) == ("process", process.pid)
    assert vm["name"].endswith(f"-{process.pid}")
    assert (vnic["name"], vnic["mac"], vnic["pnic"]) == ("tap0", TAP_MAC, UPLINK)


def test_tap_without_process(host):
    """V2: a persistent tap that nobody holds is no VM, and no complaint either."""
    host.ip(host.host, "tuntap add dev tap0 mode tap")
    snapshot = host.observe()
    assert snapshot["vms"] == [] and not notices(snapshot, "no-mac")


def test_counters_move(host):
    """S1, S2, S4: the packets that were sent are the rates times the interval, per vnic and per queue."""
    host.container("c1", MAC1)
    host.container("c2", MAC2)
    # veth counts per queue what goes through NAPI, and that is what could be merged there and was not before
    run("ip", "netns", "exec", host.host, "ethtool", "-K", UPLINK, "gro", "on")
    run("ip", "netns", "exec", host.outside, "ethtool", "-K", "eth0", "tso", "off")
    observer = host.observer()
    observer.next()
    before = host.sent("c1")
    host.send(MAC1, 500)
    until(lambda: host.sent("c1") - before >= 500, "frames delivered")
    snapshot = observer.next()
    seconds = snapshot["interval_ns"] / 1e9
    rates = {vnic["name"]: vnic["rx"]["packets"] * seconds for vnic in snapshot["vnics"]}
    assert 500 - seconds <= rates["c1"] <= 500 + 50  # rounded down; and the namespaces' own chatter
    assert rates["c2"] < 50
    queues = [queue for queue in snapshot["queues"] if queue["kind"] == "hard"]
    assert len(queues) == 4
    assert sum(queue["rx"]["packets"] for queue in queues) * seconds >= 500 - 5 * seconds
    assert sum(cpu["busy"] for cpu in snapshot["cpus"]) > 0


def test_served_is_measured(host):
    """S2: frames are counted by the CPU that brought them in, and by nobody else's namespace."""
    host.container("c1", MAC1)
    observer = host.observer("--measure")
    snapshot = observer.next()
    if notices(snapshot, "not-supported"):
        pytest.skip(notices(snapshot, "not-supported")[0]["detail"])
    before = host.sent("c1")
    host.send(MAC1, 500, cpu=1)
    until(lambda: host.sent("c1") - before >= 500, "frames delivered")
    snapshot = observer.next()
    vnic, = snapshot["vnics"]
    assert vnic["served_by"] == "measured"
    seconds = snapshot["interval_ns"] / 1e9
    assert 490 - seconds <= sum(vnic["served"].values()) * seconds <= vnic["rx"]["packets"] * seconds


def cpu_seconds(pid):
    """User and system time of all its threads, as proc(5) counts it."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_busy(host):
    """S2: a VM's load is the CPU time that its processes got, however busy the machine is."""
    namespace, _ = host.container("c1", MAC1, processes=0)
    process = host.start(namespace, "/usr/bin/python3", "-c", "while True: pass")
    observer = host.observer()
    before = cpu_seconds(process.pid)
    observer.next()
    between = cpu_seconds(process.pid)
    until(lambda: cpu_seconds(process.pid) > between + 0.3, "some work", seconds=60)
    snapshot = observer.next()
    used = snapshot["vms"][0]["busy"] / 1000 * snapshot["interval_ns"] / 1e9
    assert 0.28 <= used <= cpu_seconds(process.pid) - before


def test_threaded_napi(host):
    """T3: with threaded NAPI each queue names its thread, and its CPU is the thread's."""
    run("ip", "netns", "exec", host.host, "ethtool", "-K", UPLINK, "gro", "on")
    run("ip", "netns", "exec", host.host, "sh", "-c", f"echo 1 > /sys/class/net/{UPLINK}/threaded")
    queues = [queue for queue in host.observe()["queues"] if queue["kind"] == "hard"]
    threads = [queue["thread"] for queue in queues]
    assert len(set(threads)) == 4 and None not in threads
    for queue, cpu in zip(queues, (0, 1, 0, 1)):
        assert open(f"/proc/{queue['thread']}/comm").read().startswith(f"napi/{UPLINK}-{queue['napi']}"[:15])
        os.sched_setaffinity(queue["thread"], {cpu})
    queues = [queue for queue in host.observe()["queues"] if queue["kind"] == "hard"]
    assert [queue["cpu"] for queue in queues] == [0, 1, 0, 1]


def test_xps(host):
    """T3: XPS masks are told as lists."""
    run("ip", "netns", "exec", host.host, "sh", "-c", f"echo 3 > /sys/class/net/{UPLINK}/queues/tx-2/xps_cpus")
    queues = [queue for queue in host.observe()["queues"] if queue["kind"] == "hard"]
    assert [queue["xps"] for queue in queues] == ["", "", "0-1", ""]


def test_exclude(host):
    """T2: an excluded interface is neither a NIC nor a VM's."""
    host.container("c1", MAC1)
    assert host.observe("--exclude", "c*")["vnics"] == []
    assert host.observe("--exclude", UPLINK)["pnics"] == []


def test_steered(host, tmp_path):
    """T3, A2: what nearq steers shows in queues and vnics, with its thread, its rates, and in a capture too."""
    host.container("c1", MAC1)
    host.container("c2", MAC2)
    act = host.acting(tmp_path)
    assert {queue["role"] for queue in host.observe()["queues"] if queue["kind"] == "soft"} == {"free"}
    act("xdp", UPLINK, "nearq")
    act("steer", f"{UPLINK}/{MAC1}", "1")
    observer = host.observer("--measure")
    observer.next()
    before = host.sent("c1")
    host.send(MAC1, 300, cpu=0)
    until(lambda: host.sent("c1") - before >= 300, "frames delivered")
    snapshot = observer.next()
    vnics = {vnic["name"]: vnic for vnic in snapshot["vnics"]}
    assert vnics["c1"]["rx_queue"] == f"{UPLINK}/cpu1" and vnics["c2"]["rx_queue"] == "default"
    queue, = [queue for queue in snapshot["queues"] if queue["role"] == "assigned"]
    assert (queue["kind"], queue["index"], queue["cpu"]) == ("soft", 1, 1)
    assert open(f"/proc/{queue['thread']}/comm", encoding="ascii").read().startswith("cpumap/1/")
    seconds = snapshot["interval_ns"] / 1e9
    assert 300 - 2 * seconds <= queue["rx"]["packets"] * seconds <= 310
    run(*host.enter, OBSERVE, "--physical", UPLINK, "--capture", tmp_path / "tree")
    tree = host.observer(tmp_path / "tree", ticks=1).next()
    assert named(tree["vnics"], "c1")["rx_queue"] == f"{UPLINK}/cpu1"
    assert [q["thread"] for q in tree["queues"] if q["role"] == "assigned"] == [queue["thread"]]


def capture_and_compare(host, directory):
    run("ip", "netns", "exec", host.host, OBSERVE, "--physical", UPLINK, "--capture", directory)
    live = host.observe()
    tree = host.observer(directory, ticks=1).next()
    return live, tree


def test_capture_is_the_same_host(host, tmp_path):
    """T5: a captured tree gives the host that was captured, but for what moves by itself."""
    host.container("c1", MAC1, cpus={0})
    start_tap(host, "tap0")
    run("bridge", "-n", host.host, "fdb", "add", TAP_MAC, "dev", "tap0", "master", "static")
    live, tree = capture_and_compare(host, tmp_path / "tree")
    for snapshot in (live, tree):
        snapshot["time_ns"] = 0
        for node in snapshot["nodes"]:
            node["mem_free"] = 0
        for vm in snapshot["vms"]:
            vm["mem"] = {}
    assert tree == live
    assert len(tree["vms"]) == 2


def test_capture_refuses_a_full_directory(host, tmp_path):
    """T5: nothing is overwritten."""
    (tmp_path / "precious").write_text("x")
    result = subprocess.run([OBSERVE, "--capture", tmp_path], capture_output=True, text=True)
    assert result.returncode == 1 and "not empty" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]


def test_exclude_pattern_of_everything(host):
    """T2, bad places: no NIC at all is a notice, not an error."""
    snapshot = host.observe("--exclude", "*")
    assert snapshot["pnics"] == [] and snapshot["queues"] == []
    assert notices(snapshot, "no-multiqueue")[0]["detail"] == "no physical interface"


def test_without_privilege(host, for_everybody):
    """Bad places: an ordinary user sees the topology and is told what is missing."""
    host.container("c1", MAC1)
    user = "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); os.execv(sys.argv[1], sys.argv[1:])"
    text = run("ip", "netns", "exec", host.host, "/usr/bin/python3", "-c", user, for_everybody(OBSERVE), "--measure")
    assert '"no-permission"' in text and '"vms": []' in text
