/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <host/view.h>

#if HAVE_BPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "served.skel.h"

struct nq_served_counter {
	struct served_bpf *program;
	int map;
	uint32_t n_cpus;
	uint32_t *watched; /* sorted */
	uint32_t n;
	uint64_t *values; /* [n_cpus] */
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

struct nq_served_counter *nq_served_close(struct nq_served_counter *counter)
{
	if (!counter)
		return NULL;
	served_bpf__destroy(counter->program);
	free(counter->watched);
	free(counter->values);
	free(counter);
	return NULL;
}

static int start(struct nq_served_counter *counter)
{
	struct stat netns;
	int r;

	if (stat("/proc/thread-self/ns/net", &netns) < 0)
		return -errno;
	counter->program = served_bpf__open();
	if (!counter->program)
		return -errno;
	counter->program->rodata->netns = (uint32_t)netns.st_ino;
	r = served_bpf__load(counter->program);
	return r < 0 ? r : served_bpf__attach(counter->program);
}

int nq_served_open(struct nq_served_counter **ret)
{
	struct nq_served_counter *counter = calloc(1, sizeof(*counter));
	int n_cpus = libbpf_num_possible_cpus(), r;

	if (!counter || n_cpus < 1) {
		free(counter);
		return counter ? n_cpus : -ENOMEM;
	}
	libbpf_set_print(quiet); /* what fails is told as a notice */
	counter->n_cpus = (uint32_t)n_cpus;
	counter->values = calloc(counter->n_cpus, sizeof(*counter->values));
	r = counter->values ? start(counter) : -ENOMEM;
	if (r < 0) {
		nq_served_close(counter);
		return r == -EACCES ? -EPERM : r;
	}
	counter->map = bpf_map__fd(counter->program->maps.served);
	*ret = counter;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool contains(const uint32_t *sorted, uint32_t n, uint32_t number)
{
	return n && bsearch(&number, sorted, n, sizeof(number), compare_numbers);
}

int nq_served_watch(struct nq_served_counter *counter, const uint32_t *ifindex, uint32_t n)
{
	uint32_t *wanted = calloc((size_t)n + 1, sizeof(*wanted));

	if (!wanted)
		return -ENOMEM;
	if (n)
		memcpy(wanted, ifindex, n * sizeof(*wanted));
	qsort(wanted, n, sizeof(*wanted), compare_numbers);
	for (uint32_t i = 0; i < counter->n; i++)
		if (!contains(wanted, n, counter->watched[i]))
			bpf_map_delete_elem(counter->map, &counter->watched[i]);
	memset(counter->values, 0, counter->n_cpus * sizeof(*counter->values));
	for (uint32_t i = 0; i < n; i++)
		if (!contains(counter->watched, counter->n, wanted[i]))
			bpf_map_update_elem(counter->map, &wanted[i], counter->values, BPF_NOEXIST);
	free(counter->watched);
	counter->watched = wanted;
	counter->n = n;
	return 0;
}

/* CPUs that served nothing are left out: no counter means 0 as long as the sum is there. */
static int add_interface(const struct nq_served_counter *counter, uint32_t ifindex, struct nq_counters *ret)
{
	uint64_t sum = 0;
	int r = 0;

	for (uint32_t cpu = 0; r == 0 && cpu < counter->n_cpus; cpu++) {
		sum += counter->values[cpu];
		if (counter->values[cpu])
			r = nq_counters_add(ret, nq_counter_key(NQ_COUNTER_SERVED, ifindex, cpu), counter->values[cpu],
					    0, 0);
	}
	if (r < 0)
		return r;
	return nq_counters_add(ret, nq_counter_key(NQ_COUNTER_SERVED, ifindex, NQ_COUNTER_ALL), sum, 0, 0);
}

int nq_served_read(struct nq_served_counter *counter, struct nq_counters *ret)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < counter->n; i++)
		if (bpf_map_lookup_elem(counter->map, &counter->watched[i], counter->values) == 0)
			r = add_interface(counter, counter->watched[i], ret);
	return r;
}

#else

int nq_served_open(struct nq_served_counter **ret)
{
	(void)ret;
	return -EOPNOTSUPP;
}

/* Never reached, since there is no counter to call them with. */
struct nq_served_counter *nq_served_close(struct nq_served_counter *counter)
{
	return counter;
}

int nq_served_watch(struct nq_served_counter *counter, const uint32_t *ifindex, uint32_t n)
{
	(void)counter;
	(void)ifindex;
	(void)n;
	return -EOPNOTSUPP;
}

int nq_served_read(struct nq_served_counter *counter, struct nq_counters *ret)
{
	(void)counter;
	(void)ret;
	return -EOPNOTSUPP;
}

#endif
