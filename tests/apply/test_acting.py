# SPDX-License-Identifier: LGPL-2.1-or-later
"""A1-A5: settings of a real kernel are changed, proved, and put back (network namespaces; needs root)."""
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from acting_rig import ACT, BUILD, DEADLINE, PNIC_MAC, QUEUES, Rig, mac, thread_key, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="acting needs root")
TWO_CPUS = pytest.mark.skipif(os.cpu_count() < 2, reason="moving needs two CPUs")
KILLED = -signal.SIGKILL
TCP_SERVER = """
import socket
s = socket.create_server(("10.9.0.1", 9))
print("ready", flush=True)
c, _ = s.accept()
n = 0
while d := c.recv(1 << 16):
    n += len(d)
c.sendall(b"x" * n)
"""
TCP_CLIENT = """
import socket, sys
n = int(sys.argv[1])
c = socket.create_connection(("10.9.0.1", 9), timeout=15)
c.sendall(b"x" * n)
c.shutdown(socket.SHUT_WR)
while d := c.recv(1 << 16):
    n -= len(d)
print(n)
"""


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path)
    yield made
    made.close()


def test_A1_xps_of_a_queue(rig):
    first = rig.settings()
    rig.set("xps", "p0/0", "0-1")
    rig.set("xps", "p0/3", "1")
    rig.set("xps", "p0/3", "1", outcome="same")
    assert rig.get("xps", "p0/0") == "0-1"
    assert int(rig.host.out("cat", "/sys/class/net/p0/queues/tx-3/xps_cpus"), 16) == 2
    assert "no such transmit queue" in rig.set("xps", "p0/9", "0", outcome="refused", code=1)
    assert rig.held() == 2
    rig.restore()
    assert rig.settings() == first


def test_A1_threaded_napi_and_its_threads(rig):
    first = rig.settings()
    rig.set("threaded", "p0", "1")
    threads = rig.napi_threads()
    assert len(threads) >= QUEUES
    for index, pid in enumerate(threads):
        rig.set("thread", thread_key(pid), str(index % os.cpu_count()))
        assert os.sched_getaffinity(pid) == {index % os.cpu_count()}
    assert all(outcome in ("done", "gone") for outcome, _ in rig.restore().values())
    for pid in rig.napi_threads():  # the kernel may keep them
        assert len(os.sched_getaffinity(pid)) == os.cpu_count()
    assert rig.settings().split("napi")[0] == first.split("napi")[0]


@TWO_CPUS
def test_A3_affinity_of_every_thread_of_a_process(rig):
    key, tasks = rig.sleeper(threads=3)
    os.sched_setaffinity(tasks[2], {1})  # somebody's own pin
    first = rig.settings()
    assert rig.get("thread", key) == f"0-1 {tasks[2]}=1"
    rig.set("thread", key, "0")
    assert all(os.sched_getaffinity(task) == {0} for task in tasks)
    rig.restore()
    assert rig.settings() == first
    assert os.sched_getaffinity(tasks[2]) == {1}


@pytest.fixture(name="confine")
def confine_threads():
    """A function that keeps a thread on CPU 0, in a cpuset (version 1) that goes with the test."""
    place = Path(f"/sys/fs/cgroup/cpuset/nearq-test-{os.getpid()}")
    if not place.parent.is_dir():
        pytest.skip("no cgroup v1 hierarchy with cpusets, the only one with threads of their own")
    place.mkdir()
    (place / "cpuset.cpus").write_text("0")
    (place / "cpuset.mems").write_text((place.parent / "cpuset.mems").read_text())
    yield lambda tid: (place / "tasks").write_text(str(tid))
    for tid in (place / "tasks").read_text().split():
        (place.parent / "tasks").write_text(tid)
    place.rmdir()


@TWO_CPUS
def test_A3_a_thread_that_cannot_move_takes_all_back(rig, confine):
    """The kernel refuses one thread of a process; those that were moved before it return to where they were."""
    key, tids = rig.sleeper(threads=3)
    confine(tids[2])
    before = [os.sched_getaffinity(tid) for tid in tids]
    detail = rig.set("thread", key, "1", outcome="refused", code=1)
    assert "its cpuset allows none of the CPUs" in detail
    assert [os.sched_getaffinity(tid) for tid in tids] == before
    assert rig.held() == 0
    rig.set("thread", key, "0")
    assert {0} == set().union(*map(os.sched_getaffinity, tids))
    rig.restore()
    assert [os.sched_getaffinity(tid) for tid in tids] == before


