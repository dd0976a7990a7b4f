/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/config.h"
#include "daemon/ini.h"
#include "daemon/nearest.h"
#include "daemon/quantity.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_NEARQ "nearq"
#define SECTION_POLICY "policy"
#define CONFIG_TICK_MS 2000
#define CONFIG_STATE "/var/lib/nearq"

int nq_config_new(struct nq_config **ret)
{
	struct nq_config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->mode = NQ_MODE_OBSERVE;
	config->tick_ms = CONFIG_TICK_MS;
	config->state = strdup(CONFIG_STATE);
	config->exclude = calloc(1, sizeof(*config->exclude));
	nq_policy_init(&config->policy);
	if (!config->state || !config->exclude) {
		nq_config_free(config);
		return -ENOMEM;
	}
	*ret = config;
	return 0;
}

struct nq_config *nq_config_free(struct nq_config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; config->exclude && config->exclude[i]; i++)
		free(config->exclude[i]);
	free(config->exclude);
	free(config->state);
	free(config);
	return NULL;
}

/* What one file has said so far: a key twice in one file is a mistake, in two files it is a drop-in's right. */
struct file {
	struct nq_config *config;
	unsigned *config_line; /* where each setting was given, 0: not yet */
	unsigned *policy_line;
};

static void fault_at(struct nq_fault *fault, const struct nq_ini_entry *entry, const char *found, const char *allowed,
		     const char *nearest)
{
	char where[sizeof(fault->where)];

	snprintf(where, sizeof(where), "%s:%u: [%s] %s", entry->file, entry->line, entry->section, entry->key);
	nq_fault_set(fault, where, "found \"%.80s\"; allowed: %s%s%s%s", found, allowed,
		     nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static int check_twice(const struct nq_ini_entry *entry, unsigned *line, struct nq_fault *fault)
{
	char allowed[64];

	if (*line == 0) {
		*line = entry->line;
		return 0;
	}
	snprintf(allowed, sizeof(allowed), "each key once in a file, and line %u has it", *line);
	fault_at(fault, entry, entry->value, allowed, NULL);
	return -EBADMSG;
}

static int visit_nearq(const struct nq_ini_entry *entry, struct file *file, struct nq_fault *fault)
{
	char allowed[NQ_ALLOWED_TEXT];
	struct nq_nearest nearest;
	int r;

	nq_nearest_init(&nearest, entry->key);
	for (size_t i = 0; i < nq_config_settings_count; i++) {
		const struct nq_config_setting *setting = &nq_config_settings[i];

		nq_nearest_offer(&nearest, setting->name);
		if (strcmp(setting->name, entry->key) != 0)
			continue;
		r = check_twice(entry, &file->config_line[i], fault);
		if (r < 0)
			return r;
		nq_config_allowed(setting, allowed);
		r = setting->parse(file->config, setting, entry->value);
		if (r < 0)
			fault_at(fault, entry, entry->value, allowed, NULL);
		return r;
	}
	fault_at(fault, entry, entry->key, "a key of [" SECTION_NEARQ "], see nearq.conf(5)", nearest.best);
	return -EBADMSG;
}

static int policy_parse(const struct nq_policy_setting *setting, const char *text, uint64_t *ret)
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

static int visit_policy(const struct nq_ini_entry *entry, struct file *file, struct nq_fault *fault)
{
	const struct nq_policy_setting *setting = nq_policy_find(entry->key);
	char allowed[NQ_ALLOWED_TEXT];
	struct nq_nearest nearest;
	uint64_t value;
	int r;

	if (!setting) {
		nq_nearest_init(&nearest, entry->key);
		for (size_t i = 0; i < nq_policy_settings_count; i++)
			nq_nearest_offer(&nearest, nq_policy_settings[i].name);
		fault_at(fault, entry, entry->key, "a key of [" SECTION_POLICY "], see nearq.conf(5)", nearest.best);
		return -EBADMSG;
	}
	r = check_twice(entry, &file->policy_line[setting - nq_policy_settings], fault);
	if (r < 0)
		return r;
	if (policy_parse(setting, entry->value, &value) < 0) {
		nq_policy_allowed(setting, allowed);
		fault_at(fault, entry, entry->value, allowed, NULL);
		return -EBADMSG;
	}
	nq_policy_set(&file->config->policy, setting, value);
	return 0;
}

static int visit(const struct nq_ini_entry *entry, void *userdata, struct nq_fault *fault)
{
	struct nq_nearest nearest;

	if (strcmp(entry->section, SECTION_NEARQ) == 0)
		return visit_nearq(entry, userdata, fault);
	if (strcmp(entry->section, SECTION_POLICY) == 0)
		return visit_policy(entry, userdata, fault);
	nq_nearest_init(&nearest, entry->section);
	nq_nearest_offer(&nearest, SECTION_NEARQ);
	nq_nearest_offer(&nearest, SECTION_POLICY);
	fault_at(fault, entry, entry->section, "sections [" SECTION_NEARQ "] and [" SECTION_POLICY "]", nearest.best);
	return -EBADMSG;
}

static int read_file(struct nq_config *config, const char *path, struct nq_fault *fault)
{
	struct file file = { .config = config };
	FILE *stream = fopen(path, "re");
	int r;

	if (!stream) {
		r = -errno;
		nq_fault_set(fault, path, "cannot be opened: %s", strerror(-r));
		return r;
	}
	file.config_line = calloc(nq_config_settings_count, sizeof(*file.config_line));
	file.policy_line = calloc(nq_policy_settings_count, sizeof(*file.policy_line));
	r = file.config_line && file.policy_line ? nq_ini_read(stream, path, visit, &file, fault) : -ENOMEM;
	free(file.config_line);
	free(file.policy_line);
	fclose(stream);
	return r;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* By bytes: the order of drop-ins must not depend on the language of who starts nearq. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_ins(struct nq_config *config, const char *path, struct nq_fault *fault)
{
	char directory[4096], name[sizeof(directory) + 256];
	struct dirent **entries = NULL;
	int n, r = 0;

	snprintf(directory, sizeof(directory), "%s.d", path);
	n = scandir(directory, &entries, is_drop_in, by_name);
	if (n < 0 && errno != ENOENT) {
		r = -errno;
		nq_fault_set(fault, directory, "cannot be read: %s", strerror(-r));
	}
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", directory, entries[i]->d_name);
		if (r == 0)
			r = read_file(config, name, fault);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int nq_config_load(const char *path, struct nq_config **ret, struct nq_fault *ret_fault)
{
	struct nq_config *config;
	int r = nq_config_new(&config);

	if (r < 0) {
		nq_fault_set(ret_fault, "", "%s", strerror(-r));
		return r;
	}
	r = read_file(config, path ? path : NQ_CONFIG_PATH, ret_fault);
	if (r == -ENOENT && !path)
		r = 0;
	if (r == 0)
		r = read_drop_ins(config, path ? path : NQ_CONFIG_PATH, ret_fault);
	if (r < 0) {
		nq_config_free(config);
		return r;
	}
	*ret = config;
	return 0;
}
