# SPDX-License-Identifier: LGPL-2.1-or-later
"""A5: `nearq restore` on journals with something in them. The only setting of this machine that is touched is the
affinity of a process that the test started."""
import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from conftest import nearq

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or os.cpu_count() < 2, reason="restoring needs root and two CPUs")
NO_IRQ = "99999"


@pytest.fixture
def sleeper():
    """A process on CPU 0, and its key in the journal."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        os.sched_setaffinity(process.pid, {0})
        start = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
        yield process, f"{process.pid}@{start}"
        process.kill()


def journal(directory, *entries):
    """A journal with entries (kind, key, former, previous, written), made by nearq itself and filled behind its back."""
    state = directory / "state"
    nearq("restore", "--state", state)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with sqlite3.connect(state / "journal.sqlite") as database:
        database.executemany("INSERT INTO setting (kind, key, former, previous, written, boot) VALUES (?, ?, ?, ?, ?, ?)",
                             [(*entry, boot) for entry in entries])
    database.close()
    return state


def outcomes(text):
    return [(row["kind"], row["key"], row["outcome"]) for row in json.loads(text)["settings"]]


def test_newest_first_and_then_nothing_is_held(tmp_path, sleeper):
    process, key = sleeper
    state = journal(tmp_path, ("irq", NO_IRQ, "0", "0", "1"), ("thread", key, "1", "1", "0"))
    made = nearq("restore", "--state", state, "--format", "json").stdout
    assert outcomes(made) == [("thread", key, "done"), ("irq", NO_IRQ, "gone")]
    assert json.loads(made)["settings_seen"] == 2 and json.loads(made)["failed"] == 0
    assert os.sched_getaffinity(process.pid) == {1}
    assert nearq("restore", "--state", state).stdout.startswith("Nothing to restore")


def test_what_somebody_else_changed_needs_force(tmp_path, sleeper):
    process, key = sleeper
    state = journal(tmp_path, ("thread", key, "0-1", "0-1", "1"))
    done = nearq("restore", "--state", state, code=1)
    assert "1 setting could not be put back" in done.stderr
    assert f'thread {key}: refused: somebody changed it from "1" to "0" since' in " ".join(done.stdout.split())
    assert os.sched_getaffinity(process.pid) == {0}
    made = nearq("restore", "--state", state, "--force", "--format", "json").stdout
    assert outcomes(made) == [("thread", key, "done")]
    assert os.sched_getaffinity(process.pid) == {0, 1}


def test_the_value_before_a_killed_write_is_nearqs(tmp_path, sleeper):
    """The journal announced a write that never happened."""
    process, key = sleeper
    state = journal(tmp_path, ("thread", key, "0-1", "0", "1"))
    assert outcomes(nearq("restore", "--state", state, "--format", "json").stdout) == [("thread", key, "done")]
    assert os.sched_getaffinity(process.pid) == {0, 1}


def test_a_recycled_pid_is_let_alone(tmp_path, sleeper):
    process, key = sleeper
    earlier = f"{process.pid}@1"
    state = journal(tmp_path, ("thread", earlier, "1", "1", "0"))
    assert outcomes(nearq("restore", "--state", state, "--format", "json").stdout) == [("thread", earlier, "gone")]
    assert os.sched_getaffinity(process.pid) == {0}


def test_one_bad_entry_does_not_hold_up_the_others(tmp_path, sleeper):
    process, key = sleeper
    state = journal(tmp_path, ("thread", key, "1", "1", "0"), ("frequency", "cpu0", "1", "1", "2"),
                    ("thread", "nonsense", "1", "1", "0"))
    made = nearq("restore", "--state", state, "--format", "json", code=1)
    assert "2 settings could not be put back" in made.stderr
    made = made.stdout
    assert outcomes(made) == [("thread", "nonsense", "refused"), ("frequency", "cpu0", "refused"), ("thread", key, "done")]
    assert json.loads(made)["failed"] == 2
    assert os.sched_getaffinity(process.pid) == {1}
    again = nearq("restore", "--state", state, "--format", "json", code=1).stdout
    assert [row[2] for row in outcomes(again)] == ["refused", "refused"]


def test_a_damaged_journal_is_kept_and_said(tmp_path):
    state = journal(tmp_path, ("irq", NO_IRQ, "0", "0", "1"))
    (state / "journal.sqlite").write_bytes(b"nonsense" * 1000)
    said = nearq("restore", "--state", state, code=3).stderr
    assert str(state) in said and "kept as journal.sqlite.damaged-1" in said
    assert (state / "journal.sqlite.damaged-1").read_bytes().startswith(b"nonsense")
    assert nearq("restore", "--state", state).stdout.startswith("Nothing to restore")
