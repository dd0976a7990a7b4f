/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the market share with each other only. */
#ifndef NEARQ_CORE_MARKET_PARTS_H
#define NEARQ_CORE_MARKET_PARTS_H

#include "core/assign.h"

/* How the waiting on the CPU grows, 1/256 ns per packet/s more. */
uint64_t nq_market_slope(const struct nq_board *board, uint32_t cpu);
/* A free queue of the pnic that can be brought anywhere, with the pool's features; NQ_NONE when there is none. */
uint32_t nq_market_spare(struct nq_market *market, uint32_t pnic, uint32_t pool);
/* The CPU's load as if the unit were not there. */
uint64_t nq_market_load_without(const struct nq_board *board, const struct nq_unit *unit, uint32_t cpu);
/* What the unit costs on a queue that the CPU serves; open: which is not in use yet. */
uint64_t nq_market_cost_on(const struct nq_market *market, const struct nq_unit *unit, uint32_t cpu, bool open);
/* Does the first user pay for the queue? Also for one that somebody unknown uses. */
bool nq_market_is_unpaid(const struct nq_board *board, uint32_t queue);
/* Is it steered, or is a steering rule left for it? */
bool nq_market_has_rule(const struct nq_board *board, const struct nq_unit *unit);

#endif
