// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "lender/lender.h"

void setup_free(struct setup *setup)
{
	if (!setup)
		return;
	policy_free(setup->policy);
	free(setup->devices);
	free(setup->devices_kept);
	free(setup->offers);
	free(setup->sockets);
	free(setup);
}

static struct setup *setup_empty(struct policy *policy)
{
	struct setup *new = calloc(1, sizeof(*new));
	size_t devices = policy->device_count + 1;
	size_t offers = policy->offer_count + 1;

	if (!new) {
		policy_free(policy);
		return NULL;
	}
	new->policy = policy;
	new->devices = calloc(devices, sizeof(struct barlease_device *));
	new->devices_kept = calloc(devices, sizeof(bool));
	new->offers = calloc(offers, sizeof(*new->offers));
	new->sockets = calloc(offers, sizeof(*new->sockets));
	if (!new->devices || !new->devices_kept || !new->offers ||
	    !new->sockets) {
		setup_free(new);
		return NULL;
	}
	return new;
}

int setup_make(struct lender *lender, struct policy *policy,
	       struct setup **setup)
{
	struct setup *new = setup_empty(policy);
	int err;

	if (!new)
		return -ENOMEM;
	err = devices_open(lender, new);
	if (err)
		goto err_free;
	err = setup_try(lender, new);
	if (!err)
		err = sockets_open(lender, new);
	if (err)
		goto err_devices;
	*setup = new;
	return 0;

err_devices:
	devices_drop(lender, new);
err_free:
	setup_free(new);
	return err;
}
