/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the board share with each other only. */
#ifndef NEARQ_CORE_BOARD_PARTS_H
#define NEARQ_CORE_BOARD_PARTS_H

#include "core/board.h"

/* The queue is served by that CPU, NQ_NONE: by none that is known; its load goes along. */
void nq_board_link_queue(struct nq_board *board, uint32_t queue, uint32_t cpu);
void nq_board_unlink_queue(struct nq_board *board, uint32_t queue);
/* More (or, as a two's complement, less) load on the queue and its CPU. */
void nq_board_add_load(struct nq_board *board, uint32_t queue, uint64_t packets);
/* One more (1) or less (UINT32_MAX) queue in use on its CPU and in its pool. */
void nq_board_count(struct nq_board *board, uint32_t queue, uint32_t by);
/* Part of a default queue in what goes through its pnic's default queues; way 0: received, 1: sent. packets/s */
uint64_t nq_board_share(const struct nq_board *board, uint32_t queue, int way);
/* Per mille of a CPU that so many packets/s take. */
uint64_t nq_board_work(const struct nq_board *board, uint64_t load);
/* Way through a hard queue on that node to a vm with those deliveries, 1/256 ns per packet without packet_ns. */
uint64_t nq_board_hard_path(const struct nq_board *board, uint32_t pnic, const uint32_t *deliver, uint32_t queue_node);
/* The vm's row of deliveries for its present home. */
void nq_board_set_deliver(struct nq_board *board, uint32_t vm);
/* What the vm loses to remote memory in its present home. */
void nq_board_set_memory(struct nq_board *board, uint32_t vm);
/* arrive[] of soft queues and default_path[], from where the default queues are. */
void nq_board_default_tables(struct nq_board *board);
/* One unit's paths through the default queues. */
void nq_board_default_paths(struct nq_board *board, uint32_t unit);

#endif
