/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Only for the build: writes the settings, out of the tables the program itself reads, into the manual and into the
 * sample configuration. So a default or a range is never written down a second time.
 *
 *   settings man TEMPLATE   the template, its line @SETTINGS@ replaced
 *   settings sample         nearq.conf with every default, commented out
 */
#include "daemon/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct face {
	void (*section)(const char *name);
	void (*setting)(const char *name, const char *preset, const char *allowed, const char *why);
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

static char *policy_preset_of(const struct nq_policy_setting *setting)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		exit(1);
	nq_policy_print(stream, setting, setting->preset);
	fclose(stream);
	return text;
}

static void each(const struct face *face)
{
	struct nq_config *config;
	char allowed[NQ_ALLOWED_TEXT];

	if (nq_config_new(&config) < 0)
		exit(1);
	face->section("nearq");
	for (size_t i = 0; i < nq_config_settings_count; i++) {
		char *preset = preset_of(&nq_config_settings[i], config);

		nq_config_allowed(&nq_config_settings[i], allowed);
		face->setting(nq_config_settings[i].name, preset, allowed, nq_config_settings[i].why);
		free(preset);
	}
	face->section("policy");
	for (size_t i = 0; i < nq_policy_settings_count; i++) {
		char *preset = policy_preset_of(&nq_policy_settings[i]);

		nq_policy_allowed(&nq_policy_settings[i], allowed);
		face->setting(nq_policy_settings[i].name, preset, allowed, nq_policy_settings[i].why);
		free(preset);
	}
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

static int put_man(const char *path)
{
	static const struct face face = { man_section, man_setting };
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

/* The reasons as comments of a width that fits an editor. */
static void sample_setting(const char *name, const char *preset, const char *allowed, const char *why)
{
	size_t column = 0;

	putchar('\n');
	for (const char *word = why; *word;) {
		size_t length = strcspn(word, " ");

		if (column == 0 || column + length > 76) {
			printf("%s#", column ? "\n" : "");
			column = 1;
		}
		printf(" %.*s", (int)length, word);
		column += length + 1;
		word += length + strspn(word + length, " ");
	}
	printf("\n# Allowed: %s\n#%s = %s\n", allowed, name, preset);
}

static void put_sample(void)
{
	static const struct face face = { sample_section, sample_setting };

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
