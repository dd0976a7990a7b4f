# SPDX-License-Identifier: LGPL-2.1-or-later
"""A1, A3, A5: `nearq apply` and `nearq restore` from end to end: a container in namespaces, a plan from a file."""
import json
import os
import subprocess

import pytest

from rig import BUILD, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or os.cpu_count() < 2, reason="acting needs root and two CPUs")
ONE_NODE = pytest.mark.skipif(os.path.exists("/sys/devices/system/node/node1"), reason="node 0 is to have all CPUs here")
NEARQ = f"{BUILD}/cli/nearq"
HOME = {"kind": "home", "from": [0], "to": [0], "rejected": None, "cost_before_ns": 1000, "cost_after_ns": 10, "once_ns": 1,
        "reason": {"rule": "home-best-fit", "node": 0, "cpu_after": 0, "cpu_limit": 0, "mem_free_after": 1, "mem_total": 1}}


class Scene:
    """A container whose only process somebody put on CPU 0, and a plan that gives it the whole node."""

    def __init__(self, host, directory):
        self.host, self.directory = host, directory
        namespace, (self.process,) = host.container("c1", "02:00:00:00:00:01", cpus={0})
        self.plan(namespace)

    def plan(self, *vms):
        plan = {"nearq-plan": 1, "time_ns": 1, "cost_before_ns": 1000, "cost_after_ns": 10,
                "actions": [{**HOME, "vm": vm} for vm in vms], "kept": []}
        (self.directory / "plan.json").write_text(json.dumps(plan))

    def nearq(self, verb, *words, code=0, env=None):
        done = subprocess.run(["ip", "netns", "exec", self.host.host, NEARQ, verb, "--state", self.directory / "state",
                               *words], capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})
        assert done.returncode == code, f"{verb}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def apply(self, *words, **more):
        return self.nearq("apply", "--plan", self.directory / "plan.json", "--interval", "50ms", *words, **more)

    def cpus(self):
        return os.sched_getaffinity(self.process.pid)


@pytest.fixture
def scene(tmp_path):
    with Host() as host:
        yield Scene(host, tmp_path)


@ONE_NODE
def test_A5_a_plan_is_done_once_and_put_back_once(scene):
    everywhere = set(range(os.cpu_count()))
    done = json.loads(scene.apply("--format", "json").stdout)
    assert [a["outcome"] for a in done["actions"]] == ["done"] and done["failed"] == 0
    assert scene.cpus() == everywhere
    again = json.loads(scene.apply("--format", "json").stdout)
    assert [a["outcome"] for a in again["actions"]] == ["same"]
    back = json.loads(scene.nearq("restore", "--format", "json").stdout)
    assert [(s["kind"], s["value"], s["outcome"]) for s in back["settings"]] == [("thread", "0", "done")]
    assert scene.cpus() == {0}
    assert scene.nearq("restore").stdout.startswith("Nothing to restore")


def test_A5_what_failed_is_said_and_not_left_half_done(scene):
    failed = scene.apply(code=1, env={"NEARQ_TEST_FAIL_AT": "2"})
    assert "1 of 1 actions did not end as wanted" in failed.stderr
    assert "undone" in failed.stdout
    assert scene.cpus() == {0}
    assert scene.nearq("restore").stdout.startswith("Nothing to restore")


@ONE_NODE
def test_A5_killed_in_the_middle_restore_still_knows(scene):
    scene.apply(code=-9, env={"NEARQ_TEST_KILL_AT": "2"})
    assert scene.cpus() == set(range(os.cpu_count()))
    scene.nearq("restore")
    assert scene.cpus() == {0}


def test_A1_a_vm_that_is_gone_is_found_before_anything_is_written(scene):
    scene.plan("nobody")
    said = scene.apply(code=3).stderr
    assert "plan.json" in said and "actions[0]" in said and "nobody" in said
    assert scene.nearq("restore").stdout.startswith("Nothing to restore")
