/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names that drivers make by printf, read back. A pattern is literal text with %n for a decimal number, %i %d %b %v
 * for the fields of an interface (a field that is "" or NULL never matches), %% for a percent sign.
 */
#ifndef NEARQ_HOST_PATTERN_H
#define NEARQ_HOST_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

struct nq_pattern_fields {
	const char *interface; /* %i "eth0" */
	const char *driver;    /* %d "igb" */
	const char *bus;       /* %b "0000:3b:00.0" */
	const char *device;    /* %v last part of the device's path: "virtio2", or the same as bus */
};

/* Does the whole text match? *ret_number is written when the pattern has a %n before the first difference. */
bool nq_pattern_match(const char *pattern, const struct nq_pattern_fields *fields, const char *text,
		      uint32_t *ret_number);

#endif
