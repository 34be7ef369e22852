// SPDX-License-Identifier: MIT
/*
 * Each step of the driver's that can fail and is no allocation fails in turn:
 * functions of the kernel are made to answer an error for one call. The answer
 * must be the right one, nothing be left, and the next try must work.
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "footprint.h"
#include "harness.h"
#include "override.h"
#include "touch.h"

/* What faults answer, as mm_types.h has it. */
#define VM_FAULT_OOM 1
#define VM_FAULT_SIGBUS 2

/*
 * @function answers @value once, after @skip calls, and then the operation gives
 * @error.
 */
struct step {
	const char *function;
	long value;
	int skip;
	int error;
};

/* A stale copy of a pointer can hide one thing that is lost from kmemleak. */
#define OFTEN 5

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void assert_lent_page_works(struct barlease_device *dev, int fd)
{
	uint32_t *map = lease_map_rw(fd, 0, PAGE);
	uint32_t value = ram_fresh(dev, 0);

	ASSERT_WRITES(map, value);
	ASSERT_EQ(ram_read(dev, 0), value);
	ASSERT_SYS(munmap(map, PAGE));
}

/* The one ioctl alone, without what the library asks before it. */
static int export_page(struct barlease_device *dev)
{
	struct {
		struct vfio_device_feature_dma_buf export;
		struct vfio_region_dma_range range;
	} request = {
		.export = {
			.region_index = RAM_BAR,
			.open_flags = O_RDWR | O_CLOEXEC,
			.nr_ranges = 1,
		},
		.range = { .length = PAGE },
	};
	int fd;

	fd = device_feature(
		dev, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF,
		&request, sizeof(request));
	return fd < 0 ? -errno : fd;
}

static void export_step(struct barlease_device *dev, const struct step *step)
{
	struct footprint before;
	int override, ret, fd, i;

	footprint_take(&before, IVSHMEM);
	for (i = 0; i < OFTEN; i++) {
		override =
			override_begin(step->function, step->value, step->skip);
		ret = export_page(dev);
		ASSERT(override_end(override));
		ASSERT_ERROR(ret, step->error);
		footprint_assert_same(&before);
	}
	fd = (int)ASSERT_OK(export_page(dev));
	assert_lent_page_works(dev, fd);
	ASSERT_SYS(close(fd));
	footprint_assert_same(&before);
}

TEST(export_gives_the_error_of_the_step_that_fails_and_leaves_nothing)
{
	static const struct step steps[] = {
		{ "mtree_alloc_range", -EBUSY, OVERRIDE_ALWAYS, ENOMEM },
		{ "mtree_alloc_range", -ENOMEM, 0, ENOMEM },
		{ "dma_buf_export", -ENOMEM, 0, ENOMEM },
		{ "dma_buf_export", -ENFILE, 0, ENFILE },
		{ "dma_buf_fd", -EMFILE, 0, EMFILE },
		{ "dma_buf_fd", -ENOMEM, 0, ENOMEM },
		/* VFIO's: the function does not wake up. */
		{ "rpm_resume", -EACCES, 0, EIO },
	};
	struct barlease_device *dev = device_open(IVSHMEM);
	size_t i;

	for (i = 0; i < COUNT(steps); i++)
		export_step(dev, &steps[i]);
}

TEST(export_with_a_full_fd_table_is_emfile_and_leaves_nothing)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct rlimit all, few;
	struct footprint before;
	int ret;

	footprint_take(&before, IVSHMEM);
	ASSERT_SYS(getrlimit(RLIMIT_NOFILE, &all));
	few = (struct rlimit){ .rlim_cur = 3, .rlim_max = all.rlim_max };
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &few));
	ret = export_page(dev);
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &all));
	ASSERT_ERROR(ret, EMFILE);
	footprint_assert_same(&before);
	assert_lent_page_works(dev, (int)ASSERT_OK(export_page(dev)));
}

/* root may have more files than there are; without this he may not. */
static void set_admin(bool on)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	ASSERT_SYS(syscall(SYS_capget, &header, data));
	if (on)
		data[0].effective |= 1U << CAP_SYS_ADMIN;
	else
		data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	ASSERT_SYS(syscall(SYS_capset, &header, data));
}

TEST(export_with_all_files_in_use_is_enfile_and_leaves_nothing)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	static const char path[] = "/proc/sys/fs/file-max";
	struct footprint before;
	char most[32] = "";
	int fd, ret;

	footprint_take(&before, IVSHMEM);
	fd = (int)ASSERT_SYS(open(path, O_RDWR | O_CLOEXEC));
	ASSERT_COMPARE(read(fd, most, sizeof(most) - 1), >, 0);
	ASSERT_EQ(pwrite(fd, "0", 1, 0), 1);
	set_admin(false);
	ret = export_page(dev);
	set_admin(true);
	ASSERT_EQ(pwrite(fd, most, strlen(most), 0), strlen(most));
	close(fd);
	ASSERT_ERROR(ret, ENFILE);
	footprint_assert_same(&before);
	assert_lent_page_works(dev, (int)ASSERT_OK(export_page(dev)));
}

