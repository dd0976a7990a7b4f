/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include <nearq/serial.h>

/* What is wrong may quote the input; no byte of it may reach a terminal as a command. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void nq_fault_set(struct nq_fault *fault, const char *where, const char *format, ...)
{
	va_list arguments;

	snprintf(fault->where, sizeof(fault->where), "%s", where);
	va_start(arguments, format);
	vsnprintf(fault->what, sizeof(fault->what), format, arguments);
	va_end(arguments);
	make_printable(fault->where);
	make_printable(fault->what);
}
