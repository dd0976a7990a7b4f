/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where tests make nearq die or fail: every write to the host passes one point just before it and one just after.
 *
 * NEARQ_TEST_KILL_AT=n   the process kills itself (SIGKILL) when it passes the n-th point, counted from 1
 * NEARQ_TEST_FAIL_AT=n   the n-th point returns -EIO, and the write counts as failed
 *
 * Compiled in always: what is tested is what is shipped, and whoever sets a root process's environment could kill it
 * as well.
 */
#ifndef NEARQ_HOST_TESTPOINT_H
#define NEARQ_HOST_TESTPOINT_H

int nq_test_point(void); /* 0 or -EIO */

#endif
