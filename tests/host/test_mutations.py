# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input: trees with bytes changed, files cut and files gone, by seeds that repeat.

Whatever a tree says, the readers end with a host that keeps every promise of the model (the observer checks it) or
with a message; never by a signal. Under the sanitizers this is where they bite.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import tarfile

import pytest

import maketrees
from rig import OBSERVE

DATA = pathlib.Path(__file__).parent / "data"
SEEDS = int(os.environ.get("NEARQ_SEEDS", 20))


def damage(path, chance):
    """One file cut, emptied, removed, or with some bytes changed."""
    data = bytearray(path.read_bytes())
    how = chance.random()
    if how < 0.1:
        path.unlink()
        return
    if how < 0.3:
        del data[chance.randrange(len(data) + 1):]
    for _ in range(chance.randrange(4) if data else 0):
        data[chance.randrange(len(data))] = chance.choice(b"0123456789-, \n\0\x01\xff" + bytes([chance.randrange(256)]))
    path.write_bytes(bytes(data))


def files(tree):
    return sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.fixture(scope="module", params=["containers", "rss", "taps", "uplinks", "offline", "lab-nics"])
def original(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("original")
    if request.param.startswith("lab-"):
        with tarfile.open(DATA / f"{request.param}.tar.xz") as archive:
            archive.extractall(directory / request.param)
    else:
        maketrees.make(directory, [request.param])
    return directory / request.param


@pytest.mark.parametrize("seed", range(SEEDS))
def test_damaged_tree(original, tmp_path, seed):
    """T5, bad input: a valid host or a message."""
    tree, chance = tmp_path / "tree", random.Random(f"{original.name} {seed}")
    shutil.copytree(original, tree, symlinks=True)
    answers = files(tree / "netlink") if (tree / "netlink").exists() else []
    for path in chance.sample(files(tree), min(15, len(files(tree)))) + chance.sample(answers, min(3, len(answers))):
        if path.exists():
            damage(path, chance)
    result = subprocess.run([OBSERVE, tree], capture_output=True, errors="replace", text=True)
    assert result.returncode in (0, 1), result.stderr
    if result.returncode == 0:
        json.loads(result.stdout)
    else:
        assert "hwloc finds no machine" in result.stderr or "NUMA nodes" in result.stderr, result.stderr