def test_A3_a_recycled_pid_is_not_touched(rig):
    key, tasks = rig.sleeper()
    stale = f"{tasks[0]}@1"
    assert rig.set("thread", stale, "0", outcome="gone", code=1).endswith("it is gone")
    rig.set("thread", key, "0")
    process = rig.processes.pop()
    process.kill()
    process.wait()
    assert rig.restore() == {f"thread {key}": ("gone", f"thread {key}: it is gone")}
    assert rig.held() == 0


def test_A3_a_bound_kernel_thread_is_refused(rig):
    ksoftirqd = subprocess.run(["pgrep", "-x", "ksoftirqd/0"], capture_output=True, text=True, check=True).stdout.strip()
    detail = rig.set("thread", thread_key(int(ksoftirqd)), "1" if os.cpu_count() > 1 else "5", outcome="refused", code=1)
    assert "the kernel binds this thread" in detail
    assert rig.held() == 0


def test_A1_what_the_host_lacks_is_refused(rig):
    def value(kind, key):
        return rig.act("get", kind, key, code=2).stderr

    assert "not supported" in value("rss", "p0")
    assert "No such device" in value("xdp", "absent0")
    assert "No such device" in value("irq", "999999")
    assert rig.set("rss", "p0", "0x1", outcome="refused", code=1).endswith("the driver has no RSS table")


def steer(rig, rules):
    rig.set("xdp", "p0", "nearq")
    for address, cpu in rules.items():
        rig.set("steer", f"p0/{address}", str(cpu))


@TWO_CPUS
def test_A2_frames_are_served_on_the_cpu_of_their_mac(rig):
    first = rig.settings()
    steer(rig, {mac(1): 0, mac(2): 1})
    assert rig.get("xdp", "p0") == "nearq generic"  # a veth: checksums
    before = rig.steered()
    rig.send(mac(1), 300)
    rig.send(mac(2), 500)
    rig.send(mac(3), 20)  # nobody's
    rig.send("ff:ff:ff:ff:ff:ff", 5)
    rig.send("01:00:5e:00:00:07", 4)
    rig.send(mac(2), 50, tag="81000005")  # VLAN 5
    wait_for(lambda: sum(rig.steered()[mac(2)]["served"]) == 550 and sum(rig.steered()[mac(1)]["served"]) == 300, "served")
    table = rig.steered()
    assert (table[mac(1)]["received"], table[mac(1)]["served"][:2]) == (300, [300, 0])
    assert (table[mac(2)]["received"], table[mac(2)]["served"][:2]) == (550, [0, 550])
    assert table["other"] - before["other"] >= 29
    # moved: what was counted stays, the next frames are served elsewhere
    rig.set("steer", f"p0/{mac(2)}", "0")
    rig.send(mac(2), 100)
    wait_for(lambda: rig.steered()[mac(2)]["served"][:2] == [100, 550], "served on the other CPU")
    # back to the default: counted there, and the rule's counters start anew when it returns
    rig.set("steer", f"p0/{mac(2)}", "")
    assert mac(2) not in rig.steered()
    rig.set("steer", f"p0/{mac(2)}", "1")
    assert rig.steered()[mac(2)]["received"] == 0
    rig.restore()
    assert rig.settings() == first


@TWO_CPUS
def test_A2_steering_outlives_the_process_and_many_macs(rig):
    rules = {mac(n): n % 2 for n in range(1, 20)}
    steer(rig, rules)
    for address in rules:
        rig.send(address, 3)
    wait_for(lambda: all(sum(row["served"]) == 3 for key, row in rig.steered().items() if key != "other"), "all served")
    for address, cpu in rules.items():
        assert rig.steered()[address]["served"][cpu] == 3
    assert len(rig.restore()) == len(rules) + 1


@TWO_CPUS
def test_A2_tcp_does_not_stall_on_a_steered_veth(rig):
    """The checksum trap: segments of a process on this host still lack their checksum when they reach the program."""
    rig.host.run("ip", "addr", "add", "10.9.0.1/24", "dev", "p0")
    rig.wire.run("ip", "addr", "add", "10.9.0.2/24", "dev", "w0")
    steer(rig, {PNIC_MAC: 1})
    server = rig.host.popen(sys.executable, "-c", TCP_SERVER, stdout=subprocess.PIPE)
    rig.processes.append(server)
    assert server.stdout.readline() == "ready\n"
    assert rig.wire.run(sys.executable, "-c", TCP_CLIENT, str(5_000_000), timeout=DEADLINE).stdout == "0\n"
    row = rig.steered()[PNIC_MAC]
    assert row["received"] > 50 and row["served"][0] == 0 and row["served"][1] == row["received"]


