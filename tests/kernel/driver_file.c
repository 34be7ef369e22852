// SPDX-License-Identifier: MIT
#include "driver_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "bind.h"
#include "device.h"
#include "harness.h"

int driver_file_open(void)
{
	char path[PATH_MAX];
	struct utsname name;
	int fd;

	ASSERT_SYS(uname(&name));
	snprintf(path, sizeof(path),
		 "/lib/modules/%s/extra/" MODULE_NAME ".ko", name.release);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		FAIL("%s: %s", path, errno_name(errno));
	return fd;
}

void driver_forget_devices(void)
{
	const char *bdf;
	int i;

	ASSERT_OK(devices_unbind_all());
	for (i = 0; device_names[i]; i++) {
		bdf = getenv(device_names[i]);
		if (bdf && *bdf)
			ASSERT_OK(device_sysfs_write(bdf, "driver_override",
						     "\n"));
	}
}
