/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kinds of action are about. */
#ifndef NEARQ_CORE_ACTION_H
#define NEARQ_CORE_ACTION_H

#include <nearq/plan.h>

#include "core/order.h"

/* The array of the object that such an action moves, and that of the targets it chooses among. */
enum nq_array nq_action_array(enum nq_action_kind kind);
enum nq_array nq_action_targets(enum nq_action_kind kind);
/* The object that an action moves: index of a vm, queue or vnic. */
uint32_t nq_action_object(const struct nq_action *action);
/* An action whose every index is NQ_NONE. */
struct nq_action nq_action_init(enum nq_action_kind kind);

#endif