def test_A2_bad_rules_are_refused(rig):
    absent = os.cpu_count() + 5
    detail = rig.set("steer", f"p0/{mac(1)}", "0", outcome="refused", code=1)
    assert "not attached" in detail
    rig.set("xdp", "p0", "nearq")
    assert f"CPU {absent} is not online" in rig.set("steer", f"p0/{mac(1)}", str(absent), outcome="refused", code=1)
    assert "transmit program is not attached" in rig.set("txq", f"p0/{mac(1)}", "0", outcome="refused", code=1)
    assert rig.held() == 1


def attach_foreign(rig):
    rig.host.run("bpftool", "prog", "loadall", str(BUILD / "bpf/steer.bpf.o"), "/sys/fs/bpf/foreign")
    rig.host.run("bpftool", "net", "attach", "xdpgeneric", "pinned", "/sys/fs/bpf/foreign/steer", "dev", "p0")


def test_A6_a_foreign_program_is_never_replaced(rig):
    attach_foreign(rig)
    first = rig.settings()
    assert rig.get("xdp", "p0").startswith("foreign ")
    detail = rig.set("xdp", "p0", "nearq", outcome="refused", code=1)
    assert "somebody else" in detail
    (outcome, detail), = rig.apply(rig.snapshot([("vm1", 1, mac(1))]), f"steer:{mac(1)}:0:default", code=1)
    assert outcome == "refused" and "somebody else" in detail
    rig.restore("force")
    assert rig.settings() == first


def test_A6_a_foreign_program_attached_later_is_not_removed(rig):
    rig.set("xdp", "p0", "nearq")
    rig.host.run("rm", "/sys/fs/bpf/nearq/p0/link")  # somebody threw nearq's program out
    wait_for(lambda: rig.get("xdp", "p0") == "", "detached")
    attach_foreign(rig)
    found = rig.get("xdp", "p0")
    assert rig.restore(code=1)["xdp p0"][0] == "refused"
    outcome, detail = rig.restore("force", code=1)["xdp p0"]
    assert outcome == "refused" and "never replaces" in detail
    assert rig.get("xdp", "p0") == found
    rig.host.run("bpftool", "net", "detach", "xdpgeneric", "dev", "p0")
    assert rig.restore()["xdp p0"][0] == "same"
    assert rig.held() == 0
    assert "nearq" not in rig.settings()


def test_A2_the_transmit_queue_follows_the_source_mac(rig):
    """On a veth transmit queue n is receive queue n of the peer, which counts when it has NAPI."""
    first = rig.settings()
    rig.wire.run("ethtool", "-K", "w0", "gro", "on")
    rig.host.run("ethtool", "-K", "p0", "tso", "off")  # or the kernel thinks NAPI is not worth it for its frames
    rig.set("egress", "p0", "clsact nearq")
    for number in range(1, QUEUES):
        rig.set("txq", f"p0/{mac(number)}", str(number))
    assert "has no transmit queue 4" in rig.set("txq", f"p0/{mac(9)}", "4", outcome="refused", code=1)
    before = rig.queue_packets()
    for number in range(1, QUEUES):
        rig.host.run(sys.executable, "-c", FORWARD, mac(number), str(100 * number))
    wait_for(lambda: sum(rig.queue_packets()) - sum(before) >= 600, "frames at the peer")
    moved = [after - then for after, then in zip(rig.queue_packets(), before)]
    for number in range(1, QUEUES):  # a bridge has a few frames of its own to send
        assert 100 * number <= moved[number] < 100 * number + 20, moved
    rig.restore()
    assert rig.settings() == first


