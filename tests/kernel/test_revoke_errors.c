// SPDX-License-Identifier: MIT
/* REVOKE and MEMATTR: each refusal that linux/barlease.h lists. */
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "touch.h"

#define SET_REVOKE                                                             \
	(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE)
#define SET_MEMATTR                                                            \
	(VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR)
#define NC VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR_NC
#define WC VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR_WC

static int memattr(struct barlease_device *dev, int fd, uint32_t value)
{
	struct vfio_device_feature_dma_buf_memattr set = {
		.dmabuf_fd = fd,
		.memattr = value,
	};

	return device_feature(dev, SET_MEMATTR, &set, sizeof(set));
}

/* Both operations take a lease's fd and refuse the same fds. */
static void fd_refused(struct barlease_device *dev, int fd, int error)
{
	ASSERT_ERRNO(lease_revoke(dev, fd), error);
	ASSERT_ERRNO(memattr(dev, fd, NC), error);
}

/* A DMABUF of somebody else's. */
static int udmabuf_create(void)
{
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create create = { .size = 4 * PAGE };
	int memfd;

	if (device < 0)
		test_skip("no /dev/udmabuf");
	memfd = (int)ASSERT_SYS(memfd_create("test", MFD_ALLOW_SEALING));
	ASSERT_SYS(ftruncate(memfd, 4 * PAGE));
	ASSERT_SYS(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	create.memfd = (uint32_t)memfd;
	return (int)ASSERT_SYS(ioctl(device, UDMABUF_CREATE, &create));
}

static int heap_allocate(void)
{
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	struct dma_heap_allocation_data data = {
		.len = 4 * PAGE,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (heap < 0)
		test_skip("no /dev/dma_heap/system");
	ASSERT_SYS(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data));
	return (int)data.fd;
}

TEST(revoke_and_memattr_of_a_closed_fd_are_ebadf)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	fd_refused(lent.dev, -1, EBADF);
	fd_refused(lent.dev, 1000, EBADF);
	close(lent.fd);
	fd_refused(lent.dev, lent.fd, EBADF);
}

TEST(revoke_and_memattr_of_a_file_are_einval)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int pipes[2];

	ASSERT_SYS(pipe(pipes));
	fd_refused(dev, (int)ASSERT_SYS(open("/proc/self/exe", O_RDONLY)),
		   EINVAL);
	fd_refused(dev, (int)ASSERT_SYS(memfd_create("test", 0)), EINVAL);
	fd_refused(dev, pipes[0], EINVAL);
	fd_refused(dev, barlease_device_fd(dev), EINVAL);
}

/* An O_PATH fd is no access to what it names. */
TEST(revoke_and_memattr_of_an_o_path_fd_are_ebadf)
{
	struct lent lent;
	char path[32];

	lend(&lent, 0, PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", lent.fd);
	fd_refused(lent.dev, (int)ASSERT_SYS(open(path, O_PATH)), EBADF);
}

TEST(revoke_and_memattr_of_a_udmabuf_are_enodev)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	fd_refused(dev, udmabuf_create(), ENODEV);
}

TEST(revoke_and_memattr_of_a_heap_dmabuf_are_enodev)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	fd_refused(dev, heap_allocate(), ENODEV);
}

TEST(revoke_and_memattr_of_another_devices_lease_are_enodev)
{
	struct barlease_device *other = device_open(NVME);
	struct lent lent;

	lend(&lent, 0, PAGE);
	fd_refused(other, lent.fd, ENODEV);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
}

TEST(revoke_and_memattr_of_a_revoked_lease_are_ebadfd)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_SYS(lease_revoke(lent.dev, lent.fd));
	fd_refused(lent.dev, lent.fd, EBADFD);
	fd_refused(lent.dev, lent.fd, EBADFD);
	fd_refused(lent.dev, (int)ASSERT_SYS(dup(lent.fd)), EBADFD);
}

TEST(revoke_and_memattr_of_an_earlier_openings_lease_are_ebadfd)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	barlease_device_close(lent.dev);
	lent.dev = device_open(IVSHMEM);
	fd_refused(lent.dev, lent.fd, EBADFD);
}

