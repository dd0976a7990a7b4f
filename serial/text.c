/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of single objects as text: MACs, queues, sets of nodes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <nearq/serial.h>

void nq_mac_text(const struct nq_mac *mac, char ret[NQ_MAC_TEXT])
{
	const uint8_t *byte = mac->byte;

	snprintf(ret, NQ_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", byte[0], byte[1], byte[2], byte[3], byte[4],
		 byte[5]);
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 'a' - 'A';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -EINVAL;
}

int nq_mac_parse(const char *text, struct nq_mac *ret)
{
	struct nq_mac mac;

	for (size_t i = 0; i < sizeof(mac.byte); i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -EINVAL : hex_digit(text[1]);

		if (low < 0 || text[2] != (i + 1 < sizeof(mac.byte) ? ':' : '\0'))
			return -EINVAL;
		mac.byte[i] = (uint8_t)(high << 4 | low);
	}
	*ret = mac;
	return 0;
}

void nq_queue_text(const struct nq_host *host, uint32_t queue, char ret[NQ_QUEUE_TEXT])
{
	const struct nq_queue *self = queue < host->n_queues ? &host->queues[queue] : NULL;
	const char *pnic = self && self->pnic < host->n_pnics ? host->pnics[self->pnic].name : "?";

	if (queue == NQ_NONE)
		snprintf(ret, NQ_QUEUE_TEXT, "default");
	else if (!self)
		snprintf(ret, NQ_QUEUE_TEXT, "?");
	else
		snprintf(ret, NQ_QUEUE_TEXT, "%s/%s%" PRIu32, pnic, self->kind == NQ_QUEUE_SOFT ? "cpu" : "",
			 self->index);
}

void nq_lanes_text(const struct nq_host *host, uint32_t queue, uint32_t n_spread, const uint32_t *spread,
		   char ret[NQ_LANES_TEXT])
{
	size_t used;

	nq_queue_text(host, queue, ret);
	used = strlen(ret);
	for (uint32_t i = 0; i < n_spread; i++) {
		char text[NQ_QUEUE_TEXT];
		const char *slash;

		nq_queue_text(host, spread[i], text);
		slash = strrchr(text, '/');
		used += (size_t)snprintf(ret + used, NQ_LANES_TEXT - used, "+%.14s", slash ? slash + 1 : text);
	}
}

/* The member of the set whose kernel id is the lowest that is at least `from`; NQ_NONE when there is none. */
static uint32_t next_id(const struct nq_host *host, const struct nq_nodeset *set, uint32_t from)
{
	uint32_t least = NQ_NONE;

	for (uint32_t i = nq_nodeset_next(set, 0); i < host->n_nodes; i = nq_nodeset_next(set, i + 1)) {
		uint32_t id = host->nodes[i].id;

		if (id >= from && id < least)
			least = id;
	}
	return least;
}

#define ELLIPSIS "…"

/* "first" or "first-last", after a comma unless it is the first piece. Returns its length. */
static size_t piece_text(bool comma, uint32_t first, uint32_t last, char *ret, size_t size)
{
	const char *separator = comma ? "," : "";
	int length;

	if (last > first)
		length = snprintf(ret, size, "%s%" PRIu32 "-%" PRIu32, separator, first, last);
	else
		length = snprintf(ret, size, "%s%" PRIu32, separator, first);
	return (size_t)length;
}

void nq_nodeset_text(const struct nq_host *host, const struct nq_nodeset *set, char *ret, size_t size)
{
	uint32_t first = next_id(host, set, 0);
	/* Up to where the text stands, and up to where it could still be cut and leave room for the ellipsis. */
	size_t used = 0, safe = 0;

	if (size)
		*ret = '\0';
	while (first != NQ_NONE) {
		uint32_t last = first, next = next_id(host, set, first + 1);
		char piece[32];
		size_t length;

		for (; next == last + 1; next = next_id(host, set, next + 1))
			last = next;
		length = piece_text(used > 0, first, last, piece, sizeof(piece));
		if (used + length >= size) {
			snprintf(ret + safe, size - safe, "%s", safe + sizeof(ELLIPSIS) <= size ? ELLIPSIS : "");
			return;
		}
		memcpy(ret + used, piece, length + 1);
		used += length;
		if (used + sizeof(ELLIPSIS) <= size)
			safe = used;
		first = next;
	}
}
