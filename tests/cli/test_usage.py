# SPDX-License-Identifier: LGPL-2.1-or-later
"""X1: bad usage, bad input and bad places: a clear message, a documented exit code, nothing half done."""
import fcntl
import glob
import os
import re
import subprocess

import pytest

from conftest import DATA, FIGURES, NEARQ, TOP, environment, nearq

FAR = DATA / "four-far.json"
VERBS = ["topology", "status", "plan", "apply", "run", "restore", "check-config", "capture", "help", "version"]


@pytest.mark.parametrize("words, message", [
    (["statsu"], 'unknown verb "statsu"; did you mean "status"?'),
    (["frobnicate"], 'unknown verb "frobnicate"; see "nearq help"'),
    (["help", "pln"], 'unknown verb "pln"; did you mean "plan"?'),
    (["status", "--fromm", "x"], 'status: unknown option "--fromm"; did you mean "--from"?'),
    (["status", "--zzzzzzzz"], 'status: unknown option "--zzzzzzzz"; see "nearq status --help"'),
    (["status", "-x"], 'status: unknown option'),
    (["status", "--act"], 'status: unknown option "--act"'),
    (["status", "--from"], "status: --from needs SOURCE"),
    (["status", "--from", ""], 'status: --from: found ""; allowed: SOURCE'),
    (["status", "--format", "jsn"], 'status: --format: found "jsn"; allowed: table, json, kv, picture, svg; did you mean "json"?'),
    (["plan", "--format", "svg"], 'plan: --format: found "svg"; allowed: table, json, kv'),
    (["status", "--interval", "0"], 'status: --interval: found "0"; allowed: 1 ms - 2592000 s'),
    (["status", "--interval", "1 parsec"], 'status: --interval: found "1 parsec"'),
    (["status", "--interval", "-1s"], 'status: --interval: found "-1s"'),
    (["status", "--interval", "1us"], 'status: --interval: found "1us"'),
    (["status", "--color", "sometimes"], 'status: --color: found "sometimes"; allowed: auto, always, never'),
    (["status", "--compare", FAR, "--from", FAR], "--compare needs --format picture or --format svg"),
    (["plan", "--policy", "vrs"], 'plan: --policy: found "vrs"; allowed: nearq, static-vmq, dynamic-vmq, vrss, esx-home, '
                                  'esx-wide, numa-io, nuioa; did you mean "vrss"?'),
    (["apply", "--policy", "vrss"], 'apply: unknown option "--policy"'),
    (["topology", "--interval", "1"], 'topology: unknown option "--interval"'),
    (["topology", "this"], 'topology: "this" is too much'),
    (["run", "--once=1"], "run: --once takes no value"),
    (["run", "--tick", "x"], 'run: --tick: found "x"'),
    (["run", "--for", "31days"], 'run: --for: found "31days"'),
    (["run", "--act", "--from", FAR], "--act writes to this host"),
    (["apply", "--from", FAR], 'apply: unknown option "--from"'),
    (["capture"], "capture: DIR is missing"),
    (["capture", "a", "b"], 'capture: "b" is too much'),
])
def test_bad_usage_names_what_is_wrong(words, message):
    result = nearq(*words, code=2)
    assert message in result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("nearq: ") and result.stderr.count("\n") == 1


