// SPDX-License-Identifier: MIT
/* From what was offered to what is. */
#include <errno.h>
#include <string.h>

#include "lender/lender.h"
#include "log.h"

#define NONE SIZE_MAX

/* The same piece of the same device under the same name? */
static bool is_same(const struct setup *a, size_t i, const struct setup *b,
		    size_t j)
{
	const struct policy_offer *one = &a->policy->offers[i];
	const struct policy_offer *other = &b->policy->offers[j];

	return !strcmp(one->name, other->name) &&
	       a->devices[one->device] == b->devices[other->device] &&
	       one->terms.bar == other->terms.bar &&
	       one->terms.range.offset == other->terms.range.offset &&
	       one->terms.range.length == other->terms.range.length &&
	       one->terms.slice_size == other->terms.slice_size &&
	       one->terms.over_msix == other->terms.over_msix;
}

/* Where @from has what @to has at @index, or NONE. */
static size_t find(const struct setup *from, const struct setup *to,
		   size_t index)
{
	for (size_t i = 0; i < from->policy->offer_count; i++)
		if (is_same(from, i, to, index))
			return i;
	return NONE;
}

static void failure_log(const struct policy_offer *offer, const char *event,
			int err)
{
	struct log_line line;

	log_begin(&line, LOG_ERR, event);
	log_text(&line, "offer", offer->name);
	log_text(&line, "error", strerror(-err));
	log_end(&line);
}

static uint64_t socket_of(const struct setup *setup, size_t index)
{
	return socket_find(setup, setup->policy->offers[index].socket)->id;
}

static void show(struct lender *lender, size_t index)
{
	const struct setup *setup = lender->setup;
	int err = barlease_server_show_offer(lender->server,
					     setup->offers[index],
					     socket_of(setup, index));

	if (err)
		failure_log(&setup->policy->offers[index], "offer-failed", err);
}

/* Where somebody has the range yet, it waits until he has given it back. */
static void add(struct lender *lender, size_t index)
{
	struct setup *setup = lender->setup;
	const struct policy_offer *offer = &setup->policy->offers[index];
	int err;

	/* It is lost. */
	if (!setup->devices[offer->device])
		return;
	err = barlease_server_add_offer(lender->server,
					setup->devices[offer->device],
					&offer->terms, &setup->offers[index]);
	if (!err) {
		show(lender, index);
		return;
	}
	setup->offers[index] = 0;
	if (err != -EBUSY)
		failure_log(offer, "offer-failed", err);
}

static void change(struct lender *lender, const struct setup *old, size_t from,
		   size_t to)
{
	const struct setup *setup = lender->setup;
	const struct policy_offer *offer = &setup->policy->offers[to];
	uint64_t before = socket_of(old, from);
	int err;

	err = barlease_server_change_offer(lender->server, setup->offers[to],
					   &offer->terms);
	if (err)
		failure_log(offer, "offer-failed", err);
	if (before == socket_of(setup, to))
		return;
	barlease_server_hide_offer(lender->server, setup->offers[to], before);
	show(lender, to);
}

void offers_leave(struct lender *lender, const struct setup *old)
{
	struct setup *setup = lender->setup;

	/* The callbacks look them up, also while this goes on. */
	for (size_t i = 0; i < setup->policy->offer_count; i++) {
		size_t from = find(old, setup, i);

		setup->offers[i] = from == NONE ? 0 : old->offers[from];
	}
	for (size_t i = 0; i < old->policy->offer_count; i++) {
		const struct policy_offer *offer = &old->policy->offers[i];

		/* What goes with its device is not recalled before. */
		if (old->offers[i] && find(setup, old, i) == NONE &&
		    setup_has(setup, old->devices[offer->device]))
			barlease_server_remove_offer(lender->server,
						     old->offers[i],
						     offer->terms.grace);
	}
}

void offers_come(struct lender *lender, const struct setup *old)
{
	struct setup *setup = lender->setup;

	for (size_t i = 0; i < setup->policy->offer_count; i++) {
		if (setup->offers[i])
			change(lender, old, find(old, setup, i), i);
		else
			add(lender, i);
	}
}

void offers_retry(struct lender *lender)
{
	struct setup *setup = lender->setup;

	for (size_t i = 0; i < setup->policy->offer_count; i++)
		if (!setup->offers[i])
			add(lender, i);
}
