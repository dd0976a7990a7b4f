/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of a plan, for its writer and its reader (docs/plan.md says what they mean). */
#ifndef NEARQ_SERIAL_PLAN_FIELDS_H
#define NEARQ_SERIAL_PLAN_FIELDS_H

#include "serial/fields.h"

#define NQ_PLAN_KEY "nearq-plan"

extern const struct nq_field nq_plan_fields[];
extern const struct nq_field nq_action_kind_field[], nq_action_cost_fields[], nq_kept_fields[];
extern const struct nq_field *const nq_action_fields[NQ_ACTION_KIND_COUNT];

#endif
