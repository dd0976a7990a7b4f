/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include <host/pattern.h>

static bool take_number(const char **text, uint32_t *ret)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); (*text)++) {
		number = number * 10 + (uint64_t)(**text - '0');
		if (number >= UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)number;
	return true;
}

static bool take_word(const char **text, const char *word)
{
	size_t length = word ? strlen(word) : 0;

	if (!length || strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

static bool take(char what, const struct nq_pattern_fields *fields, const char **text, uint32_t *ret_number)
{
	switch (what) {
	case 'n':
		return take_number(text, ret_number);
	case 'i':
		return take_word(text, fields->interface);
	case 'd':
		return take_word(text, fields->driver);
	case 'b':
		return take_word(text, fields->bus);
	case 'v':
		return take_word(text, fields->device);
	default:
		return take_word(text, "%");
	}
}

bool nq_pattern_match(const char *pattern, const struct nq_pattern_fields *fields, const char *text,
		      uint32_t *ret_number)
{
	for (; *pattern; pattern++) {
		if (*pattern == '%') {
			if (!take(*++pattern, fields, &text, ret_number))
				return false;
		} else if (*text++ != *pattern) {
			return false;
		}
	}
	return !*text;
}
