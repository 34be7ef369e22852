// SPDX-License-Identifier: MIT
/* mmap() of a lease: what is refused, and what kind of mapping it is. */
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "touch.h"
#include "vma.h"

#define RW (PROT_READ | PROT_WRITE)

static void *try_mmap(int fd, size_t length, int flags, off_t offset)
{
	return mmap(NULL, length, RW, flags, fd, offset);
}

TEST(mmap_private_is_einval)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_ERRNO(try_mmap(lent.fd, PAGE, MAP_PRIVATE, 0), EINVAL);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, lent.fd, 0),
		     EINVAL);
}

TEST(mmap_private_of_a_read_only_lease_is_einval)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export_ro(dev, RAM_BAR, 0, PAGE);

	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL);
	ASSERT_ERRNO(try_mmap(fd, PAGE, MAP_PRIVATE, 0), EINVAL);
}

TEST(mmap_past_the_end_is_einval)
{
	struct lent lent;

	lend(&lent, 0, 2 * PAGE);
	ASSERT_ERRNO(try_mmap(lent.fd, 3 * PAGE, MAP_SHARED, 0), EINVAL);
	ASSERT_ERRNO(try_mmap(lent.fd, 2 * PAGE, MAP_SHARED, PAGE), EINVAL);
	ASSERT_ERRNO(try_mmap(lent.fd, 2 * PAGE + 1, MAP_SHARED, 0), EINVAL);
}

TEST(mmap_after_the_end_is_einval)
{
	struct lent lent;

	lend(&lent, 0, 2 * PAGE);
	ASSERT_ERRNO(try_mmap(lent.fd, PAGE, MAP_SHARED, 2 * PAGE), EINVAL);
	ASSERT_ERRNO(try_mmap(lent.fd, PAGE, MAP_SHARED, 8 << 20), EINVAL);
}

/* Also offsets that would get into the window of a BAR by wrapping around. */
TEST(mmap_at_a_huge_offset_is_refused)
{
	static const uint64_t offsets[] = {
		1ULL << 40, 2ULL << 40, 1ULL << 62, 1ULL << 63,
		0 - (2ULL << 40), 0 - 2 * (uint64_t)PAGE,
	};
	struct lent lent;
	unsigned int i;

	lend(&lent, 0, 2 * PAGE);
	for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
		ASSERT_ERRNO(try_mmap(lent.fd, PAGE, MAP_SHARED,
				      (off_t)offsets[i]), EINVAL);
}

TEST(mmap_of_length_0_is_einval)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_ERRNO(try_mmap(lent.fd, 0, MAP_SHARED, 0), EINVAL);
}

TEST(mmap_of_a_write_only_lease_is_eacces)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct vfio_region_dma_range range = { .length = PAGE };
	uint8_t bytes[sizeof(struct vfio_device_feature_dma_buf) +
		      sizeof(range)] __attribute__((aligned(8))) = { 0 };
	struct vfio_device_feature_dma_buf *export = (void *)bytes;
	int fd;

	export->region_index = RAM_BAR;
	export->open_flags = O_WRONLY;
	export->nr_ranges = 1;
	export->dma_ranges[0] = range;
	fd = (int)ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_GET |
					    VFIO_DEVICE_FEATURE_DMA_BUF,
					    bytes, sizeof(bytes)));
	ASSERT_ERRNO(try_mmap(fd, PAGE, MAP_SHARED, 0), EACCES);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
}

TEST(mmap_of_a_revoked_lease_is_enodev)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_ERRNO(try_mmap(lent.fd, PAGE, MAP_SHARED, 0), ENODEV);
}

TEST(mmap_after_device_close_is_enodev)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	barlease_device_close(lent.dev);
	ASSERT_ERRNO(try_mmap(lent.fd, PAGE, MAP_SHARED, 0), ENODEV);
}

TEST(mmap_with_memory_off_is_enodev_until_it_is_on)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_ERRNO(try_mmap(lent.fd, PAGE, MAP_SHARED, 0), ENODEV);
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_TOUCH(touch_read(lease_map_rw(lent.fd, 0, PAGE), NULL),
		     TOUCH_OK);
}

TEST(mapping_has_the_flags_of_device_memory)
{
	/* I/O, raw PFNs, not expandable, not dumped, shared */
	static const char *const flags[] = { "io", "pf", "de", "dd", "sh" };
	struct lent lent;
	unsigned int i;

	lend(&lent, 0, PAGE);
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!vma_has_flag(lent.map, flags[i]))
			FAIL("VmFlags has no %s", flags[i]);
	ASSERT_ERRNO(madvise(lent.map, PAGE, MADV_DODUMP), EINVAL);
}

