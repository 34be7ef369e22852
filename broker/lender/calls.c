// SPDX-License-Identifier: MIT
/* What the server asks and tells. */
#include <string.h>
#include <time.h>

#include "lender/lender.h"
#include "log.h"
#include "operators/event.h"

static void who_log(struct log_line *line,
		    const struct barlease_server_lessee *lessee)
{
	const char *unknown = lender_cgroup_unknown(lessee);

	log_format(line, "pid", "%d", lessee->pid);
	log_format(line, "uid", "%u", lessee->uid);
	log_format(line, "gid", "%u", lessee->gid);
	log_text(line, "command", lessee->command);
	log_text(line, "cgroup", lessee->cgroup);
	if (unknown)
		log_text(line, "cgroup-unknown", unknown);
}

static void lease_log(struct log_line *line,
		      const struct barlease_server_lessee *lessee,
		      const struct barlease_server_lease *lease)
{
	log_format(line, "lease", "%llu", (unsigned long long)lease->id);
	log_text(line, "offer", lease->name);
	log_format(line, "slice", "%u", lease->index);
	log_text(line, "device", barlease_device_bdf(lease->device));
	log_format(line, "bar", "%u", lease->bar);
	log_format(line, "range", "0x%llx+0x%llx",
		   (unsigned long long)lease->range.offset,
		   (unsigned long long)lease->range.length);
	log_text(line, "access",
		 lease->access == BARLEASE_READ_ONLY ? "ro" : "rw");
	log_text(line, "cache",
		 lease->attribute == BARLEASE_WRITE_COMBINING ? "wc" : "nc");
	who_log(line, lessee);
}

static bool on_visible(void *context,
		       const struct barlease_server_lessee *lessee,
		       uint64_t offer)
{
	const struct policy_offer *found = lender_offer(context, offer);

	return found && lender_may(found, lessee);
}

static void on_grant(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease)
{
	struct lender *lender = context;
	struct log_line line;

	lender->metrics.grants++;
	log_begin(&line, LOG_INFO, "grant");
	lease_log(&line, lessee, lease);
	log_end(&line);
	control_tell(lender->control, CONTROL_GRANTED, 0, lessee, lease);
}

/* What about a lease is not as the policy has it. */
static const char *recall_word(const struct lender *lender,
			       const struct barlease_server_lessee *lessee,
			       const struct barlease_server_lease *lease)
{
	const struct policy_offer *offer = lender_offer(lender, lease->offer);

	if (!offer)
		return "not-offered";
	if (!lender_may(offer, lessee))
		return "not-allowed";
	if (offer->terms.access == BARLEASE_READ_ONLY &&
	    lease->access == BARLEASE_READ_WRITE)
		return "read-only";
	return "non-cached";
}

static void on_recall(void *context,
		      const struct barlease_server_lessee *lessee,
		      const struct barlease_server_lease *lease)
{
	struct lender *lender = context;
	struct log_line line;

	lender->metrics.recalls++;
	log_begin(&line, LOG_NOTICE, "recall");
	log_text(&line, "why",
		 lender->why_recall ? lender->why_recall :
				      recall_word(lender, lessee, lease));
	log_format(&line, "time-left-ms", "%llu",
		   (unsigned long long)lease->time_left);
	lease_log(&line, lessee, lease);
	log_end(&line);
	control_tell(lender->control, CONTROL_RECALLED, 0, lessee, lease);
}

const char *end_word(enum barlease_end why)
{
	switch (why) {
	case BARLEASE_END_RELEASED:
		return "released";
	case BARLEASE_END_DIED:
		return "lessee-gone";
	case BARLEASE_END_EXPIRED:
		return "time-limit";
	case BARLEASE_END_RECALLED:
		return "recalled";
	case BARLEASE_END_REVOKED:
		return "lessor";
	case BARLEASE_END_DEVICE:
		return "device-lost";
	case BARLEASE_END_SERVER:
		return "server-ends";
	}
	return "unknown";
}

