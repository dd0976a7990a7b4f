# SPDX-License-Identifier: LGPL-2.1-or-later
"""The built program, run on snapshots in a clean environment."""
import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
NEARQ = Path(os.environ.get("NEARQ_BUILD", TOP / "build")) / "cli/nearq"
DATA = Path(__file__).resolve().parent / "data"
FIGURES = TOP / "tests/core/data"
GOLDEN = Path(__file__).resolve().parent / "golden"
TIMEOUT = 30


def environment(**more):
    """What a test may depend on: nothing of who runs it."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "COLUMNS": "80", "TERM": "xterm", **more}


def nearq(*words, code=0, env=None, program=NEARQ, **more):
    """Runs nearq; its output, when the exit code is the expected one."""
    result = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=TIMEOUT, check=False,
                            env=env or environment(), **more)
    assert result.returncode == code, f"{words}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


def golden(name, text):
    """Equal to a kept file; NEARQ_GOLDEN=write writes it instead."""
    path = GOLDEN / name
    if os.environ.get("NEARQ_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"differs from {path}; NEARQ_GOLDEN=write accepts"


@pytest.fixture
def config(tmp_path):
    """A function that writes a configuration file and gives its path."""
    def write(text):
        path = tmp_path / "nearq.conf"
        path.write_text(text)
        return path
    return write
