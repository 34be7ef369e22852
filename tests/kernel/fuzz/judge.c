// SPDX-License-Identifier: MIT
/* Is an answer one of those that the model allows? */
#include <errno.h>
#include <linux/barlease.h>
#include <signal.h>
#include <string.h>

#include "harness.h"
#include "model.h"

static const char *signal_name(int signal)
{
	return signal == SIGBUS ? "SIGBUS" : signal ? "SIGSEGV" : "none";
}

static bool judge_signal(const struct expect *expect,
			 const struct result *result, char *why, size_t size)
{
	if (result->signal == SIGBUS ? expect->sigbus
	    : result->signal	     ? expect->sigsegv
				     : !expect->must_signal)
		return true;
	snprintf(why, size, "signal: %s, not %s%s", signal_name(result->signal),
		 expect->sigbus	   ? "SIGBUS"
		 : expect->sigsegv ? "SIGSEGV"
				   : "none",
		 expect->sigbus && expect->sigsegv ? " or SIGSEGV" : "");
	return false;
}

static bool judge_error(const struct expect *expect,
			const struct result *result, char *why, size_t size)
{
	int i;

	if (expect->any_error)
		return true;
	for (i = 0; i < expect->nr_errors; i++)
		if (result->error == expect->errors[i])
			return true;
	snprintf(why, size, "%s, not %s%s%s", errno_name(result->error),
		 errno_name(expect->errors[0]),
		 expect->nr_errors > 1 ? " or " : "",
		 expect->nr_errors > 1 ? errno_name(expect->errors[1]) : "");
	return false;
}

static uint32_t state_of(const struct lease *lease)
{
	switch (lease->state) {
	case LEASE_REVOKED:
		return BARLEASE_STATE_REVOKED;
	case LEASE_ORPHANED:
		return BARLEASE_STATE_ORPHANED;
	default:
		return lease_accessible(lease) ? BARLEASE_STATE_LIVE
					       : BARLEASE_STATE_AWAY;
	}
}

static bool judge_info(struct model *model, const struct op *op,
		       struct lease *lease, const struct result *result,
		       char *why, size_t size)
{
	uint32_t shown = lease->nr_ranges < op->arg[A_NR]
				 ? lease->nr_ranges
				 : (uint32_t)op->arg[A_NR];
	const struct {
		const char *what;
		uint64_t found, expected;
	} facts[] = {
		{ "nr_ranges", result->info.nr_ranges, lease->nr_ranges },
		{ "region_index", result->info.region_index, lease->bar },
		{ "open_flags", result->info.open_flags, lease->access },
		{ "memattr", result->info.memattr, lease->memattr },
		{ "state", result->info.state, state_of(lease) },
		{ "mappings", result->info.mappings,
		  lease_mappings(model, lease) },
		{ "attachments", result->info.attachments,
		  lease_attachments(model, lease) },
		{ "length", result->info.length, lease->pages * PAGE },
	};
	size_t i;

	for (i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		if (facts[i].found == facts[i].expected)
			continue;
		snprintf(why, size, "info: %s is %#llx, not %#llx",
			 facts[i].what, (unsigned long long)facts[i].found,
			 (unsigned long long)facts[i].expected);
		return false;
	}
	if (shown > SEEN_RANGES)
		shown = SEEN_RANGES;
	if (memcmp(result->info.ranges, lease->ranges,
		   shown * 2 * sizeof(uint64_t))) {
		snprintf(why, size, "info: other ranges than were exported");
		return false;
	}
	/* A number that is its own, and greater than those before. */
	if (lease->id ? result->info.lease_id != lease->id
		      : !result->info.lease_id) {
		snprintf(why, size, "info: the lease has another number");
		return false;
	}
	for (i = 0; i < model->nr_leases; i++) {
		const struct lease *other = model->leases[i];

		if (other != lease && other->id == result->info.lease_id) {
			snprintf(why, size, "info: two leases of one number");
			return false;
		}
	}
	lease->id = result->info.lease_id;
	return true;
}

bool model_judge(struct model *model, const struct op *op,
		 const struct expect *expect, const struct result *result,
		 char *why, size_t size)
{
	if (!judge_signal(expect, result, why, size))
		return false;
	if (result->signal)
		return true;
	if (!judge_error(expect, result, why, size))
		return false;
	if (result->error)
		return true;
	if (expect->must_fault && !result->faults) {
		snprintf(why, size, "an entry was left behind");
		return false;
	}
	if (expect->has_value && result->value != expect->value) {
		snprintf(why, size, "gives %lld, not %lld",
			 (long long)result->value, (long long)expect->value);
		return false;
	}
	if (expect->has_data && result->data != expect->data) {
		snprintf(why, size, "reads %#llx, not %#llx",
			 (unsigned long long)result->data,
			 (unsigned long long)expect->data);
		return false;
	}
	return !expect->info ||
	       judge_info(model, op, expect->info, result, why, size);
}
