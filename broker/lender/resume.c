// SPDX-License-Identifier: MIT
/* Going on where another barleased was cut off. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lender/lender.h"
#include "log.h"
#include "service/manager.h"

static int count_lease(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_lease *lease)
{
	(void)lessee;
	(void)lease;
	++*(unsigned int *)context;
	return 0;
}

static int count_lessee(void *context,
			const struct barlease_server_lessee *lessee)
{
	(void)lessee;
	++*(unsigned int *)context;
	return 0;
}

static int count_request(void *context,
			 const struct barlease_server_lessee *lessee,
			 const struct barlease_server_request *request)
{
	(void)lessee;
	(void)request;
	++*(unsigned int *)context;
	return 0;
}

/* Nobody ran when they did; each was told of. */
static uint64_t ended_so_far(const struct lender *lender)
{
	uint64_t ended = 0;

	for (size_t why = 0; why < METRICS_ENDS; why++)
		ended += lender->metrics.ends[why];
	return ended;
}

static void resumed_log(struct lender *lender)
{
	unsigned int lessees = 0, leases = 0, waiting = 0;
	uint64_t ended = ended_so_far(lender);
	struct log_line line;

	barlease_server_each_lessee(lender->server, count_lessee, &lessees);
	barlease_server_each_lease(lender->server, count_lease, &leases);
	barlease_server_each_request(lender->server, count_request, &waiting);
	lender->metrics.resumed = leases + ended;
	log_begin(&line, LOG_NOTICE, "resumed");
	log_format(&line, "lessees", "%u", lessees);
	log_format(&line, "leases", "%u", leases);
	log_format(&line, "ended", "%llu", (unsigned long long)ended);
	log_format(&line, "waiting", "%u", waiting);
	log_end(&line);
}

static void failure_log(int err)
{
	struct log_line line;

	log_begin(&line, LOG_CRIT, "resume-failed");
	log_text(&line, "error",
		 err == -EBADMSG ? "the policy before has mistakes" :
				   strerror(-err));
	log_text(&line, "reason",
		 "leases of the barleased before are taken back");
	log_end(&line);
}

static int kept_policy_parse(const struct lender *lender,
			     struct policy **policy)
{
	struct mistakes mistakes = { 0 };
	char *text;
	size_t length;
	int err;

	err = keep_policy_read(&lender->keep, &text, &length);
	if (err)
		return err;
	err = policy_parse_kept(text, length, policy, &mistakes);
	mistakes_log(lender, &mistakes, true);
	mistakes_free(&mistakes);
	free(text);
	return err;
}

/* All as it was: what has changed since then is a matter of a reload. */
static int all_resume(struct lender *lender)
{
	struct policy *policy;
	int err;

	if (lender->handed_error)
		return lender->handed_error;
	err = kept_policy_parse(lender, &policy);
	if (err)
		return err;
	lender->resuming = true;
	err = setup_make(lender, policy, &lender->setup);
	lender->resuming = false;
	if (err)
		return err;
	lender_limit(lender, lender->setup->policy);
	offers_come(lender, NULL);
	return barlease_server_resume(lender->server);
}

/* Nothing of it is any good. Closing a device ends its leases. */
static int begin_anew(struct lender *lender)
{
	struct handed handed = lender->handed;
	int err;

	lender->handed = (struct handed){ 0 };
	lender_end(lender);
	err = lender_create(lender->file, lender->keep.max, lender);
	lender->handed = handed;
	device_closes(lender);
	return err;
}

/* Devices that nobody has wanted are closed, too. */
static void parts_drop(struct lender *lender)
{
	if (lender->keep.part_count)
		device_closes(lender);
	keep_drop(&lender->keep);
}

static int load_first(struct lender *lender)
{
	if (lender->closing_until) {
		manager_settle();
		device_closes(lender);
	}
	return lender_load(lender);
}

int lender_begin(struct lender *lender)
{
	int err;

	if (!lender->keep.max)
		return lender_load(lender);
	if (lender->handed_error || lender->keep.policy_fd >= 0) {
		err = all_resume(lender);
		if (!err) {
			keep_drop(&lender->keep);
			lender->resumed = true;
			resumed_log(lender);
			/* A policy that is wrong now leaves the one before. */
			lender_load(lender);
			return 0;
		}
		failure_log(err);
		err = begin_anew(lender);
		if (err)
			return err;
	}
	parts_drop(lender);
	err = barlease_server_resume(lender->server);
	if (err == -EPROTO || err == -EPROTONOSUPPORT) {
		failure_log(err);
		err = begin_anew(lender);
		if (!err)
			err = barlease_server_resume(lender->server);
	}
	return err ? err : load_first(lender);
}
