// SPDX-License-Identifier: MIT
/*
 * Capabilities. A device is opened by the permission of its file, which a udev
 * rule gives; who asks is known by the socket and by /proc; leases are taken back
 * by the fd of the device: none of this needs any. What needs one is a policy
 * that gives a socket to a group which the daemon is not in, which each reload
 * may do: CAP_CHOWN. It cannot be used for what is not seen: the unit has all
 * but /run/barlease read-only.
 */
#include "service/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT (1u << CAP_CHOWN)

/* Those that no program which this one executes could have either. */
static int bounds_set(void)
{
	for (unsigned long i = 0;; i++) {
		int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (has < 0)
			return 0;
		if (has && i != CAP_CHOWN &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return -errno;
	}
}

static int capabilities_set(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int err;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capget, &header, data) < 0)
		return -errno;
	if (data[0].effective & (1u << CAP_SETPCAP)) {
		err = bounds_set();
		if (err)
			return err;
	}
	data[0].permitted &= KEPT;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int confine(void)
{
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	err = capabilities_set();
	return err ? err : filter_set();
}
