/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings of [nearq], and the forms of all settings. */
#include "daemon/config.h"
#include "daemon/config_policy.h"
#include "daemon/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const modes[] = {
	[NQ_MODE_OBSERVE] = "observe",
	[NQ_MODE_ACT] = "act",
	[NQ_MODE_COUNT] = NULL,
};

static int parse_mode(struct nq_config *config, const struct nq_config_setting *setting, const char *text)
{
	for (size_t i = 0; setting->values[i]; i++) {
		if (strcmp(setting->values[i], text) == 0) {
			config->mode = (enum nq_mode)i;
			return 0;
		}
	}
	return -EBADMSG;
}

static void print_mode(FILE *stream, const struct nq_config *config, const struct nq_config_setting *setting)
{
	fputs(setting->values[config->mode], stream);
}

static int parse_tick(struct nq_config *config, const struct nq_config_setting *setting, const char *text)
{
	uint64_t value;

	if (nq_quantity_parse(text, setting->unit, setting->unit, &value) < 0 || value < setting->low ||
	    value > setting->high)
		return -EBADMSG;
	config->tick_ms = value;
	return 0;
}

static void print_tick(FILE *stream, const struct nq_config *config, const struct nq_config_setting *setting)
{
	(void)setting;
	fprintf(stream, "%" PRIu64, config->tick_ms);
}

static int parse_state(struct nq_config *config, const struct nq_config_setting *setting, const char *text)
{
	char *copy;

	(void)setting;
	if (text[0] != '/')
		return -EBADMSG;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(config->state);
	config->state = copy;
	return 0;
}

static void print_state(FILE *stream, const struct nq_config *config, const struct nq_config_setting *setting)
{
	(void)setting;
	fputs(config->state, stream);
}

static char **free_words(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
	return NULL;
}

static int parse_exclude(struct nq_config *config, const struct nq_config_setting *setting, const char *text)
{
	static const char spaces[] = " \t";
	char **words = calloc(strlen(text) / 2 + 2, sizeof(*words));
	size_t n = 0;

	(void)setting;
	if (!words)
		return -ENOMEM;
	for (text += strspn(text, spaces); *text; text += strspn(text, spaces)) {
		words[n] = strndup(text, strcspn(text, spaces));
		if (!words[n++]) {
			free_words(words);
			return -ENOMEM;
		}
		text += strcspn(text, spaces);
	}
	free_words(config->exclude);
	config->exclude = words;
	return 0;
}

static void print_exclude(FILE *stream, const struct nq_config *config, const struct nq_config_setting *setting)
{
	(void)setting;
	for (size_t i = 0; config->exclude[i]; i++)
		fprintf(stream, "%s%s", i > 0 ? " " : "", config->exclude[i]);
}

const struct nq_config_setting nq_config_settings[] = {
	{ .name = "mode",
	  .unit = "",
	  .values = modes,
	  .parse = parse_mode,
	  .print = print_mode,
	  .why = "What the service does with a plan: observe plans, explains and measures and writes nothing; act also "
		 "carries it out. A host that was only just given nearq must not be changed before somebody has read "
		 "what it would do, hence the default. The verbs apply and run --act write whatever is set here: "
		 "asking "
		 "for them is the consent." },
	{ .name = "tick_ms",
	  .unit = "ms",
	  .low = 100,
	  .high = 3600000,
	  .parse = parse_tick,
	  .print = print_tick,
	  .why = "Time between two observations. ESXi's NUMA scheduler looks at its host every two seconds, hence the "
		 "default; below a tenth of a second rates are noise, above an hour nothing is followed." },
	{ .name = "exclude",
	  .unit = "",
	  .allowed = "shell patterns of interface names, separated by spaces",
	  .parse = parse_exclude,
	  .print = print_exclude,
	  .why = "Interfaces that are neither shown nor touched, for example docker* virbr*." },
	{ .name = "state",
	  .unit = "",
	  .allowed = "an absolute path",
	  .parse = parse_state,
	  .print = print_state,
	  .why = "Directory of the journal in which the value of each setting from before its first change is kept. On "
		 "a disk, because nearq restore must find it after a crash." },
};
const size_t nq_config_settings_count = sizeof(nq_config_settings) / sizeof(nq_config_settings[0]);

