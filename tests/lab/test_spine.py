# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole path on a real kernel with four nodes: observe, plan, apply, verify, restore, and after kill -9."""
import json
import time

import pytest

from conftest import Scenario, on_shape
from nearqlab.session import expand, local_share

ENOUGH = 0.95
SECONDS = 3


def shares(scenario):
    """VM -> (frames served on its home, all frames), by the kernel's histogram."""
    homes = {vm["name"]: scenario.home(vm) for vm in scenario.vms}
    served = scenario.host.served(SECONDS, scenario.vms)
    return {name: local_share(served[name], homes[name]) for name in homes}


def assert_local(scenario):
    """Every VM gets nearly all its frames on the node where it runs."""
    for name, (local, total) in shares(scenario).items():
        assert total > 0, f"{name} got no frames"
        assert local >= ENOUGH * total, f"{name}: {local} of {total} frames served at home"


def settings_equal(first, last):
    """Equal, with a readable difference."""
    assert first.splitlines() == last.splitlines()


@on_shape("four")
def test_apply_brings_frames_home_and_restore_undoes_all_N1_N9_H1_A1_A2_A3_A5(host):
    scenario = Scenario(host)
    first = host.settings()
    with scenario.traffic():
        before = shares(scenario)
        assert sum(local for local, _ in before.values()) < 0.7 * sum(total for _, total in before.values())
        host.nearq("apply", "--interval", "2")
        assert_local(scenario)
        for vm in scenario.vms:
            assert len(scenario.home(vm)) == 1, f"{vm['name']} has no home"  # H1
        # N9: interrupts of the default queues on the NIC's node
        nodes = host.nodes()
        for queue in scenario.queues:
            cpus = expand(host.out(f"cat /proc/irq/{queue['irq']}/smp_affinity_list"))
            assert {nodes[cpu] for cpu in cpus} == {1}, f"queue {queue['queue']}"
        # a second plan on the planned host is empty
        plan = json.loads(host.nearq("plan", "--interval", "2", "--format", "json"))
        assert plan["actions"] == []
        host.nearq("restore")
    settings_equal(first, host.settings())
    # restoring twice is restoring once
    host.nearq("restore")
    settings_equal(first, host.settings())


@on_shape("four")
def test_observing_writes_nothing(host):
    scenario = Scenario(host)
    first = host.settings()
    with scenario.traffic():
        host.nearq("topology")
        host.nearq("status", "--interval", "1")
        host.nearq("plan", "--interval", "1")
        host.nearq("run", "--tick", "500ms", "--for", "3s")
    settings_equal(first, host.settings())


def start_run(host, *words):
    """`nearq run --act` in the background of the guest; its pid."""
    nearq = f"{host.build}/cli/nearq run --act --tick 500ms {' '.join(words)}"
    return int(host.out(f"setsid {nearq} >/tmp/run.log 2>&1 & echo $!"))


def end(host, pid, signal="TERM"):
    """Signal a process, and wait until it is gone."""
    host.out(f"kill -{signal} {pid}; exec tail --pid={pid} -f /dev/null", timeout=30)


def wait_for(host, command, deadline_s=40):
    """Until a shell condition holds in the guest."""
    end = time.monotonic() + deadline_s
    while host.call(command)[0]:
        assert time.monotonic() < end, f"{command}: not within {deadline_s} s\n" + host.out("cat /tmp/run.log")
    return True


STEERED = "ls /sys/fs/bpf/nearq/eth0 2>/dev/null | grep -q ."


@on_shape("four")
@pytest.mark.parametrize("how", ["restore", "start"])
def test_kill_9_of_run_then_put_back_A5(host, how):
    scenario = Scenario(host)
    first = host.settings()
    with scenario.traffic():
        pid = start_run(host)
        wait_for(host, STEERED)
        end(host, pid, "KILL")
        assert host.settings() != first
        if how == "restore":
            host.nearq("restore")
        else:  # a run that finds the journal of a crash puts back first; ended politely, it leaves nothing
            pid = start_run(host)
            wait_for(host, "grep -q 'putting them back first' /tmp/run.log")
            end(host, pid)
    settings_equal(first, host.settings())


@on_shape("four")
def test_vm_moved_by_hand_is_followed_by_its_queue_N1(host):
    scenario = Scenario(host)
    first = host.settings()
    with scenario.traffic():
        host.out("printf '[policy]\\nqueue_used_ns = 0\\nqueue_wait = 1\\ndwell_ms = 0\\n' >/tmp/eager.conf")
        pid = start_run(host, "--config", "/tmp/eager.conf")
        wait_for(host, STEERED)
        vm = scenario.vms[2]
        host.out(f"echo 0 >{vm['cgroup']}/cpuset.mems; echo 0-1 >{vm['cgroup']}/cpuset.cpus")
        deadline = time.monotonic() + 40
        while True:
            local, total = local_share(host.served(1, [vm])[vm["name"]], [0])
            if total and local >= ENOUGH * total:
                break
            assert time.monotonic() < deadline, f"still {local} of {total}\n" + host.out("cat /tmp/run.log")
        host.out(f"echo 2 >{vm['cgroup']}/cpuset.mems; echo 4-5 >{vm['cgroup']}/cpuset.cpus")
        end(host, pid)
    settings_equal(first, host.settings())


@on_shape("four")
def test_vm_that_vanishes_under_a_run_does_not_stop_the_rest(host):
    scenario = Scenario(host)
    gone = scenario.vms.pop(2)
    first = host.settings()
    with scenario.traffic():  # none for the one that goes: the bridge would flood it to all others
        pid = start_run(host, "--format", "json")
        wait_for(host, STEERED)
        host.out(f"ip link del {gone['veth']}")
        ticks = int(host.out("wc -l </tmp/run.log"))
        wait_for(host, f"[ $(wc -l </tmp/run.log) -gt {ticks + 4} ]")
        assert_local(scenario)
        end(host, pid)
    own = f"task {gone['pid']} "  # its receiver ends with its interface
    settings_equal("\n".join(line for line in first.splitlines() if not line.startswith(own)), host.settings())


@on_shape("flat")
def test_no_numa_is_said_and_nothing_is_written(host):
    first = host.settings()
    code, out, err = host.call(f"{host.build}/cli/nearq", "apply")
    assert code == 5, out + err
    assert "NUMA" in out + err
    settings_equal(first, host.settings())


@on_shape("nics")
def test_four_models_on_four_nodes_T2_T3(host):
    value = json.loads(host.nearq("topology", "--format", "json"))
    seen = {pnic["driver"]: pnic["node"] for pnic in value["pnics"]}
    assert {"igb", "virtio_net", "vmxnet3", "e1000e"} <= set(seen)
    assert len({seen[d] for d in ("igb", "virtio_net", "vmxnet3", "e1000e")}) == 4
