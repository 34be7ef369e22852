// SPDX-License-Identifier: MIT
#include "sim.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned int fds_before;

int sim_setup(void **state)
{
	const struct barlease_sim_terms terms = {
		.name = "sim:accel",
		.bar_size = {
			[SIM_SMALL_BAR] = 256,
			[SIM_BAR] = SIM_PAGES * PAGE,
			[SIM_HUGE_BAR] = 1 << 30,
		},
	};
	struct barlease_device *dev;

	fds_before = fd_count();
	if (barlease_device_open_sim(&terms, &dev))
		return -1;
	*state = dev;
	return 0;
}

int sim_teardown(void **state)
{
	barlease_device_close(*state);
	return fd_count() == fds_before ? 0 : -1;
}

int sim_lend(struct barlease_device *dev, uint64_t page, uint64_t pages,
	     enum barlease_access access)
{
	const struct barlease_range range = { page * PAGE, pages * PAGE };
	int fd = barlease_lease_export(dev, SIM_BAR, &range, 1, access);

	assert_true(fd >= 0);
	return fd;
}

volatile uint32_t *sim_map(int fd, int prot, struct barlease_map *map)
{
	uint64_t size;

	assert_int_equal(barlease_lease_size(fd, &size), 0);
	assert_int_equal(barlease_lease_map(fd, 0, size, prot, 0, map), 0);
	return map->address;
}

uint32_t sim_read(struct barlease_device *dev, uint64_t offset)
{
	uint32_t value;

	assert_int_equal(barlease_region_read(dev, SIM_BAR, &value,
					      sizeof(value), offset),
			 0);
	return value;
}

void sim_write(struct barlease_device *dev, uint64_t offset, uint32_t value)
{
	assert_int_equal(barlease_region_write(dev, SIM_BAR, &value,
					       sizeof(value), offset),
			 0);
}

void assert_sigbus(volatile uint32_t *word)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		/* A sanitizer has a handler of its own. */
		signal(SIGBUS, SIG_DFL);
		(void)*word;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}