static void on_end(void *context, const struct barlease_server_lessee *lessee,
		   const struct barlease_server_lease *lease,
		   enum barlease_end why)
{
	struct lender *lender = context;
	struct log_line line;

	lender->metrics.ends[why]++;
	log_begin(&line, LOG_INFO,
		  why == BARLEASE_END_RELEASED ? "release" : "revoke");
	log_text(&line, "why", end_word(why));
	log_format(&line, "age-ms", "%llu", (unsigned long long)lease->age);
	lease_log(&line, lessee, lease);
	log_end(&line);
	control_tell(lender->control, CONTROL_ENDED, why, lessee, lease);
}

static void on_stuck(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease, int error)
{
	struct lender *lender = context;
	struct log_line line;

	lender->metrics.stuck++;
	log_begin(&line, LOG_CRIT, "stuck");
	log_text(&line, "error", strerror(-error));
	lease_log(&line, lessee, lease);
	log_end(&line);
	control_tell(lender->control, CONTROL_STUCK, (uint32_t)-error, lessee,
		     lease);
}

static bool asks_for_cgroup(const struct policy_offer *offer)
{
	for (size_t i = 0; i < offer->allow_count; i++)
		if (offer->allow[i].who == POLICY_CGROUP)
			return true;
	return false;
}

/*
 * The operator is told what the lessee must not know: that it is there.
 * Return: why it may not have it; NULL when it may, or there is nothing.
 */
static const char *kept_from(const struct lender *lender,
			     const struct barlease_server_lessee *lessee,
			     const char *name)
{
	const struct setup *setup = lender->setup;

	/* Who was resumed may be refused before there is any policy. */
	for (size_t i = 0; setup && i < setup->policy->offer_count; i++) {
		const struct policy_offer *offer = &setup->policy->offers[i];

		if (strcmp(offer->name, name) != 0)
			continue;
		if (lender_may(offer, lessee))
			return NULL;
		if (asks_for_cgroup(offer) && lender_cgroup_unknown(lessee))
			return "the policy does not allow it; its cgroup is not known";
		return "the policy does not allow it";
	}
	return NULL;
}

/* A driver may answer what has no name here. */
static void error_log(struct log_line *line, int error)
{
	const char *name = strerrorname_np(error);

	if (name)
		log_text(line, "error", name);
	else
		log_format(line, "error", "%d", error);
}

static void on_refuse(void *context,
		      const struct barlease_server_lessee *lessee,
		      const struct barlease_server_request *request, int error,
		      const char *sentence)
{
	struct lender *lender = context;
	const char *kept = kept_from(lender, lessee, request->name);
	uint64_t kept_back = 0;
	struct log_line line;

	if (kept)
		sentence = kept;
	metrics_deny(&lender->metrics, error);
	control_tell_denied(lender->control, error, sentence, lessee, request);
	if (!limit_take(&lender->limit, lessee->uid, lender_now_ms(), &kept_back)) {
		lender->metrics.denials_kept_back++;
		return;
	}
	log_begin(&line, LOG_NOTICE, "deny");
	log_text(&line, "offer", request->name);
	error_log(&line, error);
	log_text(&line, "reason", sentence);
	if (kept_back)
		log_format(&line, "kept-back", "%llu",
			   (unsigned long long)kept_back);
	who_log(&line, lessee);
	log_end(&line);
}

static void on_offer_gone(void *context, uint64_t offer)
{
	struct lender *lender = context;

	(void)offer;
	lender->retry = true;
}

/* Told once, until the user has asked for little for some time. */
static void on_slow(void *context, const struct barlease_server_lessee *lessee,
		    bool first)
{
	struct lender *lender = context;
	struct log_line line;

	lender->metrics.slowed++;
	if (!first)
		return;
	log_begin(&line, LOG_NOTICE, "slowed");
	who_log(&line, lessee);
	log_end(&line);
}

const struct barlease_server_calls lender_calls = {
	.visible = on_visible,
	.grant = on_grant,
	.recall = on_recall,
	.end = on_end,
	.stuck = on_stuck,
	.refuse = on_refuse,
	.offer_gone = on_offer_gone,
	.slow = on_slow,
};
