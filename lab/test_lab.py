#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the lab that need no guest: shapes, QEMU's command line, and nearq-traffic against a socket of our own.

NEARQ_TRAFFIC names the program; without it those tests are skipped.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from nearqlab import guest, image, machine, shape  # noqa: E402
from nearqlab.paths import LabError  # noqa: E402

TRAFFIC = os.environ.get("NEARQ_TRAFFIC")
DEADLINE_S = 20
GOOD = {"description": "d", "nodes": [{"cpus": 2, "memory_mib": 128}, {"cpus": 2, "memory_mib": 128}],
        "distances": [[10, 20], [20, 10]], "nics": [{"model": "igb", "node": 1}]}


def changed(**changes):
    """The good shape with some keys replaced; None removes a key."""
    value = {**GOOD, **changes}
    return json.dumps({k: v for k, v in value.items() if v is not None})


class Shapes(unittest.TestCase):
    """Every shape that comes with the lab is valid, and every fault is named with its place."""

    def test_shipped(self):
        for name in shape.names():
            with self.subTest(name):
                self.assertEqual(shape.load(name).name, name)

    def test_four_has_two_remote_distances(self):
        rows = shape.load("four").distances
        self.assertEqual({d for row in rows for d in row}, {10, 16, 22})

    def test_faults(self):
        faults = [
            ("{", "not valid JSON"), ("[]", "top level"), ('{"a": 1, "a": 2}', "appears twice"),
            (changed(description=None), "description: is missing"), (changed(typo=1), "typo: is not a known key"),
            (changed(nodes=[]), "nodes:"), (changed(nodes=[{"cpus": 2}, GOOD["nodes"][0]]), "nodes[0].memory_mib"),
            (changed(nodes=[{"cpus": True, "memory_mib": 128}, GOOD["nodes"][0]]), "nodes[0].cpus"),
            (changed(nodes=[{"cpus": 99, "memory_mib": 128}, GOOD["nodes"][0]]), "nodes[0].cpus"),
            (changed(nodes=[GOOD["nodes"][0], {"cpus": 0, "memory_mib": 128}, GOOD["nodes"][0]]), "must come last"),
            (changed(distances=[[10, 20]]), "distances:"), (changed(distances=[[10, 20], [20, 11]]), "distances[1][1]"),
            (changed(distances=[[10, 9], [20, 10]]), "distances[0][1]"), (changed(packages=3), "packages"),
            (changed(nics=[{"model": "ne2000", "node": 0}]), "nics[0].model"),
            (changed(nics=[{"model": "igb", "node": 2}]), "nics[0].node"),
            (changed(nics=[{"model": "igb"}]), "nics[0].node"),
            (changed(nics=[{"model": "igb", "node": 0, "name": "a b"}]), "nics[0].name"),
            (changed(nics=[{"model": "igb", "node": 0, "name": "x"}] * 2), "nics:"),
            (changed(kernel_args=["a b"]), "kernel_args"), (changed(numa=False), "nodes:"),
        ]
        for text, message in faults:
            with self.subTest(message), self.assertRaises(LabError) as caught:
                shape.parse("file.json", "file", text)
            self.assertIn(message, str(caught.exception))
            self.assertIn("file.json", str(caught.exception))

    def test_unknown_name_lists_the_known(self):
        with self.assertRaises(LabError) as caught:
            shape.load("nonesuch")
        self.assertIn("four", str(caught.exception))


class Machine(unittest.TestCase):
    """QEMU's command line follows the shape."""

    def test_nic_behind_its_node(self):
        words = machine.command(shape.parse("f", "f", changed()), "tcg")
        self.assertTrue(any(w.startswith("pxb-pcie,") and w.endswith("numa_node=1") for w in words))
        self.assertIn("dist,src=0,dst=1,val=20", words)

    def test_flat_has_no_numa(self):
        words = machine.command(shape.load("flat"), "tcg")
        self.assertNotIn("-numa", words)
        self.assertFalse(any(w.startswith("pxb-pcie") for w in words))

    def test_socket_names_are_short(self):
        for word in machine.command(shape.load("nics"), "tcg"):
            if word.startswith("dgram,"):
                self.assertNotIn("/", word)

    def test_own_process_is_known_by_start_time(self):
        begun = guest.start_time(os.getpid())
        self.assertTrue(guest.alive({"pid": os.getpid(), "start_time": begun}))
        self.assertFalse(guest.alive({"pid": os.getpid(), "start_time": begun + 1}))

    def test_cpio_is_aligned(self):
        archive = image.Cpio()
        archive.add("a", 0o100644, b"xyz")
        self.assertEqual(sum(map(len, archive.parts)) % 4, 0)