# Frames that are forwarded, as a bridge does it: sent into one end of a second veth, redirected from the other to p0.
FORWARD = """
import socket, subprocess, sys
source = bytes.fromhex(sys.argv[1].replace(":", ""))
def run(*command):
    subprocess.run(command, check=True)
run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
run("ip", "link", "add", "br0", "type", "bridge")
for name in ("v1", "p0"):
    run("ip", "link", "set", name, "master", "br0")
for name in ("v0", "v1", "br0"):
    run("ip", "link", "set", name, "up")
while "state forwarding" not in subprocess.run(["bridge", "link", "show", "dev", "v1"], capture_output=True, text=True).stdout:
    pass
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("v0", 0))
for _ in range(int(sys.argv[2])):
    s.send(b"\\x02\\x00\\x00\\x00\\x00\\x20" + source + b"\\x88\\xb5" + bytes(60))
run("ip", "link", "set", "p0", "nomaster")
run("ip", "link", "del", "br0")
run("ip", "link", "del", "v0")
"""


def test_A6_a_clsact_of_somebody_else_stays(rig):
    rig.host.run("tc", "qdisc", "add", "dev", "p0", "clsact")
    first = rig.settings()
    rig.set("egress", "p0", "clsact nearq")
    rig.restore()
    assert rig.settings() == first
    assert any(qdisc["kind"] == "clsact" for qdisc in rig.qdiscs())


def test_A6_a_clsact_that_somebody_else_uses_stays(rig):
    rig.set("egress", "p0", "clsact nearq")
    rig.host.run("bpftool", "prog", "loadall", str(BUILD / "bpf/txq.bpf.o"), "/sys/fs/bpf/foreign")
    rig.host.run("tc", "filter", "add", "dev", "p0", "ingress", "bpf", "da", "pinned", "/sys/fs/bpf/foreign/txq")
    outcome, detail = rig.restore(code=1)["egress p0"]
    assert outcome in ("refused", "stuck") and "filters of somebody else" in detail
    assert "nearq" not in rig.filters() and "txq" not in rig.filters()
    rig.host.run("tc", "filter", "del", "dev", "p0", "ingress")
    assert rig.restore()["egress p0"][0] == "done"
    assert rig.held() == 0


def test_A6_an_ingress_qdisc_blocks_clsact(rig):
    rig.host.run("tc", "qdisc", "add", "dev", "p0", "ingress")
    detail = rig.set("egress", "p0", "clsact nearq", outcome="refused", code=1)
    assert "somebody else" in detail
    assert rig.held() == 0


def test_A5_an_interface_that_vanishes_counts_as_restored(rig):
    steer(rig, {mac(1): 0})
    rig.set("xps", "p0/0", "0")
    rig.host.run("ip", "link", "del", "p0")
    assert rig.set("xps", "p0/1", "0", outcome="gone", code=1)
    assert {outcome for outcome, _ in rig.restore().values()} == {"gone"}
    assert rig.held() == 0
    assert rig.host.run("ls", "/sys/fs/bpf/nearq", check=False).returncode != 0  # its pins went too


def test_A5_an_interface_made_anew_is_steered_anew(rig):
    steer(rig, {mac(1): 0})
    rig.host.run("ip", "link", "del", "p0")
    rig.host.run("ip", "link", "add", "p0", "type", "veth", "peer", "name", "w1")
    assert rig.get("xdp", "p0") == ""
    rig.set("xdp", "p0", "nearq")
    assert list(rig.steered()) == ["other"]
    assert rig.restore()["xdp p0"][0] == "done"


def scene(rig):
    """A snapshot, and three actions that touch every kind of setting this rig has."""
    rig.host.run("sh", "-c", "echo 1 > /sys/class/net/p0/threaded")
    for queue in range(2):
        rig.host.run("sh", "-c", f"echo 3 > /sys/class/net/p0/queues/tx-{queue}/xps_cpus")
    napi = rig.napi_threads()[0]
    _, tasks = rig.sleeper(threads=2)
    snapshot = rig.snapshot([("vm1", tasks[0], mac(1))],
                            queues={0: {"thread": napi, "xps": "0-1"}, 1: {"xps": "0-1"}})
    return snapshot, ["home:vm1:1", "queue:p0/0:1", f"steer:{mac(1)}:1:2"]


