/* SPDX-License-Identifier: MIT */
/* Devices that VFIO has: what the parts of this backend know of each other. */
#ifndef BARLEASE_VFIO_H
#define BARLEASE_VFIO_H

#include "device/device.h"

/* Where the kernel shows itself. Tests put a tree of their own here. */
struct barlease_paths {
	const char *sysfs;
	const char *dev;
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

/* Once it has its fds. */
void barlease_vfio_init(struct barlease_device *dev);

/* As it is closed. */
void barlease_vfio_watch_end(struct barlease_device *dev);

/* As barlease_device_resume(). */
int barlease_vfio_resume(const char *bdf, const struct barlease_part *parts,
			 unsigned int count, struct barlease_device **dev);

/* What struct barlease_backend has of each, by the same name. */
int barlease_vfio_parts(const struct barlease_device *dev,
			struct barlease_part *parts);
int barlease_vfio_lease_resume(struct barlease_device *dev, int fd,
			       unsigned int bar,
			       const struct barlease_range *range,
			       const struct barlease_terms *terms);
int barlease_vfio_watch(struct barlease_device *dev);
int barlease_vfio_reset(struct barlease_device *dev);
int barlease_vfio_set_memory(struct barlease_device *dev, bool on);
int barlease_vfio_msix(struct barlease_device *dev, struct barlease_msix *msix);
int barlease_vfio_probe(const struct barlease_device *dev);
unsigned int barlease_vfio_features(const struct barlease_device *dev);
int barlease_vfio_region_get(struct barlease_device *dev, unsigned int index,
			     struct barlease_region *region);
int barlease_vfio_region_read(struct barlease_device *dev, unsigned int index,
			      const struct barlease_region *region, void *buf,
			      size_t length, uint64_t offset);
int barlease_vfio_region_write(struct barlease_device *dev, unsigned int index,
			       const struct barlease_region *region,
			       const void *buf, size_t length, uint64_t offset);
int barlease_vfio_region_map(struct barlease_device *dev, unsigned int index,
			     const struct barlease_region *region,
			     uint64_t offset, size_t length, int prot,
			     struct barlease_map *map);
int barlease_vfio_lease_export(struct barlease_device *dev, unsigned int bar,
			       const struct barlease_range *ranges,
			       unsigned int count,
			       const struct barlease_terms *terms);
int barlease_vfio_lease_set_attribute(struct barlease_device *dev, int fd,
				      enum barlease_attribute attribute);
int barlease_vfio_lease_info(struct barlease_device *dev, int fd,
			     struct barlease_info *info,
			     struct barlease_range *ranges, unsigned int count);
int barlease_vfio_lease_revoke(struct barlease_device *dev, int fd);

#endif /* BARLEASE_VFIO_H */
