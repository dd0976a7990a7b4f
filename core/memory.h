/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NEARQ_CORE_MEMORY_H
#define NEARQ_CORE_MEMORY_H

#include <nearq/plan.h>

/* Room for the keys that have to be made up: "pnic/4294967295" and a MAC. */
#define NQ_KEY_TEXT (NQ_MAX_NAME + 12)

/* The key of the object that an action of this kind moves; points into the host or to `room`. */
const char *nq_memory_key(const struct nq_host *host, enum nq_action_kind kind, uint32_t object,
			  char room[NQ_KEY_TEXT]);
/*
 * Has the object a credit left (D4)? Each move takes one, and one comes back in every credit_ms: spent_ns is when the
 * last of them will be back, so a credit is there while that is no later than the other credits - 1 need. True without
 * an entry, and for one that lies in the future, which is of another boot; else *ret_wait_ms: until one comes back.
 */
bool nq_memory_allows(const struct nq_policy *policy, const struct nq_memory_entry *entry, uint64_t now_ns,
		      uint64_t *ret_wait_ms);
/* When it moved last, or NULL. memory may be NULL. */
const struct nq_memory_entry *nq_memory_find(const struct nq_memory *memory, enum nq_action_kind kind, const char *key);

#endif
