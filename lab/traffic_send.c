/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "send" plays the network. It owns one end of a NIC's datagram socket: each datagram is an Ethernet frame. It sends
 * UDP frames to chosen MACs at chosen rates and counts the frames that come back per MAC.
 *
 * Pacing: the clock is cut into ticks of TICK_NS. At each tick a target is owed rate * elapsed - sent frames; what the
 * socket refuses is owed further, up to BACKLOG_NS worth of the rate, and then given up and counted as "skipped".
 * Rates are therefore kept on average even when ticks come late, and a guest that hangs gets no flood when it wakes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lab/traffic.h"

#define TICK_NS 2000000ULL
#define BACKLOG_NS (NS_PER_S / 10)
#define TARGETS_MOST 1024
#define RATE_MOST 1000000
#define RATE_DEFAULT 100
#define FRAME_LEAST 60
#define FLOWS_MOST 65536
#define SINK_PORT 9000
#define FLOW_PORT 10000

struct target {
	uint8_t mac[ETH_ALEN];
	uint64_t rate;	   /* frames per second */
	uint64_t paced_ns; /* up to this instant its frames were sent or skipped */
	uint64_t sent, answered, skipped, rtt_ns;
	uint32_t flow;
};

struct sender {
	struct target targets[TARGETS_MOST];
	size_t count;
	const char *file;      /* targets are read from here, or NULL */
	struct timespec mtime; /* of that file when read */
	int folder;	       /* of QEMU's socket: its address may be longer than sun_path */
	const char *socket;    /* base name in that folder */
	int fd;
	size_t size;
	uint32_t flows;
	uint64_t refused; /* send calls that found QEMU's queue full or QEMU away */
	uint64_t foreign; /* frames from the guest that answer nobody's */
};

static bool parse_target(const char *text, struct target *ret)
{
	unsigned int byte[ETH_ALEN];
	unsigned long rate = RATE_DEFAULT;
	int used = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4], &byte[5],
		   &used) != 6)
		return false;
	if (text[used] == '=') {
		char *end;

		if (text[used + 1] < '0' || text[used + 1] > '9')
			return false;
		rate = strtoul(text + used + 1, &end, 10);
		used = (int)(end - text);
	}
	if (text[used] || rate > RATE_MOST)
		return false;
	*ret = (struct target){ .rate = rate };
	for (int i = 0; i < ETH_ALEN; i++)
		ret->mac[i] = (uint8_t)byte[i];
	return true;
}

static struct target *find_target(struct sender *sender, const uint8_t *mac)
{
	for (size_t i = 0; i < sender->count; i++)
		if (!memcmp(sender->targets[i].mac, mac, ETH_ALEN))
			return &sender->targets[i];
	return NULL;
}

/* A known MAC gets a new rate and keeps its counters. False when there are too many or the text is none. */
static bool put_target(struct sender *sender, const char *text)
{
	struct target parsed, *known;

	if (!parse_target(text, &parsed))
		return false;
	known = find_target(sender, parsed.mac);
	if (known) {
		known->rate = parsed.rate;
		return true;
	}
	if (sender->count == TARGETS_MOST)
		return false;
	parsed.paced_ns = traffic_now_ns();
	sender->targets[sender->count++] = parsed;
	return true;
}

static void put_list(struct sender *sender, char *list)
{
	for (char *save, *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save))
		if (!put_target(sender, one))
			traffic_die(EXIT_USAGE,
				    "--target: '%s' is not MAC[=RATE] with a rate up to %d, or one of too many", one,
				    RATE_MOST);
}

