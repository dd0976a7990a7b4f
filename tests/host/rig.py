# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host in a network namespace, and the observer inside it.

Nothing of the machine's own network is touched: the "host" is a namespace, its "NIC" a veth whose other end lies in a
second namespace ("outside"), its containers are further namespaces behind a bridge.
"""

import itertools
import json
import os
import shutil
import subprocess
import time

BUILD = os.environ.get("NEARQ_BUILD", "build")
OBSERVE = f"{BUILD}/tests/host/observe"
ACT = f"{BUILD}/tests/apply/act"
UPLINK = "up0"
_numbers = itertools.count()


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, **options).stdout


def program_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except FileNotFoundError:
        return None  # it did its work and ended


def until(condition, what, seconds=10):
    """The first true value of condition(), or a failure after a deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        os.sched_yield()


# Sends `count` frames to one MAC, from one CPU. Runs inside a namespace.
SEND = """
import os, socket, sys
interface, mac, count, cpu = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[3]), int(sys.argv[4])
os.sched_setaffinity(0, {cpu})
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((interface, 0))
frame = mac + bytes.fromhex("02000000aaaa") + b"\\x88\\xb5" + bytes(50)
for _ in range(count):
    s.send(frame)
"""


class Host:
    """The namespaces of one test; a context manager."""

    def __init__(self, queues=4):
        self.prefix = f"nq{os.getpid()}-{next(_numbers)}"
        self.namespaces, self.processes = [], []
        self.enter = None
        self.host = self.namespace("host")
        self.outside = self.namespace("out")
        self.ip(self.host, "link add br0 type bridge")
        self.ip(self.host, f"link add {UPLINK} numrxqueues {queues} numtxqueues {queues} type veth "
                           f"peer name eth0 numrxqueues {queues} numtxqueues {queues} netns {self.outside}")
        self.ip(self.host, f"link set {UPLINK} master br0 up")
        self.ip(self.host, "link set br0 up")
        self.ip(self.outside, "link set eth0 up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        for namespace in list(self.namespaces):
            self.delete(namespace)

    def namespace(self, name):
        namespace = f"{self.prefix}-{name}"
        run("ip", "netns", "add", namespace)
        self.namespaces.append(namespace)
        return namespace

    def delete(self, namespace):
        run("ip", "netns", "del", namespace)
        self.namespaces.remove(namespace)

    @staticmethod
    def ip(namespace, command):
        return run("ip", "-n", namespace, *command.split())

    def start(self, namespace, *command, **options):
        enter = self.enter if self.enter and namespace == self.host else ["ip", "netns", "exec", namespace]
        process = subprocess.Popen([*map(str, enter), *map(str, command)], text=True, **options)
        self.processes.append(process)
        # `ip netns exec` becomes the command; its namespace is the right one from then on
        through = {os.path.realpath(shutil.which(program)) for program in ("ip", "nsenter")}
        until(lambda: program_of(process.pid) not in through, "exec")
        return process

    def acting(self, directory):
        """A function that runs the appliers' test program, and one that observes, where both see the same bpffs."""
        holder = self.start(self.host, "sh", "-ec", "mount -t bpf bpf /sys/fs/bpf && echo ready && exec cat",
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout.readline() == "ready\n"
        self.enter = ["nsenter", "-t", holder.pid, "-n", "-m"]

        def act(kind, key, value):
            text = run(*self.enter, ACT, "set", directory / "state", kind, key, value)
            assert text.startswith(("done", "same")), text
        return act

    def container(self, name, mac, processes=1, cpus=None):
        """A namespace behind the bridge; returns it and its processes."""
        namespace = self.namespace(name)
        self.ip(self.host, f"link add {name} type veth peer name eth0 netns {namespace}")
        self.ip(namespace, f"link set eth0 address {mac} up")
        self.ip(self.host, f"link set {name} master br0 up")
        self.ip(self.host, f"link set {name} type bridge_slave learning on")
        run("bridge", "-n", self.host, "fdb", "replace", mac, "dev", name, "master", "static")
        started = [self.start(namespace, "sleep", "1000") for _ in range(processes)]
        for process in started:
            if cpus is not None:
                os.sched_setaffinity(process.pid, cpus)
        return namespace, started

    def send(self, mac, count, cpu=0):
        """Frames from outside, through the uplink."""
        run("ip", "netns", "exec", self.outside, "/usr/bin/python3", "-c", SEND, "eth0", mac, count, cpu)

    def sent(self, interface):
        return int(json.loads(run("ip", "-n", self.host, "-j", "-s", "link", "show", interface))[0]["stats64"]["tx"]
                   ["packets"])

    def observer(self, *options, ticks=100):
        return Observer(self, options, ticks)

    def observe(self, *options):
        return self.observer(*options, ticks=1).next()


class Observer:
    def __init__(self, host, options, ticks):
        self.first = True
        self.process = host.start(host.host, OBSERVE, "--physical", UPLINK, *options, "--ticks", ticks,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def next(self):
        """The next observation; the first one was made when the observer started."""
        if not self.first:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        self.first = False
        text = []
        while not text or text[-1] != "}\n":
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            text.append(line)
        return json.loads("".join(text))


def named(objects, name):
    return next(o for o in objects if o["name"] == name)


def notices(snapshot, kind):
    return [n for n in snapshot["notices"] if n["kind"] == kind]
