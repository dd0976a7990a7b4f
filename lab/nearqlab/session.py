# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host in the lab as its users see it: commands with their output, traffic from outside, VMs inside.

For programs that drive the lab (the demo, the lab tests). Everything goes through the nearq-lab command, so what
is done here can be done by hand.
"""
import contextlib
import json
import os
import subprocess

from . import guest
from .paths import CHECKOUT, LabError

TOOL = os.path.join(CHECKOUT, "lab", "nearq-lab")
LOST = 125


class Stalled(Exception):
    """The guest hung or went away; what it held is lost, the caller starts over."""


class Failed(Exception):
    """A command in the guest ended with another code than expected."""


class Host:
    """One guest of a shape, with the programs of one build folder."""

    def __init__(self, build, shape="four", say=lambda text: None):
        self.build = os.path.abspath(build)
        self.shape = shape
        self.say = say
        self.environment = {"NEARQ_TRAFFIC": os.path.join(self.build, "lab", "nearq-traffic")}

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.tool("down")

    def tool(self, *words):
        """nearq-lab itself, quiet unless it fails."""
        done = subprocess.run([TOOL, "-q", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(done.stderr.strip() or f"nearq-lab {words[0]} ended with {done.returncode}")
        return done.stdout

    def up(self):
        """Boot, with progress on the terminal: the first time it downloads QEMU and a kernel."""
        if subprocess.call([TOOL, "up", "--shape", self.shape]):
            raise LabError("the lab did not come up")

    def call(self, *words, timeout=60, environment=None):
        """Run a command in the guest: (exit code, output, errors)."""
        pairs = [w for k, v in {**self.environment, **(environment or {})}.items() for w in ("--env", f"{k}={v}")]
        done = subprocess.run([TOOL, "exec", "--timeout", str(timeout), *pairs, "--", *words], capture_output=True,
                              text=True, check=False)
        if done.returncode == LOST:
            raise Stalled(done.stderr.strip())
        return done.returncode, done.stdout, done.stderr

    def out(self, *words, expect=(0,), **more):
        """The same, for a command that must end well; returns its output."""
        code, out, err = self.call(*words, **more)
        if code not in expect:
            raise Failed(f"{' '.join(words)}: exit code {code}\n{out}{err}")
        return out

    def nearq(self, *words, **more):
        """The freshly built nearq; its journal is the guest's own."""
        return self.out(os.path.join(self.build, "cli", "nearq"), *words, **more)

    def script(self, name, *words, **more):
        """One of lab/guest's scripts."""
        return self.out(os.path.join(CHECKOUT, "lab", "guest", name), *words, **more)

    def settings(self, *nics):
        """All settings, read without nearq."""
        return self.script("settings", *(nics or ("eth0",)))

    def served(self, seconds, vms):
        """By the kernel's own histogram: {vm: {node: frames}} of what entered each VM in so many seconds."""
        counts = json.loads(self.script("witness", "count", str(seconds), timeout=60 + seconds))
        nodes = self.nodes()
        result = {}
        for vm in vms:
            by_node = dict.fromkeys(sorted(set(nodes.values())), 0)
            for cpu, frames in counts.get(vm["veth"], {}).items():
                by_node[nodes[int(cpu)]] += frames
            result[vm["name"]] = by_node
        return result

    def nodes(self):
        """CPU -> node, from sysfs."""
        lines = self.out("grep -H . /sys/devices/system/node/node*/cpulist").splitlines()
        return {cpu: int(path.split("/node")[-1].split("/")[0]) for line in lines
                for path, _, cpus in [line.partition(":")] for cpu in expand(cpus)}

    @contextlib.contextmanager
    def traffic(self, rates, flows=16, nic=0):
        """Frames from outside the guest to {MAC: frames a second} while the block runs."""
        targets = [f"{mac}={rate}" for mac, rate in rates.items()]
        sender = subprocess.Popen(
            [self.environment["NEARQ_TRAFFIC"], "send", "--to-socket", f"nic{nic}.qemu", "--bind", f"nic{nic}.peer",
             "--flows", str(flows), "--target", ",".join(targets)],
            cwd=guest.run_path(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            yield sender
        finally:
            sender.terminate()
            sender.communicate()


def expand(text):
    """The numbers of a kernel list such as 0-2,5."""
    for part in filter(None, text.strip().split(",")):
        low, _, high = part.partition("-")
        yield from range(int(low), int(high or low) + 1)


def local_share(served, home):
    """(frames served on the home nodes, all frames)."""
    return sum(n for node, n in served.items() if node in home), sum(served.values())
