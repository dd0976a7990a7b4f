# SPDX-License-Identifier: LGPL-2.1-or-later
"""A1-A5: the settings that only a host with a real NIC and cpusets has, one by one, by the appliers alone."""
import os

import pytest

from conftest import Scenario, on_shape

STATE = "/tmp/act-state"
PLACE = 8  # CPUs of the shape
KILL_EVERYWHERE = """
when=$1; act=$2; state=$3; shift 3
look() {
    cat /proc/irq/*/smp_affinity_list
    grep -H . /sys/fs/cgroup/nearq-lab/*/cpuset.cpus /sys/fs/cgroup/nearq-lab/*/cpuset.mems
    grep -H . /sys/fs/cgroup/nearq-lab/*/cgroup.procs
    ls -d /sys/fs/cgroup/nearq-lab/*/
}
first=$(look)
point=1
while true; do
    if [ $when = set ]; then
        NEARQ_TEST_KILL_AT=$point "$act" set "$state" "$@" >/dev/null; code=$?
    else
        "$act" set "$state" "$@" >/dev/null || exit 1
        NEARQ_TEST_KILL_AT=$point "$act" restore "$state" >/dev/null; code=$?
    fi
    "$act" restore "$state" >/dev/null || { echo "restore failed after point $point"; exit 1; }
    [ "$(look)" = "$first" ] || { echo "differs after point $point"; exit 1; }
    [ $code = 137 ] || break
    point=$((point + 1))
done
echo $((point - 1))
"""


class Acting:
    """The tests' own applier in the guest."""

    def __init__(self, host):
        self.host = host
        self.act = os.path.join(host.build, "tests", "apply", "act")

    def set(self, kind, key, value, outcome="done"):
        line = self.host.out(self.act, "set", STATE, kind, key, value, expect=(0, 1))
        assert line.startswith(outcome + "\t"), line
        return line

    def get(self, kind, key):
        return self.host.out(self.act, "get", kind, key).rstrip("\n")

    def restore(self):
        return self.host.out(self.act, "restore", STATE)

    def steered(self):
        """MAC -> (CPU, received, served per CPU)."""
        rows = [line.split() for line in self.host.out(self.act, "steered", "eth0").splitlines()[:-1]]
        return {row[0]: (int(row[1]), int(row[3]), [int(n) for n in row[4:]]) for row in rows}


def queue_irq(host, queue):
    return host.out(f"grep 'eth0-TxRx-{queue}$' /proc/interrupts").split(":")[0].strip()


@on_shape("four")
def test_interrupt_rss_and_cpuset_A1_A3_A5(host):
    scenario = Scenario(host)
    acting = Acting(host)
    group = scenario.vms[0]["cgroup"].removeprefix("/sys/fs/cgroup")
    first = host.settings()
    irq = queue_irq(host, 2)
    for cpu in ("6", "1"):
        acting.set("irq", irq, cpu)
        assert host.out(f"cat /proc/irq/{irq}/effective_affinity_list").strip() == cpu
    assert "no CPU of the list is online" in acting.set("irq", irq, "55", outcome="refused")
    assert acting.set("irq", "9999", "0", outcome="gone")
    acting.set("rss", "eth0", "3x64,5x64")
    assert acting.get("rss", "eth0") == "3x64,5x64"
    assert "128 entries, the value 4" in acting.set("rss", "eth0", "0x4", outcome="refused")
    acting.set("cpuset", group, "4-5;2")
    assert scenario.home(scenario.vms[0]) == [2]
    assert host.out(f"cat /sys/fs/cgroup{group}/cpuset.mems.effective").strip() == "2"
    assert "gone" in acting.set("cpuset", group + "-absent", "4-5;2", outcome="gone")
    acting.restore()
    assert host.settings().splitlines() == first.splitlines()


@on_shape("four")
def test_native_steering_serves_each_mac_on_its_cpu_A2(host):
    scenario = Scenario(host)
    acting = Acting(host)
    first = host.settings()
    wanted = {vm["mac"]: (number * 3 + 1) % PLACE for number, vm in enumerate(scenario.vms)}
    acting.set("xdp", "eth0", "nearq")
    assert acting.get("xdp", "eth0") == "nearq native"
    for address, cpu in wanted.items():
        acting.set("steer", f"eth0/{address}", str(cpu))
    with scenario.traffic():
        host.served(2, scenario.vms)  # two seconds of frames
    for address, (cpu, received, served) in acting.steered().items():
        assert cpu == wanted[address]
        assert received > 0
        assert [n for other, n in enumerate(served) if other != cpu] == [0] * (PLACE - 1)
        assert served[cpu] <= received
    acting.restore()
    assert host.settings().splitlines() == first.splitlines()


@on_shape("four")
@pytest.mark.parametrize("when, vm, points", [
    ("set", 0, 4),       # two writes, a point before and after each
    ("set", 5, 4),       # the same from an inherited cpuset
    ("restore", 5, 12),  # back to inherited: four points more in each write, where processes step aside
])
def test_killed_at_any_write_of_a_cpuset_A5(host, when, vm, points):
    scenario = Scenario(host)
    act = os.path.join(host.build, "tests", "apply", "act")
    group = scenario.vms[vm]["cgroup"].removeprefix("/sys/fs/cgroup")
    seen = host.out("bash", "-c", KILL_EVERYWHERE, "sh", when, act, STATE, "cpuset", group, "6;3")
    assert int(seen) == points


@on_shape("four")
def test_inherited_cpuset_of_a_unit_is_left_alone_A5(host):
    acting = Acting(host)
    for name, inside in (("vm.scope", ""), ("plain", "/child")):
        host.out(f"mkdir -p /sys/fs/cgroup/{name}{inside}")
        assert "could not be emptied again" in acting.set("cpuset", f"/{name}", "4-5;2", outcome="refused")
        host.out(f"test -z \"$(cat /sys/fs/cgroup/{name}/cpuset.cpus)\"")
        host.out(f"cd /sys/fs/cgroup; [ -z '{inside}' ] || rmdir {name}{inside}; rmdir {name}")
