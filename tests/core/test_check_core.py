#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/check-core passes the planner as it is, and stops each way in which it could cease to be a pure function."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What is added to core/guard.c, and what the complaint must mention.
TRESPASSES = {
    "stdio": ("#include <stdio.h>", "includes <stdio.h>"),
    "serial": ("#include <nearq/serial.h>", "includes <nearq/serial.h>"),
    "host layer": ('#include "host/observe.h"', 'includes "host/observe.h"'),
    "macro": ("#define HEADER <time.h>\n#include HEADER", "includes HEADER"),
    "clock": ("long time(long *t);\nlong nq_now(void);\nlong nq_now(void) { return time(0); }", "uses time()"),
    "mathematics": ("int nq_x(int x);\nint abs2(int);\nint nq_x(int x) { return abs2(x); }", "does not compile and link"),
    "variable": ("int nq_count(void);\nint nq_count(void) { static int count; return ++count; }", "is a variable that can change"),
    "floating point": ("static inline int nq_half(int x) { return (int)(x * (double)1); }", "floating point"),
    "foreign name": ("void helper(void);\nvoid helper(void) {}", "helper() is visible"),
}


class CheckCore(unittest.TestCase):
    def run_on(self, addition):
        with tempfile.TemporaryDirectory() as directory:
            copy = pathlib.Path(directory)
            shutil.copytree(ROOT / "core", copy / "core")
            shutil.copytree(ROOT / "include", copy / "include")
            with open(copy / "core" / "guard.c", "a", encoding="utf-8") as file:
                file.write(addition + "\n")
            return subprocess.run([ROOT / "tools" / "check-core", "--root", copy], capture_output=True, text=True,
                                  check=False)

    def test_as_it_is(self):
        result = self.run_on("/* #include <stdio.h> and double in a comment are no harm */")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_trespasses(self):
        for name, (addition, complaint) in TRESPASSES.items():
            with self.subTest(name):
                result = self.run_on(addition)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn(complaint, result.stderr)


if __name__ == "__main__":
    unittest.main()
