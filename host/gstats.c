/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counters per queue (S1). Kernels from 6.9 give them for some drivers in one dump (netdev-genl qstats); the others
 * have them among the driver's own statistics, under names of its own making. The names are fetched and matched once; a
 * tick is one ioctl per interface. When the number of statistics changes (channels were added), the names are fetched
 * again.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/pattern.h>
#include <host/view.h>

enum direction { RX, TX };
enum field { PACKETS, BYTES, DROPS };

/*
 * Drivers, and the file in Linux 6.12's drivers/net that makes the names. For each direction and field an interface is
 * read by the rows of the first family that matches: virtio_net has "rx_queue_N_packets" and, as a part of them,
 * "rx_queue_N_xdp_packets". Rows of one family add up. A row without number belongs to the queue whose heading came
 * last.
 */
static const struct {
	const char *pattern;
	enum direction direction;
	enum field field;
	uint32_t family;
} rows[] = {
	/* igb, igc, ixgbe, ixgbevf, ice, fm10k: intel; virtio_net.c; netvsc_drv.c */
	{ "rx_queue_%n_packets", RX, PACKETS, 0 },
	{ "rx_queue_%n_bytes", RX, BYTES, 0 },
	{ "rx_queue_%n_drops", RX, DROPS, 0 },
	{ "tx_queue_%n_packets", TX, PACKETS, 0 },
	{ "tx_queue_%n_bytes", TX, BYTES, 0 },
	/* i40e, iavf: i40e_ethtool.c, iavf_ethtool.c */
	{ "rx-%n.packets", RX, PACKETS, 1 },
	{ "rx-%n.bytes", RX, BYTES, 1 },
	{ "tx-%n.packets", TX, PACKETS, 1 },
	{ "tx-%n.bytes", TX, BYTES, 1 },
	/* mlx5, mlx4: en_stats.c, en_ethtool.c; ibmveth.c */
	{ "rx%n_packets", RX, PACKETS, 2 },
	{ "rx%n_bytes", RX, BYTES, 2 },
	{ "rx%n_dropped", RX, DROPS, 2 },
	{ "tx%n_packets", TX, PACKETS, 2 },
	{ "tx%n_bytes", TX, BYTES, 2 },
	/* bnxt: bnxt_ethtool.c */
	{ "[%n]: rx_ucast_packets", RX, PACKETS, 3 },
	{ "[%n]: rx_mcast_packets", RX, PACKETS, 3 },
	{ "[%n]: rx_bcast_packets", RX, PACKETS, 3 },
	{ "[%n]: rx_ucast_bytes", RX, BYTES, 3 },
	{ "[%n]: rx_mcast_bytes", RX, BYTES, 3 },
	{ "[%n]: rx_bcast_bytes", RX, BYTES, 3 },
	{ "[%n]: rx_discards", RX, DROPS, 3 },
	{ "[%n]: tx_ucast_packets", TX, PACKETS, 3 },
	{ "[%n]: tx_mcast_packets", TX, PACKETS, 3 },
	{ "[%n]: tx_bcast_packets", TX, PACKETS, 3 },
	{ "[%n]: tx_ucast_bytes", TX, BYTES, 3 },
	{ "[%n]: tx_mcast_bytes", TX, BYTES, 3 },
	{ "[%n]: tx_bcast_bytes", TX, BYTES, 3 },
	/* ena: ena_ethtool.c */
	{ "queue_%n_rx_cnt", RX, PACKETS, 4 },
	{ "queue_%n_rx_bytes", RX, BYTES, 4 },
	{ "queue_%n_tx_cnt", TX, PACKETS, 4 },
	{ "queue_%n_tx_bytes", TX, BYTES, 4 },
	/* sfc: ethtool_common.c */
	{ "rx-%n.rx_packets", RX, PACKETS, 5 },
	{ "tx-%n.tx_packets", TX, PACKETS, 5 },
	/* vmxnet3: vmxnet3_ethtool.c; headings "Rx Queue#", "Tx Queue#" */
	{ "  ucast pkts rx", RX, PACKETS, 6 },
	{ "  mcast pkts rx", RX, PACKETS, 6 },
	{ "  bcast pkts rx", RX, PACKETS, 6 },
	{ "  ucast bytes rx", RX, BYTES, 6 },
	{ "  mcast bytes rx", RX, BYTES, 6 },
	{ "  bcast bytes rx", RX, BYTES, 6 },
	{ "  pkts rx OOB", RX, DROPS, 6 },
	{ "  ucast pkts tx", TX, PACKETS, 6 },
	{ "  mcast pkts tx", TX, PACKETS, 6 },
	{ "  bcast pkts tx", TX, PACKETS, 6 },
	{ "  ucast bytes tx", TX, BYTES, 6 },
	{ "  mcast bytes tx", TX, BYTES, 6 },
	{ "  bcast bytes tx", TX, BYTES, 6 },
	{ "  pkts tx discard", TX, DROPS, 6 },
	/* veth: veth.c counts what its NAPI takes in */
	{ "rx_queue_%n_xdp_packets", RX, PACKETS, 7 },
	{ "rx_queue_%n_xdp_bytes", RX, BYTES, 7 },
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))
#define QUEUES_MAX 4096u
#define STATISTICS_MAX 1000000u /* of one interface; mlx5 with 64 channels has some 5,000 */

