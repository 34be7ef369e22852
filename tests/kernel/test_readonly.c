// SPDX-License-Identifier: MIT
/* A lease that is exported O_RDONLY: nothing makes it writable. */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "touch.h"
#include "vma.h"

#define OFFSET (2 * SIZE_2M)

/* The same as lend(), but read-only. */
static void lend_ro(struct lent *lent, size_t length)
{
	struct barlease_map map;

	lent->dev = device_open(IVSHMEM);
	lent->fd = lease_export_ro(lent->dev, RAM_BAR, OFFSET, length);
	lent->length = length;
	ASSERT_OK(barlease_lease_map(lent->fd, 0, length, PROT_READ, OFFSET,
				     &map));
	lent->map = map.address;
}

TEST(readonly_lease_can_be_read)
{
	struct lent lent;

	lend_ro(&lent, 4 * PAGE);
	ram_write(lent.dev, OFFSET + 4, 0x12345);
	ASSERT_READS(&lent.map[1], 0x12345);
	ram_write(lent.dev, OFFSET + 4, 0x54321);
	ASSERT_READS(&lent.map[1], 0x54321);
}

TEST(readonly_lease_can_be_read_by_huge_pages)
{
	struct lent lent;

	lend_ro(&lent, 2 * SIZE_2M);
	ram_tag_pages(lent.dev);
	ASSERT_EQ(touch_faults(lent.map), 1);
	ASSERT_EQ(touch_faults(page_word(lent.map, 511)), 0);
	ASSERT_READS(page_word(lent.map, 512), page_tag(3 * 512));
}

TEST(readonly_lease_cannot_be_mapped_writable)
{
	struct lent lent;

	lend_ro(&lent, PAGE);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  lent.fd, 0), EACCES);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, lent.fd, 0),
		     EACCES);
}

TEST(readonly_mapping_cannot_be_made_writable)
{
	struct lent lent;

	lend_ro(&lent, PAGE);
	ASSERT_ERRNO(mprotect(lent.map, PAGE, PROT_READ | PROT_WRITE), EACCES);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	ASSERT_ERRNO(mprotect(lent.map, PAGE, PROT_WRITE), EACCES);
	ASSERT(!vma_has_flag(lent.map, "wr"));
	ASSERT(!vma_has_flag(lent.map, "mw"));
}

TEST(readonly_mapping_write_is_sigsegv)
{
	struct lent lent;
	uint32_t before;

	lend_ro(&lent, PAGE);
	before = ram_read(lent.dev, OFFSET);
	/* Before and after there is an entry in the page table. */
	ASSERT_TOUCH(touch_write(lent.map, ~before), TOUCH_SIGSEGV);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(lent.map, ~before), TOUCH_SIGSEGV);
	ASSERT_EQ(ram_read(lent.dev, OFFSET), before);
}

TEST(readonly_huge_mapping_write_is_sigsegv)
{
	struct lent lent;
	uint32_t before;

	lend_ro(&lent, SIZE_2M);
	before = ram_read(lent.dev, OFFSET);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(lent.map, ~before), TOUCH_SIGSEGV);
	ASSERT_EQ(ram_read(lent.dev, OFFSET), before);
}

TEST(readonly_lease_cannot_be_reopened)
{
	struct lent lent;
	char path[64];

	lend_ro(&lent, PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", lent.fd);
	ASSERT_ERRNO(open(path, O_RDWR), ENXIO);
	ASSERT_ERRNO(open(path, O_WRONLY), ENXIO);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), lent.fd);
	ASSERT_ERRNO(open(path, O_RDWR), ENXIO);
}

TEST(readonly_lease_does_not_change_its_access_mode)
{
	struct lent lent;

	lend_ro(&lent, PAGE);
	ASSERT_SYS(fcntl(lent.fd, F_SETFL, O_RDWR));
	ASSERT_EQ(ASSERT_SYS(fcntl(lent.fd, F_GETFL)) & O_ACCMODE, O_RDONLY);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  lent.fd, 0), EACCES);
}

/* These write where the page table does not let the process itself. */
TEST(readonly_mapping_write_by_proc_mem_fails)
{
	uint32_t before, value;
	struct lent lent;
	int fd;

	lend_ro(&lent, PAGE);
	before = ram_read(lent.dev, OFFSET);
	value = ~before;
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	fd = (int)ASSERT_SYS(open("/proc/self/mem", O_RDWR));
	ASSERT_ERRNO(pwrite(fd, &value, sizeof(value),
			    (off_t)(uintptr_t)lent.map), EIO);
	ASSERT_EQ(ram_read(lent.dev, OFFSET), before);
}

TEST(readonly_mapping_write_by_ptrace_fails)
{
	struct lessee child;
	struct lent lent;
	uint32_t before;

	lend_ro(&lent, PAGE);
	before = ram_read(lent.dev, OFFSET);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	lessee_start(&child);
	ASSERT_SYS(ptrace(PTRACE_ATTACH, child.pid, NULL, NULL));
	ASSERT_SYS(waitpid(child.pid, NULL, 0));
	ASSERT_ERRNO(ptrace(PTRACE_POKEDATA, child.pid, lent.map,
			    (long)~before), EIO);
	ASSERT_SYS(ptrace(PTRACE_DETACH, child.pid, NULL, NULL));
	ASSERT_EQ(ram_read(lent.dev, OFFSET), before);
	lessee_end(&child);
}

TEST(readonly_lease_passed_on_stays_read_only)
{
	struct lessee lessee;
	struct lent lent;
	void *address;
	int fd;

	lend_ro(&lent, PAGE);
	lessee_start_unprivileged(&lessee);
	fd = lessee_give(&lessee, lent.fd);
	ASSERT_ERROR(lessee_mmap(&lessee, fd, 0, PAGE, PROT_READ | PROT_WRITE,
				 &address), EACCES);
	ASSERT_OK(lessee_mmap(&lessee, fd, 0, PAGE, PROT_READ, &address));
	ASSERT_TOUCH(lessee_read(&lessee, address, NULL), TOUCH_OK);
	ASSERT_TOUCH(lessee_write(&lessee, address, 0), TOUCH_SIGSEGV);
}

TEST(readonly_mapping_is_revoked)
{
	struct lent lent;

	lend_ro(&lent, 2 * PAGE);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_SIGBUS);
	ASSERT_TOUCH(touch_read(page_word(lent.map, 1), NULL), TOUCH_SIGBUS);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, lent.fd, 0),
		     ENODEV);
}

TEST(readonly_mapping_is_away_while_memory_is_off)
{
	struct lent lent;

	lend_ro(&lent, SIZE_2M);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	ASSERT_OK(barlease_device_set_memory(lent.dev, false));
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_SIGBUS);
	ASSERT_OK(barlease_device_set_memory(lent.dev, true));
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
}

/* Of a lease that is lent read-write: the limit is the mapping's own. */
TEST(mapping_made_writable_after_huge_reads_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, OFFSET, SIZE_2M);
	struct barlease_map map;

	ASSERT_OK(barlease_lease_map(fd, 0, SIZE_2M, PROT_READ, OFFSET, &map));
	ASSERT_TOUCH(touch_read(map.address, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_write(map.address, 1), TOUCH_SIGSEGV);
	ASSERT_SYS(mprotect(map.address, SIZE_2M, PROT_READ | PROT_WRITE));
	ASSERT_WRITES(map.address, 0x777);
	ASSERT_EQ(ram_read(dev, OFFSET), 0x777);
}
