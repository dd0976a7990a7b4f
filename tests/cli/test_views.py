# SPDX-License-Identifier: LGPL-2.1-or-later
"""X1, X3: what the verbs that only look say about a snapshot, in every form, and the pictures."""
import json
import re
import shlex
import subprocess
import unicodedata
import xml.etree.ElementTree as xml

import pytest

from conftest import DATA, FIGURES, NEARQ, environment, golden, nearq

FAR, NEAR = DATA / "four-far.json", DATA / "four-near.json"
SVG = "{http://www.w3.org/2000/svg}"


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@pytest.mark.parametrize("verb", ["topology", "status"])
@pytest.mark.parametrize("form", ["table", "json", "kv"])
@pytest.mark.parametrize("source", [FIGURES / "figure-5.json", FAR], ids=["figure-5", "four-far"])
def test_views_are_as_kept_X1(verb, form, source):
    out = nearq(verb, "--from", source, "--format", form).stdout
    golden(f"{verb}-{source.stem}.{form}", out)
    if form == "table":
        assert max(map(width, out.splitlines())) <= 80
    if form == "json":
        json.loads(out)


@pytest.mark.parametrize("source", [FIGURES / f"figure-{n}.json" for n in (5, 6, 7, 8)] + [FAR, NEAR], ids=lambda p: p.stem)
def test_text_pictures_are_as_kept_X3(source):
    out = nearq("status", "--from", source, "--format", "picture").stdout
    golden(f"picture-{source.stem}.txt", out)
    boxes = [line for line in out.splitlines() if line[0] in "│╭╰"]
    assert boxes and max(map(width, boxes)) <= 80


@pytest.mark.parametrize("verb", ["topology", "status"])
def test_free_soft_queues_are_one_line_for_people_X1(verb, tmp_path):
    """A row per CPU would hide the others; one that has traffic or is assigned is a row, and machines get all."""
    host = json.loads(FAR.read_text())
    soft = [queue for queue in host["queues"] if queue["kind"] == "soft"]
    soft[3]["rx"]["packets"] = 7
    soft[5]["role"] = "assigned"
    path = tmp_path / "host.json"
    path.write_text(json.dumps(host))
    text = nearq(verb, "--from", path).stdout
    rows = [line.split()[0] for line in text.splitlines() if line.startswith("eth0/cpu")]
    assert rows == ["eth0/cpu3", "eth0/cpu5"]
    assert "\n14 soft queues of eth0 are free (CPUs 0-2,4,6-15)\n" in text
    made = json.loads(nearq(verb, "--from", path, "--format", "json").stdout)
    assert len(made["queues"]) == len(host["queues"])
    lines = nearq(verb, "--from", path, "--format", "kv").stdout.splitlines()
    assert sum(line.endswith(".role=free") for line in lines) == 15
    for queue in soft[1:]:
        queue["role"] = "assigned"
    path.write_text(json.dumps(host))
    assert "\n1 soft queue of eth0 is free (CPU 0)\n" in nearq(verb, "--from", path).stdout


def test_status_sums_up_what_its_rows_say():
    made = json.loads(nearq("status", "--from", FAR, "--format", "json").stdout)
    remote = [v for v in made["vnics"] if v["remote_permille"] >= 50]
    assert made["remote_vnics"] == len(remote) == 14
    assert made["vnics"] == sorted(made["vnics"], key=lambda v: int(v["vm"][2:]))
    assert made["served_pps"] == sum(sum(v["served_pps"]) for v in made["vnics"])
    assert made["served_by"] == "measured"


def test_figure_8_is_better_than_figure_5_N10():
    """The patent's point: the same VMs and queues, but each beside its queue."""
    share = {n: json.loads(nearq("status", "--from", FIGURES / f"figure-{n}.json", "--format", "json").stdout)
             ["remote_permille"] for n in (5, 6, 7, 8)}
    assert share[7] == share[8] == 0 < share[5]
    assert share[6] > 0


