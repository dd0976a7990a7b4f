/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/config.h"
#include "daemon/config_policy.h"
#include "daemon/ini.h"
#include "daemon/nearest.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_NEARQ "nearq"
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
	config->preset = nq_policy_presets->name;
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
	struct nq_policy_reader *policy; /* of all files */
	unsigned *config_line;		 /* where each setting was given, 0: not yet */
};

void nq_config_fault(struct nq_fault *fault, const struct nq_ini_entry *entry, const char *found, const char *allowed,
		     const char *nearest)
{
	char where[sizeof(fault->where)];

	snprintf(where, sizeof(where), "%s:%u: [%s] %s", entry->file, entry->line, entry->section, entry->key);
	nq_fault_set(fault, where, "found \"%.80s\"; allowed: %s%s%s%s", found, allowed,
		     nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

int nq_config_fault_twice(struct nq_fault *fault, const struct nq_ini_entry *entry, unsigned line)
{
	char allowed[64];

	snprintf(allowed, sizeof(allowed), "each key once in a file, and line %u has it", line);
	nq_config_fault(fault, entry, entry->value, allowed, NULL);
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
		if (file->config_line[i])
			return nq_config_fault_twice(fault, entry, file->config_line[i]);
		file->config_line[i] = entry->line;
		nq_config_allowed(setting, allowed);
		r = setting->parse(file->config, setting, entry->value);
		if (r < 0)
			nq_config_fault(fault, entry, entry->value, allowed, NULL);
		return r;
	}
	nq_config_fault(fault, entry, entry->key, "a key of [" SECTION_NEARQ "], see nearq.conf(5)", nearest.best);
	return -EBADMSG;
}

static int visit(const struct nq_ini_entry *entry, void *userdata, struct nq_fault *fault)
{
	struct file *file = userdata;
	struct nq_nearest nearest;

	if (strcmp(entry->section, SECTION_NEARQ) == 0)
		return visit_nearq(entry, file, fault);
	if (nq_policy_reader_takes(entry->section))
		return nq_policy_reader_visit(file->policy, entry, fault);
	nq_nearest_init(&nearest, entry->section);
	nq_nearest_offer(&nearest, SECTION_NEARQ);
	nq_nearest_offer(&nearest, NQ_SECTION_POLICY);
	nq_nearest_offer(&nearest, NQ_SECTION_POOL);
	nq_config_fault(fault, entry, entry->section,
			"sections [" SECTION_NEARQ "], [" NQ_SECTION_POLICY "] and [" NQ_SECTION_POOL " NAME]",
			nearest.best);
	return -EBADMSG;
}

static int read_file(struct nq_config *config, struct nq_policy_reader *policy, const char *path,
		     struct nq_fault *fault)
{
	struct file file = { .config = config, .policy = policy };
	FILE *stream = fopen(path, "re");
	int r;

	if (!stream) {
		r = -errno;
		nq_fault_set(fault, path, "cannot be opened: %s", strerror(-r));
		return r;
	}
	file.config_line = calloc(nq_config_settings_count, sizeof(*file.config_line));
	r = file.config_line ? nq_ini_read(stream, path, visit, &file, fault) : -ENOMEM;
	free(file.config_line);
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

static int read_drop_ins(struct nq_config *config, struct nq_policy_reader *policy, const char *path,
			 struct nq_fault *fault)
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
			r = read_file(config, policy, name, fault);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* The default file need not be there; one that was asked for must. */
static int read_all(struct nq_config *config, struct nq_policy_reader *policy, const char *path, struct nq_fault *fault)
{
	int r = read_file(config, policy, path ? path : NQ_CONFIG_PATH, fault);

	if (r == -ENOENT && !path)
		r = 0;
	if (r == 0)
		r = read_drop_ins(config, policy, path ? path : NQ_CONFIG_PATH, fault);
	return r == 0 ? nq_policy_reader_finish(policy, fault) : r;
}

int nq_config_load(const char *path, struct nq_config **ret, struct nq_fault *ret_fault)
{
	struct nq_policy_reader policy = { 0 };
	struct nq_config *config = NULL;
	int r = nq_config_new(&config);

	if (r == 0)
		r = nq_policy_reader_init(&policy);
	if (r < 0)
		nq_fault_set(ret_fault, "", "%s", strerror(-r));
	else
		r = read_all(config, &policy, path, ret_fault);
	if (r == 0) {
		config->policy = policy.policy;
		config->preset = policy.preset->name;
		*ret = config;
	} else {
		nq_config_free(config);
	}
	nq_policy_reader_clear(&policy);
	return r;
}
