/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

#define BLOCK_SIZE 16384u
#define ALIGNMENT _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, size;
	max_align_t data[];
};

struct nq_arena {
	struct block *blocks;
};

struct nq_arena *nq_arena_new(void)
{
	return calloc(1, sizeof(struct nq_arena));
}

struct nq_arena *nq_arena_free(struct nq_arena *arena)
{
	struct block *block = arena ? arena->blocks : NULL;

	while (block) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
	free(arena);
	return NULL;
}

static struct block *add_block(struct nq_arena *arena, size_t least)
{
	size_t size = least > BLOCK_SIZE ? least : BLOCK_SIZE;
	struct block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *nq_arena_take(struct nq_arena *arena, size_t size)
{
	struct block *block = arena->blocks;
	void *taken;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!block || block->size - block->used < size)
		block = add_block(arena, size);
	if (!block)
		return NULL;
	taken = (char *)block->data + block->used;
	block->used += size;
	return taken;
}