static void number_range(uint64_t low, uint64_t high, const char *unit, char ret[NQ_ALLOWED_TEXT])
{
	char units[64];

	nq_quantity_units(unit, units, sizeof(units));
	snprintf(ret, NQ_ALLOWED_TEXT, "%" PRIu64 " - %" PRIu64 "%s%s%s%s%s", low, high, unit[0] ? " " : "", unit,
		 strcmp(units, unit) != 0 ? " (units: " : "", strcmp(units, unit) != 0 ? units : "",
		 strcmp(units, unit) != 0 ? ")" : "");
}

static void names(const char *const *values, size_t n, char ret[NQ_ALLOWED_TEXT])
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && used < NQ_ALLOWED_TEXT; i++)
		used += (size_t)snprintf(ret + used, NQ_ALLOWED_TEXT - used, "%s%s", i > 0 ? ", " : "", values[i]);
}

void nq_config_allowed(const struct nq_config_setting *setting, char ret[NQ_ALLOWED_TEXT])
{
	size_t n = 0;

	if (setting->values) {
		while (setting->values[n])
			n++;
		names(setting->values, n, ret);
	} else if (setting->allowed) {
		snprintf(ret, NQ_ALLOWED_TEXT, "%s", setting->allowed);
	} else {
		number_range(setting->low, setting->high, setting->unit, ret);
	}
}

void nq_policy_allowed(const struct nq_policy_setting *setting, char ret[NQ_ALLOWED_TEXT])
{
	if (setting->values)
		names(setting->values, setting->high + 1, ret);
	else
		number_range(setting->low, setting->high, setting->unit, ret);
}

void nq_policy_print(FILE *stream, const struct nq_policy_setting *setting, uint64_t value)
{
	if (setting->values)
		fputs(setting->values[value], stream);
	else
		fprintf(stream, "%" PRIu64, value);
}

void nq_presets_allowed(char ret[NQ_ALLOWED_TEXT])
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < nq_policy_presets_count && used < NQ_ALLOWED_TEXT; i++)
		used += (size_t)snprintf(ret + used, NQ_ALLOWED_TEXT - used, "%s%s", i > 0 ? ", " : "",
					 nq_policy_presets[i].name);
}

static void print_setting(FILE *stream, const struct nq_policy_setting *setting, uint64_t value)
{
	fprintf(stream, "%s = ", setting->name);
	nq_policy_print(stream, setting, value);
	fputc('\n', stream);
}

static void print_pool(FILE *stream, const struct nq_pool *pool)
{
	fprintf(stream, "\n[" NQ_SECTION_POOL " %s]\n", pool->name);
	for (size_t i = 0; i < nq_pool_settings_count; i++)
		print_setting(stream, &nq_pool_settings[i], nq_pool_get(pool, &nq_pool_settings[i]));
}

void nq_config_print(FILE *stream, const struct nq_config *config)
{
	fputs("[nearq]\n", stream);
	for (size_t i = 0; i < nq_config_settings_count; i++) {
		fprintf(stream, "%s = ", nq_config_settings[i].name);
		nq_config_settings[i].print(stream, config, &nq_config_settings[i]);
		fputc('\n', stream);
	}
	fprintf(stream, "\n[" NQ_SECTION_POLICY "]\n" NQ_KEY_PRESET " = %s\n", config->preset);
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		print_setting(stream, &nq_policy_settings[i], nq_policy_get(&config->policy, &nq_policy_settings[i]));
	for (uint32_t i = 0; i < config->policy.n_pools; i++)
		print_pool(stream, &config->policy.pools[i]);
}