def test_kv_is_read_by_a_shell():
    out = nearq("topology", "--from", FAR, "--format", "kv").stdout
    for line in out.splitlines():
        key, equals, value = line.partition("=")
        assert equals and re.fullmatch(r"[a-z_]+(\.[A-Za-z0-9%+,./:@_-]+)*", key), line
        assert len(shlex.split(value)) <= 1, line
    assert "queue.eth0/3.cpu=6" in out.splitlines()


def test_kv_and_json_say_the_same():
    made = json.loads(nearq("status", "--from", FAR, "--format", "json").stdout)
    lines = dict(line.split("=", 1) for line in nearq("status", "--from", FAR, "--format", "kv").stdout.splitlines())
    for queue in made["queues"]:
        for key, value in queue.items():
            assert shlex.split(lines[f"queue.{queue['queue']}.{key}"]) == [str(value)]


def svg(*words):
    text = nearq("status", "--format", "svg", *words).stdout
    return text, xml.fromstring(text)


@pytest.mark.parametrize("source", [FIGURES / "figure-5.json", FAR, NEAR], ids=lambda p: p.stem)
def test_svg_shows_every_vm_and_link_X3(source):
    text, tree = svg("--from", source)
    golden(f"{source.stem}.svg", text)
    words = [t.text for t in tree.iter(f"{SVG}text")]
    for vm in json.loads(source.read_text())["vms"]:
        assert vm["name"] in words
    titles = [t.text for t in tree.iter(f"{SVG}title")]
    remote = [p for p in tree.iter(f"{SVG}path") if p.get("class") == "r" and len(p)]
    assert len(remote) == sum("remote" in t for t in titles if " packets/s, " in t)
    assert bool(remote) == (source != NEAR)
    assert "href" not in text and "url(" not in text and "<script" not in text


def test_svg_boxes_do_not_overlap_and_text_stays_inside():
    """The picture of 16 VMs, 8 queues and 4 nodes, with another beside it."""
    _, tree = svg("--from", FAR, "--compare", NEAR)
    size = [float(v) for v in tree.get("viewBox").split()]
    boxes = [[float(r.get(k)) for k in ("x", "y", "width", "height")] for r in tree.iter(f"{SVG}rect")
             if r.get("class") in ("vm", "vmbad", "port", "dflt", "pnic")]
    assert len(boxes) > 40
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and y >= 0 and x + w <= size[2] and y + h <= size[3]
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    for text in tree.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x")) <= size[2] and 0 <= float(text.get("y")) <= size[3]


def test_svg_shares_are_short_enough_for_their_boxes(tmp_path):
    """No tenths from 10 % on; below, they matter and there is room."""
    host = json.loads(FAR.read_text())
    for vnic, share in zip(host["vnics"], (496, 94, 999, 100)):
        home = next(vm for vm in host["vms"] if vm["name"] == vnic["vm"])["home"][0]
        vnic["served"] = {str(home): 1000 - share, str((home + 1) % 4): share}
    path = tmp_path / "host.json"
    path.write_text(json.dumps(host))
    words = [t.text for t in svg("--from", path)[1].iter(f"{SVG}text")]
    assert {"50 % remote", "9.4 % remote", "100 % remote", "10 % remote"} <= set(words)
    assert not any("…" in word for word in words)
    assert not any(re.search(r"[1-9]\d\.\d % (busy|remote)", word) for word in words)


def test_svg_compare_has_both_hosts():
    _, tree = svg("--from", FAR, "--compare", NEAR)
    titles = [t.text for t in tree.iter(f"{SVG}text") if t.get("class") == "t"]
    assert titles == ["before: four", "after: four"]


def test_svg_survives_hostile_names(tmp_path):
    host = json.loads((FIGURES / "figure-5.json").read_text())
    host["name"] = '<&"evil">'
    path = tmp_path / "host.json"
    path.write_text(json.dumps(host))
    _, tree = svg("--from", path)
    assert '<&"evil">' in [t.text for t in tree.iter(f"{SVG}text")]


def test_picture_without_unicode_is_ascii():
    out = nearq("status", "--from", FAR, "--format", "picture", env=environment(LC_ALL="C")).stdout
    assert out.isascii()
    assert "+---" in out and "== 90 % on 3,2,1" in out