struct entry {
	uint32_t statistic, queue;
	enum direction direction;
	enum field field;
};

/* What one interface calls its counters. */
struct nq_gstats {
	struct nq_gstats *next;
	char interface[NQ_LINK_NAME];
	uint32_t n_statistics, n_queues[2];
	struct entry *entry;
	uint32_t n_entries;
};

void nq_gstats_free(struct nq_gstats *gstats)
{
	while (gstats) {
		struct nq_gstats *next = gstats->next;

		free(gstats->entry);
		free(gstats);
		gstats = next;
	}
}

static struct nq_gstats *find_interface(struct nq_view *view, const char *interface)
{
	struct nq_gstats *gstats;

	for (gstats = view->gstats; gstats; gstats = gstats->next)
		if (!strcmp(gstats->interface, interface))
			return gstats;
	gstats = calloc(1, sizeof(*gstats));
	if (!gstats)
		return NULL;
	snprintf(gstats->interface, sizeof(gstats->interface), "%s", interface);
	gstats->next = view->gstats;
	view->gstats = gstats;
	return gstats;
}

/* The row of a name, or N_ROWS; headings[] counts the "Rx Queue#" and "Tx Queue#" so far. */
static size_t find_row(const char *name, uint32_t headings[2], uint32_t *ret_queue)
{
	static const struct nq_pattern_fields none;

	headings[RX] += !strcmp(name, "Rx Queue#");
	headings[TX] += !strcmp(name, "Tx Queue#");
	for (size_t i = 0; i < N_ROWS; i++) {
		*ret_queue = headings[rows[i].direction] - 1; /* UINT32_MAX before the first heading */
		if (nq_pattern_match(rows[i].pattern, &none, name, ret_queue) && *ret_queue < QUEUES_MAX)
			return i;
	}
	return N_ROWS;
}

static void find_families(const struct ethtool_gstrings *names, uint32_t ret[2][3])
{
	uint32_t headings[2] = { 0 }, queue;

	memset(ret, 0xff, 6 * sizeof(**ret));
	for (uint32_t i = 0; i < names->len; i++) {
		size_t row = find_row((const char *)&names->data[i * ETH_GSTRING_LEN], headings, &queue);

		if (row < N_ROWS && rows[row].family < ret[rows[row].direction][rows[row].field])
			ret[rows[row].direction][rows[row].field] = rows[row].family;
	}
}

static int match_names(struct nq_gstats *gstats, const struct ethtool_gstrings *names)
{
	uint32_t families[2][3], headings[2] = { 0 }, queue;

	free(gstats->entry);
	gstats->n_entries = gstats->n_queues[RX] = gstats->n_queues[TX] = 0;
	gstats->entry = calloc((size_t)names->len + 1, sizeof(*gstats->entry));
	if (!gstats->entry)
		return -ENOMEM;
	find_families(names, families);
	for (uint32_t i = 0; i < names->len; i++) {
		size_t row = find_row((const char *)&names->data[i * ETH_GSTRING_LEN], headings, &queue);

		if (row == N_ROWS || rows[row].family != families[rows[row].direction][rows[row].field])
			continue;
		gstats->entry[gstats->n_entries++] = (struct entry){ i, queue, rows[row].direction, rows[row].field };
		if (queue >= gstats->n_queues[rows[row].direction])
			gstats->n_queues[rows[row].direction] = queue + 1;
	}
	return 0;
}

