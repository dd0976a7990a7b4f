/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/config_policy.h"
#include "daemon/config.h"
#include "daemon/nearest.h"
#include "daemon/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_TEXT (sizeof(NQ_SECTION_POOL) + NQ_POOL_NAME)
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

int nq_policy_reader_init(struct nq_policy_reader *ret)
{
	*ret = (struct nq_policy_reader){ .preset = nq_policy_presets };
	nq_policy_init(&ret->policy);
	ret->settings = calloc(nq_policy_settings_count, sizeof(*ret->settings));
	ret->pools = calloc(NQ_MAX_POOLS * nq_pool_settings_count, sizeof(*ret->pools));
	return ret->settings && ret->pools ? 0 : -ENOMEM;
}

static void clear(struct nq_given *given, size_t n)
{
	for (size_t i = 0; given && i < n; i++)
		free(given[i].file);
	free(given);
}

void nq_policy_reader_clear(struct nq_policy_reader *reader)
{
	free(reader->preset_given.file);
	clear(reader->settings, nq_policy_settings_count);
	clear(reader->pools, NQ_MAX_POOLS * nq_pool_settings_count);
}

static bool is_pool(const char *section)
{
	size_t length = strlen(NQ_SECTION_POOL);

	return strncmp(section, NQ_SECTION_POOL, length) == 0 && (section[length] == '\0' || section[length] == ' ');
}

bool nq_policy_reader_takes(const char *section)
{
	return strcmp(section, NQ_SECTION_POLICY) == 0 || is_pool(section);
}

/* Once in each file, and a later file's over an earlier one's. */
static int give(struct nq_given *given, const struct nq_ini_entry *entry, uint64_t value, struct nq_fault *fault)
{
	char *file;

	if (given->file && strcmp(given->file, entry->file) == 0)
		return nq_config_fault_twice(fault, entry, given->line);
	file = strdup(entry->file);
	if (!file)
		return -ENOMEM;
	free(given->file);
	*given = (struct nq_given){ file, entry->line, value };
	return 0;
}

static int parse(const struct nq_policy_setting *setting, const char *text, uint64_t *ret)
{
	uint64_t value;

	if (!setting->values) {
		if (nq_quantity_parse(text, setting->unit, setting->unit, &value) < 0 || value < setting->low ||
		    value > setting->high)
			return -EBADMSG;
		*ret = value;
		return 0;
	}
	for (value = 0; value <= setting->high; value++) {
		if (strcmp(setting->values[value], text) == 0) {
			*ret = value;
			return 0;
		}
	}
	return -EBADMSG;
}

/* The value of a key whose setting is known. */
static int visit_setting(const struct nq_ini_entry *entry, const struct nq_policy_setting *setting,
			 struct nq_given *given, struct nq_fault *fault)
{
	char allowed[NQ_ALLOWED_TEXT];
	uint64_t value;

	if (parse(setting, entry->value, &value) == 0)
		return give(given, entry, value, fault);
	nq_policy_allowed(setting, allowed);
	nq_config_fault(fault, entry, entry->value, allowed, NULL);
	return -EBADMSG;
}

static int visit_preset(struct nq_policy_reader *reader, const struct nq_ini_entry *entry, struct nq_fault *fault)
{
	char allowed[NQ_ALLOWED_TEXT];
	struct nq_nearest nearest;

	nq_nearest_init(&nearest, entry->value);
	for (size_t i = 0; i < nq_policy_presets_count; i++) {
		if (strcmp(nq_policy_presets[i].name, entry->value) == 0) {
			reader->preset = &nq_policy_presets[i];
			return give(&reader->preset_given, entry, i, fault);
		}
		nq_nearest_offer(&nearest, nq_policy_presets[i].name);
	}
	nq_presets_allowed(allowed);
	nq_config_fault(fault, entry, entry->value, allowed, nearest.best);
	return -EBADMSG;
}

static int unknown_key(const struct nq_ini_entry *entry, const struct nq_policy_setting *settings, size_t n,
		       const char *first, struct nq_fault *fault)
{
	char allowed[SECTION_TEXT + 40];
	struct nq_nearest nearest;

	nq_nearest_init(&nearest, entry->key);
	if (first)
		nq_nearest_offer(&nearest, first);
	for (size_t i = 0; i < n; i++)
		nq_nearest_offer(&nearest, settings[i].name);
	snprintf(allowed, sizeof(allowed), "a key of [%s], see nearq.conf(5)", entry->section);
	nq_config_fault(fault, entry, entry->key, allowed, nearest.best);
	return -EBADMSG;
}

static int visit_policy(struct nq_policy_reader *reader, const struct nq_ini_entry *entry, struct nq_fault *fault)
{
	const struct nq_policy_setting *setting = nq_policy_find(entry->key);

	if (strcmp(entry->key, NQ_KEY_PRESET) == 0)
		return visit_preset(reader, entry, fault);
	if (!setting)
		return unknown_key(entry, nq_policy_settings, nq_policy_settings_count, NQ_KEY_PRESET, fault);
	return visit_setting(entry, setting, &reader->settings[setting - nq_policy_settings], fault);
}

