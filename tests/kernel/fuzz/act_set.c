// SPDX-License-Identifier: MIT
/*
 * Functions that are reset together: opening them by what owns them, a group or
 * an iommufd, and the reset.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "act.h"
#include "vfio/cdev.h"
#include "vfio/iommufd.h"

#define CONFIG ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

/* All of these give an fd, or -1 and errno. */

static int group_open(const char *bdf)
{
	char path[100], target[200] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 bdf);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* The container stays with the group for as long as that is open. */
static int owner_open(const char *bdf, bool by_iommufd)
{
	int container, group, error;

	if (by_iommufd)
		return open("/dev/iommu", O_RDWR | O_CLOEXEC);
	group = group_open(bdf);
	if (group < 0)
		return -1;
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) &&
	    !ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
		close(container);
		return group;
	}
	error = errno;
	close(container);
	close(group);
	errno = error;
	return -1;
}

static int cdev_open(const char *bdf)
{
	char path[100];
	struct cdev cdev;
	int err = cdev_find("/sys", bdf, &cdev);

	if (err) {
		errno = -err;
		return -1;
	}
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", cdev.name);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int function_open(const char *bdf, int owner, bool by_iommufd)
{
	struct iommufd_bind bind = {
		.argsz = IOMMUFD_BIND_SIZE,
		.iommufd = owner,
	};
	int fd, error;

	if (!by_iommufd)
		return ioctl(owner, VFIO_GROUP_GET_DEVICE_FD, bdf);
	fd = cdev_open(bdf);
	if (fd < 0 || !ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void memory_on(int fd)
{
	uint16_t command;

	if (pread(fd, &command, 2, CONFIG + PCI_COMMAND) != 2)
		abort();
	command |= PCI_COMMAND_MEMORY;
	if (pwrite(fd, &command, 2, CONFIG + PCI_COMMAND) != 2)
		abort();
}

static void open_set(struct worker *worker, const struct op *op,
		     struct result *result)
{
	bool by_iommufd = op->arg[A_HOW];
	int owner, fd[DEVICES], device;

	owner = owner_open(worker->shared->bdf[RAM_DEVICES], by_iommufd);
	result_note(result, owner);
	memset(fd, -1, sizeof(fd));
	for (device = RAM_DEVICES; device < DEVICES; device++) {
		if (result->error || !(op->arg[A_NR] & 1u << device))
			continue;
		fd[device] = function_open(worker->shared->bdf[device], owner,
					   by_iommufd);
		result_note(result, fd[device]);
	}
	if (result->error) {
		for (device = RAM_DEVICES; device < DEVICES; device++)
			close(fd[device]);
		close(owner);
		return;
	}
	for (device = RAM_DEVICES; device < DEVICES; device++) {
		if (fd[device] < 0)
			continue;
		memory_on(fd[device]);
		worker->device[device] = fd[device];
	}
	slot_put(worker, op->arg[A_SLOT], owner);
}

/* The argument ends where the memory that can be read ends. */
static void hot_reset(struct worker *worker, const struct op *op,
		      struct result *result)
{
	struct vfio_pci_hot_reset head = {
		.argsz = (uint32_t)(op_reset_size(op) + op->arg[A_ARGSZ]),
		.flags = (uint32_t)op->arg[A_FLAGS],
		.count = (uint32_t)op->arg[A_NR],
	};
	size_t readable = op->arg[A_READABLE];
	int32_t words[PAGE / sizeof(int32_t)];
	uint8_t *memory;
	uint64_t i;

	if (readable > op_reset_size(op))
		readable = op_reset_size(op);
	memcpy(words, &head, sizeof(head));
	for (i = 0; i < op->arg[A_NR] && i < MAX_GROUPS; i++)
		words[sizeof(head) / sizeof(*words) + i] =
			worker->slot[op->arg[A_SLOT]];
	memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		abort();
	memcpy(memory + PAGE - readable, words, readable);
	mprotect(memory + PAGE, PAGE, PROT_NONE);
	result_note(result,
		    ioctl(worker->device[op->arg[A_DEV]],
			  VFIO_DEVICE_PCI_HOT_RESET, memory + PAGE - readable));
	munmap(memory, 2 * PAGE);
}

void act_set(struct worker *worker, const struct op *op, struct result *result)
{
	if (op->kind == OP_OPEN_SET)
		open_set(worker, op, result);
	else
		hot_reset(worker, op, result);
}
