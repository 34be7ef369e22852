/* SPDX-License-Identifier: MIT */
/* An export (VFIO_DEVICE_FEATURE_DMA_BUF) with anything wrong with it. */
#ifndef KERNEL_TESTS_REQUEST_H
#define KERNEL_TESTS_REQUEST_H

#include "device.h"

#define REQUEST_RANGES (BARLEASE_MAX_RANGES + 1)

struct request {
	const char *device;	/* name of an environment variable */
	uint32_t argsz;		/* 0: as large as nr_ranges needs */
	uint32_t operation;	/* VFIO_DEVICE_FEATURE_GET ... */
	struct vfio_device_feature_dma_buf head;
	struct vfio_region_dma_range ranges[REQUEST_RANGES];
};

/* One page of the RAM BAR, read-write: what is wrong is for the caller. */
void request_init(struct request *request);

/* @nr_ranges times the same page. */
void request_fill(struct request *request, uint32_t nr_ranges);

/*
 * The ioctl, with nothing readable after the first @readable bytes. Return the
 * fd, or -1 and errno.
 */
int request_send_short(struct barlease_device *dev,
		       const struct request *request, size_t readable);
int request_send(struct barlease_device *dev, const struct request *request);

/* Open the device, send, and expect this errno and no new fd. */
void request_refused(const struct request *request, int error);

/* Size of what a request of so many ranges consists of. */
size_t request_size(uint32_t nr_ranges);

/* REFUSED(name, EINVAL, request.head.flags = 1); */
#define REFUSED(name, error, ...)                                              \
	TEST(name)                                                             \
	{                                                                      \
		struct request request;                                        \
		request_init(&request);                                        \
		__VA_ARGS__;                                                   \
		request_refused(&request, error);                              \
	}

#endif /* KERNEL_TESTS_REQUEST_H */
