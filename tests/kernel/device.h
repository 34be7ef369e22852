/* SPDX-License-Identifier: MIT */
/* The devices of the tests, and leases of them. All fail the test on error. */
#ifndef KERNEL_TESTS_DEVICE_H
#define KERNEL_TESTS_DEVICE_H

#include <barlease.h>
#include <fcntl.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define SIZE_2M ((size_t)2 << 20)
#define SIZE_1G ((size_t)1 << 30)

/* Environment variables that hold the BDFs, ended by NULL. */
extern const char *const device_names[];

#define IVSHMEM "BARLEASE_IVSHMEM"	/* RAM_BAR is a file of the host */
#define NVME "BARLEASE_NVME"		/* FLR; registers in BAR 0 */
#define TESTDEV "BARLEASE_TESTDEV"	/* an empty BAR of 8 GiB */
#define VIRTIO_BLK "BARLEASE_VIRTIO_BLK"
#define EDU "BARLEASE_EDU"
#define DISPLAY "BARLEASE_DISPLAY"
/* Two functions that are reset together; see pair.h. */
#define PAIR0 "BARLEASE_PAIR0"
#define PAIR1 "BARLEASE_PAIR1"
#define SRIOV "BARLEASE_SRIOV"		/* an nvme with VFs; see sriov.h */
#define NIC "BARLEASE_NIC"		/* every kind of interrupt and region */
#define HOTPLUG "BARLEASE_HOTPLUG"	/* RAM in RAM_BAR; can be unplugged */

#define RAM_BAR 2		/* of IVSHMEM and HOTPLUG */

/* The BDF in such a variable; skips the test where there is none. */
const char *device_bdf(const char *name);

/* How devices are opened, unless a test wants it otherwise. */
extern enum barlease_way device_way;

/* Open it and switch its memory on; skips the test without device_way. */
struct barlease_device *device_open(const char *name);
struct barlease_device *device_open_by(const char *name, enum barlease_way way);

/* The first BAR of the device that can be mapped and has @size bytes. */
unsigned int device_bar_of_size(struct barlease_device *dev, uint64_t size);

/* VFIO_DEVICE_FEATURE on the device fd: 0 or more, or -1 and errno. */
int device_feature(struct barlease_device *dev, uint32_t flags, void *data,
		   size_t size);

/* One range of a BAR as a new fd. */
int lease_export(struct barlease_device *dev, unsigned int bar,
		 uint64_t offset, uint64_t length);
int lease_export_ro(struct barlease_device *dev, unsigned int bar,
		    uint64_t offset, uint64_t length);
int lease_export_ranges(struct barlease_device *dev, unsigned int bar,
			const struct barlease_range *ranges,
			unsigned int count);

/* The same on a device fd, with the access mode of open(). */
int lease_export_of(int device, unsigned int bar, int flags, uint64_t offset,
		    uint64_t length);
void lease_set_wc_of(int device, int fd);

/* mmap(MAP_SHARED) at any address. */
void *lease_map(int fd, uint64_t offset, size_t length, int prot);
void *lease_map_rw(int fd, uint64_t offset, size_t length);

/* mmap() with the library: aligned for huge pages. */
void *lease_map_aligned(int fd, size_t length, uint64_t bar_offset);

/* REVOKE as an ioctl: 0, or -1 and errno. */
int lease_revoke(struct barlease_device *dev, int fd);

/* How most tests start: IVSHMEM open, a piece of its RAM lent and mapped. */
struct lent {
	struct barlease_device *dev;
	int fd;
	size_t length;
	uint32_t *map;
};

void lend(struct lent *lent, uint64_t offset, size_t length);

/* The first word of a page of a mapping. */
#define page_word(map, page) (&(map)[(page) * (PAGE / sizeof(uint32_t))])

/* A word in the RAM BAR, by pread() and pwrite() on the device fd. */
uint32_t ram_read(struct barlease_device *dev, uint64_t offset);
void ram_write(struct barlease_device *dev, uint64_t offset, uint32_t value);

/* A value for this word that differs from the present one in every byte. */
uint32_t ram_fresh(struct barlease_device *dev, uint64_t offset);

/* The lessor's own mapping of the RAM BAR. */
uint32_t *ram_map(struct barlease_device *dev, uint64_t offset, size_t length);

/* Put page_tag(i) at the start of each page of the RAM BAR. */
void ram_tag_pages(struct barlease_device *dev);
#define page_tag(page) (0xba000000u + (uint32_t)(page))

#define RAM_SIZE ((size_t)16 << 20)

/* How many fds this process has. */
int count_fds(void);

#endif /* KERNEL_TESTS_DEVICE_H */