def test_no_verb_shows_the_verbs():
    err = nearq(code=2).stderr
    assert all(re.search(rf"^  {verb} ", err, re.M) for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_is_in_help_and_manual(verb):
    text = nearq(verb, "--help").stdout
    assert text == nearq("help", verb).stdout
    manual = (TOP / "docs/man/nearq.1.scd").read_text()
    assert f"*{verb}*" in manual
    for option in re.findall(r"^  (--[a-z-]+)", text, re.M):
        assert f"*{option}*" in manual, option


def test_manual_has_every_exit_code():
    codes = re.findall(r"NQ_EXIT_\w+ = (\d)", (TOP / "cli/cli.h").read_text())
    manual = (TOP / "docs/man/nearq.1.scd").read_text()
    assert len(codes) == 7
    assert re.findall(r"^\*(\d)\*$", manual, re.M) == codes


def test_version_and_help_as_options():
    assert nearq("--version").stdout == nearq("version").stdout
    assert nearq("--help").stdout == nearq("help").stdout


# ---- input ----

def test_source_that_is_not_there():
    err = nearq("status", "--from", "/nonexistent.json", code=3).stderr
    assert "/nonexistent.json" in err and "No such file" in err


@pytest.mark.parametrize("part", [1, 2, 3, 5, 9])
def test_snapshot_cut_off(tmp_path, part):
    """A snapshot of which only the first part arrived."""
    text = FAR.read_text()
    path = tmp_path / "cut.json"
    path.write_text(text[:len(text) * part // 10])
    result = nearq("status", "--from", path, code=3)
    assert "cut.json" in result.stderr and result.stdout == ""


def test_snapshot_with_a_dangling_reference(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(FAR.read_text().replace('"vm": "vm3"', '"vm": "vm33"'))
    err = nearq("status", "--from", path, code=3).stderr
    assert "vnics[2].vm" in err and "vm33" in err


def test_neither_snapshot_nor_topology(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_text("roses are red\n")
    assert "poem.txt" in nearq("topology", "--from", path, code=3).stderr


def test_compare_with_a_bad_file():
    err = nearq("status", "--from", FAR, "--compare", "/nonexistent", "--format", "svg", code=3).stderr
    assert "/nonexistent" in err


# ---- configuration ----

def test_check_config(config):
    assert nearq("check-config", "--config", config("[nearq]\nmode = act\n")).stdout == "ok\n"
    err = nearq("check-config", "--config", config("[nearq]\nmode = act\ntik_ms = 5\n"), code=3).stderr
    assert re.search(r'nearq\.conf:3: \[nearq\] tik_ms: found "tik_ms"; .* did you mean "tick_ms"\?', err)


def test_check_config_print_is_a_configuration(config, tmp_path):
    first = nearq("check-config", "--config", config("[policy]\ndwell_ms = 7 s\n"), "--print").stdout
    assert "dwell_ms = 7000\n" in first
    again = tmp_path / "again.conf"
    again.write_text(first)
    assert nearq("check-config", "--config", again, "--print").stdout == first


def test_sample_configuration_is_the_defaults(config, tmp_path):
    """Every key of the sample taken out of its comment."""
    sample = (NEARQ.parents[1] / "docs/man/nearq.conf").read_text()
    path = tmp_path / "sample.conf"
    path.write_text(re.sub(r"^#(\w+ =)", r"\1", sample, flags=re.M))
    assert path.read_text() != sample
    printed = nearq("check-config", "--config", path, "--print").stdout
    assert printed == nearq("check-config", "--config", config(""), "--print").stdout


@pytest.mark.parametrize("policy", ["nearq", "static-vmq", "dynamic-vmq", "vrss", "esx-home", "esx-wide", "numa-io",
                                    "nuioa"])
def test_plan_by_a_preset_is_the_plan_by_that_configuration(policy, config):
    preset = nearq("plan", "--from", FAR, "--config", config(f"[policy]\npreset = {policy}\n"), "--format", "json")
    option = nearq("plan", "--from", FAR, "--config", config("[policy]\nleast_gain = 1\n"), "--policy", policy,
                   "--format", "json")
    assert option.stdout == preset.stdout


def test_drop_ins_in_order_of_their_names(config, tmp_path):
    path = config("[nearq]\ntick_ms = 100\n")
    folder = tmp_path / "nearq.conf.d"
    folder.mkdir()
    (folder / "20.conf").write_text("[nearq]\ntick_ms = 200\n")
    (folder / "10.conf").write_text("[nearq]\ntick_ms = 300\nstate = /x\n")
    (folder / "30.txt").write_text("not read")
    out = nearq("check-config", "--config", path, "--print").stdout
    assert "tick_ms = 200\n" in out and "state = /x\n" in out


def test_config_that_is_not_there():
    assert "/nonexistent.conf" in nearq("check-config", "--config", "/nonexistent.conf", code=3).stderr


@pytest.mark.parametrize("verb", ["topology", "status", "plan"])
def test_a_bad_config_stops_every_verb(verb, config):
    path = config("[policy]\nno_such = 1\n")
    assert "[policy] no_such" in nearq(verb, "--from", FAR, "--config", path, code=3).stderr


def test_sample_configuration_holds_the_defaults(tmp_path):
    """The installed sample, uncommented, is what nearq does without a file."""
    sample = (NEARQ.parents[1] / "docs/man/nearq.conf").read_text()
    path = tmp_path / "sample.conf"
    path.write_text(re.sub(r"^#(\w+ =)", r"\1", sample, flags=re.M))
    bare = tmp_path / "empty.conf"
    bare.write_text("")
    assert nearq("check-config", "--config", path, "--print").stdout == \
        nearq("check-config", "--config", bare, "--print").stdout


# ---- output ----

@pytest.mark.parametrize("words", [["status"], ["status", "--format", "json"], ["status", "--format", "kv"],
                                   ["status", "--format", "svg"], ["status", "--format", "picture"], ["topology"],
                                   ["plan", "--format", "json"], ["plan"], ["run", "--once"]],
                         ids=" ".join)
def test_full_standard_output(words):
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([NEARQ, *words, "--from", FAR], stdout=full, stderr=subprocess.PIPE, text=True,
                                timeout=30, env=environment(), check=False)
    assert result.returncode == 1
    assert "standard output: No space left on device" in result.stderr


@pytest.mark.parametrize("form", ["table", "json", "kv", "picture", "svg"])
def test_closed_pipe_is_no_crash(form):
    """The reader has gone before the first byte: exit code 1, no signal, nothing said."""
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run([NEARQ, "status", "--from", FAR, "--format", form], stdout=writing, stderr=subprocess.PIPE,
                            timeout=30, env=environment(), check=False)
    os.close(writing)
    assert result.returncode == 1
    assert result.stderr == b""


def test_head_gets_its_line():
    out = subprocess.run(f"{NEARQ} status --from {FAR} --format kv | head -n 1", shell=True, capture_output=True, text=True,
                         env=environment(), timeout=30, check=True)
    assert out.stdout == "host=four\n" and out.stderr == ""


# ---- places ----

def as_nobody():
    os.setgid(65534)
    os.setuid(65534)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@needs_root
@pytest.mark.parametrize("verb", ["apply", "restore", "run --act --once"])
def test_writing_without_permission(verb, tmp_path, for_everybody):
    path = tmp_path / "nearq.conf"
    path.write_text("[nearq]\nstate = /var/lib/nearq-test-nobody\n")
    result = nearq(*verb.split(), "--config", for_everybody(path), code=4, program=for_everybody(NEARQ),
                   preexec_fn=as_nobody)
    assert result.stdout == ""
    assert not os.path.exists("/var/lib/nearq-test-nobody")


@needs_root
@pytest.mark.parametrize("words", [["apply"], ["restore"], ["run", "--act", "--once"]], ids=" ".join)
def test_state_directory_that_another_nearq_holds(words, tmp_path):
    """The lock of the state directory is all that another nearq is to this one."""
    assert nearq("restore", "--state", tmp_path).stdout.startswith("Nothing to restore")
    with open(tmp_path / "lock", "r+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = nearq(*words, "--state", tmp_path, code=6)
    assert str(tmp_path) in result.stderr and result.stdout == ""
    nearq("restore", "--state", tmp_path)


one_node = pytest.mark.skipif(len(glob.glob("/sys/devices/system/node/node[0-9]*")) > 1, reason="this host has NUMA")


@needs_root
@one_node
@pytest.mark.parametrize("words", [["apply", "--interval", "20ms"], ["run", "--act", "--tick", "20ms"]], ids=" ".join)
def test_acting_where_there_is_nothing_to_manage(words, tmp_path):
    result = nearq(*words, "--state", tmp_path, code=5)
    assert result.stderr == "nearq: nothing to manage: this host has one NUMA node, so nothing on it is remote\n"
    assert "Nothing to restore" in nearq("restore", "--state", tmp_path).stdout
