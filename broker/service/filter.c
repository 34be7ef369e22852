// SPDX-License-Identifier: MIT
#include <errno.h>

#include "service/confine.h"
#include "service/filter_rules.h"

bool filter_exists(void)
{
	return true;
}

int filter_set(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!filter)
		return -ENOMEM;
	err = filter_rules_add(filter, seccomp_arch_native());
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
