# SPDX-License-Identifier: LGPL-2.1-or-later
"""X1, X2: plans with their reasons, and the loop on snapshots: ticks, reload, stopping."""
import json
import os
import selectors
import signal
import subprocess
import time

import pytest

from conftest import DATA, FIGURES, NEARQ, environment, golden, nearq

FAR, NEAR = DATA / "four-far.json", DATA / "four-near.json"


@pytest.mark.parametrize("form", ["table", "json", "kv"])
def test_plan_of_figure_5_is_as_kept_N1_X2(form):
    golden(f"plan-figure-5.{form}", nearq("plan", "--from", FIGURES / "figure-5.json", "--format", form).stdout)


def test_every_action_has_its_reason_X2():
    made = json.loads(nearq("plan", "--from", FAR, "--format", "json").stdout)
    assert made["actions"]
    text = nearq("plan", "--from", FAR).stdout
    assert text.count("\n    why ") >= len(made["actions"])
    assert text.count("\n    gain ") == len(made["actions"])
    assert any(c.isdigit() for c in text[text.index("    why "):].splitlines()[0])


def test_an_empty_plan_is_a_success():
    out = nearq("plan", "--from", FIGURES / "figure-8.json").stdout
    assert "nothing to do" in out


def test_plan_is_the_same_bytes_each_time():
    assert len({nearq("plan", "--from", FAR, "--format", "json").stdout for _ in range(3)}) == 1


def one_node(tmp_path):
    host = json.loads((FIGURES / "figure-5.json").read_text())
    host.update(nodes=host["nodes"][:1], distance=[[10]], cpus=host["cpus"][:8], queues=[], vms=[], vnics=[])
    host["pnics"][0]["rss_entries"] = 0
    path = tmp_path / "one.json"
    path.write_text(json.dumps(host))
    return path


def test_a_host_without_numa_has_nothing_to_manage(tmp_path):
    result = nearq("plan", "--from", one_node(tmp_path), code=5)
    assert "nothing to manage: this host has one NUMA node" in result.stderr
    nearq("status", "--from", one_node(tmp_path))
    nearq("topology", "--from", one_node(tmp_path))


# ---- run ----

def test_run_once_plans_and_says_that_it_does_not_act():
    out = json.loads(nearq("run", "--once", "--from", FAR, "--format", "json").stdout)
    assert out["tick"] == 1 and out["acting"] is False
    assert out["actions"] and all(a["outcome"] is None for a in out["actions"])
    text = nearq("run", "--once", "--from", FAR).stdout
    assert text.startswith("tick 1: remote 14 of 16 vnics")


def test_run_for_a_time_ticks_several_times():
    lines = nearq("run", "--for", "1s", "--tick", "100ms", "--from", NEAR, "--format", "json").stdout.splitlines()
    ticks = [json.loads(line)["tick"] for line in lines]
    assert ticks == list(range(1, len(ticks) + 1))
    assert 2 <= len(ticks) <= 11


class Running:
    """`nearq run` in the background, its output by line."""

    def __init__(self, *words):
        self.process = subprocess.Popen([NEARQ, "run", "--format", "json", *map(str, words)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def tick(self):
        return json.loads(self.process.stdout.readline())

    def said(self, words, deadline_s=20):
        """The line of standard error that has these words."""
        end = time.monotonic() + deadline_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while selector.select(max(0, end - time.monotonic())):
                line = self.process.stderr.readline()
                if words in line or not line:
                    return line
        pytest.fail(f"not said within {deadline_s} s: {words}")

    def end(self, number):
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        return self.process.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_stops_on_signals(number):
    with Running("--from", NEAR, "--tick", "100ms") as run:
        run.tick()
        assert run.end(number) == 0


def test_reload_on_sighup_and_a_bad_file_keeps_the_old(config):
    path = config("[nearq]\ntick_ms = 100\n")
    with Running("--from", NEAR, "--config", path) as run:
        run.tick()
        config("[nearq]\ntick_ms = 1o0\n")
        run.process.send_signal(signal.SIGHUP)
        line = run.said("not reloaded")
        assert "nearq.conf:2: [nearq] tick_ms" in line and "the old one stays" in line
        run.tick()  # it goes on, at the old pace
        config("[nearq]\ntick_ms = 150\n")
        run.process.send_signal(signal.SIGHUP)
        assert run.said("configuration reloaded")
        assert run.end(signal.SIGTERM) == 0


def test_run_whose_reader_goes_away_ends():
    process = subprocess.Popen([NEARQ, "run", "--from", NEAR, "--tick", "100ms"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=20) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


def test_run_with_bad_input_at_the_start():
    assert "/nonexistent" in nearq("run", "--from", "/nonexistent", code=3).stderr
    assert "/nonexistent" in nearq("run", "--from", FAR, "--config", "/nonexistent", code=3).stderr


# ---- plans from files ----

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="apply needs root")


@needs_root
@pytest.mark.parametrize("text, message", [("{", "plan.json"), ("[]", "plan.json"), ('{"nearq-plan": 99}', "plan.json")])
def test_apply_of_a_plan_that_is_none(tmp_path, text, message):
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    err = nearq("apply", "--plan", plan, "--state", tmp_path / "state", "--interval", "100ms", code=3).stderr
    assert message in err


@needs_root
def test_apply_of_a_plan_for_another_host(tmp_path):
    """Names that this host does not have are found before anything is written."""
    plan = tmp_path / "plan.json"
    plan.write_text(nearq("plan", "--from", FAR, "--format", "json").stdout)
    err = nearq("apply", "--plan", plan, "--state", tmp_path / "state", "--interval", "100ms", code=3).stderr
    assert "plan.json" in err and "actions[0]" in err
    assert "Nothing to restore" in nearq("restore", "--state", tmp_path / "state").stdout


@needs_root
def test_restore_of_nothing(tmp_path):
    made = json.loads(nearq("restore", "--state", tmp_path / "state", "--format", "json").stdout)
    assert made == {"settings": [], "settings_seen": 0, "failed": 0}
