/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading [policy] and [pool NAME].
 *
 * A preset is the ground on which the other keys of [policy] stand, whichever line or file has it. So all keys are
 * gathered first, a later file's over an earlier one's, and the policy is made of them at the end; only then two keys
 * can be held against each other.
 */
#ifndef NEARQ_DAEMON_CONFIG_POLICY_H
#define NEARQ_DAEMON_CONFIG_POLICY_H

#include "daemon/ini.h"

#include <nearq/policy.h>

#define NQ_SECTION_POLICY "policy"
#define NQ_SECTION_POOL "pool" /* then a space and its name */
#define NQ_KEY_PRESET "preset"

/* A key that a file has. */
struct nq_given {
	char *file; /* NULL: none has it */
	unsigned line;
	uint64_t value;
};

struct nq_policy_reader {
	struct nq_policy policy; /* its pools are filled while reading */
	const struct nq_policy_preset *preset;
	struct nq_given preset_given;
	struct nq_given *settings; /* [nq_policy_settings_count] */
	struct nq_given *pools;	   /* [NQ_MAX_POOLS * nq_pool_settings_count], by index of the pool */
};

int nq_policy_reader_init(struct nq_policy_reader *ret); /* 0 or -ENOMEM; to be cleared in either case */
void nq_policy_reader_clear(struct nq_policy_reader *reader);
/* Is it a section that belongs here? */
bool nq_policy_reader_takes(const char *section);
/* One key. 0; -EBADMSG with *fault; -ENOMEM. */
int nq_policy_reader_visit(struct nq_policy_reader *reader, const struct nq_ini_entry *entry, struct nq_fault *fault);
/* Makes the policy of what was given. 0, or -EBADMSG with *fault for keys that contradict each other. */
int nq_policy_reader_finish(struct nq_policy_reader *reader, struct nq_fault *fault);

/* config.c: "FILE:LINE: [SECTION] KEY: found …; allowed: …; did you mean …?" (nearest may be NULL) */
void nq_config_fault(struct nq_fault *fault, const struct nq_ini_entry *entry, const char *found, const char *allowed,
		     const char *nearest);
/* A second time in the same file, after that line. -EBADMSG. */
int nq_config_fault_twice(struct nq_fault *fault, const struct nq_ini_entry *entry, unsigned line);

#endif
