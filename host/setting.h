/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A setting is one thing of the host that nearq may change: the affinity of an interrupt, the XPS mask of
 * a queue, the cpuset of a container, the steering of a MAC. Whatever its kind it has a key that says
 * which, and a value that is a text. So one journal, one read-back, one undo and one report serve all
 * kinds, and a kind is a table of a few functions in a file of its own (host/set_*.c).
 *
 *   kind        key                       value
 *   irq         "57"                      CPU list "0-3"
 *   thread      "PID@STARTTIME"           CPU list of all threads of the process (or of the kthread napi/…), then
 *                                         " TID=LIST" for each thread that differs
 *   threaded    "eth0"                    "0" or "1" (threaded NAPI)
 *   xps         "eth0/3"                  CPU list, "" for none
 *   rss         "eth0"                    queue of each table entry, run-length "0x16,1x16,…"
 *   cpuset      cgroup path               "CPUs;memory nodes", each a list as in cpuset.cpus / cpuset.mems, "":
 * inherited xdp         "eth0"                    "" (no program), "nearq native" or "nearq generic"; "nearq" asks for
 *                                         whichever is right; "foreign ID": somebody else's program
 *   steer       "eth0/02:00:00:00:00:01"  "" (default) or CPU number of the cpumap thread
 *   egress      "eth0"                    "" (no clsact qdisc), "clsact", or "clsact nearq" (nearq's program on it)
 *   txq         "eth0/02:00:00:00:00:01"  "" or TX queue number for that source MAC
 *
 * Order matters between kinds (xdp before steer, egress before txq); undo goes in reverse.
 */
#ifndef NEARQ_HOST_SETTING_H
#define NEARQ_HOST_SETTING_H

#include <nearq/serial.h>

/* Longest value: an RSS table of 4,096 entries that names another queue each time is "1023x1," 4,096 times. */
#define NQ_SETTING_TEXT 32768
/* Longest key: a cgroup path (PATH_MAX of the kernel). */
#define NQ_SETTING_KEY 4096

/* What the kinds share, and the sentence of the one that failed last. */
struct nq_setting_ctx {
	int root;      /* directory that holds proc/ and sys/ */
	char why[192]; /* why the last call failed, "" when errno says it all; the caller empties it before */
};

struct nq_setting_kind {
	const char *name;
	/* Can this host change it? 0; -EOPNOTSUPP (not this host), -EPERM, -ENODEV (object is gone), … Writes nothing.
	 */
	int (*probe)(struct nq_setting_ctx *ctx, const char *key);
	/* Present value as text. -ENODEV when the object is gone. */
	int (*read)(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT]);
	/*
	 * Sets it. Either done or not done, never half, also when the process dies meanwhile: so a value is one
	 * operation of the kernel away from the present one, see via(). The exceptions have between().
	 */
	int (*write)(struct nq_setting_ctx *ctx, const char *key, const char *value);
	/* Are two values the same setting ("0,1" and "0-1")? NULL: when the texts are equal. */
	bool (*same)(struct nq_setting_ctx *ctx, const char *key, const char *a, const char *b);
	/* The value to write first on the way from present to wanted; it may be wanted itself. NULL: always wanted. */
	int (*via)(const char *present, const char *wanted, char ret[NQ_SETTING_TEXT]);
	/* Can `present` be what a write from `from` to `to` leaves when it is killed? NULL: never. */
	bool (*between)(struct nq_setting_ctx *ctx, const char *present, const char *from, const char *to);
};

extern const struct nq_setting_kind
	*const nq_setting_kinds[]; /* NULL-terminated, in the order in which they are applied */
const struct nq_setting_kind *nq_setting_find(const char *kind); /* NULL when unknown */

int nq_setting_ctx_new(struct nq_setting_ctx **ret); /* the live host */
/* As above on proc/ and sys/ below a directory: for tests. Netlink, BPF and scheduler stay those of the host. */
int nq_setting_ctx_new_at(const char *root, struct nq_setting_ctx **ret);
struct nq_setting_ctx *nq_setting_ctx_free(struct nq_setting_ctx *ctx);

/* Comparing and stepping through the kind's functions or their defaults. */
bool nq_setting_same(struct nq_setting_ctx *ctx, const struct nq_setting_kind *kind, const char *key, const char *a,
		     const char *b);
int nq_setting_via(const struct nq_setting_kind *kind, const char *present, const char *wanted,
		   char ret[NQ_SETTING_TEXT]);

/* For the kinds: sets the sentence and returns error, so that `return nq_setting_why(ctx, -EBUSY, "…")`. */
int nq_setting_why(struct nq_setting_ctx *ctx, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * For the kinds: a file of proc/ or sys/ as one text without its last newline; -ENAMETOOLONG when it does not fit. path
 * is relative to the root.
 */
int nq_setting_read_file(struct nq_setting_ctx *ctx, const char *path, char *ret, size_t size);
int nq_setting_write_file(struct nq_setting_ctx *ctx, const char *path, const char *text);
/* 0, -EACCES when it may not be written, -ENOENT. */
int nq_setting_check_file(struct nq_setting_ctx *ctx, const char *path);

/* Two CPU lists: a same() for the kinds whose value is one. */
bool nq_setting_same_list(struct nq_setting_ctx *ctx, const char *key, const char *a, const char *b);

/* "eth0/rest" in two parts; 0, or -EINVAL for a name the kernel would not take. */
#define NQ_INTERFACE_TEXT 16 /* IFNAMSIZ */
int nq_setting_split_key(const char *key, char ret_interface[NQ_INTERFACE_TEXT], const char **ret_rest);
/* 0, -EINVAL for a name that is none, -ENODEV when there is no such interface. */
int nq_setting_interface_exists(struct nq_setting_ctx *ctx, const char *interface);

/* Key of `thread` for a process or kthread that lives now. 0, -ENODEV, -EACCES. */
#define NQ_THREAD_KEY 48
int nq_thread_key(struct nq_setting_ctx *ctx, uint32_t pid, char ret[NQ_THREAD_KEY]);
/* The run-length text of an RSS table and back; *ret_entries is the caller's to free. 0, -EINVAL, -ENAMETOOLONG,
 * -ENOMEM. */
int nq_rss_format(const uint32_t *entries, uint32_t n_entries, char ret[NQ_SETTING_TEXT]);
int nq_rss_parse(const char *text, uint32_t **ret_entries, uint32_t *ret_n_entries);

#endif
