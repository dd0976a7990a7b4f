# SPDX-License-Identifier: LGPL-2.1-or-later
"""X: every field of a snapshot at its extremes, one at a time, through every verb: an answer or a message, never a
crash. What readers fill in is not what anybody would write by hand."""
import copy
import json
import subprocess

import pytest

from conftest import FIGURES, NEARQ, TIMEOUT, environment, nearq

BASE = json.loads((FIGURES / "figure-5.json").read_text())
LARGEST = (1 << 63) - 1
EXTREMES = {"null": None, "zero": 0, "one": 1, "largest": LARGEST}
VERBS = [["status"], ["status", "--format", "json"], ["status", "--format", "svg"], ["status", "--format", "picture"],
         ["topology"], ["topology", "--format", "kv"], ["plan"], ["plan", "--format", "json"], ["run", "--once"]]
CODES = {0, 3, 5}  # done, bad input, nothing to manage


def fields(value, path=()):
    """Paths of all fields, with an array's elements as one: what is set is set in all of them."""
    if isinstance(value, dict):
        for key in value:
            yield from fields(value[key], (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        found = {}
        for element in value:
            found.update(dict.fromkeys(fields(element, (*path, "*"))))
        yield from found
    else:
        yield path


def put(value, path, new):
    head, *rest = path
    for key in range(len(value)) if head == "*" else [head] if head in value else []:
        if rest:
            put(value[key], rest, new)
        else:
            value[key] = new


def run(host, verb, path):
    path.write_text(json.dumps(host))
    result = subprocess.run([NEARQ, *verb, "--from", path], capture_output=True, text=True, timeout=TIMEOUT,
                            check=False, env=environment())
    assert result.returncode in CODES, f"{verb}: exit {result.returncode}\n{result.stderr}"
    assert result.returncode == 0 or result.stderr.startswith("nearq: ")
    return result


PATHS = sorted(set(fields(BASE)))


def test_all_fields_are_tried(tmp_path):
    assert len(PATHS) > 60
    for verb in VERBS:
        assert run(BASE, verb, tmp_path / "host.json").returncode == 0


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_one_field_at_its_extremes(tmp_path, path):
    for new in EXTREMES.values():
        host = copy.deepcopy(BASE)
        put(host, path, new)
        if run(host, VERBS[0], tmp_path / "host.json").returncode == 3:
            continue  # refused, by all verbs for the same reason
        for verb in VERBS[1:]:
            run(host, verb, tmp_path / "host.json")


def test_a_vm_behind_no_nic_is_shown(tmp_path):
    """It has counters like any other, and no queue that they could be near to."""
    host = copy.deepcopy(BASE)
    vnic = host["vnics"][0]
    vnic.update(pnic=None, rx_queue="default", tx_queue="default", served_by="measured", served={"0": 300, "1": 100})
    path = tmp_path / "host.json"
    path.write_text(json.dumps(host))
    row = next(v for v in json.loads(nearq("status", "--from", path, "--format", "json").stdout)["vnics"]
               if v["mac"] == vnic["mac"])
    assert row["pnic"] is None
    assert row["served_pps"] == [300, 100]
    assert "0 75 %, 1 25 %" in nearq("status", "--from", path, env=environment(COLUMNS="200")).stdout


@pytest.mark.parametrize("served", [LARGEST, 1 << 62, 1 << 61])
def test_counters_whose_sum_is_too_large_for_64_bits(tmp_path, served):
    host = copy.deepcopy(json.loads((FIGURES.parents[1] / "cli/data/four-far.json").read_text()))
    for vnic in host["vnics"]:
        vnic.update(served_by="measured", served={str(n["id"]): served for n in host["nodes"]})
    for verb in VERBS:
        run(host, verb, tmp_path / "host.json")
