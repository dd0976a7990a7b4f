/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RSS indirection table by ioctl: writing it over netlink is younger (6.17) than the kernels nearq is for, and this
 * way remains. The default table (entry i -> queue i modulo the number of queues) is written as "reset": otherwise
 * the kernel would remember a table set by hand and refuse later changes of the number of channels.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/set_kinds.h"

/* Larger than any table of the drivers in the kernel (the largest ones hold 4,096 entries). */
#define RSS_ENTRIES_MAX 65536u

int nq_rss_format(const uint32_t *entries, uint32_t n_entries, char ret[NQ_SETTING_TEXT])
{
	uint32_t first, next;
	size_t used = 0;

	ret[0] = '\0';
	for (first = 0; first < n_entries; first = next) {
		int length;

		for (next = first + 1; next < n_entries && entries[next] == entries[first]; next++)
			;
		length = snprintf(ret + used, NQ_SETTING_TEXT - used, "%s%ux%u", used ? "," : "", entries[first],
				  next - first);
		if (length < 0 || (size_t)length >= NQ_SETTING_TEXT - used)
			return -ENAMETOOLONG;
		used += (size_t)length;
	}
	return 0;
}

static int take_number(const char **text, uint32_t high, uint32_t *ret)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	number = strtoul(*text, &end, 10);
	if (number > high)
		return -EINVAL;
	*text = end;
	*ret = (uint32_t)number;
	return 0;
}

/* One "QUEUExCOUNT" appended to the entries. */
static int take_run(const char **text, uint32_t *entries, uint32_t *n_entries)
{
	uint32_t queue, count;

	if (take_number(text, RSS_ENTRIES_MAX, &queue) < 0 || *(*text)++ != 'x' ||
	    take_number(text, RSS_ENTRIES_MAX - *n_entries, &count) < 0 || count == 0)
		return -EINVAL;
	while (count-- > 0)
		entries[(*n_entries)++] = queue;
	return 0;
}

int nq_rss_parse(const char *text, uint32_t **ret_entries, uint32_t *ret_n_entries)
{
	NQ_FREE uint32_t *entries = calloc(RSS_ENTRIES_MAX, sizeof(*entries));
	uint32_t n_entries = 0;

	if (!entries)
		return -ENOMEM;
	for (;; text++) {
		if (take_run(&text, entries, &n_entries) < 0)
			return -EINVAL;
		if (*text != ',')
			break;
	}
	if (*text != '\0')
		return -EINVAL;
	*ret_entries = entries;
	*ret_n_entries = n_entries;
	entries = NULL;
	return 0;
}

static int request(const char *interface, void *command)
{
	NQ_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_data = command };

	if (fd < 0)
		return -errno;
	if (strlen(interface) >= sizeof(ifr.ifr_name))
		return -EINVAL;
	strcpy(ifr.ifr_name, interface);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static int new_table(uint32_t command, uint32_t size, struct ethtool_rxfh_indir **ret)
{
	*ret = calloc(1, sizeof(**ret) + size * sizeof((*ret)->ring_index[0]));
	if (!*ret)
		return -ENOMEM;
	(*ret)->cmd = command;
	(*ret)->size = size;
	return 0;
}

static int get_table(struct nq_setting_ctx *ctx, const char *interface, struct ethtool_rxfh_indir **ret)
{
	struct ethtool_rxfh_indir size = { .cmd = ETHTOOL_GRXFHINDIR };
	NQ_FREE struct ethtool_rxfh_indir *table = NULL;
	int error = request(interface, &size);

	if (error == -EOPNOTSUPP || (error == 0 && size.size == 0))
		return nq_setting_why(ctx, -EOPNOTSUPP, "the driver has no RSS table");
	if (error == 0)
		error = new_table(ETHTOOL_GRXFHINDIR, size.size, &table);
	if (error == 0)
		error = request(interface, table);
	if (error < 0)
		return error;
	*ret = table;
	table = NULL;
	return 0;
}

static int rss_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	NQ_FREE struct ethtool_rxfh_indir *table = NULL;
	int error = get_table(ctx, key, &table);

	return error == 0 ? nq_rss_format(table->ring_index, table->size, ret) : error;
}

static int rss_probe(struct nq_setting_ctx *ctx, const char *key)
{
	NQ_FREE struct ethtool_rxfh_indir *table = NULL;

	return get_table(ctx, key, &table);
}

static bool is_default(const uint32_t *entries, uint32_t n_entries, uint32_t n_queues)
{
	uint32_t i;

	for (i = 0; i < n_entries; i++)
		if (entries[i] != i % n_queues)
			return false;
	return true;
}

static int rss_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	NQ_FREE struct ethtool_rxfh_indir *present = NULL, *table = NULL;
	NQ_FREE uint32_t *entries = NULL;
	struct ethtool_rxnfc rings = { .cmd = ETHTOOL_GRXRINGS };
	uint32_t n_entries;
	int error = nq_rss_parse(value, &entries, &n_entries);

	if (error == 0)
		error = get_table(ctx, key, &present);
	if (error == 0 && present->size != n_entries)
		return nq_setting_why(ctx, -EINVAL, "the table has %u entries, the value %u", present->size, n_entries);
	if (error == 0)
		error = new_table(ETHTOOL_SRXFHINDIR, n_entries, &table);
	if (error < 0)
		return error;
	memcpy(table->ring_index, entries, n_entries * sizeof(*entries));
	if (request(key, &rings) == 0 && rings.data > 0 && is_default(entries, n_entries, (uint32_t)rings.data))
		table->size = 0; /* reset */
	return request(key, table);
}

const struct nq_setting_kind nq_set_rss = {
	.name = "rss",
	.probe = rss_probe,
	.read = rss_read,
	.write = rss_write,
};
