/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the planner remembers: one entry per object that was ever moved, in order of kind and key, so that it is
 * found by halving. When there are more entries than the host has objects, those of objects that are gone are
 * forgotten; until then they do no harm, and a vm that is restarted keeps its dwell.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/memory.h"

int nq_memory_new(struct nq_memory **ret)
{
	struct nq_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	memory->next_node = NQ_NONE;
	*ret = memory;
	return 0;
}

struct nq_memory *nq_memory_free(struct nq_memory *memory)
{
	for (uint32_t i = 0; memory && i < memory->n_entries; i++)
		free((char *)memory->entries[i].key);
	if (memory)
		free(memory->entries);
	free(memory);
	return NULL;
}

static char *put_number(char *to, uint32_t number)
{
	char digits[10];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*to++ = digits[--n];
	*to = '\0';
	return to;
}

static const char *queue_text(const struct nq_host *host, uint32_t queue, char room[NQ_KEY_TEXT])
{
	const char *pnic = host->pnics[host->queues[queue].pnic].name;
	size_t length = strlen(pnic);

	if (length > NQ_MAX_NAME)
		length = NQ_MAX_NAME;
	memcpy(room, pnic, length);
	room[length] = '/';
	put_number(room + length + 1, host->queues[queue].index);
	return room;
}

static const char *mac_text(const struct nq_mac *mac, char room[NQ_KEY_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(mac->byte); i++) {
		room[3 * i] = digits[mac->byte[i] >> 4];
		room[3 * i + 1] = digits[mac->byte[i] & 15];
		room[3 * i + 2] = i + 1 < sizeof(mac->byte) ? ':' : '\0';
	}
	return room;
}

const char *nq_memory_key(const struct nq_host *host, enum nq_action_kind kind, uint32_t object, char room[NQ_KEY_TEXT])
{
	switch (kind) {
	case NQ_ACTION_HOME:
		return host->vms[object].name;
	case NQ_ACTION_QUEUE_CPU:
		return queue_text(host, object, room);
	case NQ_ACTION_STEER:
		return mac_text(&host->vnics[object].mac, room);
	case NQ_ACTION_KIND_COUNT:
		break;
	}
	return "";
}

static int compare(const struct nq_memory_entry *entry, enum nq_action_kind kind, const char *key)
{
	return entry->kind != kind ? (entry->kind > kind ? 1 : -1) : strcmp(entry->key, key);
}

/* The first entry that is not before the key. */
static uint32_t lower_bound(const struct nq_memory *memory, enum nq_action_kind kind, const char *key)
{
	uint32_t low = 0, high = memory->n_entries;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(&memory->entries[middle], kind, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct nq_memory_entry *nq_memory_find(const struct nq_memory *memory, enum nq_action_kind kind, const char *key)
{
	uint32_t at = memory ? lower_bound(memory, kind, key) : 0;

	if (!memory || at == memory->n_entries || compare(&memory->entries[at], kind, key) != 0)
		return NULL;
	return &memory->entries[at];
}

static int insert(struct nq_memory *memory, uint32_t at, enum nq_action_kind kind, const char *key, uint64_t moved_ns)
{
	size_t size = strlen(key) + 1;
	char *own = malloc(size);
	struct nq_memory_entry *larger =
		own ? realloc(memory->entries, ((size_t)memory->n_entries + 1) * sizeof(*larger)) : NULL;

	if (!larger) {
		free(own);
		return -ENOMEM;
	}
	memcpy(own, key, size);
	memory->entries = larger;
	memmove(&larger[at + 1], &larger[at], (memory->n_entries - at) * sizeof(*larger));
	larger[at] = (struct nq_memory_entry){ kind, own, moved_ns };
	memory->n_entries++;
	return 0;
}

static bool exists(const struct nq_host *host, const struct nq_memory_entry *entry)
{
	char room[NQ_KEY_TEXT];

	for (uint32_t i = 0; i < nq_array_size(host, nq_action_array(entry->kind)); i++)
		if (strcmp(nq_memory_key(host, entry->kind, i, room), entry->key) == 0)
			return true;
	return false;
}

static void forget(struct nq_memory *memory, const struct nq_host *host)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < memory->n_entries; i++) {
		if (exists(host, &memory->entries[i]))
			memory->entries[kept++] = memory->entries[i];
		else
			free((char *)memory->entries[i].key);
	}
	memory->n_entries = kept;
}

int nq_memory_learn(struct nq_memory *memory, const struct nq_host *host, const struct nq_plan *plan, uint32_t which)
{
	const struct nq_action *action = &plan->actions[which];
	char room[NQ_KEY_TEXT];
	const char *key = nq_memory_key(host, action->kind, nq_action_object(action), room);
	uint32_t at = lower_bound(memory, action->kind, key);

	if (at < memory->n_entries && compare(&memory->entries[at], action->kind, key) == 0)
		memory->entries[at].moved_ns = plan->time_ns;
	else if (insert(memory, at, action->kind, key, plan->time_ns) < 0)
		return -ENOMEM;
	if (action->kind == NQ_ACTION_HOME)
		memory->next_node = host->nodes[nq_nodeset_next(&action->home_to, 0)].id;
	if (memory->n_entries > (uint64_t)host->n_vms + host->n_queues + host->n_vnics)
		forget(memory, host);
	return 0;
}
