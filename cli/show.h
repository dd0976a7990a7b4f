/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What several verbs show, in the words of the model. */
#ifndef NEARQ_CLI_SHOW_H
#define NEARQ_CLI_SHOW_H

#include "cli/writer.h"
#include "daemon/verify.h"
#include "host/apply.h"

#define NQ_LABEL_TEXT 288
#define NQ_LIST_TEXT 512
#define NQ_SHARE_TEXT 128

/* The vm's name, with "/N" when it has several vnics. */
void nq_vnic_label(const struct nq_host *host, uint32_t vnic, char ret[NQ_LABEL_TEXT]);
/* Kernel numbers of a node's CPUs that are (not) online, "0-3,8"; node NQ_NONE: of all nodes. */
void nq_cpus_text(const struct nq_host *host, uint32_t node, bool online, char ret[NQ_LIST_TEXT]);
/* Kernel id, NQ_NONE for none. */
uint32_t nq_node_id(const struct nq_host *host, uint32_t node);
uint32_t nq_cpu_id(const struct nq_host *host, uint32_t cpu);
/* Mean of a node's online CPUs, per mille. */
uint64_t nq_node_busy(const struct nq_host *host, uint32_t node);
/* "12 of 16 vnics, 78.1 % of packets (measured)" */
void nq_share_text(const struct nq_share *share, char ret[NQ_SHARE_TEXT]);

void nq_show_notices(struct nq_writer *writer, const struct nq_host *host);
/*
 * Queues, a row each. Free soft queues without traffic, one per CPU of the host on each NIC, are rows for machines
 * only; people get a line per NIC below the table. table's columns and row belong together.
 */
void nq_show_queues(struct nq_writer *writer, const struct nq_host *host, const struct nq_table *table,
		    void (*row)(struct nq_writer *writer, const struct nq_host *host, uint32_t queue));
/* The share as fields; the sentence with that title, NULL: for machines only. */
void nq_show_share(struct nq_writer *writer, const struct nq_host *host, const char *title);
/*
 * Numbered actions; outcomes NULL: not carried out. Without reasons, as for people who have just read them, the text
 * has neither those of the actions nor what is kept; the other forms always have all.
 */
void nq_show_actions(struct nq_writer *writer, const struct nq_host *host, const struct nq_plan *plan,
		     const struct nq_outcome *outcomes, bool reasons);
void nq_show_kept(struct nq_writer *writer, const struct nq_host *host, const struct nq_plan *plan, bool reasons);
/* Cost and remote share, now and as predicted. */
void nq_show_totals(struct nq_writer *writer, const struct nq_host *host, const struct nq_policy *policy,
		    const struct nq_plan *plan);

#endif