/* One MAC=RATE a line, # begins a comment. Targets that the file no longer names get rate 0 and keep their counters. */
static void read_targets(struct sender *sender)
{
	char line[128];
	struct stat status;
	FILE *file = fopen(sender->file, "re");

	if (!file || fstat(fileno(file), &status)) {
		fprintf(stderr, "nearq-traffic: %s: %s; targets stay as they are\n", sender->file, strerror(errno));
		if (file)
			fclose(file);
		return;
	}
	sender->mtime = status.st_mtim;
	for (size_t i = 0; i < sender->count; i++)
		sender->targets[i].rate = 0;
	for (int row = 1; fgets(line, sizeof(line), file); row++) {
		line[strcspn(line, "# \t\r\n")] = '\0';
		if (*line && !put_target(sender, line))
			fprintf(stderr, "nearq-traffic: %s:%d: '%s' is not MAC=RATE\n", sender->file, row, line);
	}
	fclose(file);
}

static bool targets_changed(const struct sender *sender)
{
	struct stat status;

	return sender->file && !stat(sender->file, &status) &&
	       (status.st_mtim.tv_sec != sender->mtime.tv_sec || status.st_mtim.tv_nsec != sender->mtime.tv_nsec);
}

static uint32_t sum_words(const void *data, size_t length, uint32_t sum)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)(byte[i] << 8 | byte[i + 1]);
	if (length & 1)
		sum += (uint32_t)(byte[length - 1] << 8);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void fill_checksums(struct frame *frame, size_t size)
{
	size_t udp_size = size - sizeof(frame->eth) - sizeof(frame->ip);
	uint32_t sum;

	frame->ip.check = 0;
	frame->ip.check = fold(sum_words(&frame->ip, sizeof(frame->ip), 0));
	frame->udp.check = 0;
	sum = sum_words(&frame->ip.saddr, 8, IPPROTO_UDP + (uint32_t)udp_size);
	sum = sum_words(&frame->udp, udp_size, sum);
	frame->udp.check = fold(sum);
	if (!frame->udp.check)
		frame->udp.check = 0xffff;
}

/* Each target has the address 10.x.y.z of its MAC's last bytes; a flow has an address and a port of its own. */
static void fill_frame(struct frame *frame, const struct target *target, uint32_t flow, size_t size)
{
	static const uint8_t source[ETH_ALEN] = { 0x06, 0x6e, 0x71, 0, 0, 1 };

	memset(frame, 0, size);
	memcpy(frame->eth.h_dest, target->mac, ETH_ALEN);
	memcpy(frame->eth.h_source, source, ETH_ALEN);
	frame->eth.h_proto = htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = sizeof(frame->ip) / 4;
	frame->ip.tot_len = htons((uint16_t)(size - sizeof(frame->eth)));
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.saddr = htonl(0xac100000U + 1 + flow); /* 172.16.0.1 and following */
	frame->ip.daddr =
		htonl(0x0a000000U | (uint32_t)target->mac[3] << 16 | (uint32_t)target->mac[4] << 8 | target->mac[5]);
	frame->udp.source = htons((uint16_t)(FLOW_PORT + flow % 50000));
	frame->udp.dest = htons(SINK_PORT);
	frame->udp.len = htons((uint16_t)(size - sizeof(frame->eth) - sizeof(frame->ip)));
	frame->payload.magic = htonl(MAGIC);
	frame->payload.sent_ns = traffic_now_ns();
	fill_checksums(frame, size);
}

/* The address of a name in a folder, by way of the folder's descriptor, so that it always fits. */
static void set_address(struct sockaddr_un *ret, int folder, const char *name)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((size_t)snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", folder, name) >=
	    sizeof(ret->sun_path))
		traffic_die(EXIT_USAGE, "socket name '%s' is too long", name);
}

static int open_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		traffic_die(EXIT_FAULT, "folder of %s: %s", path, strerror(errno));
	free(copy);
	return fd;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Connected, so that poll() knows about room in QEMU's queue. QEMU may come later: then the next tick tries again. */
static bool connect_qemu(struct sender *sender)
{
	struct sockaddr_un address;

	set_address(&address, sender->folder, sender->socket);
	return !connect(sender->fd, (struct sockaddr *)&address, sizeof(address));
}

