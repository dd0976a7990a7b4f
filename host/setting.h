/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A setting is one thing of the host that nearq may change: the affinity of an interrupt, the XPS mask of
 * a queue, the cpuset of a container, the steering of a MAC. Whatever its kind it has a key that says
 * which, and a value that is a text. So one journal, one read-back, one undo and one report serve all
 * kinds, and a kind is a table of four functions in a file of its own (host/set_*.c).
 *
 *   kind        key                       value
 *   irq         "57"                      CPU list "0-3"
 *   thread      "PID@STARTTIME"           CPU list (kthread napi/…, or a process)
 *   threaded    "eth0"                    "0" or "1" (threaded NAPI)
 *   xps         "eth0/3"                  CPU list, "" for none
 *   rss         "eth0"                    queue of each table entry, run-length "0x16,1x16,…"
 *   cpuset      cgroup path               "CPUs;memory nodes", each a list as in cpuset.cpus / cpuset.mems
 *   xdp         "eth0"                    "" (no program) or "nearq native" / "nearq generic"
 *   steer       "eth0/02:00:00:00:00:01"  "" (default) or CPU number of the cpumap thread
 *   txq         "eth0/02:00:00:00:00:01"  "" or TX queue number for that source MAC
 *
 * Order matters between kinds (xdp before steer); undo goes in reverse.
 */
#ifndef NEARQ_HOST_SETTING_H
#define NEARQ_HOST_SETTING_H

#include <nearq/serial.h>

struct nq_setting_ctx; /* sockets, root descriptor and BPF objects that the kinds share; host/setting.c */

#define NQ_SETTING_TEXT 4096

struct nq_setting_kind {
	const char *name;
	/* Can this host change it? 0; -EOPNOTSUPP (not this host), -EPERM, -ENODEV (object is gone), … Writes nothing lasting. */
	int (*probe)(struct nq_setting_ctx *ctx, const char *key);
	/* Present value as text. -ENODEV when the object is gone. */
	int (*read)(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT]);
	/* Sets it. Either done or not done, never half. */
	int (*write)(struct nq_setting_ctx *ctx, const char *key, const char *value);
	/* Are two values the same setting ("0,1" and "0-1")? NULL: when the texts are equal. */
	bool (*same)(const char *a, const char *b);
};

extern const struct nq_setting_kind *const nq_setting_kinds[]; /* NULL-terminated, in the order in which they are applied */
const struct nq_setting_kind *nq_setting_find(const char *kind);

int nq_setting_ctx_new(struct nq_setting_ctx **ret);
struct nq_setting_ctx *nq_setting_ctx_free(struct nq_setting_ctx *ctx);

#endif