/* The pool of that section, added when it is new. -EBADMSG for a bad name, and for one too many. */
static int find_pool(struct nq_policy_reader *reader, const struct nq_ini_entry *entry, size_t *ret,
		     struct nq_fault *fault)
{
	const char *name = entry->section + strlen(NQ_SECTION_POOL);
	struct nq_pool *pool;
	char allowed[80];

	name += strspn(name, " ");
	if (strlen(name) >= NQ_POOL_NAME || !*name || name[strspn(name, NAME_LETTERS)]) {
		snprintf(allowed, sizeof(allowed), "[" NQ_SECTION_POOL " NAME], 1 to %u letters, digits, -, _ or .",
			 NQ_POOL_NAME - 1);
		nq_config_fault(fault, entry, entry->section, allowed, NULL);
		return -EBADMSG;
	}
	pool = nq_policy_pool(&reader->policy, name);
	if (!pool) {
		snprintf(allowed, sizeof(allowed), "at most %u pools", NQ_MAX_POOLS);
		nq_config_fault(fault, entry, entry->section, allowed, NULL);
		return -EBADMSG;
	}
	*ret = (size_t)(pool - reader->policy.pools);
	return 0;
}

static int visit_pool(struct nq_policy_reader *reader, const struct nq_ini_entry *entry, struct nq_fault *fault)
{
	const struct nq_policy_setting *setting = nq_pool_find(entry->key);
	struct nq_given *given;
	size_t pool;
	int r = find_pool(reader, entry, &pool, fault);

	if (r < 0)
		return r;
	if (!setting)
		return unknown_key(entry, nq_pool_settings, nq_pool_settings_count, NULL, fault);
	given = &reader->pools[pool * nq_pool_settings_count + (size_t)(setting - nq_pool_settings)];
	r = visit_setting(entry, setting, given, fault);
	if (r == 0)
		nq_pool_set(&reader->policy.pools[pool], setting, given->value);
	return r;
}

int nq_policy_reader_visit(struct nq_policy_reader *reader, const struct nq_ini_entry *entry, struct nq_fault *fault)
{
	return is_pool(entry->section) ? visit_pool(reader, entry, fault) : visit_policy(reader, entry, fault);
}

/* The settings of one owner, the policy or a pool, as they were given and as they are in effect. */
struct owner {
	const char *section;
	const struct nq_policy_setting *settings;
	const struct nq_given *given;
	const void *values;
};

static uint64_t value_of(const struct owner *owner, const struct nq_policy_setting *setting)
{
	uint64_t value;

	memcpy(&value, (const char *)owner->values + setting->offset, sizeof(value));
	return value;
}

/* One that exceeds another: the fault is at whichever of them a file has, and names both. */
static void contradiction(const struct owner *owner, const struct nq_policy_setting *low,
			  const struct nq_policy_setting *high, struct nq_fault *fault)
{
	bool at_low = owner->given[low - owner->settings].file;
	const struct nq_policy_setting *own = at_low ? low : high, *other = at_low ? high : low;
	const struct nq_given *given = &owner->given[own - owner->settings];
	struct nq_ini_entry entry = { given->file, given->line, owner->section, own->name, NULL };
	char found[24], allowed[96];

	snprintf(found, sizeof(found), "%" PRIu64, value_of(owner, own));
	snprintf(allowed, sizeof(allowed), "at %s %s, which is %" PRIu64, at_low ? "most" : "least", other->name,
		 value_of(owner, other));
	nq_config_fault(fault, &entry, found, allowed, NULL);
}

/* Each key was in range when it was read; what is left are two that do not go together. */
static int check(const struct nq_policy_reader *reader, struct nq_fault *fault)
{
	struct owner owner = { NQ_SECTION_POLICY, nq_policy_settings, reader->settings, &reader->policy };
	const struct nq_policy_setting *bad;
	const struct nq_pool *pool;
	char section[SECTION_TEXT];

	if (nq_policy_check(&reader->policy, &bad, &pool) == 0)
		return 0;
	if (pool) {
		size_t index = (size_t)(pool - reader->policy.pools);

		snprintf(section, sizeof(section), NQ_SECTION_POOL " %s", pool->name);
		owner = (struct owner){ section, nq_pool_settings, reader->pools + index * nq_pool_settings_count,
					pool };
	}
	contradiction(&owner, bad, pool ? nq_pool_find(bad->at_most) : nq_policy_find(bad->at_most), fault);
	return -EBADMSG;
}

int nq_policy_reader_finish(struct nq_policy_reader *reader, struct nq_fault *fault)
{
	nq_policy_use(&reader->policy, reader->preset->name);
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		if (reader->settings[i].file)
			nq_policy_set(&reader->policy, &nq_policy_settings[i], reader->settings[i].value);
	return check(reader, fault);
}
