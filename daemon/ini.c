/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NQ_STRING(x) NQ_STRING_(x)
#define NQ_STRING_(x) #x

struct reader {
	const char *name;
	unsigned line;
	char section[NQ_INI_LINE];
	nq_ini_visit visit;
	void *userdata;
	struct nq_fault *fault;
};

static int bad(const struct reader *reader, const char *found, const char *allowed)
{
	char where[sizeof(reader->fault->where)];

	snprintf(where, sizeof(where), "%s:%u", reader->name, reader->line);
	nq_fault_set(reader->fault, where, "found \"%.80s\"; allowed: %s", found, allowed);
	return -EBADMSG;
}

/* Cuts the spaces at both ends off, in place. */
static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	return text;
}

static int read_section(struct reader *reader, char *text)
{
	size_t length = strlen(text);

	if (length < 3 || text[length - 1] != ']' || strcspn(text + 1, "[]") != length - 2)
		return bad(reader, text, "[section]");
	text[length - 1] = '\0';
	snprintf(reader->section, sizeof(reader->section), "%s", text + 1);
	return 0;
}

static int read_entry(struct reader *reader, char *text)
{
	char *equals = strchr(text, '=');
	struct nq_ini_entry entry = { .file = reader->name, .line = reader->line, .section = reader->section };

	if (!equals || equals == text)
		return bad(reader, text, "[section], key = value, or a comment that begins with # or ;");
	if (!reader->section[0])
		return bad(reader, text, "a [section] before the first key");
	*equals = '\0';
	entry.key = trim(text);
	entry.value = trim(equals + 1);
	return reader->visit(&entry, reader->userdata, reader->fault);
}

static int read_line(struct reader *reader, char *line, size_t length)
{
	char *text;

	if (length > NQ_INI_LINE)
		return bad(reader, line, "a line of at most " NQ_STRING(NQ_INI_LINE) " bytes");
	if (memchr(line, '\0', length))
		return bad(reader, line, "text without zero bytes");
	text = trim(line);
	if (*text == '\0' || *text == '#' || *text == ';')
		return 0;
	return *text == '[' ? read_section(reader, text) : read_entry(reader, text);
}

int nq_ini_read(FILE *stream, const char *name, nq_ini_visit visit, void *userdata, struct nq_fault *ret_fault)
{
	struct reader reader = { .name = name, .visit = visit, .userdata = userdata, .fault = ret_fault };
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int r = 0;

	while (r == 0 && (length = getline(&line, &room, stream)) >= 0) {
		reader.line++;
		r = read_line(&reader, line, (size_t)length);
	}
	free(line);
	if (r == 0 && ferror(stream)) {
		r = errno ? -errno : -EIO;
		nq_fault_set(ret_fault, name, "cannot be read: %s", strerror(-r));
	}
	return r;
}