@TWO_CPUS
def test_A5_a_plan_is_done_and_put_back_and_putting_back_twice_is_once(rig):
    snapshot, actions = scene(rig)
    first = rig.settings()
    done = rig.apply(snapshot, *actions)
    assert [outcome for outcome, _ in done] == ["done", "done", "done"]
    assert [i for i, (_, detail) in enumerate(done) if detail.endswith("; its memory is not moved")] == [0]
    assert rig.steered()[mac(1)] == {"cpu": "1", "txq": "2", "received": 0, "served": [0] * os.cpu_count()}
    acted = rig.settings()
    assert [outcome for outcome, _ in rig.apply(snapshot, *actions)] == ["same", "same", "same"]
    assert rig.settings() == acted != first
    assert {outcome for outcome, _ in rig.restore().values()} == {"done"}
    assert rig.settings() == first
    assert rig.restore() == {}
    assert rig.settings() == first


@TWO_CPUS
def test_A5_killed_at_any_write_everything_can_be_put_back(rig):
    snapshot, actions = scene(rig)
    first = rig.settings()
    for point in range(1, 100):
        done = rig.act("apply", rig.state, snapshot, *actions, code=None, env={"NEARQ_TEST_KILL_AT": str(point)})
        if done.returncode == 0:
            break
        assert done.returncode == KILLED, done.stderr
        assert {outcome for outcome, _ in rig.restore().values()} <= {"done", "same"}
        assert rig.settings() == first, f"killed at point {point}"
        assert rig.held() == 0
    assert point > 12  # at least seven writes, two points each
    rig.restore()
    assert rig.settings() == first


@TWO_CPUS
def test_A5_a_second_plan_killed_at_any_write_can_be_put_back(rig):
    """The settings are nearq's already: the value before the killed write must not look like somebody else's."""
    snapshot, actions = scene(rig)
    first = rig.settings()
    second = ["home:vm1:0", "queue:p0/0:0", f"steer:{mac(1)}:0:3"]
    for point in range(1, 100):
        rig.apply(snapshot, *actions)
        done = rig.act("apply", rig.state, snapshot, *second, code=None, env={"NEARQ_TEST_KILL_AT": str(point)})
        assert {outcome for outcome, _ in rig.restore().values()} <= {"done", "same"}
        assert rig.settings() == first, f"killed at point {point}"
        if done.returncode == 0:
            break
    assert point > 6


@TWO_CPUS
def test_A5_a_restore_killed_at_any_write_is_finished_by_the_next(rig):
    snapshot, actions = scene(rig)
    first = rig.settings()
    for point in range(1, 100):
        rig.apply(snapshot, *actions)
        done = rig.act("restore", rig.state, code=None, env={"NEARQ_TEST_KILL_AT": str(point)})
        rig.restore()
        assert rig.settings() == first, f"killed at point {point}"
        if done.returncode == 0:
            break
    assert point > 12


@TWO_CPUS
def test_A5_any_write_that_fails_undoes_its_action(rig):
    snapshot, actions = scene(rig)
    first = rig.settings()
    for point in range(1, 100):
        done = rig.act("apply", rig.state, snapshot, *actions, code=None, env={"NEARQ_TEST_FAIL_AT": str(point)})
        outcomes = [line.split("\t")[0] for line in done.stdout.splitlines()]
        if done.returncode == 0:
            break
        failed = [outcome for outcome in outcomes if outcome in ("refused", "undone")]
        assert failed and set(outcomes) <= {"done", "refused", "undone"}, done.stdout
        assert outcomes[2] == "done" or rig.get("xdp", "p0") == ""  # done whole or not at all
        assert {outcome for outcome, _ in rig.restore().values()} <= {"done"}
        assert rig.settings() == first, f"failed at point {point}"
    assert point > 12


@TWO_CPUS
def test_A5_undoing_an_action_keeps_what_an_earlier_one_did(rig):
    snapshot = rig.snapshot([("vm1", 1, mac(1))])
    rig.apply(snapshot, f"steer:{mac(1)}:0:default")
    held = rig.held()
    acted = rig.settings()
    (outcome, detail), = rig.apply(snapshot, f"steer:{mac(1)}:1:1", code=1, env={"NEARQ_TEST_FAIL_AT": "3"})
    assert outcome == "undone", detail
    assert rig.settings() == acted
    assert rig.get("steer", f"p0/{mac(1)}") == "0"
    assert rig.held() == held


@TWO_CPUS
def test_A5_an_action_that_builds_on_a_failed_one_is_not_tried(rig):
    snapshot = rig.snapshot([("vm1", 1 << 22, mac(1)), ("vm2", os.getpid(), mac(2))])
    outcomes = rig.apply(snapshot, "home:vm1:1", f"steer:{mac(1)}:1:default", f"steer:{mac(2)}:1:default", code=1)
    assert [outcome for outcome, _ in outcomes] == ["gone", "refused", "done"]
    assert "builds on action 1 (home), which failed" in outcomes[1][1]
    assert list(rig.steered()) == [mac(2), "other"]