static void open_socket(struct sender *sender, const char *to, const char *own)
{
	struct sockaddr_un address;
	int folder = open_folder(own);

	sender->folder = open_folder(to);
	sender->socket = base(to);
	sender->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sender->fd < 0)
		traffic_die(EXIT_FAULT, "socket: %s", strerror(errno));
	set_address(&address, folder, base(own));
	unlinkat(folder, base(own), 0);
	if (bind(sender->fd, (struct sockaddr *)&address, sizeof(address)))
		traffic_die(EXIT_FAULT, "bind %s: %s", own, strerror(errno));
	close(folder);
	connect_qemu(sender);
}

/* False when the socket takes no more now. */
static bool send_one(struct sender *sender, struct target *target)
{
	union {
		struct frame frame;
		uint8_t bytes[FRAME_MOST];
	} buffer;

	fill_frame(&buffer.frame, target, target->flow, sender->size);
	if (send(sender->fd, &buffer, sender->size, MSG_NOSIGNAL) < 0) {
		sender->refused++;
		if (errno == ECONNREFUSED || errno == ENOTCONN || errno == ECONNRESET || errno == EPIPE ||
		    errno == ENOENT)
			connect_qemu(sender);
		else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			traffic_die(EXIT_FAULT, "send: %s", strerror(errno));
		return false;
	}
	target->flow = (target->flow + 1) % sender->flows;
	target->sent++;
	return true;
}

/* Bring a target up to the instant; true when the socket still takes frames. */
static bool pace(struct sender *sender, struct target *target, uint64_t now)
{
	uint64_t gap;

	if (!target->rate) {
		target->paced_ns = now;
		return true;
	}
	gap = NS_PER_S / target->rate;
	while (target->paced_ns + gap <= now) {
		if (now - target->paced_ns > BACKLOG_NS + gap) {
			uint64_t lost = (now - target->paced_ns - BACKLOG_NS) / gap;

			target->skipped += lost;
			target->paced_ns += lost * gap;
			continue;
		}
		if (!send_one(sender, target))
			return false;
		target->paced_ns += gap;
	}
	return true;
}

/* Begin with another target at each tick: when the socket is full, all suffer alike. */
static void pace_all(struct sender *sender, uint64_t now, size_t first)
{
	for (size_t i = 0; i < sender->count; i++)
		if (!pace(sender, &sender->targets[(first + i) % sender->count], now))
			return;
}

