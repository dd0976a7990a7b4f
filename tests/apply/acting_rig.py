# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host to act on without touching the machine: network and mount namespaces of their own, with two ends of a veth.

p0 is the pnic with four queues, w0 the wire behind it, in a second network namespace. sysfs and bpffs are mounted
anew, so that settings and pins are this rig's and go with it.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

BUILD = Path(os.environ.get("NEARQ_BUILD", Path(__file__).resolve().parents[2] / "build"))
ACT = str(BUILD / "tests/apply/act")
QUEUES = 4
DEADLINE = 20
INSIDE = "mount -t sysfs sysfs /sys && mount -t bpf bpf /sys/fs/bpf && ip link set lo up && echo ready && exec cat"
WIRE = "ip link set lo up && echo ready && exec cat"
PNIC_MAC = "02:00:00:00:00:10"
WIRE_MAC = "02:00:00:00:00:20"
SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
tag = bytes.fromhex(sys.argv[5]) if len(sys.argv) > 5 else b""
frame = bytes.fromhex(sys.argv[2].replace(":", "")) + bytes.fromhex(sys.argv[3].replace(":", "")) + tag + b"\\x88\\xb5" + bytes(60)
for _ in range(int(sys.argv[4])):
    s.send(frame)
"""


def mac(number):
    return f"02:00:00:00:01:{number:02x}"


def wait_for(condition, what, deadline=DEADLINE):
    """Returns the first true value of condition()."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)  # between two looks, not instead of one
    raise AssertionError(f"not within {deadline} s: {what}")


