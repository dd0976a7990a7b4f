/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tree.h"

char root[] = "/tmp/nearq-steps-XXXXXX";
struct nq_setting_ctx *ctx;

void put(const char *path, const char *text)
{
	char full[512], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void drop(const char *path)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -r '%s/%s'", root, path);
	assert_int_equal(system(command), 0);
}

const char *content(const char *path)
{
	static char text[256];

	assert_int_equal(nq_setting_read_file(ctx, path, text, sizeof(text)), 0);
	return text;
}

int make_tree(void **state)
{
	(void)state;
	strcpy(strrchr(root, '-') + 1, "XXXXXX");
	if (!mkdtemp(root) || nq_setting_ctx_new_at(root, &ctx) < 0)
		return -1;
	put("proc/irq/57/smp_affinity_list", "0-7\n");
	put("proc/77/stat", "77 (a (b) c) S 1 77 77 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0 0\n");
	put("proc/88/stat", "88 (napi/e0-9) S 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0 0\n");
	put("proc/self/mounts", "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
	put("sys/fs/cgroup/vm1/cgroup.procs", "77\n");
	put("sys/fs/cgroup/vm1/cpuset.cpus", "\n");
	put("sys/fs/cgroup/vm1/cpuset.mems", "\n");
	put("sys/fs/cgroup/vm1/cgroup.type", "domain\n");
	put("sys/fs/cgroup/vm1/cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0\n");
	put("sys/fs/cgroup/bare/cgroup.procs", "");
	put("sys/class/net/e0/queues/tx-0/xps_cpus", "00000000,00000003\n");
	put("sys/class/net/e0/threaded", "0\n");
	return 0;
}

int remove_tree(void **state)
{
	char command[64];

	(void)state;
	ctx = nq_setting_ctx_free(ctx);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

struct nq_applier *make_applier(void)
{
	struct nq_applier *applier = calloc(1, sizeof(*applier));
	struct nq_fault fault;
	char path[256];

	snprintf(path, sizeof(path), "%s/state", root);
	assert_int_equal(nq_journal_open(path, &applier->journal, NULL, &fault), 0);
	assert_int_equal(nq_setting_ctx_new_at(root, &applier->ctx), 0);
	return applier;
}

void change(struct nq_applier *applier, const char *kind, const char *key, const char *value,
	    enum nq_outcome_kind wanted)
{
	struct nq_outcome outcome = {};
	int journal_error = 0;

	nq_change(applier, nq_setting_find(kind), key, value, &outcome, &journal_error);
	assert_int_equal(journal_error, 0);
	if (outcome.kind != wanted)
		fail_msg("%s %s: %s: %s", kind, key, nq_outcome_name(outcome.kind), outcome.detail);
}
