/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/svg_parts.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

void nq_svg_escaped(FILE *stream, const char *text)
{
	char *clean = nq_text_clean(text);

	for (const char *at = clean; at && *at; at++) {
		switch (*at) {
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '&':
			fputs("&amp;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		default:
			fputc(*at, stream);
		}
	}
	free(clean);
}

/* Text cut to a width; letters of this size are about 6.1 wide, bold ones 7.4. */
void nq_svg_text(FILE *stream, double x, double y, double width, const char *class, const char *text)
{
	char *clean = nq_text_clean(text);
	bool bold = strchr(class, 'b') || strchr(class, 'h');
	unsigned room = (unsigned)(width / (strchr(class, 'h') ? 9.6 : bold ? 7.4 : 6.1));
	bool cut = clean && nq_text_width(clean) > room;

	if (clean && cut)
		clean[nq_text_fit(clean, room > 1 ? room - 1 : 1)] = '\0';
	fprintf(stream, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	nq_svg_escaped(stream, clean ? clean : "");
	fprintf(stream, "%s</text>\n", cut ? "…" : "");
	free(clean);
}

void nq_svg_rect(FILE *stream, struct nq_point at, double width, double height, double radius, const char *class)
{
	fprintf(stream, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\" class=\"%s\"/>\n", at.x,
		at.y, width, height, radius, class);
}

void nq_svg_title(FILE *stream, const char *text)
{
	fputs("<title>", stream);
	nq_svg_escaped(stream, text);
	fputs("</title>\n", stream);
}