TEST(revoke_probe_of_set_is_0_and_of_get_is_einval)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	uint32_t probe = VFIO_DEVICE_FEATURE_PROBE |
			 VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE;
	struct vfio_device_feature_dma_buf_revoke revoke = { .dmabuf_fd = -1 };

	ASSERT_SYS(device_feature(dev, probe | VFIO_DEVICE_FEATURE_SET, NULL,
				  0));
	ASSERT_ERRNO(device_feature(dev, probe | VFIO_DEVICE_FEATURE_GET, NULL,
				    0), EINVAL);
	ASSERT_ERRNO(device_feature(dev, VFIO_DEVICE_FEATURE_GET |
				    VFIO_DEVICE_FEATURE_DMA_BUF_REVOKE,
				    &revoke, sizeof(revoke)), EINVAL);
}

TEST(memattr_probe_of_set_is_0_and_of_get_is_einval)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	uint32_t probe = VFIO_DEVICE_FEATURE_PROBE |
			 VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR;
	struct vfio_device_feature_dma_buf_memattr set = { .dmabuf_fd = -1 };

	ASSERT_SYS(device_feature(dev, probe | VFIO_DEVICE_FEATURE_SET, NULL,
				  0));
	ASSERT_ERRNO(device_feature(dev, probe | VFIO_DEVICE_FEATURE_GET, NULL,
				    0), EINVAL);
	ASSERT_ERRNO(device_feature(dev, VFIO_DEVICE_FEATURE_GET |
				    VFIO_DEVICE_FEATURE_DMA_BUF_MEMATTR,
				    &set, sizeof(set)), EINVAL);
}

TEST(revoke_and_memattr_with_argsz_too_small_are_einval)
{
	struct lent lent;
	int32_t words[2];

	lend(&lent, 0, PAGE);
	words[0] = lent.fd;
	words[1] = NC;
	ASSERT_ERRNO(device_feature(lent.dev, SET_REVOKE, NULL, 0), EINVAL);
	ASSERT_ERRNO(device_feature(lent.dev, SET_REVOKE, words, 3), EINVAL);
	ASSERT_ERRNO(device_feature(lent.dev, SET_MEMATTR, NULL, 0), EINVAL);
	ASSERT_ERRNO(device_feature(lent.dev, SET_MEMATTR, words, 7), EINVAL);
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
}

TEST(revoke_and_memattr_with_larger_argsz_work)
{
	int32_t words[64] = { 0 };
	struct lent lent;

	lend(&lent, 0, PAGE);
	words[0] = lent.fd;
	ASSERT_SYS(device_feature(lent.dev, SET_MEMATTR, words, sizeof(words)));
	ASSERT_SYS(device_feature(lent.dev, SET_REVOKE, words, sizeof(words)));
	ASSERT_GONE(lent.map);
}

static void unreadable(struct barlease_device *dev, uint32_t flags,
		       uint32_t size)
{
	uint8_t *memory = (uint8_t *)ASSERT_SYS(
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct vfio_device_feature *feature =
		(void *)(memory + PAGE - sizeof(*feature));

	ASSERT_SYS(mprotect(memory + PAGE, PAGE, PROT_NONE));
	feature->argsz = (uint32_t)sizeof(*feature) + size;
	feature->flags = flags;
	ASSERT_ERRNO(ioctl(barlease_device_fd(dev), VFIO_DEVICE_FEATURE,
			   feature), EFAULT);
}

TEST(revoke_and_memattr_of_an_unreadable_structure_are_efault)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	unreadable(dev, SET_REVOKE, 4);
	unreadable(dev, SET_MEMATTR, 8);
}

TEST(memattr_noncached_works)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_SYS(memattr(lent.dev, lent.fd, NC));
	ASSERT_TOUCH(touch_read(lent.map, NULL), TOUCH_OK);
	ASSERT_TOUCH(touch_read(lease_map_rw(lent.fd, 0, PAGE), NULL),
		     TOUCH_OK);
}

TEST(memattr_unknown_is_enoent)
{
	struct lent lent;

	lend(&lent, 0, PAGE);
	ASSERT_ERRNO(memattr(lent.dev, lent.fd, 2), ENOENT);
	ASSERT_ERRNO(memattr(lent.dev, lent.fd, UINT32_MAX), ENOENT);
}
