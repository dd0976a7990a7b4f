/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Only for the build: writes the settings, out of the tables the program itself reads, into the manual and into the
 * sample configuration. So a default or a range is never written down a second time.
 *
 *   settings man TEMPLATE   the template, its line @SETTINGS@ replaced
 *   settings sample         nearq.conf with every default, commented out
 */
#include "daemon/config.h"
#include "daemon/config_policy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct face {
	void (*section)(const char *name);
	void (*setting)(const char *name, const char *preset, const char *allowed, const char *why);
	void (*item)(const char *name, const char *why); /* of a list, under what came before */
	void (*line)(const char *name, const char *value);
	void (*end)(void); /* of a list */
};

static char *preset_of(const struct nq_config_setting *setting, const struct nq_config *config)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		exit(1);
	setting->print(stream, config, setting);
	fclose(stream);
	return text;
}

/* As it is written in the file; to be freed. */
static char *value_text(const struct nq_policy_setting *setting, uint64_t value)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		exit(1);
	nq_policy_print(stream, setting, value);
	fclose(stream);
	return text;
}

static void each_of(const struct face *face, const struct nq_policy_setting *settings, size_t n)
{
	char range[NQ_ALLOWED_TEXT], allowed[NQ_ALLOWED_TEXT + 40];

	for (size_t i = 0; i < n; i++) {
		char *preset = value_text(&settings[i], settings[i].preset);

		nq_policy_allowed(&settings[i], range);
		snprintf(allowed, sizeof(allowed), "%s%s%s", range, settings[i].at_most ? ", at most " : "",
			 settings[i].at_most ? settings[i].at_most : "");
		face->setting(settings[i].name, preset, allowed, settings[i].why);
		free(preset);
	}
}

static void each_preset(const struct face *face)
{
	char allowed[NQ_ALLOWED_TEXT];

	nq_presets_allowed(allowed);
	face->setting(NQ_KEY_PRESET, nq_policy_presets->name, allowed,
		      "The system whose values all keys of this section have that are not given, wherever it stands in "
		      "the section or in which file. All but the first are there to be compared with:");
	for (size_t i = 0; i < nq_policy_presets_count; i++)
		face->item(nq_policy_presets[i].name, nq_policy_presets[i].why);
	face->end();
}

/* The pools that are there from the start, by what they have of their own. */
static void each_pool(const struct face *face, const struct nq_policy *policy)
{
	for (uint32_t i = 1; i < policy->n_pools; i++) {
		face->item(policy->pools[i].name, NULL);
		for (size_t j = 0; j < nq_pool_settings_count; j++) {
			const struct nq_policy_setting *setting = &nq_pool_settings[j];
			uint64_t value = nq_pool_get(&policy->pools[i], setting);
			char *text = value_text(setting, value);

			if (value != setting->preset)
				face->line(setting->name, text);
			free(text);
		}
	}
	face->end();
}

static void each(const struct face *face)
{
	struct nq_config *config;
	char allowed[NQ_ALLOWED_TEXT], section[sizeof(NQ_SECTION_POOL) + NQ_POOL_NAME];

	if (nq_config_new(&config) < 0)
		exit(1);
	face->section("nearq");
	for (size_t i = 0; i < nq_config_settings_count; i++) {
		char *preset = preset_of(&nq_config_settings[i], config);

		nq_config_allowed(&nq_config_settings[i], allowed);
		face->setting(nq_config_settings[i].name, preset, allowed, nq_config_settings[i].why);
		free(preset);
	}
	face->section(NQ_SECTION_POLICY);
	each_preset(face);
	each_of(face, nq_policy_settings, nq_policy_settings_count);
	snprintf(section, sizeof(section), NQ_SECTION_POOL " %s", config->policy.pools[0].name);
	face->section(section);
	each_of(face, nq_pool_settings, nq_pool_settings_count);
	each_pool(face, &config->policy);
	nq_config_free(config);
}

/* scdoc: what is not a letter or digit may be markup. */
static void put_escaped(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\<>#~[]`", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void man_section(const char *name)
{
	printf("## [%s]\n\n", name);
}

static void man_setting(const char *name, const char *preset, const char *allowed, const char *why)
{
	putchar('*');
	put_escaped(name);
	printf("*\n\tDefault: ");
	put_escaped(preset[0] ? preset : "none");
	printf(". Allowed: ");
	put_escaped(allowed);
	printf(".\n\n\t");
	put_escaped(why);
	printf("\n\n");
}

/* A preset has a paragraph of its own under the setting, a pool one line of all that it sets. */
static void man_item(const char *name, const char *why)
{
	printf(why ? "\t*" : "\n\n*");
	put_escaped(name);
	printf(why ? "*: " : "*\n\t");
	put_escaped(why ? why : "");
	printf(why ? "\n\n" : "");
}

static void man_line(const char *name, const char *value)
{
	put_escaped(name);
	printf(" = ");
	put_escaped(value);
	printf("; ");
}

static void man_end(void)
{
	printf("\n\n");
}

static int put_man(const char *path)
{
	static const struct face face = { man_section, man_setting, man_item, man_line, man_end };
	FILE *template = fopen(path, "r");
	char line[1024];

	if (!template) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), template)) {
		if (strcmp(line, "@SETTINGS@\n") == 0)
			each(&face);
		else
			fputs(line, stdout);
	}
	fclose(template);
	return 0;
}

static void sample_section(const char *name)
{
	printf("\n[%s]\n", name);
}

/* A text as comments of a width that fits an editor. */
static void put_comment(const char *text)
{
	size_t column = 0;

	for (const char *word = text; *word;) {
		size_t length = strcspn(word, " ");

		if (column == 0 || column + length > 76) {
			printf("%s#", column ? "\n" : "");
			column = 1;
		}
		printf(" %.*s", (int)length, word);
		column += length + 1;
		word += length + strspn(word + length, " ");
	}
	putchar('\n');
}

static void sample_setting(const char *name, const char *preset, const char *allowed, const char *why)
{
	putchar('\n');
	put_comment(why);
	printf("# Allowed: %s\n#%s = %s\n", allowed, name, preset);
}

/* A preset is explained, a pool has a section of its own. */
static void sample_item(const char *name, const char *why)
{
	char *text = NULL;

	if (!why) {
		printf("\n[" NQ_SECTION_POOL " %s]\n", name);
		return;
	}
	if (asprintf(&text, "%s: %s", name, why) < 0)
		exit(1);
	put_comment(text);
	free(text);
}

static void sample_line(const char *name, const char *value)
{
	printf("#%s = %s\n", name, value);
}

static void sample_end(void)
{
}

static void put_sample(void)
{
	static const struct face face = { sample_section, sample_setting, sample_item, sample_line, sample_end };

	printf("# nearq.conf: every setting with its default. See nearq.conf(5).\n");
	each(&face);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "man") == 0)
		return put_man(argv[2]);
	if (argc == 2 && strcmp(argv[1], "sample") == 0) {
		put_sample();
		return 0;
	}
	fprintf(stderr, "settings man TEMPLATE | settings sample\n");
	return 2;
}
