/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pinned BPF objects of an interface, and reading whole maps. Private to host/steer*.c. */
#ifndef NEARQ_HOST_STEER_PIN_H
#define NEARQ_HOST_STEER_PIN_H

#include <stddef.h>

#include <nearq/types.h>

#include "bpf/tables.h"

#define NQ_BPFFS "/sys/fs/bpf"
#define NQ_PIN_ROOT NQ_BPFFS "/nearq"
#define NQ_PIN_PATH (sizeof(NQ_PIN_ROOT) + 64)

enum nq_pin {
	NQ_PIN_LINK,  /* the attachment; first to go */
	NQ_PIN_SERVE, /* program of the cpumap threads: needed for each CPU that is added */
	NQ_PIN_CPUS,
	NQ_PIN_RULES,
	NQ_PIN_COUNTS,
	NQ_PIN_TXQ, /* program on egress */
	NQ_PIN_QUEUES,
	NQ_PIN_COUNT
};

int nq_pin_available(void); /* 0, -ENOENT without bpffs */
int nq_pin_make_directory(const char *interface);
void nq_pin_remove_directory(const char *interface);	 /* when it is empty, and that of nearq too */
int nq_pin_open(const char *interface, enum nq_pin pin); /* fd, or -errno; -ENOENT when absent */
int nq_pin_save(const char *interface, enum nq_pin pin, int fd);
int nq_pin_remove(const char *interface, enum nq_pin pin); /* 0 also when absent */
/* Calls back with the interface of each directory of pins, attached or not. */
void nq_pin_each(void (*visit)(const char *interface, void *userdata), void *userdata);

/* One element by MAC. Looking up: 0, -ENOENT without pin or element; removing one that is absent succeeds. */
struct nq_bpf_mac nq_pin_key(const struct nq_mac *mac);
int nq_pin_lookup(const char *interface, enum nq_pin pin, const struct nq_mac *mac, void *ret_value);
int nq_pin_delete(const char *interface, enum nq_pin pin, const struct nq_mac *mac);

/* All elements of a hash map, or the first `most` of an array (0: all). Keys and values are the caller's to free. */
struct nq_pin_dump {
	void *keys, *values;
	uint32_t n;
};
int nq_pin_read_map(int fd, size_t key_size, size_t value_size, uint32_t most, struct nq_pin_dump *ret);
void nq_pin_clear_dump(struct nq_pin_dump *dump);

void nq_pin_quiet(void); /* libbpf writes to standard error; what went wrong is in the outcome, in nearq's words */

#endif
