/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * INI, strictly: "[section]", "key = value", empty lines, and comments on lines of their own (# or ;). Values are taken
 * literally up to the end of the line, without the spaces around them: there are no quotes, escapes, continuation lines
 * or comments behind a value, so that nothing in a value is ever silently something else.
 */
#ifndef NEARQ_DAEMON_INI_H
#define NEARQ_DAEMON_INI_H

#include <nearq/serial.h>

#define NQ_INI_LINE 1024 /* longest line, bytes */

struct nq_ini_entry {
	const char *file;
	unsigned line;
	const char *section, *key, *value; /* until the visitor returns */
};

/* 0 goes on; anything else stops the reading, *fault set, and is passed on. */
typedef int (*nq_ini_visit)(const struct nq_ini_entry *entry, void *userdata, struct nq_fault *fault);

/* 0; -EBADMSG with *ret_fault: not of that form; -errno of the stream with *ret_fault; what the visitor returned. */
int nq_ini_read(FILE *stream, const char *name, nq_ini_visit visit, void *userdata, struct nq_fault *ret_fault);

#endif
