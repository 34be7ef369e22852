// SPDX-License-Identifier: MIT
/* What a lease says of itself: by ioctl, in debugfs, in traces and maps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "importer.h"
#include "lessee.h"
#include "touch.h"

#define ROOM 8
#define TRACING "/sys/kernel/tracing/"

struct info {
	struct barlease_lease_info lease;
	struct vfio_region_dma_range ranges[ROOM];
};

static int info_ask(struct barlease_device *dev, int fd, uint32_t room,
		    struct info *info)
{
	memset(info, 0, sizeof(*info));
	info->lease.dmabuf_fd = fd;
	info->lease.nr_ranges = room;
	return device_feature(dev, VFIO_DEVICE_FEATURE_GET |
				   BARLEASE_FEATURE_INFO, info, sizeof(*info));
}

static void info_get(struct barlease_device *dev, int fd, struct info *info)
{
	ASSERT_SYS(info_ask(dev, fd, ROOM, info));
}

static uint32_t info_state(struct barlease_device *dev, int fd)
{
	struct info info;

	info_get(dev, fd, &info);
	return info.lease.state;
}

static uint32_t info_mappings(struct barlease_device *dev, int fd)
{
	struct info info;

	info_get(dev, fd, &info);
	return info.lease.mappings;
}

/* The whole of a file of debugfs or tracefs; the caller frees it. */
static char *file_text(const char *path)
{
	size_t size = 1 << 20;
	char *text = malloc(size);
	FILE *file = fopen(path, "re");
	size_t length;

	ASSERT(text);
	if (!file)
		FAIL("%s: %s", path, errno_name(errno));
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void file_write(const char *path, const char *text)
{
	int fd = (int)ASSERT_SYS(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));

	ASSERT_SYS(write(fd, text, strlen(text)));
	close(fd);
}

#define ASSERT_IN(text, wanted)                                                \
	do {                                                                   \
		if (!strstr(text, wanted))                                     \
			FAIL("no \"%s\" in:\n%s", wanted, text);               \
	} while (0)

static char *debugfs_leases(void)
{
	char path[100];

	snprintf(path, sizeof(path), "/sys/kernel/debug/barlease/%s/leases",
		 device_bdf(IVSHMEM));
	return file_text(path);
}

TEST(info_tells_the_ranges_the_access_and_the_attribute)
{
	const struct barlease_range ranges[] = {
		{ 5 * PAGE, 2 * PAGE }, { 0, PAGE }, { 6 * PAGE, 3 * PAGE },
	};
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export_ranges(dev, RAM_BAR, ranges, 3);
	struct info info;
	int i;

	info_get(dev, fd, &info);
	ASSERT_EQ(info.lease.region_index, RAM_BAR);
	ASSERT_EQ(info.lease.open_flags, O_RDWR);
	ASSERT_EQ(info.lease.memattr, VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR_NC);
	ASSERT_EQ(info.lease.length, 6 * PAGE);
	ASSERT_EQ(info.lease.nr_ranges, 3);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(info.ranges[i].offset, ranges[i].offset);
		ASSERT_EQ(info.ranges[i].length, ranges[i].length);
	}
	info_get(dev, lease_export_ro(dev, RAM_BAR, 0, PAGE), &info);
	ASSERT_EQ(info.lease.open_flags, O_RDONLY);
}

TEST(info_fills_no_more_than_the_room_there_is)
{
	const struct barlease_range ranges[] = {
		{ PAGE, PAGE }, { 3 * PAGE, PAGE }, { 5 * PAGE, PAGE },
	};
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export_ranges(dev, RAM_BAR, ranges, 3);
	struct {
		struct vfio_device_feature feature;
		struct barlease_lease_info lease;
		struct vfio_region_dma_range ranges[4];
	} request = {
		.feature.argsz = sizeof(request),
		.feature.flags = VFIO_DEVICE_FEATURE_GET |
				 BARLEASE_FEATURE_INFO,
		.lease = { .dmabuf_fd = fd, .nr_ranges = 1 },
		.ranges[1] = { 0x77, 0x77 },
	};

	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_FEATURE,
			 &request));
	ASSERT_EQ(request.lease.nr_ranges, 3);
	ASSERT_EQ(request.ranges[0].offset, PAGE);
	ASSERT_EQ(request.ranges[1].offset, 0x77);
	ASSERT_EQ(request.ranges[1].length, 0x77);
}

