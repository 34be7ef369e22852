/* SPDX-License-Identifier: MIT */
/* What the parts of the library know of a device, and nobody else does. */
#ifndef BARLEASE_DEVICE_H
#define BARLEASE_DEVICE_H

#include <pthread.h>

#include "device/backend.h"
#include "public.h"

struct barlease_device {
	const struct barlease_backend *backend;
	char bdf[BARLEASE_BDF_MAX]; /* or the name of a simulated one */
	enum barlease_way way;
	/* Of VFIO's devices, which ends them; -1 and 0 in a simulation. */
	int iommu_fd; /* an iommufd or a type1 container; -1: adopted */
	int group_fd; /* -1: opened by iommufd, or adopted */
	int fd; /* the caller's where adopted */
	uint32_t ioas; /* in the iommufd, 0: opened by group */
	int request_fd; /* signalled as the kernel wants it back; -1: not asked for */
	pthread_mutex_t request_lock; /* makes only one of it */
	/* Makes read-modify-write of the command register one step. */
	pthread_mutex_t config_lock;
};

#endif /* BARLEASE_DEVICE_H */
