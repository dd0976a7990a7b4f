/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is given back all at once: strings and per-node arrays of a host, texts of a memory. */
#ifndef NEARQ_CORE_ARENA_H
#define NEARQ_CORE_ARENA_H

#include <stddef.h>

struct nq_arena;

struct nq_arena *nq_arena_new(void);
struct nq_arena *nq_arena_free(struct nq_arena *arena); /* accepts NULL, returns NULL */
/* Zeroed and aligned for any type; NULL on lack of memory. */
void *nq_arena_take(struct nq_arena *arena, size_t size);

#endif