TEST(info_refuses_what_it_cannot_answer)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct info info = { 0 };
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	const uint32_t get = VFIO_DEVICE_FEATURE_GET | BARLEASE_FEATURE_INFO;

	ASSERT_ERRNO(info_ask(dev, -1, 0, &info), EBADF);
	ASSERT_ERRNO(info_ask(dev, 0, 0, &info), EINVAL);
	ASSERT_ERRNO(info_ask(dev, fd, ROOM + 1, &info), EINVAL);
	ASSERT_ERRNO(info_ask(dev, fd, BARLEASE_MAX_RANGES + 1, &info),
		     EINVAL);
	ASSERT_ERRNO(device_feature(dev, get, &info,
				    sizeof(info.lease) - 1), EINVAL);
	memset(&info, 0, sizeof(info));
	info.lease.dmabuf_fd = fd;
	info.lease.attachments = 1;
	ASSERT_ERRNO(device_feature(dev, get, &info, sizeof(info)), EINVAL);
	ASSERT_ERRNO(device_feature(dev, VFIO_DEVICE_FEATURE_SET |
					 BARLEASE_FEATURE_INFO,
				    &info, sizeof(info)), EINVAL);
	ASSERT_ERRNO(info_ask(device_open(EDU), fd, 0, &info), ENODEV);
}

TEST(info_numbers_the_leases_as_debugfs_does)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int first = lease_export(dev, RAM_BAR, 0, PAGE);
	int second = lease_export_ro(dev, RAM_BAR, 7 * PAGE, PAGE);
	struct info info;
	uint64_t number;
	char line[100];
	char *text;

	info_get(dev, first, &info);
	number = info.lease.lease_id;
	ASSERT(number > 0);
	info_get(dev, second, &info);
	ASSERT(info.lease.lease_id > number);
	snprintf(line, sizeof(line), "\n%llu 2 0x7000+0x1000 ro nc live ",
		 (unsigned long long)info.lease.lease_id);
	text = debugfs_leases();
	ASSERT_IN(text, line);
	free(text);
}

TEST(info_counts_the_importers)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	struct info info;
	char *text;
	int importer;

	info_get(dev, fd, &info);
	ASSERT_EQ(info.lease.attachments, 0);
	importer = importer_start(fd, IMPORTER_AT_ONCE);
	info_get(dev, fd, &info);
	ASSERT_EQ(info.lease.attachments, 1);
	text = debugfs_leases();
	ASSERT_IN(text, " rw nc live 0 1 ");
	free(text);
	ASSERT_OK(importer_detach(importer));
	info_get(dev, fd, &info);
	ASSERT_EQ(info.lease.attachments, 0);
}

TEST(info_follows_the_state)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	int kept = lease_export(dev, RAM_BAR, 0, PAGE);

	ASSERT_EQ(info_state(dev, fd), BARLEASE_STATE_LIVE);
	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_EQ(info_state(dev, fd), BARLEASE_STATE_AWAY);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_EQ(info_state(dev, fd), BARLEASE_STATE_LIVE);
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_EQ(info_state(dev, fd), BARLEASE_STATE_REVOKED);
	barlease_device_close(dev);
	dev = device_open(IVSHMEM);
	ASSERT_EQ(info_state(dev, fd), BARLEASE_STATE_REVOKED);
	ASSERT_EQ(info_state(dev, kept), BARLEASE_STATE_ORPHANED);
}

TEST(info_counts_the_mappings_of_all_processes)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, 4 * PAGE);
	struct lessee lessee;
	uint32_t *map, *moved;

	ASSERT_EQ(info_mappings(dev, fd), 0);
	map = lease_map_rw(fd, 0, 4 * PAGE);
	ASSERT_EQ(info_mappings(dev, fd), 1);
	lessee_start(&lessee);
	ASSERT_EQ(info_mappings(dev, fd), 2);
	/* A hole makes two of one. */
	ASSERT_SYS(munmap(page_word(map, 1), PAGE));
	ASSERT_EQ(info_mappings(dev, fd), 3);
	moved = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	ASSERT(moved != MAP_FAILED);
	ASSERT(mremap(map, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved) ==
	       moved);
	ASSERT_EQ(info_mappings(dev, fd), 3);
	lessee_kill(&lessee);
	ASSERT_EQ(info_mappings(dev, fd), 2);
	ASSERT_SYS(munmap(moved, PAGE));
	ASSERT_SYS(munmap(page_word(map, 2), 2 * PAGE));
	ASSERT_EQ(info_mappings(dev, fd), 0);
}