@pytest.mark.parametrize("columns", [40, 60, 100, 200])
def test_width_follows_the_terminal(columns):
    out = nearq("topology", "--from", FAR, env=environment(COLUMNS=str(columns))).stdout
    notices = out[out.index("NOTICES"):]
    assert max(map(width, notices.splitlines())) <= columns
    if columns >= 80:
        assert max(map(width, out.splitlines())) <= columns


@pytest.mark.parametrize("words, env, colored", [
    ((), {}, False),  # not a terminal
    (("--color", "always"), {}, True),
    (("--color", "always"), {"NO_COLOR": "1"}, True),
    (("--color", "never"), {}, False),
])
def test_colors_X1(words, env, colored):
    out = nearq("status", "--from", FAR, *words, env=environment(**env)).stdout
    assert ("\033[" in out) == colored


@pytest.mark.parametrize("env, colored", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colors_on_a_terminal(env, colored):
    """script(1) gives the program a terminal."""
    command = shlex.join([str(word) for word in nearq_words("status", "--from", FAR)])
    out = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=30, check=True,
                         env=environment(**env), stdin=subprocess.DEVNULL).stdout
    assert ("\033[" in out) == colored


def test_long_waits_are_shown_on_a_terminal():
    """Progress over two seconds, and gone from the line afterwards."""
    command = shlex.join([str(word) for word in nearq_words("status", "--interval", "2100ms", "--format", "kv")])
    out = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=30, check=True,
                         env=environment(), stdin=subprocess.DEVNULL).stdout
    assert "observing, 3 s left" in out and "observing, 1 s left" in out
    assert out.rindex("\033[K") > out.rindex("left") + len("left ")
    assert "host=" in out[out.rindex("left"):]


def nearq_words(*words):
    return (NEARQ, *words)


def test_save_snapshot_is_read_back_to_the_same_bytes(tmp_path):
    kept = tmp_path / "kept.json"
    nearq("topology", "--from", FIGURES / "figure-5.json", "--save-snapshot", kept)
    assert kept.read_bytes() == (FIGURES / "figure-5.json").read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["kept.json"]


def test_save_snapshot_that_cannot_be_written(tmp_path):
    err = nearq("topology", "--from", FAR, "--save-snapshot", tmp_path / "no/such/dir.json", code=3).stderr
    assert "cannot be written: No such file or directory" in err


@pytest.fixture(name="lanes")
def lanes_snapshot(tmp_path):
    """Figure 8 with two requirements and a vnic that receives on two queues."""
    host = json.loads((FIGURES / "figure-8.json").read_text())
    host["vms"][0]["pool"], host["vms"][1]["pool"] = "llr", "gold"
    host["vnics"][0] |= {"spread": ["eth0/2"], "virtqueues": 2}
    path = tmp_path / "lanes.json"
    path.write_text(json.dumps(host))
    return path


def test_pools_have_a_column_where_there_are_some(lanes):
    table = nearq("status", "--from", lanes).stdout
    assert re.search(r"^VM +POOL +HOME +QUEUE", table, re.M)
    assert re.search(r"^vm521 +llr +0 +eth0/1\+2 ", table, re.M)
    assert re.search(r"^vm523 +general +0 +eth0/1 ", table, re.M)
    plain = FIGURES / "figure-8.json"
    assert "POOL" not in nearq("status", "--from", plain).stdout
    rows = json.loads(nearq("status", "--from", plain, "--format", "json").stdout)["vnics"]
    assert {row["pool"] for row in rows} == {"general"}


def test_pools_and_lanes_in_pictures(lanes):
    picture = nearq("status", "--from", lanes, "--format", "picture", env=environment(COLUMNS="120")).stdout
    assert "eth0/1+2 on 1, llr" in picture and "eth0/1, gold" in picture
    svg = nearq("status", "--from", lanes, "--format", "svg").stdout
    assert "vm521: 02:00:00:00:05:21, home 0, pool llr" in svg and "vm523: 02:00:00:00:05:23, home 0<" in svg
