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

char *support_plan_text(const struct nq_host *host, const struct nq_plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(nq_plan_write(file, host, plan), 0);
	fclose(file);
	return text;
}

struct nq_plan *support_plan(const struct nq_host *host, const struct nq_policy *policy, const struct nq_memory *memory)
{
	struct nq_policy defaults;
	struct nq_plan *plan = NULL;

	nq_policy_init(&defaults);
	assert_int_equal(nq_plan_make(host, policy ? policy : &defaults, memory, &plan), 0);
	return plan;
}

struct nq_host *support_planned(const struct nq_host *host, const struct nq_plan *plan)
{
	struct nq_violation violation = { 0 };
	struct nq_host *planned = NULL;
	struct nq_fault fault = { "", "" };
	struct nq_policy policy;

	nq_policy_init(&policy);
	assert_int_equal(nq_plan_apply(host, &policy, plan, &planned), 0);
	if (nq_host_check(planned, &violation) < 0) {
		nq_explain_violation(planned, &violation, &fault);
		fail_msg("planned host: %s: %s", fault.where, fault.what);
	}
	return planned;
}

uint64_t support_cost(const struct nq_host *host)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	return nq_host_cost(host, &policy);
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
