/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "sink" plays a VM. It takes the frames of one interface off an AF_PACKET socket, keeps their bytes in memory of
 * its own (so that the node of that memory can be seen and moved), and answers every Nth by turning it around.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/traffic.h"

#define BATCH 32

struct sink {
	const char *interface;
	const char *output; /* file for the newest line, or NULL for standard output */
	uint64_t answer;    /* every Nth frame is answered, 0 for none */
	uint8_t *memory;    /* frames are kept here, over and over */
	size_t memory_size, memory_used;
	uint64_t frames, bytes, answered, failed;
	int fd;
};

static void sink_open(struct sink *sink)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(sink->interface),
	};

	if (!address.sll_ifindex)
		traffic_die(EXIT_FAULT, "no interface %s", sink->interface);
	sink->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sink->fd < 0 || bind(sink->fd, (struct sockaddr *)&address, sizeof(address)))
		traffic_die(EXIT_FAULT, "packet socket on %s: %s", sink->interface, strerror(errno));
	sink->memory = malloc(sink->memory_size);
	if (!sink->memory)
		traffic_die(EXIT_FAULT, "no %zu bytes of memory", sink->memory_size);
	memset(sink->memory, 1, sink->memory_size);
}

/* Swapping both addresses and both ports leaves every checksum valid. */
static void turn_around(struct frame *frame)
{
	uint8_t mac[ETH_ALEN];
	uint32_t address = frame->ip.saddr;
	uint16_t port = frame->udp.source;

	memcpy(mac, frame->eth.h_dest, ETH_ALEN);
	memcpy(frame->eth.h_dest, frame->eth.h_source, ETH_ALEN);
	memcpy(frame->eth.h_source, mac, ETH_ALEN);
	frame->ip.saddr = frame->ip.daddr;
	frame->ip.daddr = address;
	frame->udp.source = frame->udp.dest;
	frame->udp.dest = port;
}

static bool answerable(const struct frame *frame, size_t size)
{
	return size >= sizeof(*frame) && frame->ip.ihl == sizeof(frame->ip) / 4 && frame->ip.protocol == IPPROTO_UDP &&
	       frame->payload.magic == htonl(MAGIC);
}

static void keep(struct sink *sink, const void *frame, size_t size)
{
	if (sink->memory_used + size > sink->memory_size)
		sink->memory_used = 0;
	memcpy(sink->memory + sink->memory_used, frame, size);
	sink->memory_used += size;
}

static void sink_one(struct sink *sink, uint8_t *bytes, size_t size)
{
	struct frame *frame = (struct frame *)(void *)bytes;

	sink->frames++;
	sink->bytes += size;
	keep(sink, bytes, size);
	if (!sink->answer || sink->frames % sink->answer || !answerable(frame, size))
		return;
	turn_around(frame);
	if (send(sink->fd, bytes, size, MSG_DONTWAIT) < 0)
		sink->failed++;
	else
		sink->answered++;
}

static void sink_take(struct sink *sink)
{
	static uint8_t buffers[BATCH][2048] __attribute__((aligned(8)));
	struct sockaddr_ll sources[BATCH];
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH];
	int count;

	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){ buffers[i], sizeof(buffers[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &sources[i],
						       .msg_namelen = sizeof(sources[i]),
						       .msg_iov = &vectors[i],
						       .msg_iovlen = 1 };
	}
	count = recvmmsg(sink->fd, messages, BATCH, MSG_DONTWAIT, NULL);
	if (count < 0 && errno == ENETDOWN)
		traffic_die(EXIT_FAULT, "interface %s is down", sink->interface);
	for (int i = 0; i < count; i++)
		if (sources[i].sll_pkttype == PACKET_HOST)
			sink_one(sink, buffers[i], messages[i].msg_len);
}

static void sink_report(const struct sink *sink, uint64_t elapsed_ns, uint64_t rate)
{
	char temporary[4096];
	FILE *stream = stdout;

	if (sink->output) {
		snprintf(temporary, sizeof(temporary), "%s.tmp", sink->output);
		stream = fopen(temporary, "we");
		if (!stream)
			traffic_die(EXIT_FAULT, "%s: %s", temporary, strerror(errno));
	}
	fprintf(stream,
		"{\"interface\": \"%s\", \"ms\": %" PRIu64 ", \"frames\": %" PRIu64 ", \"bytes\": %" PRIu64
		", \"answered\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"rate\": %" PRIu64 "}\n",
		sink->interface, elapsed_ns / 1000000, sink->frames, sink->bytes, sink->answered, sink->failed, rate);
	if (!sink->output)
		fflush(stdout);
	else if (fclose(stream) || rename(temporary, sink->output))
		traffic_die(EXIT_FAULT, "%s: %s", sink->output, strerror(errno));
}

static void sink_loop(struct sink *sink, uint64_t duration_ns)
{
	uint64_t begin = traffic_now_ns(), second = begin + NS_PER_S, before = 0, now = begin;
	struct pollfd poller = { .fd = sink->fd, .events = POLLIN };

	sink_report(sink, 0, 0);
	while (!traffic_stop && (!duration_ns || now - begin < duration_ns)) {
		int rest = now < second ? (int)((second - now) / 1000000) + 1 : 0;

		if (poll(&poller, 1, rest) > 0)
			sink_take(sink);
		now = traffic_now_ns();
		if (now < second)
			continue;
		sink_report(sink, now - begin, sink->frames - before);
		before = sink->frames;
		second = now + NS_PER_S;
	}
	sink_report(sink, traffic_now_ns() - begin, 0);
}

int traffic_sink(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' }, { "answer", required_argument, NULL, 'a' },
		{ "output", required_argument, NULL, 'o' },    { "memory", required_argument, NULL, 'm' },
		{ "duration", required_argument, NULL, 'd' },  { 0 },
	};
	struct sink sink = { .memory_size = 4 << 20 };
	uint64_t duration = 0;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'i':
			sink.interface = optarg;
			break;
		case 'a':
			sink.answer = traffic_number("--answer", optarg, 0, 1000000);
			break;
		case 'o':
			sink.output = optarg;
			break;
		case 'm':
			sink.memory_size = traffic_number("--memory", optarg, 1, 4096) << 20;
			break;
		case 'd':
			duration = traffic_number("--duration", optarg, 1, 86400);
			break;
		default:
			traffic_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc || !sink.interface) {
		traffic_usage(stderr);
		return EXIT_USAGE;
	}
	sink_open(&sink);
	sink_loop(&sink, duration * NS_PER_S);
	free(sink.memory);
	close(sink.fd);
	return EXIT_FINE;
}
