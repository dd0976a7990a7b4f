/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers with units, as people write them: for a setting in ms, "2000 ms" and "2 s" mean the same. */
#ifndef NEARQ_DAEMON_QUANTITY_H
#define NEARQ_DAEMON_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

/*
 * A decimal number without sign, then a unit that converts to `unit` without a rest; without a unit it is in `bare`. A
 * unit this module does not know is only understood as itself. 0; -EINVAL: not of that form; -EDOM: another unit;
 * -ERANGE: over 64 bits, or a fraction of `unit`.
 */
int nq_quantity_parse(const char *text, const char *bare, const char *unit, uint64_t *ret);

/* The units that nq_quantity_parse() takes for `unit`, "ns, us, ms, s, min, h". */
void nq_quantity_units(const char *unit, char *ret, size_t size);

#endif