TEST(mapping_cannot_grow)
{
	struct lent lent;

	lend(&lent, 0, 4 * PAGE);
	lent.map = lease_map_rw(lent.fd, 0, PAGE);
	ASSERT_ERRNO(mremap(lent.map, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	ASSERT_ERRNO(mremap(lent.map, PAGE, 2 * PAGE, 0), EFAULT);
}

/* mremap() of no bytes makes a second mapping of shared memory. */
TEST(mapping_cannot_be_doubled_by_mremap)
{
	struct lent lent;

	lend(&lent, 0, 2 * PAGE);
	ASSERT_ERRNO(mremap(lent.map, 0, PAGE, MREMAP_MAYMOVE), EFAULT);
}

TEST(mapping_can_be_made_accessible_later)
{
	struct lent lent;
	uint32_t *map;

	lend(&lent, 0, PAGE);
	map = lease_map(lent.fd, 0, PAGE, PROT_NONE);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_SIGSEGV);
	ASSERT_SYS(mprotect(map, PAGE, PROT_READ));
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(map, 1), TOUCH_SIGSEGV);
	ASSERT_SYS(mprotect(map, PAGE, RW));
	ASSERT_WRITES(map, 0x600d);
	ASSERT_READS(lent.map, 0x600d);
	ASSERT_SYS(mprotect(map, PAGE, PROT_NONE));
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_SIGSEGV);
}

/* remap_file_pages() counts in pages of the file, not of the BAR's window. */
TEST(mapping_can_be_remapped_within_the_lease_only)
{
	struct lent lent;

	lend(&lent, 8 * PAGE, 4 * PAGE);
	ram_tag_pages(lent.dev);
	ASSERT_READS(lent.map, page_tag(8));
	ASSERT_SYS(remap_file_pages(lent.map, PAGE, 0, 3, 0));
	ASSERT_READS(lent.map, page_tag(11));
	ASSERT_ERRNO(remap_file_pages(lent.map, PAGE, 0, 4, 0), EINVAL);
	ASSERT_ERRNO(remap_file_pages(lent.map, PAGE, 0,
				      (2ULL << 40) / PAGE, 0), EINVAL);
}

/* Nothing can hold a page of it beyond the mapping. */
TEST(mapping_cannot_be_pinned)
{
	struct lent lent;
	uint32_t word;
	struct iovec here = { .iov_base = &word, .iov_len = sizeof(word) };
	struct iovec there;
	int pipes[2];

	lend(&lent, 0, PAGE);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	there.iov_base = lent.map;
	there.iov_len = sizeof(word);
	ASSERT_ERRNO(process_vm_readv(getpid(), &here, 1, &there, 1, 0),
		     EFAULT);
	ASSERT_SYS(pipe(pipes));
	ASSERT_ERRNO(vmsplice(pipes[1], &there, 1, 0), EFAULT);
	ASSERT_ERRNO(madvise(lent.map, PAGE, MADV_POPULATE_READ), EINVAL);
}

TEST(mapping_passes_through_system_calls_until_revoked)
{
	uint32_t word = 0;
	struct lent lent;
	int pipes[2];

	lend(&lent, 0, PAGE);
	ASSERT_SYS(pipe(pipes));
	ASSERT_WRITES(lent.map, 0xcafe);
	ASSERT_EQ(ASSERT_SYS(write(pipes[1], lent.map, 4)), 4);
	ASSERT_EQ(ASSERT_SYS(read(pipes[0], &word, 4)), 4);
	ASSERT_EQ(word, 0xcafe);

	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_ERRNO(write(pipes[1], lent.map, 4), EFAULT);
	ASSERT_EQ(ASSERT_SYS(write(pipes[1], &word, 4)), 4);
	ASSERT_ERRNO(read(pipes[0], lent.map, 4), EFAULT);
}

TEST(lease_is_not_a_file_to_read_or_write)
{
	struct lent lent;
	uint32_t word = 0;

	lend(&lent, 0, PAGE);
	ASSERT_ERRNO(read(lent.fd, &word, 4), EINVAL);
	ASSERT_ERRNO(write(lent.fd, &word, 4), EINVAL);
	ASSERT_ERRNO(ftruncate(lent.fd, 0), EINVAL);
	ASSERT_EQ(ASSERT_SYS(lseek(lent.fd, 0, SEEK_END)), PAGE);
}

TEST(lease_has_no_operation_of_the_device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_ERRNO(ioctl(lent.fd, VFIO_DEVICE_GET_INFO, &info), ENOTTY);
	ASSERT_ERRNO(ioctl(lent.fd, VFIO_DEVICE_RESET), ENOTTY);
}
