/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nearq-traffic: frames for the lab, from outside the guest and back.
 *
 * "send" (traffic_send.c) plays the network, "sink" (traffic_sink.c) plays a VM. A frame carries the sender's
 * clock, which the answer brings back: the round trip needs no state per frame.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab/traffic.h"

volatile sig_atomic_t traffic_stop, traffic_reload;

static void on_signal(int number)
{
	if (number == SIGHUP)
		traffic_reload = 1;
	else
		traffic_stop = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void traffic_die(enum exit_code code, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fputs("nearq-traffic: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	exit(code);
}

uint64_t traffic_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t traffic_number(const char *option, const char *text, uint64_t low, uint64_t high)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < low || value > high)
		traffic_die(EXIT_USAGE, "%s: '%s' is not a number in %" PRIu64 " .. %" PRIu64, option, text, low, high);
	return value;
}

void traffic_usage(FILE *stream)
{
	fputs("usage: nearq-traffic send --to-socket PATH --bind PATH [--target MAC[=PPS],...]... [--targets FILE]\n"
	      "                          [--flows N] [--size BYTES] [--duration S]\n"
	      "       nearq-traffic sink --interface IF [--answer N] [--output FILE] [--memory MIB] [--duration S]\n"
	      "\n"
	      "send: frames to a QEMU \"-netdev dgram\"; one JSON line a second and a total at the end (counters run "
	      "from\n"
	      "      the start). FILE holds MAC=PPS lines and is read again when it changes or on SIGHUP.\n"
	      "sink: counts the IPv4 frames that IF receives and answers every Nth (0, the default, none); FILE holds "
	      "the\n"
	      "      newest JSON line, standard output gets one a second otherwise.\n",
	      stream);
}

int main(int argc, char **argv)
{
	catch_signals();
	if (argc > 1 && !strcmp(argv[1], "send"))
		return traffic_send(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "sink"))
		return traffic_sink(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		traffic_usage(stdout);
		return EXIT_FINE;
	}
	traffic_usage(stderr);
	return EXIT_USAGE;
}
