/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots: written and read back they are the same value, to the byte. */
#include "support.h"

#include <stdlib.h>

static const char *const figures[] = {
	"figure-5.json",      "figure-5-unplaced.json", "figure-6.json",
	"figure-6-free.json", "figure-7.json",		"figure-8.json",
};

/* The data files are in canonical form, so reading and writing one gives its own bytes; a copy is the same value. */
static void round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		struct nq_host *host = support_host(figures[i]), *copy = NULL;
		char *text = support_snapshot_text(host), *again;

		support_golden(figures[i], text);
		assert_int_equal(nq_host_copy(host, &copy), 0);
		nq_host_free(host);
		again = support_snapshot_text(copy);
		assert_string_equal(text, again);
		free(text);
		free(again);
		nq_host_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
