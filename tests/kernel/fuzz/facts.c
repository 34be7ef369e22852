// SPDX-License-Identifier: MIT
/* What the devices of the guest are like, asked of them once. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"
#include "importer.h"
#include "run.h"

static int read_bar_starts(const char *bdf, struct device_facts *facts)
{
	unsigned long long start;
	char path[128];
	FILE *file;
	int bar;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource", bdf);
	file = fopen(path, "r");
	if (!file)
		return -errno;
	for (bar = 0; bar < BARS; bar++) {
		if (fscanf(file, "%llx %*x %*x", &start) != 1)
			start = 0;
		facts->bar_start[bar] = start;
	}
	fclose(file);
	return 0;
}

/* The byte at @offset of this capability; 0 where it is not there. */
static unsigned int capability_byte(struct barlease_device *dev, uint8_t id,
				    unsigned int offset)
{
	uint8_t position = 0, header[2], value = 0;
	int i;

	barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, &position, 1,
			     PCI_CAPABILITY_LIST);
	for (i = 0; i < 48 && position; i++, position = header[1]) {
		if (barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					 header, 2, position) < 0)
			return 0;
		if (header[0] != id)
			continue;
		barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, &value,
				     1, position + offset);
		return value;
	}
	return 0;
}

static void ask(struct barlease_device *dev, struct device_facts *facts)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
	};
	struct barlease_region region;
	unsigned int bar;

	for (bar = 0; bar < BARS; bar++) {
		if (barlease_region_get(dev, bar, &region))
			continue;
		facts->bar_size[bar] = region.size;
		facts->bar_mappable[bar] = region.mappable;
	}
	ioctl(barlease_device_fd(dev), VFIO_DEVICE_GET_INFO, &info);
	facts->has_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	/* Bit 28 of the device capabilities. */
	facts->has_flr =
		capability_byte(dev, PCI_CAP_ID_EXP, PCI_EXP_DEVCAP + 3) & 0x10;
	/* The capability's version is not 0. */
	facts->has_power = capability_byte(dev, PCI_CAP_ID_PM, PCI_PM_PMC) & 7;
	facts->has_low_power =
		!ioctl(barlease_device_fd(dev), VFIO_DEVICE_FEATURE, &feature);
	facts->has_iommufd = !access("/dev/iommu", F_OK) &&
			     !access("/dev/vfio/devices", F_OK);
}

/* What some kernels lack, and machines without the modules of the tests. */
static const char *find_importers(void)
{
	const char *peer = getenv(PEER);

	if (module_load("barlease-test"))
		return "there is no module barlease-test";
	if (access("/sys/module/barlease_test/parameters/p2pdma", F_OK))
		return "the kernel lacks CONFIG_PCI_P2PDMA";
	if (!peer || device_bind_to(peer, PEER_DRIVER))
		return "no device that imports";
	/* Lessees are ordinary users. */
	return chmod(IMPORTER, 0666) ? "its file is missing" : NULL;
}

static int device_init(struct fuzz *fuzz, unsigned int number,
		       const char *variable)
{
	struct device *device = &fuzz->model.devices[number];
	const char *bdf = getenv(variable), *reason;
	struct barlease_device *dev;
	uint64_t size;
	int err;

	if (!bdf || !*bdf) {
		snprintf(fuzz->why, sizeof(fuzz->why), "no %s", variable);
		return -1;
	}
	err = barlease_device_open_by(bdf, BARLEASE_ANY_WAY, NULL, &dev,
				      &reason);
	if (!err)
		err = read_bar_starts(bdf, &device->facts);
	if (err) {
		snprintf(fuzz->why, sizeof(fuzz->why), "%s: %s", variable,
			 errno_name(err));
		return -1;
	}
	ask(dev, &device->facts);
	barlease_device_close(dev);

	fuzz->shared->bdf[number] = bdf;
	size = device->facts.bar_size[fuzz_bar(number)];
	fuzz->shared->bar_size[number] = size;
	if (number < RAM_DEVICES) {
		memset(fuzz->shared->dirty[number], true,
		       sizeof(fuzz->shared->dirty[number]));
		device->memory = malloc(size);
		if (!device->memory)
			abort();
	}
	printf("# device %u: %s, %s of %llu MiB%s%s%s%s\n", number, bdf,
	       device->memory ? "memory" : "registers",
	       (unsigned long long)size >> 20,
	       device->facts.has_reset ? ", reset" : "",
	       device->facts.has_flr ? ", flr" : "",
	       device->facts.has_power ? ", d3hot" : "",
	       device->facts.has_low_power ? ", low power" : "");
	return 0;
}

int fuzz_init(struct fuzz *fuzz)
{
	static const char *const variables[DEVICES] = {
		"BARLEASE_IVSHMEM",
		"BARLEASE_HOTPLUG",
		"BARLEASE_PAIR0",
		"BARLEASE_PAIR1",
	};
	char trouble[200];
	const char *reason;
	unsigned int i;

	memset(fuzz, 0, sizeof(*fuzz));
	fuzz->shared = mmap(NULL, sizeof(*fuzz->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuzz->shared == MAP_FAILED)
		abort();
	if (devices_bind_all(trouble, sizeof(trouble))) {
		snprintf(fuzz->why, sizeof(fuzz->why), "%s", trouble);
		return -1;
	}
	for (i = 0; i < DEVICES; i++)
		if (device_init(fuzz, i, variables[i]))
			return -1;
	reason = find_importers();
	fuzz->model.has_importers = !reason;
	if (reason)
		printf("# left out, all about importers: %s\n", reason);
	fuzz->model.has_host = getenv("BARLEASE_HOSTCALL");
	if (!fuzz->model.has_host)
		puts("# left out, removal: no BARLEASE_HOSTCALL");
	return 0;
}
