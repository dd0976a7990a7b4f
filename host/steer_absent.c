/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steering in a build without BPF: nothing is steered, and asking for it is refused by name. */
#include <errno.h>

#include "host/steer_act.h"

static int refuse(struct nq_setting_ctx *ctx)
{
	return nq_setting_why(ctx, -EOPNOTSUPP, "this nearq was built without BPF");
}

int nq_steer_available(void)
{
	return -EOPNOTSUPP;
}

int nq_steer_read(const char *interface, struct nq_steer_table **ret)
{
	(void)interface;
	(void)ret;
	return -EOPNOTSUPP;
}

struct nq_steer_table *nq_steer_table_free(struct nq_steer_table *table)
{
	(void)table; /* there never is one */
	return NULL;
}

int nq_xdp_state(const char *interface, enum nq_xdp_state *ret, uint32_t *ret_foreign)
{
	(void)interface;
	(void)ret_foreign;
	*ret = NQ_XDP_NONE;
	return 0;
}

int nq_xdp_attach(struct nq_setting_ctx *ctx, const char *interface, bool native)
{
	(void)interface;
	(void)native;
	return refuse(ctx);
}

int nq_xdp_detach(struct nq_setting_ctx *ctx, const char *interface)
{
	(void)interface;
	return refuse(ctx);
}

bool nq_xdp_generic_only(const char *interface)
{
	(void)interface;
	return true;
}

int nq_steer_get(const char *interface, const struct nq_mac *mac, uint32_t *ret_cpu)
{
	(void)interface;
	(void)mac;
	*ret_cpu = NQ_NONE;
	return 0;
}

int nq_steer_set(struct nq_setting_ctx *ctx, const char *interface, const struct nq_mac *mac, uint32_t cpu)
{
	(void)interface;
	(void)mac;
	(void)cpu;
	return refuse(ctx);
}

int nq_steer_unset(const char *interface, const struct nq_mac *mac)
{
	(void)interface;
	(void)mac;
	return 0;
}

int nq_egress_state(const char *interface, enum nq_egress_state *ret)
{
	(void)interface;
	(void)ret;
	return -EOPNOTSUPP;
}

int nq_egress_add_clsact(struct nq_setting_ctx *ctx, const char *interface)
{
	(void)interface;
	return refuse(ctx);
}

int nq_egress_remove_clsact(struct nq_setting_ctx *ctx, const char *interface)
{
	(void)interface;
	return refuse(ctx);
}

int nq_egress_attach(struct nq_setting_ctx *ctx, const char *interface)
{
	(void)interface;
	return refuse(ctx);
}

int nq_egress_detach(struct nq_setting_ctx *ctx, const char *interface)
{
	(void)interface;
	return refuse(ctx);
}

int nq_txq_get(const char *interface, const struct nq_mac *mac, uint32_t *ret_queue)
{
	(void)interface;
	(void)mac;
	*ret_queue = NQ_NONE;
	return 0;
}

int nq_txq_set(struct nq_setting_ctx *ctx, const char *interface, const struct nq_mac *mac, uint32_t queue)
{
	(void)interface;
	(void)mac;
	(void)queue;
	return refuse(ctx);
}

int nq_txq_unset(const char *interface, const struct nq_mac *mac)
{
	(void)interface;
	(void)mac;
	return 0;
}

void nq_steer_sweep(struct nq_setting_ctx *ctx, bool all)
{
	(void)ctx;
	(void)all;
}
