/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/counted.h"

#include <malloc.h>
#include <stdlib.h>

/* The linker's names: __wrap_ is called instead of, __real_ is the allocator's. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static int64_t held, base, most;

static void *count(void *block)
{
	held += (int64_t)malloc_usable_size(block);
	most = held > most ? held : most;
	return block;
}

void *__wrap_malloc(size_t size)
{
	return count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return count(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size)
{
	size_t before = malloc_usable_size(block);
	void *larger = __real_realloc(block, size);

	if (larger || size == 0)
		held -= (int64_t)before;
	return larger ? count(larger) : NULL;
}

void __wrap_free(void *block)
{
	held -= (int64_t)malloc_usable_size(block);
	__real_free(block);
}

void bench_count_from_here(void)
{
	base = most = held;
}

uint64_t bench_most_counted(void)
{
	return (uint64_t)(most - base);
}
