/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between a board and a plan. */
#ifndef NEARQ_CORE_DIFF_H
#define NEARQ_CORE_DIFF_H

#include "core/stages.h"

/*
 * What leads from the board's host to the board as it stands, in the order in which it is to be done: homes, memory,
 * queues, steering. An object that moved several times is one action, one that returned is none. 0 or -ENOMEM.
 */
int nq_diff(const struct nq_board *board, struct nq_plan **ret);
/* Moves everything on the board as the plan says, reasons included. The plan is of the board's host. */
void nq_carry_out(struct nq_board *board, const struct nq_plan *plan);

#endif