def sum16(data):
    """Ones' complement sum of 16-bit words."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@unittest.skipUnless(TRAFFIC, "NEARQ_TRAFFIC is not set")
class Traffic(unittest.TestCase):
    """nearq-traffic send, with this test in the place of QEMU."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="nearq-lab-" + "x" * 100)
        self.addCleanup(self.folder.cleanup)
        self.handle = os.open(self.folder.name, os.O_PATH)
        self.addCleanup(os.close, self.handle)
        self.qemu = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.qemu.close)
        self.qemu.settimeout(DEADLINE_S)

    def bind(self):
        """Appear as QEMU; the folder's path is longer than a socket address may be."""
        self.qemu.bind(f"/proc/self/fd/{self.handle}/qemu")

    def send(self, *words):
        """Start a sender."""
        process = subprocess.Popen([TRAFFIC, "send", "--to-socket", self.folder.name + "/qemu", "--bind",
                                    self.folder.name + "/peer", *words], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def total(self, process):
        """Stop a sender and read its last line."""
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=DEADLINE_S)
        value = json.loads(out.splitlines()[-1])
        self.assertTrue(value["total"])
        return value

    def test_frames_are_valid_and_flows_differ(self):
        self.bind()
        self.send("--target", "02:00:00:00:00:05=200", "--flows", "4", "--size", "101")
        frames = [self.qemu.recv(2048) for _ in range(8)]
        for frame in frames:
            self.assertEqual((len(frame), frame[:6].hex()), (101, "020000000005"))
            self.assertEqual(sum16(frame[14:34]), 0xFFFF)
            pseudo = frame[26:34] + struct.pack("!HH", 17, len(frame) - 34)
            self.assertEqual(sum16(pseudo + frame[34:]), 0xFFFF)
            self.assertEqual(frame[30:34], bytes([10, 0, 0, 5]))
        self.assertEqual(len({frame[26:30] for frame in frames}), 4)

    def test_answers_are_counted_by_mac(self):
        self.bind()
        process = self.send("--target", "02:00:00:00:00:01=100,02:00:00:00:00:02=100")
        answered = 0
        while answered < 5:
            frame, peer = self.qemu.recvfrom(2048)
            if frame[5] == 1:
                self.qemu.sendto(frame[6:12] + frame[:6] + frame[12:], f"/proc/self/fd/{self.handle}/peer")
                answered += 1
        value = self.total(process)
        counts = [value["targets"][f"02:00:00:00:00:0{k}"]["answered"] for k in (1, 2)]
        self.assertEqual(counts, [5, 0])

    def test_waits_for_qemu_and_sends_no_flood(self):
        process = self.send("--target", "02:00:00:00:00:01=1000")
        end = time.monotonic() + DEADLINE_S
        while not os.path.exists(self.folder.name + "/peer") and time.monotonic() < end:
            time.sleep(0.01)
        self.bind()
        self.qemu.recv(2048)
        value = self.total(process)
        self.assertLessEqual(value["sent"] + value["skipped"], value["ms"] + 1)
        self.assertGreater(value["refused"], 0)

    def test_targets_file_is_read_again(self):
        self.bind()
        path = self.folder.name + "/targets"
        with open(path, "w", encoding="ascii") as stream:
            stream.write("# rates\n02:00:00:00:00:01=100\n")
        process = self.send("--targets", path)
        self.assertEqual(self.qemu.recv(2048)[5], 1)
        with open(path, "w", encoding="ascii") as stream:
            stream.write("02:00:00:00:00:02=100\n")
        process.send_signal(signal.SIGHUP)
        end = time.monotonic() + DEADLINE_S
        while self.qemu.recv(2048)[5] != 2:
            self.assertLess(time.monotonic(), end)
        self.assertEqual(self.total(process)["targets"]["02:00:00:00:00:01"]["rate"], 0)

    def test_usage_errors(self):
        for words in ([], ["send"], ["sink"], ["send", "--target", "zz"], ["sink", "--interface", "lo", "--answer", "x"],
                      ["send", "--to-socket", "a", "--bind", "b", "--target", "02:00:00:00:00:01=-1"]):
            with self.subTest(words):
                result = subprocess.run([TRAFFIC, *words], capture_output=True, check=False)
                self.assertEqual(result.returncode, 2)


if __name__ == "__main__":
    unittest.main()
