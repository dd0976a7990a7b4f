/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "host/testpoint.h"

static unsigned long wanted(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, NULL, 10) : 0;
}

int nq_test_point(void)
{
	static unsigned long passed;

	passed++;
	if (passed == wanted("NEARQ_TEST_KILL_AT"))
		raise(SIGKILL);
	return passed == wanted("NEARQ_TEST_FAIL_AT") ? -EIO : 0;
}
