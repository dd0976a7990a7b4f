# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shape of a lab host: nodes, distances, NICs. Read strictly, so that a typo is an error with its place."""
import json
import os
import re
from dataclasses import dataclass, field

from .paths import LAB_SOURCE, LabError

MODELS = {"igb": "igb", "virtio-net": "virtio_net", "vmxnet3": "vmxnet3", "e1000e": "e1000e"}
CPUS_MOST = 64
NODES_MOST = 8  # pxb bus numbers are 64 + 16 N
NICS_MOST = 16


@dataclass
class Node:
    """One NUMA node."""
    cpus: int
    memory_mib: int


@dataclass
class Nic:
    """One NIC; node None means behind no node's bridge (numa_node -1 in the guest)."""
    model: str
    node: int | None
    name: str
    mac: str


@dataclass
class Shape:
    """A whole host."""
    name: str
    description: str
    numa: bool
    packages: int
    nodes: list[Node]
    distances: list[list[int]]
    nics: list[Nic]
    kernel_args: list[str] = field(default_factory=list)

    @property
    def cpus(self):
        """All CPUs of the host."""
        return sum(node.cpus for node in self.nodes)

    def node_cpus(self, index):
        """First and last CPU of a node; None for a node without CPUs."""
        first = sum(node.cpus for node in self.nodes[:index])
        return (first, first + self.nodes[index].cpus - 1) if self.nodes[index].cpus else None


class Reader:
    """Takes keys out of one JSON object and complains with file and key."""

    def __init__(self, source, where, value):
        self.source, self.where = source, where
        if not isinstance(value, dict):
            self.fail("", "must be an object")
        self.rest = dict(value)

    def fail(self, key, text):
        """Raise the error for a key."""
        place = ".".join(part for part in (self.where, key) if part)
        raise LabError(f"{self.source}: {place or 'top level'}: {text}", 2)

    def take(self, key, kind, *default):
        """The value of a key, of this very type."""
        if key not in self.rest:
            if default:
                return default[0]
            self.fail(key, "is missing")
        value = self.rest.pop(key)
        if type(value) is not kind:  # bool is an int for isinstance
            self.fail(key, f"must be of type {kind.__name__}")
        return value

    def integer(self, key, low, high, *default):
        """An integer within a range."""
        value = self.take(key, int, *default)
        if not low <= value <= high:
            self.fail(key, f"{value} is outside {low} .. {high}")
        return value

    def end(self):
        """Complain about keys nobody took."""
        for key in self.rest:
            self.fail(key, "is not a known key")


def no_duplicates(pairs):
    """Hook for json: a key twice in one object is an error."""
    seen = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"key {key!r} appears twice")
        seen[key] = value
    return seen


def read_node(source, index, value):
    """One entry of `nodes`."""
    reader = Reader(source, f"nodes[{index}]", value)
    node = Node(reader.integer("cpus", 0, CPUS_MOST), reader.integer("memory_mib", 64, 65536))
    reader.end()
    return node


def read_nic(source, index, value, nodes, numa):
    """One entry of `nics`."""
    reader = Reader(source, f"nics[{index}]", value)
    model = reader.take("model", str)
    if model not in MODELS:
        reader.fail("model", f"{model!r} is none of {', '.join(MODELS)}")
    node = None
    if reader.rest.get("node", 0) is None:
        reader.rest.pop("node")
    elif not numa:
        reader.fail("node", "must be null on a host without NUMA")
    else:
        node = reader.integer("node", 0, nodes - 1)
    name = reader.take("name", str, f"eth{index}")
    if not re.fullmatch(r"[a-z][a-z0-9]{0,9}", name):
        reader.fail("name", f"{name!r} is no interface name (a letter, then up to nine letters or digits)")
    reader.end()
    return Nic(model, node, name, f"52:54:00:6e:71:{index:02x}")


def check_distances(reader, rows, count):
    """The matrix must be square, 10 on its diagonal and more elsewhere, as SLIT wants it."""
    if len(rows) != count or any(not isinstance(row, list) or len(row) != count for row in rows):
        reader.fail("distances", f"must be {count} rows of {count} numbers")
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            good = value == 10 if i == j else type(value) is int and 11 <= value <= 254
            if not good:
                reader.fail(f"distances[{i}][{j}]", f"{value!r}: must be 10 on the diagonal, 11 .. 254 elsewhere")
    return rows


def uniform(count):
    """The distances firmware gives when it says nothing."""
    return [[10 if i == j else 20 for j in range(count)] for i in range(count)]


def parse(source, name, text):
    """A shape from the text of its file."""
    try:
        value = json.loads(text, object_pairs_hook=no_duplicates)
    except ValueError as error:
        raise LabError(f"{source}: not valid JSON: {error}", 2) from error
    reader = Reader(source, "", value)
    description = reader.take("description", str)
    numa = reader.take("numa", bool, True)
    nodes = [read_node(source, i, v) for i, v in enumerate(reader.take("nodes", list))]
    if not 1 <= len(nodes) <= (NODES_MOST if numa else 1):
        reader.fail("nodes", f"{len(nodes)} nodes: must be 1 .. {NODES_MOST}, and 1 without NUMA")
    if not 1 <= sum(n.cpus for n in nodes) <= CPUS_MOST or not nodes[0].cpus:
        reader.fail("nodes", f"must have 1 .. {CPUS_MOST} CPUs in all, the first node at least one")
    with_cpus = [bool(n.cpus) for n in nodes]
    if with_cpus != sorted(with_cpus, reverse=True):
        reader.fail("nodes", "nodes without CPUs must come last: Linux numbers them so")
    packages = reader.integer("packages", 1, len(nodes), len(nodes))
    if len(nodes) % packages:
        reader.fail("packages", f"{packages} does not divide the {len(nodes)} nodes")
    rows = check_distances(reader, reader.take("distances", list, uniform(len(nodes))), len(nodes))
    nics = [read_nic(source, i, v, len(nodes), numa) for i, v in enumerate(reader.take("nics", list))]
    if len(nics) > NICS_MOST or len({n.name for n in nics}) != len(nics):
        reader.fail("nics", f"must be at most {NICS_MOST}, each with a name of its own")
    arguments = reader.take("kernel_args", list, [])
    if any(not isinstance(a, str) or re.search(r"\s", a) for a in arguments):
        reader.fail("kernel_args", "must be strings without blanks")
    reader.end()
    return Shape(name, description, numa, packages, nodes, rows, nics, arguments)


def names():
    """Names of the shapes that come with the lab."""
    return sorted(f[:-5] for f in os.listdir(os.path.join(LAB_SOURCE, "shapes")) if f.endswith(".json"))


def load(choice):
    """A shape by its name or by the path of its file."""
    path = choice if "/" in choice or choice.endswith(".json") else os.path.join(LAB_SOURCE, "shapes", choice + ".json")
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"shape {choice}: {getattr(error, 'strerror', None) or error}; "
                       f"known names: {', '.join(names())}", 2) from error
    return parse(path, os.path.basename(path).removesuffix(".json"), text)
