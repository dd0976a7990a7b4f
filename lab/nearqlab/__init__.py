# SPDX-License-Identifier: LGPL-2.1-or-later
"""The nearq lab: a NUMA host in QEMU, booted from Debian packages without any privilege."""
