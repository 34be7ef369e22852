// SPDX-License-Identifier: MIT
#include "stress.h"

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "host.h"
#include "hotplug.h"

#define TRACING "/sys/kernel/tracing/"
#define ALLOW_1G "/sys/module/barlease_vfio_pci/parameters/allow_1g"

/* What is taken away is mostly in use; else it has just been opened, or not. */
static void wait_until_open(struct race *race, uint32_t *seed)
{
	long long end = now_ms();

	if (race_random(seed, 4))
		end += patience_ms(5000);
	while (!atomic_load(&race->is_open) && !atomic_load(&race->stop) &&
	       now_ms() < end)
		sleep_ms(50);
}

void stress_unplug(struct race *race)
{
	const char *bdf = device_bdf(race->place->name);
	uint32_t seed = race->seed;

	while (!atomic_load(&race->stop)) {
		wait_until_open(race, &seed);
		sleep_ms(300 + race_random(&seed, 1500));
		host_do("yank");
		hotplug_wait_until_gone(bdf);
		hotplug_plug(bdf);
		race_count(race, RACE_UNPLUGS);
	}
}

void stress_unbind(struct race *race)
{
	const char *bdf = device_bdf(race->place->name);
	uint32_t seed = race->seed;

	while (!atomic_load(&race->stop)) {
		wait_until_open(race, &seed);
		sleep_ms(race_random(&seed, 1000));
		ASSERT_OK(device_unbind(bdf));
		sleep_ms(race_random(&seed, 20));
		ASSERT_OK(device_bind(bdf));
		race_count(race, RACE_UNBINDS);
	}
}

/* What it is about may go at any time. */
static void read_all(struct race *race, const char *pattern)
{
	char buffer[8192];
	glob_t found;
	size_t i;
	int fd;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++) {
		fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		while (read(fd, buffer, sizeof(buffer)) > 0)
			;
		close(fd);
		race_count(race, RACE_LOOKS);
	}
	globfree(&found);
}

static void write_all(const char *pattern, const char *text)
{
	glob_t found;
	size_t i;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		sysfs_write(found.gl_pathv[i], text);
	globfree(&found);
}

void stress_look(struct race *race)
{
	static const char *const patterns[] = {
		"/sys/kernel/debug/barlease/*/leases",
		"/sys/kernel/debug/barlease/*/leases",
		"/sys/kernel/debug/barlease/*/leases",
		"/sys/kernel/debug/dma_buf/bufinfo",
		"/proc/[0-9]*/smaps",
		"/proc/[0-9]*/maps",
		"/proc/[0-9]*/fdinfo/*",
		TRACING "trace",
	};
	const uint32_t count = sizeof(patterns) / sizeof(*patterns);
	uint32_t seed = race->seed;

	while (!atomic_load(&race->stop)) {
		read_all(race, patterns[race_random(&seed, count)]);
		if (!race_random(&seed, 8)) {
			/* The next faults write to find the bits again. */
			write_all("/proc/[0-9]*/clear_refs", "4");
			sysfs_write(ALLOW_1G,
				    race_random(&seed, 2) ? "Y" : "N");
		}
		sleep_ms((unsigned int)patience_ms(race_random(&seed, 30)));
	}
	sysfs_write(ALLOW_1G, "Y");
}

/* Not everybody has it. */
void stress_trace(bool on)
{
	sysfs_write(TRACING "events/barlease/enable", on ? "1" : "0");
	if (!on)
		close(open(TRACING "trace",
			   O_WRONLY | O_TRUNC | O_CLOEXEC));
}
