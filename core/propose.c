/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What pool a vm's traffic looks like (FEATURES V6). Nothing acts on it: a pool is the operator's word, and traffic
 * that is shaped by the queue it has today says little about what it needs.
 */
#include <nearq/plan.h>

/* Under this, in all, an interval says nothing: ten packets a second are not a kind of traffic. */
#define LEAST_PPS 10u
/* A request and its answer without bulk; DNS, RPC and most of memcached stay under it. */
#define SMALL_BYTES 256u
/* Most of a 1,500 byte frame: only bulk fills them. */
#define LARGE_BYTES 1000u
/* From here a packet's wait is a matter of microseconds; under it, nobody waits for the next one. */
#define BUSY_PPS 5000u
#define FEW_PPS 1000u

struct sums {
	uint64_t rx, tx, rx_bytes, tx_bytes;
};

static struct sums sum_up(const struct nq_host *host, uint32_t vm)
{
	struct sums sums = { 0 };

	for (uint32_t i = 0; i < host->n_vnics; i++) {
		const struct nq_vnic *vnic = &host->vnics[i];

		if (vnic->vm != vm)
			continue;
		sums.rx += vnic->rx.packets;
		sums.tx += vnic->tx.packets;
		sums.rx_bytes += vnic->rx.bytes;
		sums.tx_bytes += vnic->tx.bytes;
	}
	return sums;
}

static bool is_small_both_ways(const struct sums *sums)
{
	uint64_t all = sums->rx + sums->tx;

	return all >= BUSY_PPS && sums->rx >= all / 4 && sums->tx >= all / 4 &&
	       sums->rx_bytes / sums->rx <= SMALL_BYTES && sums->tx_bytes / sums->tx <= SMALL_BYTES;
}

static bool is_received_bulk(const struct sums *sums)
{
	uint64_t all = sums->rx_bytes + sums->tx_bytes;

	return sums->rx >= BUSY_PPS && sums->rx_bytes / sums->rx >= LARGE_BYTES && sums->rx_bytes >= all - all / 10;
}

static bool is_few_large(const struct sums *sums)
{
	uint64_t all = sums->rx + sums->tx;

	return all < FEW_PPS && (sums->rx_bytes + sums->tx_bytes) / all >= LARGE_BYTES;
}

static enum nq_traffic traffic_of(const struct sums *sums)
{
	if (sums->rx + sums->tx < LEAST_PPS)
		return NQ_TRAFFIC_LITTLE;
	if (is_small_both_ways(sums))
		return NQ_TRAFFIC_SMALL_BOTH_WAYS;
	if (is_received_bulk(sums))
		return NQ_TRAFFIC_RECEIVED_BULK;
	return is_few_large(sums) ? NQ_TRAFFIC_FEW_LARGE : NQ_TRAFFIC_MIXED;
}

struct nq_pool_proposal nq_pool_propose(const struct nq_host *host, const struct nq_policy *policy, uint32_t vm)
{
	static const char *const pools[NQ_TRAFFIC_COUNT] = {
		[NQ_TRAFFIC_LITTLE] = "",
		[NQ_TRAFFIC_MIXED] = "",
		[NQ_TRAFFIC_SMALL_BOTH_WAYS] = "llr",
		[NQ_TRAFFIC_FEW_LARGE] = "hlt",
		[NQ_TRAFFIC_RECEIVED_BULK] = "lro",
	};
	struct sums sums = sum_up(host, vm);
	uint64_t packets = sums.rx + sums.tx, bytes = sums.rx_bytes + sums.tx_bytes;
	enum nq_traffic traffic = traffic_of(&sums);

	return (struct nq_pool_proposal){
		.pool = nq_policy_pool_of(policy, pools[traffic]),
		.traffic = traffic,
		.packets = packets,
		.bytes_each = packets ? bytes / packets : 0,
	};
}
