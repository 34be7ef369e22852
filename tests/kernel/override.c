// SPDX-License-Identifier: MIT
#include "override.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"

#define OVERRIDE "/sys/kernel/debug/barlease-test/override"

static int override_try(const char *function, long value, int skip)
{
	char text[128];
	int fd, length;

	if (module_load("barlease-test"))
		test_skip("no module barlease-test");
	fd = (int)ASSERT_SYS(open(OVERRIDE, O_RDWR | O_CLOEXEC));
	length = snprintf(text, sizeof(text), "%s %ld %d", function, value,
			  skip);
	if (write(fd, text, (size_t)length) != length) {
		int error = errno;

		close(fd);
		if (error == EOPNOTSUPP)
			test_skip("the kernel lacks CONFIG_KPROBES");
		return -error;
	}
	return fd;
}

int override_begin(const char *function, long value, int skip)
{
	int override = override_try(function, value, skip);

	if (override < 0)
		FAIL("%s cannot be overridden: %s", function,
		     errno_name(override));
	return override;
}

bool override_end(int override)
{
	int error = errno;
	char happened = '0';

	ASSERT_EQ(pread(override, &happened, 1, 0), 1);
	close(override);
	errno = error;
	return happened == '1';
}

bool override_possible(const char *function)
{
	int override = override_try(function, 0, 0);

	if (override < 0)
		return false;
	close(override);
	return true;
}
