// SPDX-License-Identifier: MIT
#include "pair.h"

#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cdev.h"
#include "device.h"
#include "harness.h"

static int group_open(const char *bdf)
{
	char path[100], target[200] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 bdf);
	ASSERT_SYS(readlink(path, target, sizeof(target) - 1));
	snprintf(path, sizeof(path), "/dev/vfio/%s",
		 strrchr(target, '/') + 1);
	return (int)ASSERT_SYS(open(path, O_RDWR | O_CLOEXEC));
}

static void memory_on(int device)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command;
	off_t at;

	ASSERT_SYS(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	at = (off_t)info.offset + PCI_COMMAND;
	ASSERT_EQ(pread(device, &command, sizeof(command), at),
		  sizeof(command));
	command |= PCI_COMMAND_MEMORY;
	ASSERT_EQ(pwrite(device, &command, sizeof(command), at),
		  sizeof(command));
}

static void pair_open_by_group(struct pair *pair, const uid_t *users)
{
	const char *const bdf[2] = { device_bdf(PAIR0), device_bdf(PAIR1) };
	int i;

	pair->iommu = (int)ASSERT_SYS(open("/dev/vfio/vfio",
					   O_RDWR | O_CLOEXEC));
	pair->group = group_open(bdf[0]);
	ASSERT_SYS(ioctl(pair->group, VFIO_GROUP_SET_CONTAINER, &pair->iommu));
	ASSERT_SYS(ioctl(pair->iommu, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	for (i = 0; i < 2; i++) {
		ASSERT_SYS(seteuid(users[i]));
		pair->device[i] = (int)ASSERT_SYS(ioctl(
			pair->group, VFIO_GROUP_GET_DEVICE_FD, bdf[i]));
		ASSERT_SYS(seteuid(0));
		memory_on(pair->device[i]);
	}
}

/* VFIO opens the device when it is bound to the iommufd. */
static void pair_open_by_its_files(struct pair *pair, const uid_t *users)
{
	const char *const bdf[2] = { device_bdf(PAIR0), device_bdf(PAIR1) };
	int i;

	pair->group = -1;
	pair->iommu = iommufd_open();
	for (i = 0; i < 2; i++) {
		pair->device[i] = cdev_open(bdf[i]);
		ASSERT_SYS(seteuid(users[i]));
		ASSERT_SYS(cdev_bind(pair->device[i], pair->iommu));
		ASSERT_SYS(seteuid(0));
		memory_on(pair->device[i]);
	}
}

static void pair_open_as(struct pair *pair, const uid_t *users)
{
	if (device_way == BARLEASE_BY_GROUP ||
	    (device_way == BARLEASE_ANY_WAY && !have_iommufd()))
		pair_open_by_group(pair, users);
	else
		pair_open_by_its_files(pair, users);
}

void pair_open(struct pair *pair)
{
	pair_open_as(pair, (uid_t[]){ 0, 0 });
}

void pair_open_by_iommufd(struct pair *pair)
{
	pair_open_by_its_files(pair, (uid_t[]){ 0, 0 });
}

void pair_open_by_two_users(struct pair *pair, uid_t second)
{
	pair_open_as(pair, (uid_t[]){ 0, second });
}

void pair_close(struct pair *pair)
{
	int i;

	for (i = 0; i < 2; i++)
		if (pair->device[i] >= 0)
			close(pair->device[i]);
	if (pair->group >= 0)
		close(pair->group);
	close(pair->iommu);
}

int pair_export(struct pair *pair, int which, uint64_t offset,
		uint64_t length)
{
	return lease_export_of(pair->device[which], 0, O_RDWR, offset, length);
}

int pair_hot_reset_with(struct pair *pair, int which, unsigned int groups,
			int group)
{
	struct {
		struct vfio_pci_hot_reset reset;
		int32_t group;
	} request = {
		.reset = { .argsz = sizeof(request), .count = groups },
		.group = group,
	};

	return ioctl(pair->device[which], VFIO_DEVICE_PCI_HOT_RESET,
		     &request) ? -errno : 0;
}

/* By iommufd it is the iommufd that shows who owns the set. */
int pair_hot_reset(struct pair *pair, int which)
{
	return pair_hot_reset_with(pair, which, pair->group >= 0, pair->group);
}

unsigned int pair_count_set(struct pair *pair, int which)
{
	struct {
		struct vfio_pci_hot_reset_info info;
		struct vfio_pci_dependent_device devices[8];
	} request = {
		.info = { .argsz = sizeof(request) },
	};

	ASSERT_SYS(ioctl(pair->device[which],
			 VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &request));
	return request.info.count;
}
