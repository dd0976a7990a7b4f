/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ownership of Jansson's values and of hosts, for variables that give up what they hold at the end of their scope. */
#ifndef NEARQ_SERIAL_JSON_H
#define NEARQ_SERIAL_JSON_H

#include <jansson.h>

#include <nearq/plan.h>

static inline void nq_json_drop(json_t **value)
{
	json_decref(*value);
}

static inline void nq_host_drop(struct nq_host **host)
{
	nq_host_free(*host);
}

static inline void nq_plan_drop(struct nq_plan **plan)
{
	nq_plan_free(*plan);
}

#define nq_json __attribute__((cleanup(nq_json_drop)))
#define nq_own_host __attribute__((cleanup(nq_host_drop)))
#define nq_own_plan __attribute__((cleanup(nq_plan_drop)))

#endif
