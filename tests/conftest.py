# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of several folders share."""
import os
import shutil
import tempfile

import pytest


@pytest.fixture
def for_everybody():
    """A function that copies a program to where any user may run it: the checkout may be in root's home."""
    with tempfile.TemporaryDirectory(prefix="nearq-test-") as folder:
        os.chmod(folder, 0o755)
        yield lambda program: shutil.copy(program, folder)
