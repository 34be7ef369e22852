// SPDX-License-Identifier: MIT
/*
 * A policy is tried on a server that nobody connects to: what is in force stays
 * as it is if the new one cannot be.
 */
#include <errno.h>
#include <string.h>

#include "lender/lender.h"
#include "log.h"

static const char *words_of(int err)
{
	switch (err) {
	case -EINVAL:
		return "the device has no such range that can be lent";
	case -EPERM:
		return "it has MSI-X tables, which over-msix = yes lends all the same";
	case -EOPNOTSUPP:
		return "the device cannot be write-combining";
	default:
		return strerror(-err);
	}
}

static void failure_log(const struct lender *lender,
			const struct policy_offer *offer, int err)
{
	struct log_line line;

	log_begin(&line, LOG_ERR, "offer-failed");
	log_format(&line, "at", "%s:%u", lender->file, offer->line);
	log_text(&line, "offer", offer->name);
	log_format(&line, "bar", "%u", offer->terms.bar);
	log_format(&line, "range", "0x%llx+0x%llx",
		   (unsigned long long)offer->terms.range.offset,
		   (unsigned long long)offer->terms.range.length);
	log_text(&line, "error", words_of(err));
	log_end(&line);
}

/* All that cannot be is told, not the first alone. */
static int offers_try(const struct lender *lender, const struct setup *setup,
		      struct barlease_server *server)
{
	const struct policy *policy = setup->policy;
	int first = 0;

	for (size_t i = 0; i < policy->offer_count; i++) {
		const struct policy_offer *offer = &policy->offers[i];
		uint64_t id;
		int err;

		if (!setup->devices[offer->device])
			continue;
		err = barlease_server_add_offer(server,
						setup->devices[offer->device],
						&offer->terms, &id);
		if (err) {
			failure_log(lender, offer, err);
			first = first ? first : err;
		}
	}
	return first;
}

int setup_try(const struct lender *lender, const struct setup *setup)
{
	const struct barlease_server_terms terms = { 0 };
	struct barlease_server *server;
	int err;

	err = barlease_server_create(&terms, &server);
	if (err)
		return err;
	for (size_t i = 0; !err && i < setup->policy->device_count; i++)
		if (setup->devices[i])
			err = barlease_server_add_device(server,
							 setup->devices[i]);
	if (!err)
		err = offers_try(lender, setup, server);
	barlease_server_destroy(server);
	return err;
}
