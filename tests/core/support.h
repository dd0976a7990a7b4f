/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every test of core and serial needs: values from texts, texts from values, golden files. */
#ifndef NEARQ_TESTS_CORE_SUPPORT_H
#define NEARQ_TESTS_CORE_SUPPORT_H

/* cmocka needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nearq/serial.h>

/* A host from DATA/name; the test fails when it cannot be read. */
struct nq_host *support_host(const char *name);
/* A host from a text; the fault is the test's to look at. */
int support_host_from_text(const char *text, size_t size, struct nq_host **ret, struct nq_fault *fault);
/* Owned by the caller. */
char *support_snapshot_text(const struct nq_host *host);
char *support_plan_text(const struct nq_host *host, const struct nq_plan *plan);
/* policy NULL: the defaults. The test fails when there is no plan. */
struct nq_plan *support_plan(const struct nq_host *host, const struct nq_policy *policy,
			     const struct nq_memory *memory);
/* The host as planned, which must pass its check. */
struct nq_host *support_planned(const struct nq_host *host, const struct nq_plan *plan);
/* By the default policy. */
uint64_t support_cost(const struct nq_host *host);
char *support_read_file(const char *name);
/* Compares with DATA/name; with NEARQ_GOLDEN=write in the environment it writes the file instead. */
void support_golden(const char *name, const char *text);

#endif