static int fetch_names(struct nq_view *view, struct nq_gstats *gstats, uint32_t n)
{
	size_t size = sizeof(struct ethtool_gstrings) + (size_t)n * ETH_GSTRING_LEN;
	NQ_FREE struct ethtool_gstrings *names = calloc(1, size + 1);
	int r;

	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = n;
	r = nq_wire_ethtool(view->wire, gstats->interface, "names", names, size);
	if (r == 0 && names->len != n)
		r = -EAGAIN;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		names->data[(i + 1) * ETH_GSTRING_LEN - 1] = '\0';
	if (r == 0)
		r = match_names(gstats, names);
	if (r == 0)
		gstats->n_statistics = n;
	return r;
}

static int count_statistics(struct nq_view *view, const char *interface, uint32_t *ret)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t n;
	} set = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << ETH_SS_STATS } };
	int r = nq_wire_ethtool(view->wire, interface, "statistics", &set, sizeof(set));

	if (r == 0)
		*ret = set.info.sset_mask ? set.n : 0;
	return r;
}

/* Sums of one direction: value[queue][field] */
static int add_sums(const struct nq_gstats *gstats, enum direction direction, const uint64_t *statistics,
		    uint32_t ifindex, struct nq_counters *ret)
{
	NQ_FREE uint64_t(*sum)[3] = calloc((size_t)gstats->n_queues[direction] + 1, sizeof(*sum));
	enum nq_counter_kind kind = direction == RX ? NQ_COUNTER_QUEUE_RX : NQ_COUNTER_QUEUE_TX;
	int r = sum ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < gstats->n_entries; i++)
		if (gstats->entry[i].direction == direction)
			sum[gstats->entry[i].queue][gstats->entry[i].field] += statistics[gstats->entry[i].statistic];
	for (uint32_t i = 0; r == 0 && i < gstats->n_queues[direction]; i++)
		r = nq_counters_add(ret, nq_counter_key(kind, ifindex, i), sum[i][PACKETS], sum[i][BYTES],
				    sum[i][DROPS]);
	return r;
}

static int read_statistics(struct nq_view *view, const struct nq_gstats *gstats, uint32_t ifindex,
			   struct nq_counters *ret)
{
	/* the driver writes as many as it has by then; room for channels that were added since the count */
	size_t room = (size_t)gstats->n_statistics * 2 + 1024;
	NQ_FREE struct ethtool_stats *statistics = calloc(1, sizeof(*statistics) + room * sizeof(uint64_t));
	int r;

	if (!statistics)
		return -ENOMEM;
	statistics->cmd = ETHTOOL_GSTATS;
	statistics->n_stats = gstats->n_statistics;
	r = nq_wire_ethtool(view->wire, gstats->interface, "values", statistics,
			    sizeof(*statistics) + gstats->n_statistics * sizeof(uint64_t));
	if (r == 0)
		r = add_sums(gstats, RX, (const uint64_t *)statistics->data, ifindex, ret);
	return r == 0 ? add_sums(gstats, TX, (const uint64_t *)statistics->data, ifindex, ret) : r;
}

int nq_read_driver_counters(struct nq_view *view, const char *interface, uint32_t ifindex, struct nq_counters *ret)
{
	struct nq_gstats *gstats = find_interface(view, interface);
	uint32_t n;
	int r;

	if (!gstats)
		return -ENOMEM;
	r = count_statistics(view, interface, &n);
	if (r == 0 && n > STATISTICS_MAX)
		r = -EBADMSG;
	if (r == 0 && n != gstats->n_statistics)
		r = fetch_names(view, gstats, n);
	if (r == 0 && gstats->n_entries)
		r = read_statistics(view, gstats, ifindex, ret);
	return r == -ENOMEM ? r : 0; /* a driver without statistics, or an interface that is gone */
}
