// SPDX-License-Identifier: MIT
/* The device is pulled out under whoever holds it, and another is put in. */
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "act.h"
#include "bind.h"
#include "device.h"
#include "harness.h"
#include "host.h"
#include "hotplug.h"

#define PROVE_LOCKING "/proc/sys/kernel/prove_locking"

static uint32_t lease_state(int device, int lease)
{
	struct {
		struct vfio_device_feature head;
		struct barlease_lease_info info;
	} feature = {
		.head = {
			.argsz = sizeof(feature),
			.flags = VFIO_DEVICE_FEATURE_GET |
				 BARLEASE_FEATURE_INFO,
		},
		.info = { .dmabuf_fd = lease },
	};

	if (ioctl(device, VFIO_DEVICE_FEATURE, &feature))
		abort();
	return feature.info.state;
}

/*
 * The kernel knows when a lease has ended. Lockdep looks away until another
 * device is there, as pciehp takes its locks in two orders, whatever the driver.
 */
void act_yank(struct worker *worker, const struct op *op)
{
	int device = worker->device[op->arg[A_DEV]];
	int lease = lease_export_of(device, fuzz_bar(op->arg[A_DEV]),
				    O_RDWR | O_CLOEXEC, 0, PAGE);

	sysfs_write(PROVE_LOCKING, "0");
	host_do("yank");
	while (lease_state(device, lease) != BARLEASE_STATE_ORPHANED)
		sleep_ms(1);
	close(lease);
}

void plug_in(const char *bdf)
{
	hotplug_wait_until_gone(bdf);
	hotplug_plug(bdf);
	sysfs_write(PROVE_LOCKING, "1");
}
