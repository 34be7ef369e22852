// SPDX-License-Identifier: MIT
/* Parity: the ioctls that describe the device, and those that do not exist. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "harness.h"
#include "parity.h"

#define ROOM 4096

/* An ioctl that fills in what begins with argsz; @words set before. */
static void describe(struct barlease_device *dev,
		     struct transcript *transcript, const char *what,
		     unsigned long request, uint32_t argsz, uint32_t index,
		     size_t index_at)
{
	union {
		uint32_t argsz;
		uint8_t bytes[ROOM];
	} info;
	char label[64];
	int ret;

	memset(&info, 0, sizeof(info));
	info.argsz = argsz;
	memcpy(info.bytes + index_at, &index, sizeof(index));
	ret = ioctl(barlease_device_fd(dev), request, &info);
	snprintf(label, sizeof(label), "%s %u argsz %u", what, index, argsz);
	transcript_call(transcript, label, ret);
	transcript_bytes(transcript, label, 0, info.bytes,
			 argsz < 256 ? argsz : 256);
}

uint64_t parity_region_size(struct barlease_device *dev, unsigned int index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	if (ioctl(barlease_device_fd(dev), VFIO_DEVICE_GET_REGION_INFO, &info))
		return 0;
	return info.size;
}

void parity_info(struct barlease_device *dev, struct transcript *transcript)
{
	static const uint32_t sizes[] = { 0, 8, 12, 16, 20, 24, 32, 48, ROOM };
	uint32_t index;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		describe(dev, transcript, "device", VFIO_DEVICE_GET_INFO,
			 sizes[i], 0, 8);
		for (index = 0; index <= PARITY_REGIONS; index++)
			describe(dev, transcript, "region",
				 VFIO_DEVICE_GET_REGION_INFO, sizes[i], index,
				 offsetof(struct vfio_region_info, index));
		for (index = 0; index <= VFIO_PCI_NUM_IRQS + 1; index++)
			describe(dev, transcript, "irq",
				 VFIO_DEVICE_GET_IRQ_INFO, sizes[i], index,
				 offsetof(struct vfio_irq_info, index));
		describe(dev, transcript, "hot reset",
			 VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, sizes[i], 0, 8);
	}
}

void parity_ioctls(struct barlease_device *dev, struct transcript *transcript)
{
	struct {
		struct vfio_pci_hot_reset reset;
		int32_t fds[2];
	} reset = {
		.reset = { .argsz = sizeof(reset) },
		.fds = { -1, 0 },
	};
	int fd = barlease_device_fd(dev);
	char label[32];
	uint32_t i;

	for (i = 0; i < 40; i++) {
		snprintf(label, sizeof(label), "ioctl %u of nothing", i);
		transcript_call(transcript, label,
				ioctl(fd, _IO(VFIO_TYPE, VFIO_BASE + i), NULL));
	}
	transcript_call(transcript, "another ioctl", ioctl(fd, 0x1234, NULL));
	transcript_call(transcript, "reset", ioctl(fd, VFIO_DEVICE_RESET));

	/* Without the group, or with what is none: these reset nothing. */
	for (i = 0; i < 4; i++) {
		reset.reset.count = i;
		snprintf(label, sizeof(label), "hot reset with %u fds", i);
		transcript_call(transcript, label,
				ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, &reset));
	}
	reset.reset.flags = 1;
	transcript_call(transcript, "hot reset with flags",
			ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, &reset));
	reset.reset.argsz = 4;
	transcript_call(transcript, "hot reset of nothing",
			ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, &reset));
}
