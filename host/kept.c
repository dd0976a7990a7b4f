/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hash table with open addressing; the number of slots is a power of two and at most half of them are used. A
 * dropped file leaves its slot with the path and without descriptor, so that searches go on past it; it is
 * taken again by the same path, or left behind when the table grows.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <host/kept.h>

#define SLOTS_FIRST 256u

struct slot {
	char *path; /* NULL: never used */
	int fd;	    /* -1: dropped */
};

struct nq_kept {
	struct slot *slot;
	uint32_t n_slots, n_used, n_open, n_open_max;
};

int nq_kept_new(struct nq_kept **ret)
{
	struct nq_kept *kept = calloc(1, sizeof(*kept));
	struct rlimit limit = { .rlim_cur = 256 };

	if (kept)
		kept->slot = calloc(SLOTS_FIRST, sizeof(*kept->slot));
	if (!kept || !kept->slot) {
		free(kept);
		return -ENOMEM;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	kept->n_open_max = limit.rlim_cur > UINT32_MAX ? UINT32_MAX / 2 : (uint32_t)limit.rlim_cur / 2;
	kept->n_slots = SLOTS_FIRST;
	*ret = kept;
	return 0;
}

struct nq_kept *nq_kept_free(struct nq_kept *kept)
{
	if (!kept)
		return NULL;
	for (uint32_t i = 0; i < kept->n_slots; i++) {
		if (kept->slot[i].path && kept->slot[i].fd >= 0)
			close(kept->slot[i].fd);
		free(kept->slot[i].path);
	}
	free(kept->slot);
	free(kept);
	return NULL;
}

static uint64_t hash_path(const char *path)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 1099511628211u;
	return hash;
}

/* The slot of that path, or the empty one where it belongs. */
static struct slot *find_slot(struct slot *slots, uint32_t n_slots, const char *path)
{
	uint32_t i = (uint32_t)hash_path(path) & (n_slots - 1);

	while (slots[i].path && strcmp(slots[i].path, path) != 0)
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

static int grow(struct nq_kept *kept)
{
	uint32_t n = kept->n_slots * 2;
	struct slot *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	kept->n_used = 0;
	for (uint32_t i = 0; i < kept->n_slots; i++) {
		struct slot *old = &kept->slot[i];

		if (old->path && old->fd >= 0) {
			*find_slot(slots, n, old->path) = *old;
			kept->n_used++;
		} else {
			free(old->path);
		}
	}
	free(kept->slot);
	kept->slot = slots;
	kept->n_slots = n;
	return 0;
}

int nq_kept_find(const struct nq_kept *kept, const char *path)
{
	const struct slot *slot = find_slot(kept->slot, kept->n_slots, path);

	return slot->path ? slot->fd : -1;
}

bool nq_kept_add(struct nq_kept *kept, const char *path, int fd)
{
	struct slot *slot;

	if (kept->n_open >= kept->n_open_max || (kept->n_used * 2 >= kept->n_slots && grow(kept) < 0))
		return false;
	slot = find_slot(kept->slot, kept->n_slots, path);
	if (slot->path && slot->fd >= 0)
		return false;
	if (!slot->path) {
		slot->path = strdup(path);
		if (!slot->path)
			return false;
		kept->n_used++;
	}
	slot->fd = fd;
	kept->n_open++;
	return true;
}

void nq_kept_drop(struct nq_kept *kept, const char *path)
{
	struct slot *slot = find_slot(kept->slot, kept->n_slots, path);

	if (!slot->path || slot->fd < 0)
		return;
	close(slot->fd);
	slot->fd = -1;
	kept->n_open--;
}
