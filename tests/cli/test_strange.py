# SPDX-License-Identifier: LGPL-2.1-or-later
"""Strange machines through every verb and form: offline CPUs, NICs on no node, memory without CPUs, one node, SR-IOV."""
import json
import unicodedata
import xml.etree.ElementTree as xml

import pytest

from conftest import TOP, nearq

MACHINES = sorted((TOP / "tests/host/data").glob("*.json"))


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@pytest.fixture(params=MACHINES, ids=lambda p: p.stem, name="machine")
def machine_of(request):
    return request.param


def test_there_are_machines():
    assert len(MACHINES) >= 10


@pytest.mark.parametrize("verb", ["topology", "status"])
def test_views_T1_T2_T3(machine, verb):
    host = json.loads(machine.read_text())
    made = json.loads(nearq(verb, "--from", machine, "--format", "json").stdout)
    assert made["host"] == host["name"]
    assert [n["node"] for n in made["nodes"]] == [n["id"] for n in host["nodes"]]
    assert len(made["queues"]) == len(host["queues"])
    assert [n["kind"] for n in made["notices"]] == [n["kind"] for n in host["notices"]]
    text = nearq(verb, "--from", machine).stdout
    for notice in host["notices"]:
        assert notice["kind"] in text
    kv = nearq(verb, "--from", machine, "--format", "kv").stdout
    keys = [line.partition("=")[0] for line in kv.splitlines()]
    assert len(keys) == len(set(keys)), "a key twice"


def test_offline_cpus_are_named(machine):
    host = json.loads(machine.read_text())
    offline = [c["id"] for c in host["cpus"] if not c["online"]]
    made = json.loads(nearq("topology", "--from", machine, "--format", "json").stdout)
    assert bool(made["offline_cpus"]) == bool(offline)
    assert [c["cpu"] for c in made["cpus"] if not c["online"]] == offline


def test_pictures(machine):
    text = nearq("status", "--from", machine, "--format", "picture").stdout
    host = json.loads(machine.read_text())
    for node in host["nodes"]:
        assert f"node {node['id']}:" in text
    boxes = [line for line in text.splitlines() if line[0] in "│╭╰"]
    assert max(map(width, boxes)) <= 80
    tree = xml.fromstring(nearq("status", "--from", machine, "--format", "svg").stdout)
    shown = " ".join(t.text or "" for t in tree.iter("{http://www.w3.org/2000/svg}text"))
    for pnic in host["pnics"]:
        assert pnic["name"] in shown


def test_plan_or_a_reason_for_none(machine):
    host = json.loads(machine.read_text())
    manageable = len(host["nodes"]) > 1 and (host["pnics"] or host["vms"])
    result = nearq("plan", "--from", machine, code=0 if manageable else 5)
    assert ("nothing to manage" in result.stderr) == (not manageable)
    assert "remote: " in result.stdout and "cost: " in result.stdout


def test_run_once(machine):
    made = json.loads(nearq("run", "--once", "--from", machine, "--format", "json").stdout)
    assert made["tick"] == 1 and made["acting"] is False


def test_topology_of_an_hwloc_file_T5():
    made = json.loads(nearq("topology", "--from", TOP / "tests/host/data/devices.xml", "--format", "json").stdout)
    assert made["nodes"] and made["cpus"]


def test_capture_and_back_T5(tmp_path):
    """What was captured here shows the machine that is here."""
    nearq("capture", tmp_path / "tree")
    here = json.loads(nearq("topology", "--format", "json").stdout)
    there = json.loads(nearq("topology", "--from", tmp_path / "tree", "--format", "json").stdout)
    for table in ("cpus", "pnics"):
        assert here[table] == there[table]
    assert [n["node"] for n in here["nodes"]] == [n["node"] for n in there["nodes"]]
    err = nearq("capture", tmp_path / "tree", code=3).stderr
    assert "tree" in err


def test_capture_leaves_out_what_is_excluded_T5(tmp_path, config):
    """Names that must not be touched are not asked about for a capture either."""
    all_names = config("[nearq]\nexclude = *\n")
    nearq("capture", tmp_path / "all")
    nearq("capture", "--config", all_names, tmp_path / "none")
    full, bare = ({p.name for p in (tmp_path / tree / "netlink").iterdir() if "ethtool-" in p.name} for tree in ("all", "none"))
    nics = json.loads(nearq("topology", "--format", "json").stdout)["pnics"]
    assert not bare and (full or not nics)
    assert not json.loads(nearq("topology", "--from", tmp_path / "none", "--format", "json").stdout)["pnics"]
    bad = config("[nearq]\nexclud = *\n")
    assert "exclud" in nearq("capture", "--config", bad, tmp_path / "bad", code=3).stderr
    assert not (tmp_path / "bad").exists()


def test_live_status_has_rates():
    made = json.loads(nearq("status", "--interval", "50ms", "--format", "json").stdout)
    assert 40_000_000 <= made["interval_ns"] <= 5_000_000_000
