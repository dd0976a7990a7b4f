/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum family {
	TIME,
	RATE,
	PART,
};

static const struct unit {
	enum family family;
	const char *name;
	uint64_t size; /* in the smallest unit of its family */
} units[] = {
	{ TIME, "ns", 1 },	   { TIME, "us", 1000 },	 { TIME, "ms", 1000000 },
	{ TIME, "s", 1000000000 }, { TIME, "min", 60000000000 }, { TIME, "h", 3600000000000 },
	{ RATE, "packets/s", 1 },  { RATE, "pps", 1 },		 { RATE, "kpps", 1000 },
	{ RATE, "Mpps", 1000000 }, { PART, "per mille", 1 },	 { PART, "%", 10 },
};
#define N_UNITS (sizeof(units) / sizeof(units[0]))

static const struct unit *unit_find(const char *name)
{
	for (size_t i = 0; i < N_UNITS; i++) {
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	}
	return NULL;
}

static int convert(uint64_t number, const char *name, const char *wanted, uint64_t *ret)
{
	const struct unit *from = unit_find(name), *to = unit_find(wanted);
	uint64_t smallest;

	if (strcmp(name, wanted) == 0) {
		*ret = number;
		return 0;
	}
	if (!from || !to || from->family != to->family)
		return -EDOM;
	if (__builtin_mul_overflow(number, from->size, &smallest) || smallest % to->size != 0)
		return -ERANGE;
	*ret = smallest / to->size;
	return 0;
}

int nq_quantity_parse(const char *text, const char *bare, const char *unit, uint64_t *ret)
{
	unsigned long long number;
	char *end;

	/* strtoull takes signs and spaces in front. */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	end += strspn(end, " ");
	if (*end && !isalpha((unsigned char)*end) && *end != '%')
		return -EINVAL;
	return convert(number, *end ? end : bare, unit, ret);
}

void nq_quantity_units(const char *unit, char *ret, size_t size)
{
	const struct unit *own = unit_find(unit);
	size_t used = 0;

	snprintf(ret, size, "%s", unit);
	for (size_t i = 0; own && i < N_UNITS && used < size; i++) {
		if (units[i].family == own->family)
			used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? ", " : "", units[i].name);
	}
}
