/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_data(const char *name, const char *mode)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", DATA, name);
	file = fopen(path, mode);
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	return file;
}

struct nq_host *support_host(const char *name)
{
	FILE *file = open_data(name, "r");
	struct nq_fault fault = { "", "" };
	struct nq_host *host = NULL;
	int result = nq_snapshot_read(file, name, &host, &fault);

	fclose(file);
	if (result < 0)
		fail_msg("%d: %s: %s", result, fault.where, fault.what);
	return host;
}

int support_host_from_text(const char *text, size_t size, struct nq_host **ret, struct nq_fault *fault)
{
	/* fmemopen() refuses a size of 0. */
	FILE *file = size ? fmemopen((void *)text, size, "r") : fopen("/dev/null", "r");
	int result;

	assert_non_null(file);
	result = nq_snapshot_read(file, "text", ret, fault);
	fclose(file);
	return result;
}

char *support_snapshot_text(const struct nq_host *host)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(nq_snapshot_write(file, host), 0);
	fclose(file);
	return text;
}

char *support_read_file(const char *name)
{
	FILE *file = open_data(name, "r");
	char *text = NULL;
	size_t size = 0;

	if (getdelim(&text, &size, '\0', file) < 0)
		fail_msg("%s: empty", name);
	fclose(file);
	return text;
}

void support_golden(const char *name, const char *text)
{
	const char *wish = getenv("NEARQ_GOLDEN");
	char *golden;

	if (wish && strcmp(wish, "write") == 0) {
		FILE *file = open_data(name, "w");

		fputs(text, file);
		fclose(file);
	}
	golden = support_read_file(name);
	assert_string_equal(text, golden);
	free(golden);
}
