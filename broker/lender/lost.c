// SPDX-License-Identifier: MIT
/*
 * Devices that are taken away. Who unbinds one, or plugs it out, waits in the
 * kernel until it is closed here.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "lender/lender.h"
#include "log.h"

int lender_watch(const struct lender *lender, struct barlease_device *device)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = device };
	int fd = barlease_device_watch(device);

	/* One that is simulated is nobody else's. */
	if (fd == -EOPNOTSUPP)
		return 0;
	if (fd < 0)
		return fd;
	return epoll_ctl(lender->wanted, EPOLL_CTL_ADD, fd, &event) < 0 ?
		       -errno :
		       0;
}

static void lost_log(const struct barlease_device *device)
{
	struct log_line line;

	log_begin(&line, LOG_WARNING, "device-lost");
	log_text(&line, "device", barlease_device_bdf(device));
	log_text(&line, "reason",
		 "the kernel wants it back; when it is there again, have the "
		 "policy read anew");
	log_end(&line);
}

/* Nothing of it is offered until a policy is read that finds it there. */
static void device_lose(struct lender *lender, struct barlease_device *device)
{
	struct setup *setup = lender->setup;
	const struct policy *policy = setup->policy;

	lost_log(device);
	barlease_server_device_lost(lender->server, device);
	barlease_server_remove_device(lender->server, device);
	for (size_t i = 0; i < policy->offer_count; i++)
		if (setup->devices[policy->offers[i].device] == device)
			setup->offers[i] = 0;
	for (size_t i = 0; i < policy->device_count; i++)
		if (setup->devices[i] == device)
			setup->devices[i] = NULL;
	device_end(lender, device, setup);
}

void lender_lose(struct lender *lender)
{
	struct epoll_event wanted;

	/* It stays readable for the next. */
	if (epoll_wait(lender->wanted, &wanted, 1, 0) == 1)
		device_lose(lender, wanted.data.ptr);
}
