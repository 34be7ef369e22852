// SPDX-License-Identifier: MIT
/* The last device fd is closed: every lease is dead, for ever. */
#include <stdio.h>
#include <unistd.h>

#include "aftermath.h"
#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"

#define OFFSET (16 * PAGE)
#define LENGTH (4 * PAGE)
#define SOON_MS patience_ms(20000)

static void assert_dead(int fd)
{
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	ASSERT_ERRNO(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  0), ENODEV);
}

TEST(close_ends_mappings_in_every_process_and_does_not_wait)
{
	struct lessee lessees[3];
	void *addresses[3];
	struct lent lent;
	long long start;
	unsigned int i;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	for (i = 0; i < 3; i++) {
		addresses[i] = lessee_start_mapped(&lessees[i], lent.fd,
						   LENGTH);
		ASSERT_TOUCH(lessee_write(&lessees[i], addresses[i], i),
			     TOUCH_OK);
	}

	start = now_ms();
	barlease_device_close(lent.dev);
	ASSERT_COMPARE(now_ms() - start, <, SOON_MS);

	ASSERT_GONE(lent.map);
	ASSERT_GONE(page_word(lent.map, 3));
	for (i = 0; i < 3; i++)
		ASSERT_TOUCH(lessee_read(&lessees[i], addresses[i], NULL),
			     TOUCH_SIGBUS);
	assert_dead(lent.fd);
}

TEST(close_ends_every_lease_of_the_device)
{
	struct lent lent;
	uint32_t *maps[50];
	int fds[50], i;

	lend(&lent, OFFSET, LENGTH);
	for (i = 0; i < 50; i++) {
		fds[i] = lease_export(lent.dev, RAM_BAR, (uint64_t)i * LENGTH,
				      LENGTH);
		maps[i] = lease_map_rw(fds[i], 0, LENGTH);
		ASSERT_WRITES(maps[i], (uint32_t)i);
	}
	ASSERT_SYS(lease_revoke(lent.dev, fds[7]));
	barlease_device_close(lent.dev);
	for (i = 0; i < 50; i++) {
		ASSERT_GONE(maps[i]);
		assert_dead(fds[i]);
	}
}

TEST(close_of_one_copy_of_the_device_fd_ends_nothing)
{
	struct lent lent;
	int copy;

	lend(&lent, OFFSET, LENGTH);
	copy = (int)ASSERT_SYS(dup(barlease_device_fd(lent.dev)));
	barlease_device_close(lent.dev);
	ASSERT_WRITES(lent.map, 0x55);
	ASSERT_READS(lent.map, 0x55);
	close(copy);
	ASSERT_GONE(lent.map);
	assert_dead(lent.fd);
}

TEST(reopened_device_does_not_bring_back_its_leases)
{
	struct lent lent;
	uint32_t *map;
	int fd;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 0x66);
	barlease_device_close(lent.dev);
	lent.dev = device_open(IVSHMEM);
	ASSERT_GONE(lent.map);
	assert_dead(lent.fd);

	fd = lease_export(lent.dev, RAM_BAR, OFFSET, LENGTH);
	map = lease_map_rw(fd, 0, LENGTH);
	ASSERT_WRITES(map, 0x67);
	ASSERT_READS(map, 0x67);
	ASSERT_GONE(lent.map);

	/* The end of the old lease does not harm the new one. */
	munmap(lent.map, LENGTH);
	close(lent.fd);
	ASSERT_READS(map, 0x67);
}

TEST(reopened_many_times_with_all_leases_kept)
{
	struct lent lents[20];
	unsigned int i;

	for (i = 0; i < 20; i++) {
		lend(&lents[i], OFFSET, LENGTH);
		ASSERT_WRITES(lents[i].map, i);
		barlease_device_close(lents[i].dev);
	}
	for (i = 0; i < 20; i++) {
		ASSERT_GONE(lents[i].map);
		assert_dead(lents[i].fd);
	}
}

TEST(killed_lessor_ends_its_leases)
{
	struct lessee lessor, lessee;
	struct lent lent;
	long long start;
	void *address;

	lend(&lent, OFFSET, LENGTH);
	address = lessee_start_mapped(&lessee, lent.fd, LENGTH);
	/* A fork has copies of all fds of the device; ours go now. */
	lessee_start(&lessor);
	barlease_device_close(lent.dev);
	ASSERT_WRITES(lent.map, 1);
	ASSERT_TOUCH(lessee_write(&lessee, address, 2), TOUCH_OK);

	start = now_ms();
	lessee_kill(&lessor);
	ASSERT_COMPARE(now_ms() - start, <, SOON_MS);

	ASSERT_GONE(lent.map);
	ASSERT_TOUCH(lessee_read(&lessee, address, NULL), TOUCH_SIGBUS);
	assert_dead(lent.fd);
	device_open(IVSHMEM);
}

/* An O_PATH fd keeps the DMABUF when its file is gone already. */
static int open_path_of(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (int)ASSERT_SYS(open(path, O_PATH | O_CLOEXEC));
}

TEST(o_path_fd_over_close_of_the_lease_and_the_device_is_harmless)
{
	struct lent lent;
	int path;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	path = open_path_of(lent.fd);
	munmap(lent.map, LENGTH);
	close(lent.fd);
	/* Here the lease has no file, but is still on the device's list. */
	barlease_device_close(lent.dev);
	lent.dev = device_open(IVSHMEM);
	barlease_device_close(lent.dev);
	close(path);
}

TEST(o_path_fd_releases_the_lease_when_it_is_closed)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int references = module_references();
	int fd = lease_export(dev, RAM_BAR, OFFSET, LENGTH);
	int path = open_path_of(fd);

	close(fd);
	ASSERT_EQ(module_references(), references + 1);
	barlease_device_close(dev);
	close(path);
	ASSERT_EQ(module_references(), references - 1);
}

TEST(o_path_fd_gives_no_way_into_a_lease)
{
	struct lent lent;
	char path[32];
	int fd;

	lend(&lent, OFFSET, LENGTH);
	fd = open_path_of(lent.fd);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), EBADF);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_ERRNO(open(path, O_RDWR), ENXIO);
	close(lent.fd);
	ASSERT_ERRNO(open(path, O_RDWR), ENXIO);
}

TEST(o_path_fd_over_reset_and_memory_off_is_harmless)
{
	struct lent lent;
	int path;

	lend(&lent, OFFSET, LENGTH);
	path = open_path_of(lent.fd);
	munmap(lent.map, LENGTH);
	close(lent.fd);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	barlease_device_reset(lent.dev);
	close(path);
}
