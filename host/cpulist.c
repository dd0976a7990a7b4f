/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cpulist.h"

#define WORD_BITS 64u
#define WORDS (NQ_MAX_CPUS / WORD_BITS)
#define HEX_WORD_DIGITS 8u /* the kernel's masks come in words of 32 bits */

void nq_cpumask_add(struct nq_cpumask *mask, uint32_t cpu)
{
	mask->word[cpu / WORD_BITS] |= 1ull << (cpu % WORD_BITS);
}

bool nq_cpumask_has(const struct nq_cpumask *mask, uint32_t cpu)
{
	return cpu < NQ_MAX_CPUS && (mask->word[cpu / WORD_BITS] >> (cpu % WORD_BITS) & 1);
}

bool nq_cpumask_equal(const struct nq_cpumask *a, const struct nq_cpumask *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

uint32_t nq_cpumask_next(const struct nq_cpumask *mask, uint32_t from)
{
	uint32_t i;

	for (i = from / WORD_BITS; i < WORDS; i++) {
		uint64_t rest = mask->word[i];

		if (i == from / WORD_BITS)
			rest &= ~0ull << (from % WORD_BITS);
		if (rest)
			return i * WORD_BITS + (uint32_t)__builtin_ctzll(rest);
	}
	return UINT32_MAX;
}

bool nq_cpumask_empty(const struct nq_cpumask *mask)
{
	return nq_cpumask_next(mask, 0) == UINT32_MAX;
}

static const char *skip_space(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* Not strtoul alone: it would take a sign and leading space. */
static int take_number(const char **text, uint32_t *ret)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	number = strtoul(*text, &end, 10);
	if (number >= NQ_MAX_CPUS)
		return -EINVAL;
	*text = end;
	*ret = (uint32_t)number;
	return 0;
}

static int take_range(const char **text, struct nq_cpumask *mask)
{
	uint32_t first, last;

	if (take_number(text, &first) < 0)
		return -EINVAL;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (take_number(text, &last) < 0 || last < first)
			return -EINVAL;
	}
	for (; first <= last; first++)
		nq_cpumask_add(mask, first);
	return 0;
}

int nq_cpulist_parse(const char *text, struct nq_cpumask *ret)
{
	struct nq_cpumask mask = {};

	if (*skip_space(text) != '\0') {
		for (;; text++) {
			if (take_range(&text, &mask) < 0)
				return -EINVAL;
			if (*text != ',')
				break;
		}
		if (*skip_space(text) != '\0')
			return -EINVAL;
	}
	*ret = mask;
	return 0;
}

/* Adds the digit that is `place` digits from the right; zeros are welcome at any height. */
static int add_digit(struct nq_cpumask *mask, char digit, uint32_t place)
{
	const char text[] = { digit, '\0' };
	uint64_t bits = strtoul(text, NULL, 16);

	if (place * 4 >= NQ_MAX_CPUS)
		return bits ? -EINVAL : 0;
	mask->word[place * 4 / WORD_BITS] |= bits << (place * 4 % WORD_BITS);
	return 0;
}

int nq_cpumask_parse(const char *text, struct nq_cpumask *ret)
{
	struct nq_cpumask mask = {};
	size_t length = strlen(text);
	uint32_t place = 0;

	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	for (; length > 0; length--) {
		char c = text[length - 1];

		if (c == ',' && place > 0 && place % HEX_WORD_DIGITS == 0 && length > 1 && text[length - 2] != ',')
			continue;
		if (!isxdigit((unsigned char)c) || add_digit(&mask, c, place) < 0)
			return -EINVAL;
		place++;
	}
	*ret = mask;
	return 0;
}

int nq_cpulist_format(const struct nq_cpumask *mask, char *ret, size_t size)
{
	uint32_t first, last;
	size_t used = 0;

	ret[0] = '\0';
	for (first = nq_cpumask_next(mask, 0); first != UINT32_MAX; first = nq_cpumask_next(mask, last + 1)) {
		int length;

		for (last = first; nq_cpumask_has(mask, last + 1); last++)
			;
		length = snprintf(ret + used, size - used, "%s%u", used ? "," : "", first);
		if (length >= 0 && (size_t)length < size - used && last > first)
			length += snprintf(ret + used + length, size - used - (size_t)length, "-%u", last);
		if (length < 0 || (size_t)length >= size - used) {
			ret[0] = '\0';
			return -ENAMETOOLONG;
		}
		used += (size_t)length;
	}
	return 0;
}

bool nq_cpulist_same(const char *a, const char *b)
{
	struct nq_cpumask one, two;

	return nq_cpulist_parse(a, &one) == 0 && nq_cpulist_parse(b, &two) == 0 && nq_cpumask_equal(&one, &two);
}
