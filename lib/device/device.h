/* SPDX-License-Identifier: MIT */
/* What the parts of the library know of a device, and nobody else does. */
#ifndef BARLEASE_DEVICE_H
#define BARLEASE_DEVICE_H

#include <pthread.h>

#include "public.h"

/* Where the kernel shows itself. Tests put a tree of their own here. */
struct barlease_paths {
	const char *sysfs;
	const char *dev;
};

struct barlease_device {
	char bdf[BARLEASE_BDF_MAX];
	enum barlease_way way;
	/* The fds are the device's own; barlease_device_close() ends them. */
	int iommu_fd; /* an iommufd or a type1 container; -1: adopted */
	int group_fd; /* -1: opened by iommufd, or adopted */
	int fd; /* the caller's where adopted */
	uint32_t ioas; /* in the iommufd, 0: opened by group */
	/* Makes read-modify-write of the command register one step. */
	pthread_mutex_t config_lock;
};

/**
 * barlease_device_open_at() - barlease_device_open_by() on a given tree
 * @paths: where sysfs and devtmpfs are
 * @bdf: PCI address
 * @way: how
 * @vf_token: a UUID as text, or NULL
 * @dev: where to put the device
 * @reason: where to put why it is not by iommufd, or NULL
 *
 * Return: as barlease_device_open_by().
 */
int barlease_device_open_at(const struct barlease_paths *paths, const char *bdf,
			    enum barlease_way way, const char *vf_token,
			    struct barlease_device **dev, const char **reason);

/**
 * barlease_iommufd_open() - open a function's device file and an iommufd
 * @paths: where sysfs and devtmpfs are
 * @vf_token: a UUID as text, or NULL
 * @dev: has its @bdf; gets its fds and I/O address space, or none on failure
 * @reason: where to put a pointer to a constant sentence that says what is in
 *	the way; untouched when there is nothing to say
 *
 * Return: as barlease_device_open_by().
 */
int barlease_iommufd_open(const struct barlease_paths *paths,
			  const char *vf_token, struct barlease_device *dev,
			  const char **reason);

/**
 * barlease_group_open() - open a function's group, container and device
 * @paths: where sysfs and devtmpfs are
 * @vf_token: a UUID as text, or NULL
 * @dev: has its @bdf; gets its fds, or none of them on failure
 *
 * Return: as barlease_device_open_by().
 */
int barlease_group_open(const struct barlease_paths *paths,
			const char *vf_token, struct barlease_device *dev);

/**
 * barlease_group_probe() - whether a function's group could be opened
 * @paths: where sysfs and devtmpfs are
 * @bdf: canonical PCI address
 *
 * Return: 0, or what barlease_device_open() answers for the group alone.
 */
int barlease_group_probe(const struct barlease_paths *paths, const char *bdf);

/**
 * barlease_feature_probe() - whether the driver serves a feature
 * @dev: device
 * @feature: its number
 * @operation: VFIO_DEVICE_FEATURE_GET or VFIO_DEVICE_FEATURE_SET
 */
bool barlease_feature_probe(const struct barlease_device *dev, uint32_t feature,
			    uint32_t operation);

/**
 * barlease_feature_revoke() - the number that revocation has here
 * @dev: device
 *
 * Return: the number of the first that the driver serves, the kernel's or
 * this project's; 0 when it serves none.
 */
uint32_t barlease_feature_revoke(const struct barlease_device *dev);

/**
 * barlease_feature_memattr() - the number that memory attributes have here
 *
 * Mirrors barlease_feature_revoke().
 */
uint32_t barlease_feature_memattr(const struct barlease_device *dev);

#endif /* BARLEASE_DEVICE_H */