/* The release of a file comes a little later. */
static void wait_for_no_leases(void)
{
	long long end = now_ms() + patience_ms(5000);
	char *text = debugfs_leases();

	while (strstr(text, " rw ")) {
		if (now_ms() > end)
			FAIL("still there:\n%s", text);
		free(text);
		sleep_ms(1);
		text = debugfs_leases();
	}
	free(text);
}

TEST(debugfs_lists_the_leases_as_they_are)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, SIZE_2M, SIZE_2M);
	uint32_t *map = lease_map_aligned(fd, SIZE_2M, SIZE_2M);
	char line[100];
	char *text;

	ASSERT_WRITES(map, 1);
	text = debugfs_leases();
	snprintf(line, sizeof(line),
		 " 2 0x200000+0x200000 rw nc live 1 0 0 1 0 %d kernel-tests\n",
		 getpid());
	ASSERT_IN(text, line);
	free(text);
	ASSERT_OK(barlease_device_set_memory(dev, false));
	text = debugfs_leases();
	ASSERT_IN(text, " rw nc away 1 ");
	free(text);
	ASSERT_SYS(lease_revoke(dev, fd));
	text = debugfs_leases();
	ASSERT_IN(text, " rw nc revoked 1 ");
	free(text);
	ASSERT_SYS(munmap(map, SIZE_2M));
	ASSERT_SYS(close(fd));
	wait_for_no_leases();
}

TEST(traces_tell_the_life_of_a_lease)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	char *text;
	uint32_t *map;
	int fd;

	file_write(TRACING "trace", "");
	file_write(TRACING "events/barlease/enable", "1");
	fd = lease_export(dev, RAM_BAR, 0, PAGE);
	map = lease_map_rw(fd, 0, PAGE);
	ASSERT_WRITES(map, 1);
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_GONE(map);
	ASSERT_SYS(munmap(map, PAGE));
	ASSERT_SYS(close(fd));
	wait_for_no_leases();
	file_write(TRACING "events/barlease/enable", "0");
	text = file_text(TRACING "trace");
	ASSERT_IN(text, "barlease_export: lease=");
	ASSERT_IN(text, ":2[0+1000] length=0x1000 ranges=1 access=rw");
	ASSERT_IN(text, "barlease_mmap: ");
	ASSERT_IN(text, "attribute=nc");
	ASSERT_IN(text, "order=0 result=0x100\n");	/* VM_FAULT_NOPAGE */
	ASSERT_IN(text, "live->revoked");
	ASSERT_IN(text, "barlease_zap: ");
	ASSERT_IN(text, "(SIGBUS)");
	ASSERT_IN(text, "barlease_release: ");
	free(text);
}

TEST(traces_tell_of_importers)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	char line[100];
	char *text;
	int importer;

	file_write(TRACING "trace", "");
	file_write(TRACING "events/barlease/enable", "1");
	importer = importer_start(fd, IMPORTER_AT_ONCE);
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT_ERROR(importer_map(importer, NULL), ENODEV);
	file_write(TRACING "events/barlease/enable", "0");
	text = file_text(TRACING "trace");
	snprintf(line, sizeof(line), " peer=%s result=0\n", device_bdf(PEER));
	ASSERT_IN(text, "barlease_attach: ");
	ASSERT_IN(text, line);
	ASSERT_IN(text, "barlease_peer_map: ");
	ASSERT_IN(text, "barlease_notify: ");
	ASSERT_IN(text, "barlease_peer_unmap: ");
	free(text);
}

TEST(maps_name_the_function_the_bar_and_the_range)
{
	struct lent lent;
	char name[64];
	char *text;

	lend(&lent, 3 * PAGE, 2 * PAGE);
	snprintf(name, sizeof(name), "dmabuf:%s:2[3000+2000]",
		 device_bdf(IVSHMEM));
	text = file_text("/proc/self/maps");
	ASSERT_IN(text, name);
	free(text);
}
