/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cost.h"

#define LOCAL 10u

uint64_t nq_sat_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) || sum > NQ_MAX_VALUE ? NQ_MAX_VALUE : sum;
}

uint64_t nq_sat_mul(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) || product > NQ_MAX_VALUE ? NQ_MAX_VALUE : product;
}

uint64_t nq_sat_sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t nq_mul_div(uint64_t a, uint64_t b, uint64_t divisor)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return nq_sat_mul(a / divisor, b);
	product /= divisor;
	return product < NQ_MAX_VALUE ? product : NQ_MAX_VALUE;
}

uint64_t nq_cost_of(uint64_t packets, uint64_t fixed)
{
	return nq_mul_div(packets, fixed, NQ_FIXED);
}

uint64_t nq_cost_within(uint64_t ns, uint64_t ms)
{
	return nq_mul_div(ns, ms, 1000);
}

/* u^2 / (2 (1 - u)) at u = 0, 5 %, … 95 %; the last value is the line's, see the header. */
const uint32_t nq_waiting_table[NQ_WAITING_STEPS + 1] = {
	0,	1316,	5556,	13235,	25000,	 41667,	  64286,   94231,   133333,  184091,   250000,
	336111, 450000, 603571, 816667, 1125000, 1600000, 2408333, 4050000, 9025000, 24025000,
};

#define PPM_MAX (UINT64_C(1000) * NQ_PPM)

uint64_t nq_cost_waiting(uint64_t ppm)
{
	uint64_t step = ppm / NQ_WAITING_STEP, rest = ppm % NQ_WAITING_STEP;

	if (step < NQ_WAITING_STEPS)
		return nq_waiting_table[step] +
		       (uint64_t)(nq_waiting_table[step + 1] - nq_waiting_table[step]) * rest / NQ_WAITING_STEP;
	if (ppm > PPM_MAX)
		ppm = PPM_MAX;
	return nq_waiting_table[NQ_WAITING_STEPS] + (ppm - NQ_PPM) * (NQ_WAITING_BEYOND / NQ_WAITING_STEP);
}

uint32_t nq_cost_remote(const struct nq_host *host, uint64_t weight_ns, uint32_t from, uint32_t to)
{
	uint32_t distance = nq_host_distance(host, from, to);

	return distance == NQ_NONE ? 0 : (uint32_t)(weight_ns * NQ_FIXED * (distance - LOCAL) / LOCAL);
}

struct nq_mean nq_mean_of_total(uint64_t total)
{
	struct nq_mean mean = { 0 };

	while (total >> mean.shift > UINT32_MAX)
		mean.shift++;
	return mean;
}

void nq_mean_add(struct nq_mean *mean, uint64_t weight, uint64_t value)
{
	weight >>= mean->shift;
	mean->weight += weight;
	mean->sum += weight * value;
}

uint64_t nq_mean_value(const struct nq_mean *mean)
{
	return mean->weight ? mean->sum / mean->weight : 0;
}

/* Mean distance above local from a node to the vm's memory, 1/256 points. */
static uint64_t excess_from(const struct nq_host *host, const uint64_t *mem, uint64_t total, uint32_t node)
{
	struct nq_mean mean = nq_mean_of_total(total);

	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (mem[i])
			nq_mean_add(&mean, mem[i], (uint64_t)(nq_host_distance(host, node, i) - LOCAL) * 256);
	return nq_mean_value(&mean);
}

/* busy * 10^6 ns/s * mem_remote / 1000 * excess / 256 / 10 */
static uint64_t lost(const struct nq_policy *policy, uint32_t busy, uint64_t excess)
{
	return nq_mul_div(nq_sat_mul((uint64_t)busy * policy->mem_remote, 1000), excess, 2560);
}

static uint64_t total_of(const struct nq_host *host, const uint64_t *mem)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < host->n_nodes; i++)
		total = nq_sat_add(total, mem[i]);
	return total;
}

uint64_t nq_cost_memory_from(const struct nq_host *host, const struct nq_policy *policy, uint32_t busy,
			     const uint64_t *mem, uint32_t node)
{
	return lost(policy, busy, excess_from(host, mem, total_of(host, mem), node));
}

uint64_t nq_cost_memory(const struct nq_host *host, const struct nq_policy *policy, uint32_t busy, const uint64_t *mem,
			const uint32_t *weight)
{
	uint64_t total = busy && policy->mem_remote ? total_of(host, mem) : 0, weights = 0, sum = 0;

	for (uint32_t i = 0; total && i < host->n_nodes; i++) {
		if (weight[i] == 0)
			continue;
		sum += weight[i] * excess_from(host, mem, total, i);
		weights += weight[i];
	}
	return weights ? lost(policy, busy, sum / weights) : 0;
}
