/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the planner remembers: one entry per object that was ever moved, in order of kind and key, so that it is
 * found by halving. When there are twice as many entries as the host can need, those of objects that are gone are
 * forgotten; until then they do no harm, and a vm that is restarted keeps its dwell. Twice, so that forgetting, which
 * looks at all of them, is done once for as many moves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/memory.h"

#define NS_PER_MS 1000000u

#define NS_PER_MS 1000000u

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
	case NQ_ACTION_MIGRATE:
		return host->vms[object].name;
	case NQ_ACTION_QUEUE_CPU:
	case NQ_ACTION_QUEUE_SET:
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

/* Room for one more entry; the array doubles whenever its length is a power of two. */
static bool make_room(struct nq_memory *memory)
{
	uint32_t n = memory->n_entries;
	struct nq_memory_entry *larger = memory->entries;

	if ((n & (n - 1)) == 0)
		larger = realloc(larger, (n ? (size_t)n * 2 : 1) * sizeof(*larger));
	if (larger)
		memory->entries = larger;
	return larger;
}

/* A new entry at that place; NULL on lack of memory. */
static struct nq_memory_entry *insert(struct nq_memory *memory, uint32_t at, enum nq_action_kind kind, const char *key)
{
	size_t size = strlen(key) + 1;
	char *own = malloc(size);
	struct nq_memory_entry *entry;

	if (!own || !make_room(memory)) {
		free(own);
		return NULL;
	}
	memcpy(own, key, size);
	entry = &memory->entries[at];
	memmove(entry + 1, entry, (memory->n_entries - at) * sizeof(*entry));
	*entry = (struct nq_memory_entry){ .kind = kind, .key = own };
	memory->n_entries++;
	return entry;
}

/* ms as ns; more than NQ_MAX_VALUE is as good as never. */
static uint64_t ns_of(uint64_t ms)
{
	return ms > NQ_MAX_VALUE / NS_PER_MS ? NQ_MAX_VALUE : ms * NS_PER_MS;
}

/* Both at most NQ_MAX_VALUE, so the sum does not wrap. */
static uint64_t later(uint64_t ns, uint64_t by)
{
	return ns + by < NQ_MAX_VALUE ? ns + by : NQ_MAX_VALUE;
}

bool nq_memory_allows(const struct nq_policy *policy, const struct nq_memory_entry *entry, uint64_t now_ns,
		      uint64_t *ret_wait_ms)
{
	uint64_t others_ms = (policy->credits - 1) * policy->credit_ms, until;

	if (!entry || entry->moved_ns > now_ns)
		return true;
	until = later(now_ns, ns_of(others_ms));
	if (entry->spent_ns <= until)
		return true;
	*ret_wait_ms = (entry->spent_ns - until + NS_PER_MS - 1) / NS_PER_MS;
	return false;
}

static void spend(struct nq_memory_entry *entry, const struct nq_policy *policy, uint64_t now_ns)
{
	bool other_boot = entry->moved_ns > now_ns;
	uint64_t from = other_boot || entry->spent_ns < now_ns ? now_ns : entry->spent_ns;

	entry->moved_ns = now_ns;
	entry->spent_ns = later(from, ns_of(policy->credit_ms));
}

static int compare_keys(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* The sorted keys of all objects that such an action moves; to be freed. Texts are in the host or behind the pointers.
 */
static const char **keys_of(const struct nq_host *host, enum nq_action_kind kind, uint32_t *ret_n)
{
	uint32_t n = nq_array_size(host, nq_action_array(kind));
	const char **keys = malloc(((size_t)n + 1) * (sizeof(*keys) + NQ_KEY_TEXT));
	char *room = (char *)(keys + n);

	for (uint32_t i = 0; keys && i < n; i++, room += NQ_KEY_TEXT)
		keys[i] = nq_memory_key(host, kind, i, room);
	if (keys)
		qsort(keys, n, sizeof(*keys), compare_keys);
	*ret_n = n;
	return keys;
}

/* Drops the entries of that kind, from `*at` on, whose objects are gone. */
static int forget_kind(struct nq_memory *memory, const struct nq_host *host, enum nq_action_kind kind, uint32_t *at,
		       uint32_t *kept)
{
	uint32_t n;
	const char **keys = keys_of(host, kind, &n);

	if (!keys)
		return -ENOMEM;
	for (; *at < memory->n_entries && memory->entries[*at].kind == kind; ++*at) {
		struct nq_memory_entry *entry = &memory->entries[*at];

		if (bsearch(&entry->key, keys, n, sizeof(*keys), compare_keys))
			memory->entries[(*kept)++] = *entry;
		else
			free((char *)entry->key);
	}
	free(keys);
	return 0;
}

/* On lack of memory the rest is kept: it does no harm. */
static int forget(struct nq_memory *memory, const struct nq_host *host)
{
	uint32_t at = 0, kept = 0;
	int result = 0;

	for (enum nq_action_kind kind = 0; kind < NQ_ACTION_KIND_COUNT && result == 0; kind++)
		result = forget_kind(memory, host, kind, &at, &kept);
	while (at < memory->n_entries)
		memory->entries[kept++] = memory->entries[at++];
	memory->n_entries = kept;
	return result;
}

/* Entries that a host can need: a vm has two, its home and its memory, and so has a queue. */
static uint64_t objects(const struct nq_host *host)
{
	return (uint64_t)host->n_vms * 2 + (uint64_t)host->n_queues * 2 + host->n_vnics;
}

int nq_memory_learn(struct nq_memory *memory, const struct nq_policy *policy, const struct nq_host *host,
		    const struct nq_plan *plan, uint32_t which)
{
	const struct nq_action *action = &plan->actions[which];
	char room[NQ_KEY_TEXT];
	const char *key = nq_memory_key(host, action->kind, nq_action_object(action), room);
	uint32_t at = lower_bound(memory, action->kind, key);
	struct nq_memory_entry *entry = memory->entries ? &memory->entries[at] : NULL;

	if (at == memory->n_entries || compare(entry, action->kind, key) != 0)
		entry = insert(memory, at, action->kind, key);
	if (!entry)
		return -ENOMEM;
	spend(entry, policy, plan->time_ns);
	if (action->kind == NQ_ACTION_HOME)
		memory->next_node = host->nodes[nq_nodeset_next(&action->home_to, 0)].id;
	if (memory->n_entries > objects(host) * 2)
		return forget(memory, host);
	return 0;
}
