#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the snapshots in data/ that are too long to write by hand: four nodes, eight queues, sixteen VMs, far and near.

The files are kept, so that a test reads what a reviewer saw; run this again after a change of the snapshot's form.
"""
import json
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
NODES, CPUS, QUEUES, VMS = 4, 4, 8, 16
GIB = 1 << 30
FLOATING = (6, 13)  # VMs that nobody has placed


def rates(packets):
    return {"packets": packets, "bytes": packets * 200, "drops": 0}


def queue(kind, index, role, cpu, rx, **more):
    return {"pnic": "eth0", "kind": kind, "index": index, "role": role, "cpu": cpu, "movable": kind == "hard",
            "irq": 34 + index if kind == "hard" else None, "napi": 8193 + index if kind == "hard" else None,
            "thread": None if kind == "hard" else 900 + index, "rss_entries": 16 if kind == "hard" else 0,
            "busy": min(rx // 40, 1000), "xps": str(cpu) if kind == "hard" else "", "rx": rates(rx), "tx": rates(0), **more}


def packets(vm):
    return 400 + 850 * (vm * 7 % VMS)


def home(vm, near):
    return None if vm in FLOATING and not near else vm % NODES


def vnic(vm, near):
    """Before, RSS spreads a vm's packets over queues of all nodes, more to some than to others."""
    total = packets(vm)
    parts = [total * ((n + vm) % NODES + 1) // 10 for n in range(NODES)]
    node = home(vm, near)
    name = f"eth0/cpu{node * CPUS + vm // NODES % 2 + 1}" if near else "default"
    return {"mac": f"02:00:00:00:00:{vm:02x}", "vm": f"vm{vm}", "pnic": "eth0", "name": f"veth{vm}", "rx_queue": name,
            "tx_queue": "default", "worker": None, "worker_cpu": None, "rx": rates(total), "tx": rates(total // 2),
            "served_by": "measured",
            "served": {str(node): total} if near else {str(n): parts[n] for n in range(NODES)}}


def vm_row(vm, near):
    node = home(vm, near)
    return {"name": f"vm{vm}", "kind": "container", "cgroup": f"nearq-lab/vm{vm}", "pid": 4000 + vm, "cpus": 2,
            "busy": 120, "home": list(range(NODES)) if node is None else [node], "placed": node is not None,
            "pinned": False, "mem_fixed": False, "mem": {str(vm % NODES): 64 << 20}}


def queues(near, vnics):
    """Interrupts all over the host before; on the NIC's node, with a soft queue for every two VMs, after. Each CPU could
    serve one."""
    total = sum(v["rx"]["packets"] for v in vnics)
    hard = [queue("hard", q, "default", CPUS + q % CPUS if near else q * 2, total // QUEUES) for q in range(QUEUES)]
    names = sorted({int(v["rx_queue"].removeprefix("eth0/cpu")) for v in vnics if near})
    served = {c: sum(v["rx"]["packets"] for v in vnics if v["rx_queue"] == f"eth0/cpu{c}") for c in names}
    return hard + [queue("soft", c, "assigned" if c in served else "free", c, served.get(c, 0))
                   for c in range(NODES * CPUS)]


def host(near):
    """The lab's shape, twice as wide: everything through default queues all over the host, or brought home."""
    vnics = [vnic(vm, near) for vm in range(1, VMS + 1)]
    return {
        "nearq-snapshot": 1, "name": "four", "time_ns": 3600000000000 + near, "interval_ns": 2000000000,
        "nodes": [{"id": n, "package": n, "mem_total": 4 * GIB, "mem_free": 3 * GIB - n * GIB // 8}
                  for n in range(NODES)],
        "distance": [[10 if a == b else 31 if abs(a - b) == 2 else 21 for b in range(NODES)] for a in range(NODES)],
        "cpus": [{"id": c, "node": c // CPUS, "core": c, "online": True, "busy": 50 + 23 * (c % 7)}
                 for c in range(NODES * CPUS)],
        "pnics": [{"name": "eth0", "driver": "igb", "bus": "0000:61:00.0", "bond": "", "physfn": None, "node": 1,
                   "steering": "xdp", "rules_max": None, "channels_max": 8, "rss_entries": 128}],
        "queues": queues(near, vnics), "vms": [vm_row(vm, near) for vm in range(1, VMS + 1)], "vnics": vnics,
        "notices": [{"kind": "not-supported", "subject": "eth0", "detail": "no n-tuple filters: steering by XDP"}],
    }


if __name__ == "__main__":
    for place in ("far", "near"):
        (DATA / f"four-{place}.json").write_text(json.dumps(host(place == "near"), indent=1) + "\n")
