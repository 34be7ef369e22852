/* SPDX-License-Identifier: MIT */
/*
 * The answers of VFIO's ioctls, for tests of what the library makes of them.
 * The linker sends the library's ioctl() here. What the kernel really answers
 * is the business of the tests in VMs.
 */
#ifndef UNIT_VFIO_FAKE_H
#define UNIT_VFIO_FAKE_H

#include <linux/barlease.h>
#include <stdint.h>

#include "support.h"
#include "vfio/vfio.h"

struct vfio_fake {
	/* 0, or the errno with which an ioctl fails. */
	int status_errno;
	int set_container_errno;
	int set_iommu_errno;
	int get_device_errno;
	int reset_errno;
	int revoke_errno;
	int bind_errno;
	int ioas_alloc_errno;
	int attach_errno;
	int get_info_errno;
	int name_errno;
	int info_errno;
	int set_irqs_errno;
	bool not_pci;
	bool not_viable;
	bool no_type1;
	bool no_reset;

	uint32_t features[4]; /* served, with VFIO_DEVICE_FEATURE_GET/SET */
	unsigned int binds; /* of the device file, tried */
	bool bind_token_given;
	unsigned char bind_token[16];
	char device_name[100]; /* with which the device was asked for */
	uint64_t region_size;
	uint32_t region_flags;

	int request_eventfd; /* that is wired; -1: none; 0: none so far */
	unsigned int wirings;
	bool is_wanted; /* as soon as it can be asked for */

	char lease_name[64]; /* the last that was set */
	struct barlease_lease_info info; /* what any lease is */

	/* What the last feature ioctl that was no probe brought. */
	uint32_t feature_flags;
	unsigned char feature[1024] __attribute__((aligned(8)));
	uint32_t feature_size;
	int device_fd; /* of the file that plays the device */
};

extern struct vfio_fake vfio_fake;

/* A tree with the function 0000:00:04.0 in group 7; all ioctls succeed. */
int vfio_fake_setup(void **state);
int vfio_fake_teardown(void **state);

/* Let the kernel have iommufd and device files, too: IOAS is attached to. */
void vfio_fake_add_iommufd(void **state);
#define VFIO_FAKE_IOAS 5

struct barlease_paths vfio_fake_paths(void **state);

/* Open the device, which must succeed. */
struct barlease_device *vfio_fake_open(void **state);

#endif /* UNIT_VFIO_FAKE_H */
