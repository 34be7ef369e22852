// SPDX-License-Identifier: MIT
#include "override.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"

#define OVERRIDE "/sys/kernel/debug/barlease-test/override"

static int override_try(const char *function, long value, int skip,
			const char *module)
{
	char text[160];
	int fd, length;

	if (module_load("barlease-test"))
		test_skip("no module barlease-test");
	fd = (int)ASSERT_SYS(open(OVERRIDE, O_RDWR | O_CLOEXEC));
	length = snprintf(text, sizeof(text), "%s %ld %d %s", function, value,
			  skip, module);
	if (write(fd, text, (size_t)length) != length) {
		int error = errno;

		close(fd);
		if (error == EOPNOTSUPP)
			test_skip("the kernel lacks CONFIG_KPROBES");
		return -error;
	}
	return fd;
}

static int override_must(const char *function, long value, int skip,
			 const char *module)
{
	int override = override_try(function, value, skip, module);

	if (override < 0)
		FAIL("%s cannot be overridden: %s", function,
		     errno_name(override));
	return override;
}

int override_begin(const char *function, long value, int skip)
{
	return override_must(function, value, skip, "");
}

int override_begin_ours(const char *function, long value, int skip)
{
	return override_must(function, value, skip, "[barlease_vfio_pci]");
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
	int override = override_try(function, 0, 0, "");

	if (override < 0)
		return false;
	close(override);
	return true;
}
