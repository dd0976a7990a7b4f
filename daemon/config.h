/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configuration: INI, strict, with drop-ins. /etc/nearq/nearq.conf, then the .conf files of /etc/nearq/nearq.conf.d in
 * order of name; a later value replaces an earlier one. Sections: [nearq] (mode, tick_ms, exclude, state), [policy]
 * (preset, and the settings of nq_policy_settings) and [pool NAME] (those of nq_pool_settings). An unknown section or
 * key, a bad number or unit, a value out of range, a key twice in one file, two that contradict each other: a fault
 * with file, line, key, what was found and what is allowed.
 */
#ifndef NEARQ_DAEMON_CONFIG_H
#define NEARQ_DAEMON_CONFIG_H

#include <nearq/policy.h>
#include <nearq/serial.h>

enum nq_mode {
	NQ_MODE_OBSERVE, /* plan, explain and measure; write nothing. The default. */
	NQ_MODE_ACT,
	NQ_MODE_COUNT
};

struct nq_config {
	enum nq_mode mode;
	uint64_t tick_ms; /* 100 - 3,600,000; 2,000 (002_a1e87099c2bc83d0.txt, "every two seconds by default") */
	char *state;	  /* directory of the journal, absolute; /var/lib/nearq */
	char **exclude;	  /* fnmatch patterns of interface names, NULL-terminated */
	struct nq_policy policy;
	const char *preset; /* name of the preset that the policy started from */
};

#define NQ_CONFIG_PATH "/etc/nearq/nearq.conf"

int nq_config_new(struct nq_config **ret); /* defaults */
struct nq_config *nq_config_free(struct nq_config *config);
/*
 * path NULL: the default path, and its absence means defaults. With a path, absence is -ENOENT. Drop-ins are
 * read from path + ".d". 0, -EBADMSG with fault, -errno with fault.
 */
int nq_config_load(const char *path, struct nq_config **ret, struct nq_fault *ret_fault);

/*
 * The settings as data: what the reader, `nearq check-config --print`, nearq.conf(5) and the sample file are made of.
 * [nearq] has its own table; [policy] is nq_policy_settings, [pool NAME] nq_pool_settings.
 */
struct nq_config_setting {
	const char *name;
	const char *unit;	   /* of a number, "" otherwise */
	const char *allowed;	   /* for people; a number's range and names of a named value are added to it */
	uint64_t low, high;	   /* of a number */
	const char *const *values; /* names of a named value, NULL-terminated; else NULL */
	const char *why;	   /* what it does and where default and range come from */
	/* 0, -EBADMSG: not allowed, -ENOMEM */
	int (*parse)(struct nq_config *config, const struct nq_config_setting *setting, const char *text);
	void (*print)(FILE *stream, const struct nq_config *config, const struct nq_config_setting *setting);
};

extern const struct nq_config_setting nq_config_settings[];
extern const size_t nq_config_settings_count;

/* What a setting may be, "100 - 3600000 ms (units: ns, us, ms, s, min, h)" or "observe, act". */
#define NQ_ALLOWED_TEXT 256
void nq_config_allowed(const struct nq_config_setting *setting, char ret[NQ_ALLOWED_TEXT]);
void nq_policy_allowed(const struct nq_policy_setting *setting, char ret[NQ_ALLOWED_TEXT]);
/* The names of all presets. */
void nq_presets_allowed(char ret[NQ_ALLOWED_TEXT]);
/* The value of a setting of the policy or of a pool as it is written in the file. */
void nq_policy_print(FILE *stream, const struct nq_policy_setting *setting, uint64_t value);
/* All effective values, in the form of the file. */
void nq_config_print(FILE *stream, const struct nq_config *config);

#endif