class Namespace:
    def __init__(self, flags, script):
        self.holder = subprocess.Popen(["unshare", *flags, "sh", "-ec", script], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        self.enter = ["nsenter", "-t", str(self.holder.pid), *flags]

    def popen(self, *command, **options):
        return subprocess.Popen([*self.enter, *command], text=True, **options)

    def run(self, *command, check=True, env=None, timeout=60):
        return subprocess.run([*self.enter, *command], text=True, capture_output=True, check=check, timeout=timeout,
                              env={**os.environ, **(env or {})})

    def out(self, *command):
        return self.run(*command).stdout

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(timeout=DEADLINE)


class Rig:
    def __init__(self, directory):
        self.state = str(directory / "state")
        self.directory = directory
        self.host = Namespace(["-n", "-m"], INSIDE)
        self.wire = Namespace(["-n"], WIRE)
        self.processes = []
        queues = ["numtxqueues", str(QUEUES), "numrxqueues", str(QUEUES)]
        self.host.run("ip", "link", "add", "p0", "address", PNIC_MAC, *queues, "type", "veth",
                      "peer", "name", "w0", "address", WIRE_MAC, *queues)
        self.host.run("ip", "link", "set", "w0", "netns", str(self.wire.holder.pid))
        self.host.run("ethtool", "-K", "p0", "gro", "on")  # NAPI on a veth
        self.host.run("ip", "link", "set", "p0", "up")
        self.wire.run("ip", "link", "set", "w0", "up")
        self.host.run("sysctl", "-qw", "net.ipv6.conf.p0.disable_ipv6=1")
        self.wire.run("sysctl", "-qw", "net.ipv6.conf.w0.disable_ipv6=1")

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.wire.close()
        self.host.close()

    # the program under test

    def act(self, *arguments, code=0, env=None):
        done = self.host.run(ACT, *arguments, check=False, env=env)
        assert code is None or done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def get(self, kind, key):
        return self.act("get", kind, key).stdout.rstrip("\n")

    def set(self, kind, key, value, outcome="done", code=0):
        done = self.act("set", self.state, kind, key, value, code=code)
        found, detail = done.stdout.rstrip("\n").split("\t", 1)
        assert found == outcome, done.stdout
        return detail

    def restore(self, *force, code=0):
        """Outcome by "kind key"."""
        done = self.act("restore", self.state, *force, code=code)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        return {" ".join(row[1].split(" ")[:2]): (row[0], row[2]) for row in rows}

    def held(self):
        return int(self.act("held", self.state).stdout)

    def steered(self):
        """Per MAC: CPU, queue, received, frames served per CPU; the last line under "other"."""
        rows = [line.split() for line in self.act("steered", "p0").stdout.splitlines()]
        table = {row[0]: {"cpu": row[1], "txq": row[2], "received": int(row[3]), "served": [int(n) for n in row[4:]]}
                 for row in rows[:-1]}
        table["other"] = int(rows[-1][1])
        return table

    # the world around it

    def sleeper(self, threads=0):
        """A process with so many threads more; its key and its threads' ids."""
        code = ("import sys, threading\n"
                f"for _ in range({threads}):\n"
                "    threading.Thread(target=sys.stdin.read, daemon=True).start()\n"
                "print('ready', flush=True)\nthreading.Event().wait()\n")
        process = self.host.popen(sys.executable, "-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return thread_key(process.pid), sorted(int(t) for t in os.listdir(f"/proc/{process.pid}/task"))

    def send(self, to, count, source=WIRE_MAC, tag=""):
        self.wire.run(sys.executable, "-c", SEND, "w0", to, source, str(count), *([tag] if tag else []))

    def queue_packets(self):
        """Frames that left through each transmit queue of p0, as the wire's receive queues saw them."""
        text = self.wire.out("ethtool", "-S", "w0")
        return [int(text.split(f"rx_queue_{queue}_xdp_packets: ")[1].split()[0]) for queue in range(QUEUES)]

    def settings(self):
        """Everything nearq may change here, read without nearq."""
        lines = []
        for name in ("threaded", *(f"queues/tx-{queue}/xps_cpus" for queue in range(QUEUES))):
            lines.append(f"{name}: " + self.host.out("cat", f"/sys/class/net/p0/{name}").strip())
        link = json.loads(self.host.out("ip", "-j", "link", "show", "dev", "p0"))[0]
        lines.append(f"xdp: {link.get('xdp')}")
        lines.append("qdisc: " + " ".join(sorted(q["kind"] for q in self.qdiscs())))
        lines.append("egress: " + self.filters())
        lines.append("pins: " + self.host.run("find", "/sys/fs/bpf/nearq", check=False).stdout)
        for process in self.processes:
            for task in sorted(os.listdir(f"/proc/{process.pid}/task")):
                lines.append(f"{task}: {sorted(os.sched_getaffinity(int(task)))}")
        for pid in self.napi_threads():
            lines.append(f"napi {pid}: {sorted(os.sched_getaffinity(pid))}")
        return "\n".join(lines)

    def qdiscs(self):
        return json.loads(self.host.out("tc", "-j", "qdisc", "show", "dev", "p0"))

    def filters(self):
        return self.host.run("tc", "filter", "show", "dev", "p0", "egress", check=False).stdout

    def napi_threads(self):
        found = []
        for comm in Path("/proc").glob("[0-9]*/comm"):
            try:
                if comm.read_text().startswith("napi/p0-"):
                    found.append(int(comm.parent.name))
            except OSError:
                continue  # a process that ended
        return sorted(found)

    def snapshot(self, vms=(), cpumap=(0, 1), queues=()):
        """A snapshot of a host with a node per CPU, p0 with its queues, and vms: (name, pid, MAC)."""
        rates = {"packets": 0, "bytes": 0, "drops": 0}
        queue = {"pnic": "p0", "role": "free", "cpu": None, "irq": None, "napi": None, "thread": None, "rss_entries": 0,
                 "busy": 0, "xps": "", "rx": rates, "tx": rates}
        hard = [{**queue, "kind": "hard", "index": index, "movable": True, **dict(queues).get(index, {})}
                for index in range(QUEUES)]
        soft = [{**queue, "kind": "soft", "index": cpu, "cpu": cpu, "movable": False} for cpu in cpumap]
        host = {
            "nearq-snapshot": 1, "name": "rig", "time_ns": 1, "interval_ns": 0,
            "nodes": [{"id": n, "package": n, "mem_total": 1 << 30, "mem_free": 1 << 20} for n in (0, 1)],
            "distance": [[10, 20], [20, 10]],
            "cpus": [{"id": n, "node": n, "core": n, "online": True, "busy": 0} for n in (0, 1)],
            "pnics": [{"name": "p0", "driver": "veth", "bus": "", "bond": "", "physfn": None, "node": None,
                       "steering": "xdp", "rules_max": None, "channels_max": QUEUES, "rss_entries": 0}],
            "queues": [{key: row[key] for key in ("pnic", "kind", "index", "role", "cpu", "movable", "irq", "napi", "thread",
                                                  "rss_entries", "busy", "xps", "rx", "tx")} for row in hard + soft],
            "vms": [{"name": name, "kind": "process", "cgroup": "", "pid": pid, "cpus": 1, "busy": 0, "home": [0],
                     "placed": True, "pinned": False, "mem_fixed": False, "mem": {"0": 4096}} for name, pid, _ in vms],
            "vnics": [{"mac": address, "vm": name, "pnic": "p0", "name": "", "rx_queue": "default", "tx_queue": "default",
                       "worker": None, "worker_cpu": None, "rx": rates, "tx": rates, "served_by": "unknown",
                       "served": {}} for name, _, address in vms],
            "notices": [],
        }
        path = self.directory / "snapshot.json"
        path.write_text(json.dumps(host))
        return str(path)

    def apply(self, snapshot, *actions, code=0, env=None):
        """Outcomes of the actions, in order."""
        done = self.act("apply", self.state, snapshot, *actions, code=code, env=env)
        return [tuple(line.split("\t", 1)) for line in done.stdout.splitlines()]


def thread_key(pid):
    start = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    return f"{pid}@{start}"
