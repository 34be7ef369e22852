// SPDX-License-Identifier: MIT
#include "service_user.h"

#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Above what machines give to people and services. */
#define FIRST_USER 1000000u

/*
 * What it keeps, what it takes to give up bounds, and what it takes to load a
 * program from a folder of root.
 */
static const unsigned int given[] = {
	CAP_CHOWN,
	CAP_SETPCAP,
	CAP_DAC_READ_SEARCH,
};

static bool capabilities_take(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const size_t count = sizeof(given) / sizeof(*given);

	for (size_t i = 0; i < count; i++)
		data[0].permitted |= 1u << given[i];
	data[0].effective = data[0].permitted;
	data[0].inheritable = data[0].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, given[i], 0,
			  0) < 0)
			return false;
	return true;
}

bool service_user_become(void)
{
	/* Fds on their way are counted by user. */
	unsigned int user = FIRST_USER + (unsigned int)getpid();

	if (geteuid())
		return true;
	return !prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) && !setgroups(0, NULL) &&
	       !setgid(user) && !setuid(user) && capabilities_take();
}
