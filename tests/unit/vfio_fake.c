// SPDX-License-Identifier: MIT
#include "vfio_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vfio/iommufd.h"

struct vfio_fake vfio_fake;

int __wrap_ioctl(int fd, unsigned long request, ...);

int vfio_fake_setup(void **state)
{
	struct tree *tree;

	if (tree_setup(state))
		return -1;
	tree = *state;
	tree_folder(tree, "sys/bus/pci/devices/0000:00:04.0");
	tree_link(tree, "sys/bus/pci/devices/0000:00:04.0/iommu_group",
		  "../../../../kernel/iommu_groups/7");
	tree_file(tree, "dev/vfio/7", "");
	tree_file(tree, "dev/vfio/vfio", "");
	memset(&vfio_fake, 0, sizeof(vfio_fake));
	vfio_fake.device_fd = -1;
	vfio_fake.region_size = 0x4000;
	vfio_fake.region_flags = VFIO_REGION_INFO_FLAG_READ |
				 VFIO_REGION_INFO_FLAG_WRITE |
				 VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

void vfio_fake_add_iommufd(void **state)
{
	/* /dev/null (1:3, Linux's list of devices) plays the device file. */
	tree_file(*state, "sys/bus/pci/devices/0000:00:04.0/vfio-dev/vfio3/dev",
		  "1:3\n");
	tree_folder(*state, "dev/vfio/devices");
	tree_link(*state, "dev/vfio/devices/vfio3", "/dev/null");
	tree_file(*state, "dev/iommu", "");
}

int vfio_fake_teardown(void **state)
{
	return tree_teardown(state);
}

struct barlease_paths vfio_fake_paths(void **state)
{
	const struct tree *tree = *state;

	return (struct barlease_paths){
		.sysfs = tree->sysfs,
		.dev = tree->dev,
	};
}

struct barlease_device *vfio_fake_open(void **state)
{
	struct barlease_paths paths = vfio_fake_paths(state);
	struct barlease_device *dev;

	assert_int_equal(barlease_device_open_at(&paths, "00:04.0",
						 BARLEASE_ANY_WAY, NULL, &dev,
						 NULL),
			 0);
	return dev;
}

static int answer(int err)
{
	errno = err;
	return err ? -1 : 0;
}

/* A file of 1 MiB in the place of the device, for pread() and mmap(). */
static int device_get(void)
{
	int fd = memfd_create("device", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	vfio_fake.device_fd = fd;
	return fd;
}

static int info_serve(struct vfio_device_feature *feature)
{
	struct barlease_lease_info *info = (void *)feature->data;
	uint32_t room = info->nr_ranges;

	*info = vfio_fake.info;
	for (uint32_t i = 0; i < room && i < info->nr_ranges; i++)
		info->dma_ranges[i] = (struct vfio_region_dma_range){
			.offset = 0x1000 * i,
			.length = 0x1000,
		};
	return answer(vfio_fake.info_errno);
}

static int feature_serve(struct vfio_device_feature *feature)
{
	uint32_t probe = VFIO_DEVICE_FEATURE_PROBE;
	bool served = false;

	for (size_t i = 0; i < 4; i++)
		if (vfio_fake.features[i] &&
		    vfio_fake.features[i] == (feature->flags & ~probe))
			served = true;
	if (!served)
		return answer(ENOTTY);
	if (feature->flags & probe)
		return 0;

	assert_true(feature->argsz <= sizeof(vfio_fake.feature));
	memcpy(vfio_fake.feature, feature, feature->argsz);
	vfio_fake.feature_size = feature->argsz;
	vfio_fake.feature_flags = feature->flags;
	if (feature->flags == (VFIO_DEVICE_FEATURE_GET | BARLEASE_FEATURE_INFO))
		return info_serve(feature);
	if (feature->flags & VFIO_DEVICE_FEATURE_GET)
		return memfd_create("lease", MFD_CLOEXEC);
	return answer(vfio_fake.revoke_errno);
}

static int device_attach(const struct vfio_device_attach_iommufd_pt *attach)
{
	assert_int_equal(attach->argsz, sizeof(*attach));
	assert_int_equal(attach->flags, 0);
	assert_int_equal(attach->pt_id, VFIO_FAKE_IOAS);
	return answer(vfio_fake.attach_errno);
}

static int device_bind(const struct iommufd_bind *bind)
{
	vfio_fake.binds++;
	vfio_fake.bind_token_given = bind->flags == IOMMUFD_BIND_TOKEN;
	if (vfio_fake.bind_token_given) {
		assert_int_equal(bind->argsz, sizeof(*bind));
		memcpy(vfio_fake.bind_token,
		       (void *)(uintptr_t)bind->token_uuid_ptr,
		       sizeof(vfio_fake.bind_token));
	} else {
		assert_int_equal(bind->flags, 0);
		assert_int_equal(bind->argsz, IOMMUFD_BIND_SIZE);
	}
	assert_int_not_equal(fcntl(bind->iommufd, F_GETFD), -1);
	return answer(vfio_fake.bind_errno);
}

static int ioas_alloc(struct iommu_ioas_alloc *alloc)
{
	assert_int_equal(alloc->size, sizeof(*alloc));
	assert_int_equal(alloc->flags, 0);
	alloc->out_ioas_id = VFIO_FAKE_IOAS;
	return answer(vfio_fake.ioas_alloc_errno);
}

/* Of all interrupts, the one by which the kernel asks for the device. */
static int irqs_set(const struct vfio_irq_set *set)
{
	int32_t eventfd;

	assert_int_equal(set->argsz, sizeof(*set) + sizeof(eventfd));
	assert_int_equal(set->flags, VFIO_IRQ_SET_DATA_EVENTFD |
					     VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(set->index, VFIO_PCI_REQ_IRQ_INDEX);
	assert_int_equal(set->start, 0);
	assert_int_equal(set->count, 1);
	memcpy(&eventfd, set->data, sizeof(eventfd));
	vfio_fake.wirings++;
	if (!vfio_fake.set_irqs_errno)
		vfio_fake.request_eventfd = eventfd;
	if (vfio_fake.is_wanted)
		eventfd_write(eventfd, 1);
	return answer(vfio_fake.set_irqs_errno);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct vfio_group_status *status;
	struct vfio_region_info *region;
	struct vfio_device_info *device;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	(void)fd;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		status = arg;
		status->flags =
			vfio_fake.not_viable ? 0 : VFIO_GROUP_FLAGS_VIABLE;
		return answer(vfio_fake.status_errno);
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return !vfio_fake.no_type1;
	case VFIO_GROUP_SET_CONTAINER:
		return answer(vfio_fake.set_container_errno);
	case VFIO_SET_IOMMU:
		return answer(vfio_fake.set_iommu_errno);
	case VFIO_GROUP_GET_DEVICE_FD:
		snprintf(vfio_fake.device_name, sizeof(vfio_fake.device_name),
			 "%s", (const char *)arg);
		if (strncmp(arg, "0000:00:04.0", 12))
			fail_msg("%s is not the device", (const char *)arg);
		if (vfio_fake.get_device_errno)
			return answer(vfio_fake.get_device_errno);
		return device_get();
	case VFIO_DEVICE_BIND_IOMMUFD:
		return device_bind(arg);
	case IOMMU_IOAS_ALLOC:
		return ioas_alloc(arg);
	case VFIO_DEVICE_ATTACH_IOMMUFD_PT:
		return device_attach(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		region = arg;
		if (region->index > 8)
			return answer(EINVAL);
		region->size = vfio_fake.region_size;
		region->offset = (uint64_t)region->index * 0x10000;
		region->flags = vfio_fake.region_flags;
		return 0;
	case VFIO_DEVICE_GET_INFO:
		device = arg;
		device->flags =
			vfio_fake.no_reset ? 0 : VFIO_DEVICE_FLAGS_RESET;
		device->flags |= vfio_fake.not_pci ? 0 : VFIO_DEVICE_FLAGS_PCI;
		return answer(vfio_fake.get_info_errno);
	case DMA_BUF_SET_NAME:
		snprintf(vfio_fake.lease_name, sizeof(vfio_fake.lease_name),
			 "%s", (const char *)arg);
		return answer(vfio_fake.name_errno);
	case VFIO_DEVICE_RESET:
		return answer(vfio_fake.reset_errno);
	case VFIO_DEVICE_SET_IRQS:
		return irqs_set(arg);
	case VFIO_DEVICE_FEATURE:
		return feature_serve(arg);
	}
	fail_msg("unexpected ioctl 0x%lx", request);
	return -1;
}
