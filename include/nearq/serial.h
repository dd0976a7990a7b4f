/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values as text: the versioned JSON forms of snapshot and plan (docs/snapshot.md, docs/plan.md) and
 * the sentences that explain a plan.
 *
 * Reading is strict: an unknown key, a duplicate, a wrong type, a number out of range, a dangling
 * reference, a sum that cannot be, a version this library does not know are each an error that names
 * the place. Writing is canonical: same value, same bytes, keys in the documented order, two-space
 * indentation, final newline.
 */
#ifndef NEARQ_SERIAL_H
#define NEARQ_SERIAL_H

#include <stdio.h>

#include <nearq/plan.h>

/* Where and what is wrong with an input. Both texts are always terminated. */
struct nq_fault {
	char where[192]; /* "snapshot.json: vnics[3].mac" or "nearq.conf:12: [policy] dwell_ms" */
	char what[320];	 /* "found "abc"; allowed: six hexadecimal bytes separated by colons" */
};

void nq_fault_set(struct nq_fault *fault, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Versions of the forms; a reader takes exactly these. */
#define NQ_SNAPSHOT_VERSION 1
#define NQ_PLAN_VERSION 1

/* 0, or -errno of the stream. */
int nq_snapshot_write(FILE *stream, const struct nq_host *host);
int nq_plan_write(FILE *stream, const struct nq_host *host, const struct nq_plan *plan);

/*
 * 0 with *ret, -EBADMSG with *ret_fault for a bad text, -errno of the stream, -ENOMEM. name is used in the fault.
 * A plan is read against the host it was made for; names that the host does not have are a fault.
 */
int nq_snapshot_read(FILE *stream, const char *name, struct nq_host **ret, struct nq_fault *ret_fault);
int nq_plan_read(FILE *stream, const char *name, const struct nq_host *host, struct nq_plan **ret,
		 struct nq_fault *ret_fault);

/* Names of enums in JSON, tables and the command line; the inverse returns -EINVAL for an unknown name. */
const char *nq_steering_name(enum nq_steering value);
const char *nq_queue_kind_name(enum nq_queue_kind value);
const char *nq_queue_role_name(enum nq_queue_role value);
const char *nq_vm_kind_name(enum nq_vm_kind value);
const char *nq_features_name(uint32_t value); /* bits of enum nq_feature: "none", "lro+rss" */
const char *nq_served_name(enum nq_served value);
const char *nq_notice_name(enum nq_notice_kind value);
const char *nq_action_name(enum nq_action_kind value);
const char *nq_rule_name(enum nq_rule value); /* "home-best-fit", … */

#define NQ_MAC_TEXT 18	 /* "aa:bb:cc:dd:ee:ff" and its end */
#define NQ_QUEUE_TEXT 64 /* "eth0/3" (hard), "eth0/cpu5" (soft), "default" (NQ_NONE) */
void nq_mac_text(const struct nq_mac *mac, char ret[NQ_MAC_TEXT]);
int nq_mac_parse(const char *text, struct nq_mac *ret); /* 0 or -EINVAL; lower or upper case, colons */
void nq_queue_text(const struct nq_host *host, uint32_t queue, char ret[NQ_QUEUE_TEXT]);
/* What a vnic receives through: its queue as by nq_queue_text() and what differs of the others, "eth0/1+2". */
#define NQ_LANES_TEXT (NQ_QUEUE_TEXT + (NQ_MAX_LANES - 1) * 16)
void nq_lanes_text(const struct nq_host *host, uint32_t queue, uint32_t n_spread, const uint32_t *spread,
		   char ret[NQ_LANES_TEXT]);
/* Kernel ids of the set in list format, "0-1,4"; truncated with … when it does not fit. */
void nq_nodeset_text(const struct nq_host *host, const struct nq_nodeset *set, char *ret, size_t size);

/* One sentence each, with numbers and units, no newline; always terminated. */
#define NQ_SENTENCE 512
void nq_explain_action(const struct nq_host *host, const struct nq_action *action,
		       char ret[NQ_SENTENCE]); /* what: "vm3: receive through eth0/cpu6 (was default)" */
void nq_explain_reason(const struct nq_host *host, const struct nq_reason *reason, char ret[NQ_SENTENCE]); /* why */
void nq_explain_rejected(const struct nq_host *host, const struct nq_action *action,
			 char ret[NQ_SENTENCE]); /* what else; "" when nothing */
void nq_explain_violation(const struct nq_host *host, const struct nq_violation *violation, struct nq_fault *ret);

#endif
