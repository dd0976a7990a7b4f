/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching the steering program to an interface; theory of operation in host/steer.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bpf/tables.h"
#include "host/cleanup.h"
#include "host/steer_act.h"
#include "host/steer_pin.h"
#include "steer.skel.h"

/* Memory for the counters of one interface: 65,536 MACs up to 64 CPUs, half of that with 128, and so on. */
#define COUNTS_BYTES_MAX (64u << 20)

static void destroy(struct steer_bpf **skeleton)
{
	steer_bpf__destroy(*skeleton);
}

/* The program at the end of our link pin: 0 with *ret_program, -ENOENT, or -ENODEV when its interface is gone. */
static int own_program(const char *interface, uint32_t ifindex, uint32_t *ret_program)
{
	NQ_CLOSE int link = nq_pin_open(interface, NQ_PIN_LINK);
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);

	if (link < 0)
		return link;
	if (bpf_obj_get_info_by_fd(link, &info, &size) < 0)
		return -errno;
	if (info.type != BPF_LINK_TYPE_XDP || info.xdp.ifindex != ifindex)
		return -ENODEV;
	*ret_program = info.prog_id;
	return 0;
}

int nq_xdp_state(const char *interface, enum nq_xdp_state *ret, uint32_t *ret_foreign)
{
	uint32_t ifindex = if_nametoindex(interface), own = 0, present;
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int error;

	if (!ifindex)
		return -ENODEV;
	error = bpf_xdp_query((int)ifindex, 0, &query);
	if (error < 0)
		return error;
	if (query.attach_mode == XDP_ATTACHED_NONE) {
		*ret = NQ_XDP_NONE;
		return 0;
	}
	error = own_program(interface, ifindex, &own);
	if (error < 0 && error != -ENOENT && error != -ENODEV)
		return error;
	present = query.prog_id ? query.prog_id : query.drv_prog_id; /* both modes at once leave the first empty */
	if (error == 0 && own == present)
		*ret = query.attach_mode == XDP_ATTACHED_SKB ? NQ_XDP_GENERIC : NQ_XDP_NATIVE;
	else
		*ret = NQ_XDP_FOREIGN;
	*ret_foreign = present;
	return 0;
}

bool nq_xdp_generic_only(const char *interface)
{
	static const char *const software[] = { "veth", "tun", "macvlan", "ipvlan", "bridge", "openvswitch" };
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq ifr = { .ifr_data = (void *)&info };
	NQ_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t i;

	if (fd < 0 || strlen(interface) >= sizeof(ifr.ifr_name))
		return true;
	strcpy(ifr.ifr_name, interface);
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return true; /* no driver that would tell: not one with a place of its own for programs */
	for (i = 0; i < sizeof(software) / sizeof(*software); i++)
		if (strcmp(info.driver, software[i]) == 0)
			return true;
	return false;
}

static uint32_t capacity(uint32_t n_cpus)
{
	uint32_t fit = COUNTS_BYTES_MAX / ((uint32_t)sizeof(struct nq_bpf_count) * n_cpus);

	return fit < NQ_STEER_MACS_MAX ? fit : NQ_STEER_MACS_MAX;
}

static int load(bool native, struct steer_bpf **ret)
{
	__attribute__((cleanup(destroy))) struct steer_bpf *skeleton = NULL;
	int cpus = libbpf_num_possible_cpus();
	int error;

	nq_pin_quiet();
	skeleton = steer_bpf__open();
	if (!skeleton)
		return -errno;
	if (cpus <= 0)
		return cpus < 0 ? cpus : -EINVAL;
	bpf_map__set_max_entries(skeleton->maps.cpus, (uint32_t)cpus);
	bpf_map__set_max_entries(skeleton->maps.rules, capacity((uint32_t)cpus));
	bpf_map__set_max_entries(skeleton->maps.counts, capacity((uint32_t)cpus));
	if (native) { /* see host/steer.c, "Frames of several buffers" */
		bpf_program__set_flags(skeleton->progs.steer, BPF_F_XDP_HAS_FRAGS);
		bpf_program__set_flags(skeleton->progs.serve, BPF_F_XDP_HAS_FRAGS);
	}
	error = steer_bpf__load(skeleton);
	if (error < 0)
		return error;
	*ret = skeleton;
	skeleton = NULL;
	return 0;
}

static const enum nq_pin xdp_pins[] = { NQ_PIN_LINK, NQ_PIN_SERVE, NQ_PIN_CPUS, NQ_PIN_RULES, NQ_PIN_COUNTS };

static int remove_pins(const char *interface)
{
	size_t i;
	int error = 0;

	for (i = 0; error == 0 && i < sizeof(xdp_pins) / sizeof(*xdp_pins); i++)
		error = nq_pin_remove(interface, xdp_pins[i]);
	nq_pin_remove_directory(interface);
	return error;
}

static int pin_all(const char *interface, const struct steer_bpf *skeleton)
{
	const struct {
		enum nq_pin pin;
		int fd;
	} objects[] = {
		{ NQ_PIN_COUNTS, bpf_map__fd(skeleton->maps.counts) },
		{ NQ_PIN_RULES, bpf_map__fd(skeleton->maps.rules) },
		{ NQ_PIN_CPUS, bpf_map__fd(skeleton->maps.cpus) },
		{ NQ_PIN_SERVE, bpf_program__fd(skeleton->progs.serve) },
	};
	int error = nq_pin_make_directory(interface);
	size_t i;

	for (i = 0; error == 0 && i < sizeof(objects) / sizeof(*objects); i++)
		error = nq_pin_save(interface, objects[i].pin, objects[i].fd);
	return error;
}

/* The one operation that counts: until the link is pinned, it goes with this process. */
static int link_program(const char *interface, int program, bool native)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	NQ_CLOSE int link = -1;
	uint32_t ifindex = if_nametoindex(interface);

	if (!ifindex)
		return -ENODEV;
	link = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);
	if (link < 0)
		return -errno;
	return nq_pin_save(interface, NQ_PIN_LINK, link);
}

int nq_xdp_attach(struct nq_setting_ctx *ctx, const char *interface, bool native)
{
	__attribute__((cleanup(destroy))) struct steer_bpf *skeleton = NULL;
	int error;

	error = nq_pin_available();
	if (error < 0)
		return nq_setting_why(ctx, -EOPNOTSUPP, "no bpf file system is mounted on " NQ_BPFFS);
	error = load(native, &skeleton);
	if (error < 0)
		return nq_setting_why(ctx, error, "the kernel refuses the steering program: %s", strerror(-error));
	error = remove_pins(interface); /* of an interface of the same name, or of an attach that was killed */
	if (error == 0)
		error = pin_all(interface, skeleton);
	if (error == 0)
		error = link_program(interface, bpf_program__fd(skeleton->progs.steer), native);
	if (error < 0) {
		remove_pins(interface);
		nq_setting_why(ctx, error, "the program cannot be attached in %s mode: %s",
			       native ? "native" : "generic", strerror(-error));
	}
	return error;
}

int nq_xdp_detach(struct nq_setting_ctx *ctx, const char *interface)
{
	NQ_CLOSE int link = nq_pin_open(interface, NQ_PIN_LINK);

	/* Not by closing alone: a reader may have the link open just now. The interface of a link may be gone. */
	if (link >= 0 && bpf_link_detach(link) < 0 && errno != ENOLINK && errno != EINVAL)
		return nq_setting_why(ctx, -errno, "the steering program cannot be detached: %s", strerror(errno));
	if (link < 0 && link != -ENOENT)
		return link;
	return remove_pins(interface);
}