static void take_answers(struct sender *sender)
{
	uint8_t buffer[2048] __attribute__((aligned(8)));
	const struct frame *frame = (const struct frame *)(const void *)buffer;
	ssize_t size;

	while ((size = recv(sender->fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		struct target *target = NULL;

		if ((size_t)size >= sizeof(*frame) && frame->payload.magic == htonl(MAGIC))
			target = find_target(sender, frame->eth.h_source);
		if (!target) {
			sender->foreign++;
			continue;
		}
		target->answered++;
		target->rtt_ns += traffic_now_ns() - frame->payload.sent_ns;
	}
}

static void print_target(const struct target *target, bool first)
{
	const uint8_t *m = target->mac;
	uint64_t rtt = target->answered ? target->rtt_ns / target->answered / 1000 : 0;

	printf("%s\"%02x:%02x:%02x:%02x:%02x:%02x\": {\"rate\": %" PRIu64 ", \"sent\": %" PRIu64
	       ", \"answered\": %" PRIu64 ", \"skipped\": %" PRIu64 ", \"rtt_us\": %" PRIu64 "}",
	       first ? "" : ", ", m[0], m[1], m[2], m[3], m[4], m[5], target->rate, target->sent, target->answered,
	       target->skipped, rtt);
}

static void report(const struct sender *sender, uint64_t elapsed_ns, bool total)
{
	uint64_t sent = 0, answered = 0, skipped = 0;

	for (size_t i = 0; i < sender->count; i++) {
		sent += sender->targets[i].sent;
		answered += sender->targets[i].answered;
		skipped += sender->targets[i].skipped;
	}
	printf("{\"total\": %s, \"ms\": %" PRIu64 ", \"sent\": %" PRIu64 ", \"answered\": %" PRIu64
	       ", \"skipped\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"foreign\": %" PRIu64 ", \"targets\": {",
	       total ? "true" : "false", elapsed_ns / 1000000, sent, answered, skipped, sender->refused,
	       sender->foreign);
	for (size_t i = 0; i < sender->count; i++)
		print_target(&sender->targets[i], i == 0);
	printf("}}\n");
	fflush(stdout);
}

/* Sleep until the tick, taking answers as they come: QEMU spins when its peer's queue stays full. */
static void wait_tick(struct sender *sender, uint64_t tick)
{
	for (uint64_t now = traffic_now_ns(); now < tick && !traffic_stop; now = traffic_now_ns()) {
		struct pollfd poller = { .fd = sender->fd, .events = POLLIN };
		struct timespec rest = { .tv_nsec = (long)(tick - now) };

		if (ppoll(&poller, 1, &rest, NULL) > 0) {
			if (poller.revents & (POLLERR | POLLHUP) && !(poller.revents & POLLIN)) {
				clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
				return;
			}
			take_answers(sender);
		}
	}
}

/* Answers to the last frames are still under way when sending ends. */
static void take_last_answers(struct sender *sender)
{
	struct pollfd poller = { .fd = sender->fd, .events = POLLIN };
	uint64_t end = traffic_now_ns() + NS_PER_S / 2;

	while (traffic_now_ns() < end && poll(&poller, 1, 100) > 0 && poller.revents & POLLIN)
		take_answers(sender);
}

static void send_loop(struct sender *sender, uint64_t duration_ns)
{
	uint64_t begin = traffic_now_ns(), tick = begin, second = begin + NS_PER_S;

	for (size_t i = 0; i < sender->count; i++)
		sender->targets[i].paced_ns = begin;
	for (size_t turn = 0; !traffic_stop && (!duration_ns || tick - begin < duration_ns); turn++) {
		if (traffic_reload || (tick >= second && targets_changed(sender))) {
			traffic_reload = 0;
			if (sender->file)
				read_targets(sender);
		}
		pace_all(sender, traffic_now_ns(), turn);
		if (tick >= second) {
			report(sender, tick - begin, false);
			second += NS_PER_S;
		}
		tick += TICK_NS;
		if (traffic_now_ns() > tick + BACKLOG_NS)
			tick = traffic_now_ns();
		wait_tick(sender, tick);
	}
	take_last_answers(sender);
	report(sender, traffic_now_ns() - begin, true);
}

int traffic_send(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to-socket", required_argument, NULL, 't' }, { "bind", required_argument, NULL, 'b' },
		{ "target", required_argument, NULL, 'm' },    { "targets", required_argument, NULL, 'f' },
		{ "flows", required_argument, NULL, 'n' },     { "size", required_argument, NULL, 's' },
		{ "duration", required_argument, NULL, 'd' },  { 0 },
	};
	static struct sender sender = { .size = 128, .flows = 64 };
	const char *to = NULL, *own = NULL;
	uint64_t duration = 0;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 't':
			to = optarg;
			break;
		case 'b':
			own = optarg;
			break;
		case 'm':
			put_list(&sender, optarg);
			break;
		case 'f':
			sender.file = optarg;
			break;
		case 'n':
			sender.flows = (uint32_t)traffic_number("--flows", optarg, 1, FLOWS_MOST);
			break;
		case 's':
			sender.size = traffic_number("--size", optarg, sizeof(struct frame), FRAME_MOST);
			break;
		case 'd':
			duration = traffic_number("--duration", optarg, 1, 86400);
			break;
		default:
			traffic_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (sender.size < FRAME_LEAST)
		sender.size = FRAME_LEAST;
	if (optind != argc || !to || !own || (!sender.count && !sender.file)) {
		traffic_usage(stderr);
		return EXIT_USAGE;
	}
	if (sender.file)
		read_targets(&sender);
	open_socket(&sender, to, own);
	send_loop(&sender, duration * NS_PER_S);
	unlink(own);
	return EXIT_FINE;
}
