/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A made-up proc/ and sys/ in a directory of the test's own: interrupt 57; processes 77 and, a thread of the kernel's,
 * 88; /vm1, a cgroup with an empty cpuset, and /bare, one without the controller; interface e0 with a transmit queue.
 */
#ifndef NEARQ_TESTS_APPLY_TREE_H
#define NEARQ_TESTS_APPLY_TREE_H

#include "host/change.h"

extern char root[];
extern struct nq_setting_ctx *ctx; /* on the tree */

/* For a test's setup and teardown. */
int make_tree(void **state);
int remove_tree(void **state);

/* Paths are relative to the tree. A file, with the directories above it; what it has, until the next call. */
void put(const char *path, const char *text);
void drop(const char *path);
const char *content(const char *path);

/* An applier on the tree, with its journal there. */
struct nq_applier *make_applier(void);
/* nq_change(), and fails unless it ends as wanted. */
void change(struct nq_applier *applier, const char *kind, const char *key, const char *value,
	    enum nq_outcome_kind wanted);

#endif