@TWO_CPUS
def test_A6_what_others_changed_is_reported_and_left(rig):
    key, tasks = rig.sleeper()
    rig.set("thread", key, "0")
    rig.set("xps", "p0/0", "0")
    os.sched_setaffinity(tasks[0], {1})
    outcomes = rig.restore(code=1)
    assert outcomes["xps p0/0"][0] == "done"
    assert outcomes[f"thread {key}"] == ("refused", 'somebody changed it from "0" to "1" since; force puts "0-1" back')
    assert os.sched_getaffinity(tasks[0]) == {1}
    assert rig.restore("force")[f"thread {key}"][0] == "done"
    assert os.sched_getaffinity(tasks[0]) == {0, 1}


def test_A5_two_appliers_never_act_together(rig):
    holder = rig.host.popen(ACT, "hold", rig.state, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    rig.processes.append(holder)
    assert holder.stdout.readline() == "held\n"
    done = rig.act("set", rig.state, "xps", "p0/0", "0", code=2)
    assert f"another nearq acts on this host (process {holder.pid})" in done.stderr
    assert rig.get("xps", "p0/0") == ""
    holder.kill()
    holder.wait()
    rig.set("xps", "p0/0", "0")  # the dead hold nothing


@pytest.mark.parametrize("prefix, missing", [
    (["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], "CAP_NET_ADMIN"),
    (["capsh", "--drop=cap_net_admin", "--", "-c", 'exec "$0" "$@"'], "CAP_NET_ADMIN"),
    (["capsh", "--drop=cap_sys_nice", "--", "-c", 'exec "$0" "$@"'], "CAP_SYS_NICE"),
])
def test_A5_without_privilege_nothing_is_tried(rig, for_everybody, prefix, missing):
    if not shutil.which(prefix[0]):
        pytest.skip(f"no {prefix[0]}")
    first = rig.settings()
    done = rig.host.run(*prefix, for_everybody(ACT), "set", rig.state, "xps", "p0/0", "0", check=False)
    assert done.returncode == 2 and f"acting needs {missing}" in done.stderr
    assert rig.settings() == first
    assert not os.path.exists(rig.state)


def test_A5_without_room_for_the_journal_nothing_is_written(rig):
    place = rig.directory / "small"
    place.mkdir()
    rig.host.run("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place))
    rig.state = str(place / "state")
    rig.set("xps", "p0/0", "1")
    rig.host.run("sh", "-c", f"cat /dev/zero > {place}/fill", check=False)
    first = rig.settings()
    done = rig.act("set", rig.state, "xps", "p0/1", "1", code=None)
    assert done.returncode == 2 and "No space left" in done.stderr + done.stdout
    assert rig.settings() == first
    # what is noted can be put back all the same; only the note itself stays until there is room to strike it out
    rig.act("restore", rig.state, code=None)
    assert rig.get("xps", "p0/0") == ""
    rig.host.run("rm", f"{place}/fill")
    assert rig.restore() in ({}, {"xps p0/0": ("same", 'xps p0/0 is ""')})
    assert rig.held() == 0


def test_A5_a_read_only_journal_is_a_fault(rig):
    place = rig.directory / "fixed"
    place.mkdir()
    rig.host.run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place))
    rig.state = str(place / "state")
    done = rig.act("set", rig.state, "xps", "p0/0", "0", code=2)
    assert "Read-only file system" in done.stderr and str(place) in done.stderr
    assert rig.get("xps", "p0/0") == ""


def test_A2_without_bpffs_steering_is_refused(rig):
    rig.host.run("umount", "/sys/fs/bpf")
    detail = rig.set("xdp", "p0", "nearq", outcome="refused", code=1)
    assert "no bpf file system is mounted on /sys/fs/bpf" in detail


def test_A5_restore_removes_pins_that_no_journal_knows(rig):
    first = rig.settings()
    steer(rig, {mac(1): 0})
    rig.set("egress", "p0", "clsact nearq")
    shutil.rmtree(rig.state)  # lost
    rig.restore()
    assert rig.settings().replace("clsact ", "") == first.replace("clsact ", "")  # whose the qdisc was, nobody knows now
