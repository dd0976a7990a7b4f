/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include <host/view.h>

int nq_notice(struct nq_host *host, enum nq_notice_kind kind, const char *subject, const char *format, ...)
{
	char detail[NQ_SHORT_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	return nq_host_add_notice(host, kind, subject, detail);
}
