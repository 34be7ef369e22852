// SPDX-License-Identifier: MIT
/* VFIO_DEVICE_FEATURE_DMA_BUF: what it gives, and what it costs. */
#include <sys/resource.h>
#include <unistd.h>

#include "aftermath.h"
#include "harness.h"
#include "request.h"

#define BAR_SIZE (16ULL << 20)

TEST(export_probe_of_get_is_0)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_PROBE |
				  VFIO_DEVICE_FEATURE_GET |
				  VFIO_DEVICE_FEATURE_DMA_BUF, NULL, 0));
}

TEST(export_probe_of_any_operation_is_0)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	ASSERT_SYS(device_feature(dev, VFIO_DEVICE_FEATURE_PROBE |
				  VFIO_DEVICE_FEATURE_DMA_BUF, NULL, 0));
}

TEST(export_probe_of_set_is_einval)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	ASSERT_ERRNO(device_feature(dev, VFIO_DEVICE_FEATURE_PROBE |
				    VFIO_DEVICE_FEATURE_SET |
				    VFIO_DEVICE_FEATURE_DMA_BUF, NULL, 0),
		     EINVAL);
}

REFUSED(export_by_set_is_einval, EINVAL,
	request.operation = VFIO_DEVICE_FEATURE_SET)

TEST(export_gives_the_access_mode_asked_for)
{
	static const uint32_t modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	struct barlease_device *dev = device_open(IVSHMEM);
	struct request request;
	unsigned int i;
	int fd;

	request_init(&request);
	for (i = 0; i < 3; i++) {
		request.head.open_flags = modes[i];
		fd = (int)ASSERT_SYS(request_send(dev, &request));
		ASSERT_EQ(ASSERT_SYS(fcntl(fd, F_GETFL)) & O_ACCMODE, modes[i]);
		close(fd);
	}
}

TEST(export_honours_o_cloexec)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct request request;
	int fd;

	request_init(&request);
	request.head.open_flags = O_RDWR | O_CLOEXEC;
	fd = (int)ASSERT_SYS(request_send(dev, &request));
	ASSERT_EQ(ASSERT_SYS(fcntl(fd, F_GETFD)), FD_CLOEXEC);

	request.head.open_flags = O_RDWR;
	fd = (int)ASSERT_SYS(request_send(dev, &request));
	ASSERT_EQ(ASSERT_SYS(fcntl(fd, F_GETFD)), 0);
}

TEST(export_gives_a_dmabuf_of_the_size_of_all_ranges)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct barlease_range ranges[] = {
		{ .offset = 0, .length = 3 * PAGE },
		{ .offset = BAR_SIZE - PAGE, .length = PAGE },
		{ .offset = PAGE, .length = 5 * PAGE },
	};
	int fd = lease_export_ranges(dev, RAM_BAR, ranges, 3);

	ASSERT_EQ(ASSERT_SYS(lseek(fd, 0, SEEK_END)), 9 * PAGE);
}

TEST(export_of_the_whole_bar_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, BAR_SIZE);

	ASSERT_EQ(ASSERT_SYS(lseek(fd, 0, SEEK_END)), BAR_SIZE);
}

TEST(export_of_the_last_page_of_the_bar_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	lease_export(dev, RAM_BAR, BAR_SIZE - PAGE, PAGE);
}

TEST(export_with_memory_off_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);

	ASSERT_OK(barlease_device_set_memory(dev, false));
	lease_export(dev, RAM_BAR, 0, PAGE);
}

TEST(export_without_a_free_fd_is_emfile_and_leaves_nothing)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int references = module_references();
	int dmabufs = module_dmabufs();
	struct rlimit limit;
	struct request request;
	long long end;
	int next, i;

	ASSERT_SYS(getrlimit(RLIMIT_NOFILE, &limit));
	next = (int)ASSERT_SYS(dup(0));
	close(next);
	limit.rlim_cur = (rlim_t)next;
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &limit));

	request_init(&request);
	for (i = 0; i < 100; i++)
		ASSERT_ERRNO(request_send(dev, &request), EMFILE);

	limit.rlim_cur = limit.rlim_max;
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &limit));
	sleep_ms(100);
	/* The release of a file comes a little later. */
	end = now_ms() + patience_ms(5000);
	while ((module_references() != references ||
		module_dmabufs() != dmabufs) && now_ms() < end)
		sleep_ms(10);
	ASSERT_EQ(module_references(), references);
	ASSERT_EQ(module_dmabufs(), dmabufs);
}

TEST(export_holds_the_module_until_the_fd_is_closed)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int references = module_references();
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);

	ASSERT_EQ(module_references(), references + 1);
	close(fd);
	ASSERT_EQ(module_references(), references);
}

TEST(export_of_many_leases_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int dmabufs = module_dmabufs();
	unsigned int i;
	int fds[500];

	for (i = 0; i < 500; i++)
		fds[i] = lease_export(dev, RAM_BAR, i * PAGE, 16 * PAGE);
	if (dmabufs >= 0)
		ASSERT_EQ(module_dmabufs(), dmabufs + 500);
	for (i = 0; i < 500; i++)
		close(fds[i]);
	ASSERT_EQ(module_dmabufs(), dmabufs);
}