/* A machine without it, as one with the PAT switched off. */
TEST(attribute_without_write_combining_is_eopnotsupp_and_changes_nothing)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	struct barlease_memattr memattr = {
		.dmabuf_fd = fd,
		.memattr = BARLEASE_MEMATTR_WC,
	};
	struct barlease_lease_info info = { .dmabuf_fd = fd };
	int override, ret, error;

	override = override_begin("barlease_have_wc", 0, 0);
	ret = device_feature(dev,
			     VFIO_DEVICE_FEATURE_SET | BARLEASE_FEATURE_MEMATTR,
			     &memattr, sizeof(memattr));
	error = errno;
	ASSERT(override_end(override));
	ASSERT_EQ(ret, -1);
	ASSERT_EQ(error, EOPNOTSUPP);
	ASSERT_SYS(device_feature(
		dev, VFIO_DEVICE_FEATURE_GET | BARLEASE_FEATURE_INFO, &info,
		sizeof(info)));
	ASSERT_EQ(info.memattr, BARLEASE_MEMATTR_NC);
	assert_lent_page_works(dev, fd);
}

/* mmap() while somebody else seems to have memory_lock. */
static void *map_locked(int fd)
{
	int override = override_begin_ours("down_read_trylock", 0, 0);
	void *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ASSERT(override_end(override));
	return map;
}

/* Then it cannot know whether there is access. */
TEST(mmap_while_somebody_has_memory_lock_leaves_it_to_the_fault)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	uint32_t *map;

	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	map = (uint32_t *)ASSERT_SYS(map_locked(fd));
	ASSERT_GONE(map);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_READS(map, ram_read(dev, 0));

	/* But for a lease that has ended. */
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT(map_locked(fd) == MAP_FAILED);
	ASSERT_EQ(errno, ENODEV);
}

/* Faults */

/* Below page tables that nobody else has, and fit for huge pages. */
#define FAR ((char *)0x300000000000)

static uint32_t *map_far(int fd, size_t length)
{
	return (uint32_t *)ASSERT_SYS(mmap(FAR, length, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
					   0));
}

static void fault_step(int fd, size_t length, const char *function, int skip,
		       long value, enum outcome outcome)
{
	uint32_t *map = map_far(fd, length);
	enum outcome seen;
	int override;

	override = override_begin(function, value, skip);
	seen = touch_read(map, NULL);
	ASSERT(override_end(override));
	ASSERT_TOUCH(seen, outcome);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	ASSERT_SYS(munmap(map, length));
}

TEST(fault_works_again_after_a_step_of_it_has_failed)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int small = lease_export(dev, RAM_BAR, 0, PAGE);
	int large = lease_export(dev, RAM_BAR, 0, SIZE_2M);
	struct footprint before;

	footprint_take(&before, IVSHMEM);
	fault_step(small, PAGE, "apply_to_page_range", 0, -ENOMEM, TOUCH_OK);
	fault_step(small, PAGE, "vmf_insert_pfn", 0, VM_FAULT_OOM, TOUCH_OK);
	fault_step(small, PAGE, "vmf_insert_pfn", 0, VM_FAULT_SIGBUS,
		   TOUCH_SIGBUS);
	footprint_assert_same(&before);
	fault_step(large, SIZE_2M, "vmf_insert_pfn_pmd", 0, VM_FAULT_OOM,
		   TOUCH_OK);
	fault_step(large, SIZE_2M, "vmf_insert_pfn_pmd", 0, VM_FAULT_SIGBUS,
		   TOUCH_SIGBUS);
	footprint_assert_same(&before);
	/* Nobody has kept memory_lock. */
	ASSERT_SYS(lease_revoke(dev, small));
}

/* The page table first, then the entries with memory_lock held. */
TEST(fault_of_write_combining_works_again_after_a_step_of_it_has_failed)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, 16 * PAGE);

	lease_set_wc_of(barlease_device_fd(dev), fd);
	fault_step(fd, 16 * PAGE, "apply_to_page_range", 0, -ENOMEM, TOUCH_OK);
	fault_step(fd, 16 * PAGE, "apply_to_page_range", 1, -ENOMEM, TOUCH_OK);
	ASSERT_SYS(lease_revoke(dev, fd));
}

TEST(fault_of_1g_works_again_after_a_step_of_it_has_failed)
{
	struct barlease_device *dev = device_open(TESTDEV);
	unsigned int bar = device_bar_of_size(dev, 8 * SIZE_1G);
	int fd = lease_export(dev, bar, 0, SIZE_1G);

	fault_step(fd, SIZE_1G, "vmf_insert_pfn_pud", 0, VM_FAULT_OOM,
		   TOUCH_OK);
	fault_step(fd, SIZE_1G, "vmf_insert_pfn_pud", 0, VM_FAULT_SIGBUS,
		   TOUCH_SIGBUS);
}

/* Mappings that are being copied when it fails. */

/* Return whether @function was called that often. */
static bool fork_fails(const char *function, long value, int skip, int error)
{
	int override = override_begin(function, value, skip);
	pid_t pid = fork();
	bool happened;

	if (!pid)
		_exit(0);
	happened = override_end(override);
	if (happened) {
		ASSERT_EQ(pid, -1);
		ASSERT_EQ(errno, error);
	} else {
		ASSERT_COMPARE(pid, >, 0);
		ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	}
	return happened;
}

TEST_LONG(fork_that_fails_leaves_no_mapping, 60)
{
	struct footprint before;
	struct lent lent;
	int skip;

	lend(&lent, 0, 2 * PAGE);
	ASSERT_READS(lent.map, ram_read(lent.dev, 0));
	footprint_take(&before, IVSHMEM);
	/* Each mapping of the process in turn; ours is one of them. */
	for (skip = 0; fork_fails("vm_area_dup", 0, skip, ENOMEM); skip++)
		footprint_assert_same(&before);
	ASSERT_COMPARE(skip, >, 1);
	/* When all of them are copied. */
	ASSERT(fork_fails("alloc_pid", -EAGAIN, 0, EAGAIN));
	footprint_assert_same(&before);
	ASSERT_READS(lent.map, ram_read(lent.dev, 0));
}
