/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Number of bytes of the character at text and its code point, 0 when it is not valid UTF-8. */
static size_t decode(const char *text, uint32_t *ret)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t low; /* smaller code points have a shorter form */
	} forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };
	const unsigned char *byte = (const unsigned char *)text;

	for (size_t extra = 0; extra < sizeof(forms) / sizeof(forms[0]); extra++) {
		uint32_t point = byte[0] & (uint8_t)~forms[extra].mask;

		if ((byte[0] & forms[extra].mask) != forms[extra].lead)
			continue;
		for (size_t i = 1; i <= extra; i++) {
			if ((byte[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (byte[i] & 0x3f);
		}
		if (point < forms[extra].low || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return 0;
		*ret = point;
		return extra + 1;
	}
	return 0;
}

/* Also the C1 controls and the marks that turn the direction of writing: both can forge what a terminal shows. */
static bool is_harmless(uint32_t point)
{
	return point >= 0x20 && !(point >= 0x7f && point < 0xa0) && !(point >= 0x202a && point <= 0x202e) &&
	       !(point >= 0x2066 && point <= 0x2069);
}

char *nq_text_clean(const char *text)
{
	char *clean = malloc(strlen(text) + 1), *to = clean;
	uint32_t point;

	if (!clean)
		return NULL;
	while (*text) {
		size_t n = decode(text, &point);

		if (n > 0 && is_harmless(point)) {
			memcpy(to, text, n);
			to += n;
		} else {
			*to++ = '?';
		}
		text += n > 0 ? n : 1;
	}
	*to = '\0';
	return clean;
}

static unsigned point_width(uint32_t point)
{
	int width = wcwidth((wchar_t)point);

	/* The C library knows no width in the plain C locale, and -1 would be a column too few on every other. */
	return width < 0 ? 1 : (unsigned)width;
}

unsigned nq_text_width(const char *text)
{
	unsigned width = 0;
	uint32_t point;

	while (*text) {
		size_t n = decode(text, &point);

		width += n > 0 ? point_width(point) : 1;
		text += n > 0 ? n : 1;
	}
	return width;
}

size_t nq_text_fit(const char *text, unsigned width)
{
	size_t at = 0;
	uint32_t point;

	while (text[at]) {
		size_t n = decode(text + at, &point);
		unsigned columns = n > 0 ? point_width(point) : 1;

		if (columns > width)
			break;
		width -= columns;
		at += n > 0 ? n : 1;
	}
	return at;
}

size_t nq_text_line(const char *text, unsigned width, size_t *ret_next)
{
	size_t end = nq_text_fit(text, width);

	if (text[end] && text[end] != ' ') {
		size_t space = end;

		while (space > 0 && text[space] != ' ')
			space--;
		end = space > 0 ? space : strcspn(text, " ");
	}
	*ret_next = end + strspn(text + end, " ");
	while (end > 0 && text[end - 1] == ' ')
		end--;
	return end;
}

/* Three digits that count: 987, 1.23k, 12.3k, 123k. */
static void scaled(uint64_t value, uint64_t unit, const char *name, char ret[NQ_UNIT_TEXT])
{
	uint64_t whole = value / unit, thousandths = (uint64_t)((unsigned __int128)(value % unit) * 1000 / unit);

	if (unit == 1 || whole >= 100)
		snprintf(ret, NQ_UNIT_TEXT, "%llu%s", (unsigned long long)whole, name);
	else if (whole >= 10)
		snprintf(ret, NQ_UNIT_TEXT, "%llu.%llu%s", (unsigned long long)whole,
			 (unsigned long long)thousandths / 100, name);
	else
		snprintf(ret, NQ_UNIT_TEXT, "%llu.%02llu%s", (unsigned long long)whole,
			 (unsigned long long)thousandths / 10, name);
}

struct unit {
	uint64_t size;
	const char *name;
};

static void largest_unit(uint64_t value, const struct unit *units, char ret[NQ_UNIT_TEXT])
{
	while (units->size > 1 && value < units->size)
		units++;
	scaled(value, units->size, units->name, ret);
}

void nq_text_rate(uint64_t pps, char ret[NQ_UNIT_TEXT])
{
	static const struct unit units[] = { { 1000000000, "G" }, { 1000000, "M" }, { 1000, "k" }, { 1, "" } };

	largest_unit(pps, units, ret);
}

void nq_text_bytes(uint64_t bytes, char ret[NQ_UNIT_TEXT])
{
	static const struct unit units[] = {
		{ 1ull << 40, " TiB" },
		{ 1ull << 30, " GiB" },
		{ 1ull << 20, " MiB" },
		{ 1ull << 10, " KiB" },
		{ 1, " B" },
	};

	largest_unit(bytes, units, ret);
}

void nq_text_time(uint64_t ns, char ret[NQ_UNIT_TEXT])
{
	static const struct unit units[] = { { 1000000000, " s" }, { 1000000, " ms" }, { 1000, " us" }, { 1, " ns" } };

	largest_unit(ns, units, ret);
}

void nq_text_share(uint64_t permille, char ret[NQ_UNIT_TEXT])
{
	if (permille % 10 == 0)
		snprintf(ret, NQ_UNIT_TEXT, "%llu %%", (unsigned long long)permille / 10);
	else
		snprintf(ret, NQ_UNIT_TEXT, "%llu.%llu %%", (unsigned long long)permille / 10,
			 (unsigned long long)permille % 10);
}

void nq_text_share_short(uint64_t permille, char ret[NQ_UNIT_TEXT])
{
	nq_text_share(permille < 100 ? permille : (permille + 5) / 10 * 10, ret);
}
