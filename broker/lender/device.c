// SPDX-License-Identifier: MIT
/* Devices of a policy, of which those that stay the same stay open. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lender/lender.h"
#include "log.h"

/*
 * How long the service manager may take to close what it is to forget,
 * milliseconds, and how often a function is asked for meanwhile, nanoseconds.
 */
#define CLOSING 5000
#define CLOSING_PAUSE 50000000

/* A function is what it is, whatever the policy calls it. */
static bool is_same(const struct policy_device *a,
		    const struct policy_device *b)
{
	if (a->backend != b->backend)
		return false;
	if (a->backend == POLICY_VFIO)
		return !strcmp(a->bdf, b->bdf);
	return !strcmp(a->name, b->name) && a->size == b->size;
}

static struct barlease_device *device_find(const struct setup *setup,
					   const struct policy_device *wanted)
{
	for (size_t i = 0; setup && i < setup->policy->device_count; i++)
		if (is_same(&setup->policy->devices[i], wanted))
			return setup->devices[i];
	return NULL;
}

static void name_print(const struct policy_device *wanted, char *name)
{
	if (wanted->backend == POLICY_SIM)
		snprintf(name, BARLEASE_BDF_MAX, "sim:%.*s", POLICY_SIM_NAME,
			 wanted->name);
	else
		strcpy(name, wanted->bdf);
}

static int sim_open(const struct policy_device *wanted, const char *name,
		    struct barlease_device **device)
{
	struct barlease_sim_terms terms = { .name = name };

	for (unsigned int i = 0; i < BARLEASE_BARS; i++)
		terms.bar_size[i] = wanted->size;
	return barlease_device_open_sim(&terms, device);
}

void device_closes(struct lender *lender)
{
	lender->closing_until = lender_now_ms() + CLOSING;
}

/*
 * A function is in use as long as the manager has copies of its fds. It closes
 * them some time after it has heard that it is to.
 */
static int vfio_open(struct lender *lender, const struct policy_device *wanted,
		     struct barlease_device **device, const char **reason)
{
	const struct timespec pause = { .tv_nsec = CLOSING_PAUSE };
	int err;

	while ((err = barlease_device_open_by(wanted->bdf, BARLEASE_ANY_WAY,
					      NULL, device, reason)) ==
		       -EBUSY &&
	       lender_now_ms() < lender->closing_until)
		nanosleep(&pause, NULL);
	return err;
}

/* The one of a barleased before, if there is one. */
static int device_get(struct lender *lender, const struct policy_device *wanted,
		      struct barlease_device **device, const char **reason)
{
	char name[BARLEASE_BDF_MAX];
	int err;

	name_print(wanted, name);
	err = keep_resume_device(&lender->keep, name, device);
	if (err != -ENOENT)
		return err;
	if (wanted->backend == POLICY_SIM)
		err = sim_open(wanted, name, device);
	else
		err = vfio_open(lender, wanted, device, reason);
	if (err)
		return err;
	err = keep_device(&lender->keep, *device);
	if (err) {
		barlease_device_close(*device);
		*device = NULL;
		*reason = "it cannot be kept";
	}
	return err;
}

static void again_log(const struct barlease_device *device, int err)
{
	struct log_line line;

	log_begin(&line, LOG_ERR, "device-failed");
	log_text(&line, "device", barlease_device_bdf(device));
	log_text(&line, "error", strerror(-err));
	log_text(&line, "reason", "it is not kept any longer");
	log_end(&line);
}

/* A simulated device of another size has the name of the one before. */
void device_end(struct lender *lender, struct barlease_device *device,
		const struct setup *staying)
{
	const char *name = barlease_device_bdf(device);

	keep_forget_device(&lender->keep, device);
	if (lender->keep.max)
		device_closes(lender);
	for (size_t i = 0; staying && staying->policy &&
			   i < staying->policy->device_count;
	     i++) {
		const struct barlease_device *other = staying->devices[i];
		int err;

		if (!other || other == device ||
		    strcmp(barlease_device_bdf(other), name) != 0)
			continue;
		err = keep_device_again(&lender->keep, other);
		if (err)
			again_log(other, err);
	}
	barlease_device_close(device);
}

/* It is open. */
static int device_begin(struct lender *lender, struct barlease_device **device,
			const char **reason)
{
	int err = lender_watch(lender, *device);

	*reason = "it cannot be watched";
	if (!err) {
		*reason = "it cannot be lent from";
		err = barlease_server_add_device(lender->server, *device);
	}
	if (err) {
		device_end(lender, *device, lender->setup);
		*device = NULL;
	}
	return err;
}

/*
 * What a barleased before has had to give up, and nobody has told so far, does
 * not end the leases of others.
 */
static bool may_be_lost(const struct lender *lender,
			const struct policy_device *wanted)
{
	return lender->resuming && wanted->backend == POLICY_VFIO;
}

static int device_open(struct lender *lender,
		       const struct policy_device *wanted,
		       struct barlease_device **device)
{
	const char *reason = NULL;
	struct log_line line;
	int err;

	err = device_get(lender, wanted, device, &reason);
	if (!err)
		err = device_begin(lender, device, &reason);
	if (!err)
		return 0;
	log_begin(&line, LOG_ERR, "device-failed");
	log_format(&line, "at", "%s:%u", lender->file, wanted->line);
	log_text(&line, "device", wanted->name);
	if (wanted->bdf[0])
		log_text(&line, "pci", wanted->bdf);
	log_text(&line, "error", strerror(-err));
	if (reason)
		log_text(&line, "reason", reason);
	log_end(&line);
	return err;
}

int devices_open(struct lender *lender, struct setup *setup)
{
	const struct policy *policy = setup->policy;

	for (size_t i = 0; i < policy->device_count; i++) {
		int err;

		setup->devices[i] =
			device_find(lender->setup, &policy->devices[i]);
		setup->devices_kept[i] = setup->devices[i];
		if (setup->devices_kept[i])
			continue;
		err = device_open(lender, &policy->devices[i],
				  &setup->devices[i]);
		if (err && !may_be_lost(lender, &policy->devices[i])) {
			devices_drop(lender, setup);
			return err;
		}
	}
	return 0;
}

void devices_drop(struct lender *lender, struct setup *setup)
{
	for (size_t i = 0; i < setup->policy->device_count; i++) {
		if (!setup->devices[i] || setup->devices_kept[i])
			continue;
		barlease_server_remove_device(lender->server,
					      setup->devices[i]);
		device_end(lender, setup->devices[i], lender->setup);
		setup->devices[i] = NULL;
	}
}

bool setup_has(const struct setup *setup, const struct barlease_device *device)
{
	for (size_t i = 0; setup->policy && i < setup->policy->device_count; i++)
		if (setup->devices[i] == device)
			return true;
	return false;
}

void devices_close(struct lender *lender, const struct setup *old,
		   const struct setup *new)
{
	for (size_t i = 0; i < old->policy->device_count; i++) {
		if (!old->devices[i] || setup_has(new, old->devices[i]))
			continue;
		if (lender->server)
			barlease_server_remove_device(lender->server,
						      old->devices[i]);
		device_end(lender, old->devices[i], new);
	}
}
