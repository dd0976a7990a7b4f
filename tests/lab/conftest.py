# SPDX-License-Identifier: LGPL-2.1-or-later
"""A NUMA host in QEMU for the tests, one boot per shape, and a scenario that is set up afresh for each test."""
import functools
import inspect
import json
import os
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "lab"))
from nearqlab.session import Host, Stalled, expand  # noqa: E402

BUILD = Path(os.environ.get("NEARQ_BUILD", TOP / "build"))
ATTEMPTS = 3


class Scenario:
    """Eight VMs on the lab's host, far from their queues, and the means to look at them."""

    PLACE = "vm1=0,vm2=1,vm3=2,vm4=3,vm5=0,vm6=none,vm7=3,vm8=none"
    RATE = 150

    def __init__(self, host):
        self.host = host
        state = json.loads(host.script("host-setup", "up", "--place", self.PLACE, "--irqs", "far"))
        self.vms, self.queues = state["vms"], state["nic"]["queues"]

    def traffic(self):
        """The same rate to every VM while the block runs."""
        return self.host.traffic({vm["mac"]: self.RATE for vm in self.vms})

    def home(self, vm):
        """Nodes on which a VM may run, by its cgroup."""
        nodes = self.host.nodes()
        text = self.host.out(f"cat {vm['cgroup']}/cpuset.cpus.effective")
        return sorted({nodes[cpu] for cpu in expand(text)})


_running = {}


def host_of(shape):
    """The running guest of this shape; only one runs at a time."""
    for other in list(_running):
        if other != shape:
            _running.pop(other).tool("down")
    if shape not in _running:
        host = Host(BUILD, shape)
        host.up()
        _running[shape] = host
    return _running[shape]


def pytest_sessionfinish():
    """No guest outlives the tests."""
    for host in _running.values():
        host.tool("down")


def on_shape(shape):
    """Run a test with a guest of a shape; one that hangs under emulation is restarted and the test run again."""
    def decorate(test):
        @functools.wraps(test)
        def run(**fixtures):
            for attempt in range(ATTEMPTS):
                host = host_of(shape)
                try:
                    return test(host=host, **fixtures)
                except Stalled as error:
                    print(f"guest lost ({error}), attempt {attempt + 1} of {ATTEMPTS}")
                    host.tool("restart")
            pytest.fail(f"the guest hung {ATTEMPTS} times")
        signature = inspect.signature(test)  # pytest must not look for a fixture named host
        run.__signature__ = signature.replace(
            parameters=[p for p in signature.parameters.values() if p.name != "host"])
        return run
    return decorate
