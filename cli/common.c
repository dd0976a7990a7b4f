/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"
#include "host/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_MS 2000 /* waiting longer than this is shown */

enum nq_exit nq_cli_complain(enum nq_exit code, const char *format, ...)
{
	va_list arguments;

	fputs("nearq: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return code;
}

static enum nq_exit code_of(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return NQ_EXIT_PERMISSION;
	case EBUSY:
		return NQ_EXIT_BUSY;
	case EBADMSG:
	case EINVAL:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EEXIST:
	case ENOTEMPTY:
		return NQ_EXIT_INPUT;
	default:
		return NQ_EXIT_FAILED;
	}
}

enum nq_exit nq_cli_fail(int error, const struct nq_fault *fault)
{
	if (!fault || !fault->what[0])
		return nq_cli_complain(code_of(error), "%s", strerror(-error));
	return nq_cli_complain(code_of(error), "%s%s%s", fault->where, fault->where[0] ? ": " : "", fault->what);
}

enum nq_exit nq_cli_config(const struct nq_cli *cli, struct nq_config **ret)
{
	struct nq_fault fault = { 0 };
	int r = nq_config_load(cli->options.config, ret, &fault);

	return r < 0 ? nq_cli_fail(r, &fault) : NQ_EXIT_OK;
}

enum nq_exit nq_cli_writer(const struct nq_cli *cli, bool one_line, struct nq_writer **ret)
{
	static const enum nq_form forms[] = {
		[NQ_OUTPUT_TABLE] = NQ_FORM_TABLE,   [NQ_OUTPUT_JSON] = NQ_FORM_JSON, [NQ_OUTPUT_KV] = NQ_FORM_KV,
		[NQ_OUTPUT_PICTURE] = NQ_FORM_TABLE, [NQ_OUTPUT_SVG] = NQ_FORM_TABLE,
	};
	struct nq_writer_options options = {
		.form = forms[cli->options.format],
		.stream = stdout,
		.width = cli->width,
		.color = cli->color,
		.unicode = cli->unicode,
		.one_line = one_line,
	};
	int r = nq_writer_new(&options, ret);

	return r < 0 ? nq_cli_fail(r, NULL) : NQ_EXIT_OK;
}

enum nq_exit nq_cli_output_failed(int error)
{
	/* Whoever closed the pipe, `head` for one, knows why; a message would only disturb. */
	if (error == -EPIPE)
		return NQ_EXIT_FAILED;
	return nq_cli_complain(NQ_EXIT_FAILED, "cannot write to standard output: %s", strerror(-error));
}

enum nq_exit nq_cli_finish(struct nq_writer *writer)
{
	int r = nq_writer_finish(writer);

	return r < 0 ? nq_cli_output_failed(r) : NQ_EXIT_OK;
}

enum nq_exit nq_cli_flush(FILE *stream)
{
	errno = 0;
	if (fflush(stream) == 0 && !ferror(stream))
		return NQ_EXIT_OK;
	return nq_cli_output_failed(errno ? -errno : -EIO);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Lets the interval pass; a long one counts down on a terminal. */
static void wait_interval(uint64_t interval_ms)
{
	uint64_t end = now_ms() + interval_ms, now;
	bool shown = interval_ms > PROGRESS_MS && isatty(STDERR_FILENO);

	while ((now = now_ms()) < end) {
		uint64_t left = end - now;

		if (shown)
			fprintf(stderr, "\robserving, %llu s left \033[K", (unsigned long long)(left + 999) / 1000);
		poll(NULL, 0, (int)(left > 1000 ? 1000 : left));
	}
	if (shown)
		fputs("\r\033[K", stderr);
}

static int observe(const struct nq_cli *cli, struct nq_source *source, bool rates, struct nq_host **ret,
		   struct nq_fault *fault)
{
	NQ_CLEANUP(nq_host) struct nq_host *first = NULL;
	int r = nq_source_observe(source, &first, fault);

	if (r < 0)
		return r;
	if (!rates || nq_source_kind(source) != NQ_SOURCE_LIVE) {
		*ret = first;
		first = NULL;
		return 0;
	}
	wait_interval(cli->options.interval_ms);
	return nq_source_observe(source, ret, fault);
}

enum nq_exit nq_cli_observe(const struct nq_cli *cli, const struct nq_config *config, bool rates, struct nq_host **ret)
{
	struct nq_source_options options = { .exclude = (const char *const *)config->exclude, .measure = rates };
	struct nq_source *source;
	struct nq_fault fault = { 0 };
	int r = nq_source_open(cli->options.from, &options, &source, &fault);

	if (r < 0)
		return nq_cli_fail(r, &fault);
	r = observe(cli, source, rates, ret, &fault);
	nq_source_close(source);
	return r < 0 ? nq_cli_fail(r, &fault) : NQ_EXIT_OK;
}

static int write_all(int fd, const struct nq_host *host)
{
	FILE *stream = fdopen(fd, "w");
	mode_t mask = umask(0);
	int r;

	umask(mask);
	if (!stream) {
		r = -errno;
		close(fd);
		return r;
	}
	r = nq_snapshot_write(stream, host);
	if (r == 0 && (fflush(stream) != 0 || fchmod(fd, 0666 & ~mask) != 0 || fsync(fd) != 0))
		r = -errno;
	if (fclose(stream) != 0 && r == 0)
		r = -errno;
	return r;
}

/* Under a temporary name first: whoever reads the file sees the old snapshot or the new one, never a part. */
static int save(const char *path, const struct nq_host *host)
{
	char *temporary = NULL;
	int fd, r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	r = fd < 0 ? -errno : write_all(fd, host);
	if (r == 0 && rename(temporary, path) != 0)
		r = -errno;
	if (r < 0 && fd >= 0)
		unlink(temporary);
	free(temporary);
	return r;
}

enum nq_exit nq_cli_save(const struct nq_cli *cli, const struct nq_host *host)
{
	const char *path = cli->options.save_snapshot;
	int r = path ? save(path, host) : 0;

	return r < 0 ? nq_cli_complain(code_of(r), "%s: cannot be written: %s", path, strerror(-r)) : NQ_EXIT_OK;
}

const char *nq_cli_nothing(const struct nq_host *host)
{
	if (host->n_nodes < 2)
		return "this host has one NUMA node, so nothing on it is remote";
	if (host->n_pnics == 0 && host->n_vms == 0)
		return "this host has neither a NIC nor a VM that nearq could bring together";
	return NULL;
}
