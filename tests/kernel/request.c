// SPDX-License-Identifier: MIT
#include <string.h>
#include <sys/ioctl.h>

#include "harness.h"
#include "request.h"

void request_init(struct request *request)
{
	memset(request, 0, sizeof(*request));
	request->device = IVSHMEM;
	request->operation = VFIO_DEVICE_FEATURE_GET;
	request->head.region_index = RAM_BAR;
	request->head.open_flags = O_RDWR | O_CLOEXEC;
	request->head.nr_ranges = 1;
	request->ranges[0].length = PAGE;
}

void request_fill(struct request *request, uint32_t nr_ranges)
{
	uint32_t i;

	request->head.nr_ranges = nr_ranges;
	for (i = 0; i < nr_ranges; i++)
		request->ranges[i] = request->ranges[0];
}

size_t request_size(uint32_t nr_ranges)
{
	return sizeof(struct vfio_device_feature) +
	       sizeof(struct vfio_device_feature_dma_buf) +
	       nr_ranges * sizeof(struct vfio_region_dma_range);
}

/* The request as the kernel reads it. */
static size_t request_pack(const struct request *request, uint8_t *bytes)
{
	struct vfio_device_feature feature = {
		.flags = request->operation | VFIO_DEVICE_FEATURE_DMA_BUF,
	};
	uint32_t nr_ranges = request->head.nr_ranges;
	size_t size;

	if (nr_ranges > REQUEST_RANGES)
		nr_ranges = REQUEST_RANGES;
	size = request_size(nr_ranges);
	feature.argsz = request->argsz ? request->argsz : (uint32_t)size;

	memcpy(bytes, &feature, sizeof(feature));
	bytes += sizeof(feature);
	memcpy(bytes, &request->head, sizeof(request->head));
	bytes += sizeof(request->head);
	memcpy(bytes, request->ranges, nr_ranges * sizeof(*request->ranges));
	return size;
}

int request_send_short(struct barlease_device *dev,
		       const struct request *request, size_t readable)
{
	uint8_t bytes[sizeof(struct request)];
	size_t size = request_pack(request, bytes);
	size_t space = 4 * PAGE;
	uint8_t *memory;
	int ret, error;

	if (readable > size)
		readable = size;
	ASSERT(readable <= space - PAGE);
	memory = (uint8_t *)ASSERT_SYS(mmap(NULL, space, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1,
					    0));
	memory += space - PAGE;
	ASSERT_SYS(mprotect(memory, PAGE, PROT_NONE));
	memory -= readable;
	memcpy(memory, bytes, readable);

	ret = ioctl(barlease_device_fd(dev), VFIO_DEVICE_FEATURE, memory);
	error = errno;
	munmap(memory + readable + PAGE - space, space);
	errno = error;
	return ret;
}

int request_send(struct barlease_device *dev, const struct request *request)
{
	return request_send_short(dev, request, SIZE_MAX);
}

void request_refused(const struct request *request, int error)
{
	struct barlease_device *dev = device_open(request->device);
	int fds = count_fds();

	ASSERT_ERRNO(request_send(dev, request), error);
	ASSERT_EQ(count_fds(), fds);
	barlease_device_close(dev);
}
