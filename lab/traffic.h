/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two halves of nearq-traffic share: the form of a frame, the clock, signals and complaints. */
#ifndef NEARQ_LAB_TRAFFIC_H
#define NEARQ_LAB_TRAFFIC_H

#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#define NS_PER_S 1000000000ULL
#define FRAME_MOST 1514
#define MAGIC 0x6e656172 /* "near" */

enum exit_code { EXIT_FINE = 0, EXIT_FAULT = 1, EXIT_USAGE = 2 };

struct payload {
	uint32_t magic;
	uint32_t pad;
	uint64_t sent_ns;
} __attribute__((packed));

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct payload payload;
} __attribute__((packed));

/* Set by SIGTERM or SIGINT, and by SIGHUP. */
extern volatile sig_atomic_t traffic_stop, traffic_reload;

/* Prints one line and ends the program. */
void traffic_die(enum exit_code code, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
uint64_t traffic_now_ns(void); /* CLOCK_MONOTONIC */
/* The option's value, or the end with EXIT_USAGE when it is no number in [low, high]. */
uint64_t traffic_number(const char *option, const char *text, uint64_t low, uint64_t high);
void traffic_usage(FILE *stream);

/* The verbs; each returns an exit code. */
int traffic_send(int argc, char **argv);
int traffic_sink(int argc, char **argv);

#endif
