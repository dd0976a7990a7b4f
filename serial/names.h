/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of names per enum; JSON, sentences and the public nq_*_name() functions all use these. */
#ifndef NEARQ_SERIAL_NAMES_H
#define NEARQ_SERIAL_NAMES_H

#include <nearq/serial.h>

struct nq_names {
	const char *const *name;
	uint32_t count;
};

extern const struct nq_names nq_names_steering, nq_names_queue_kind, nq_names_queue_role, nq_names_vm_kind,
	nq_names_features, nq_names_served, nq_names_notice, nq_names_action, nq_names_rule;

/* The value of that name, or -EINVAL. */
int nq_names_find(const struct nq_names *names, const char *text);
/* All names, "a, b, c", truncated when they do not fit. */
void nq_names_list(const struct nq_names *names, char *ret, size_t size);

/* What a rule's reason.value[] are, as JSON keys in order; NULL after the last. */
extern const char *const nq_rule_values[NQ_RULE_COUNT][NQ_REASON_VALUES + 1];

#endif
