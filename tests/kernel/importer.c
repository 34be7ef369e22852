// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "importer.h"

static void bind_peer(void)
{
	const char *bdf = device_bdf(PEER);
	char driver[64];

	ASSERT_OK(device_driver(bdf, driver, sizeof(driver)));
	if (!strcmp(driver, PEER_DRIVER))
		return;
	ASSERT_OK(device_unbind(bdf));
	ASSERT_OK(device_sysfs_write(bdf, "driver_override", PEER_DRIVER));
	ASSERT_OK(sysfs_write("/sys/bus/pci/drivers_probe", bdf));
}

int importer_open(void)
{
	if (module_load("barlease-test"))
		test_skip("no module barlease-test");
	bind_peer();
	ASSERT_OK(sysfs_write(ALLOW_PEERS, "Y"));
	return (int)ASSERT_SYS(open(IMPORTER, O_RDWR | O_CLOEXEC));
}

int importer_attach(int importer, int fd, uint32_t flags, int unmap_after)
{
	struct importer_attach attach = {
		.dmabuf_fd = fd,
		.flags = flags,
		.unmap_after = unmap_after,
	};

	return ioctl(importer, IMPORTER_ATTACH, &attach) ? -errno : 0;
}

int importer_map(int importer, struct importer_map *map)
{
	struct importer_map unused;

	return ioctl(importer, IMPORTER_MAP, map ? map : &unused) ? -errno : 0;
}

int importer_unmap(int importer)
{
	return ioctl(importer, IMPORTER_UNMAP) ? -errno : 0;
}

int importer_detach(int importer)
{
	return ioctl(importer, IMPORTER_DETACH) ? -errno : 0;
}

/* The kernels of today that cannot are built without this option. */
static bool kernel_has_p2pdma(void)
{
	return !access("/sys/module/barlease_test/parameters/p2pdma", F_OK);
}

bool importer_has_peers(void)
{
	return !module_load("barlease-test") && kernel_has_p2pdma();
}

void importer_needs_peers(void)
{
	close(importer_open());
	if (!kernel_has_p2pdma())
		test_skip("the kernel lacks CONFIG_PCI_P2PDMA");
}

int importer_start(int fd, int unmap_after)
{
	int importer;

	importer_needs_peers();
	importer = importer_open();
	ASSERT_OK(importer_attach(importer, fd, 0, unmap_after));
	ASSERT_OK(importer_map(importer, NULL));
	return importer;
}

static struct importer_state importer_state(int importer)
{
	struct importer_state state;

	ASSERT_SYS(ioctl(importer, IMPORTER_STATE, &state));
	return state;
}

void importer_unstick(int importer)
{
	ASSERT_SYS(ioctl(importer, IMPORTER_UNSTICK));
}

uint32_t importer_notified(int importer)
{
	return importer_state(importer).notified;
}

bool importer_mapped(int importer)
{
	return importer_state(importer).mapped;
}

static int transfer(int importer, unsigned long command, uint64_t offset,
		    bool write, uint32_t *value)
{
	struct importer_transfer transfer = {
		.offset = offset,
		.length = sizeof(*value),
		.write = write,
		.buffer = (uintptr_t)value,
	};

	return ioctl(importer, command, &transfer) ? -errno : 0;
}

int importer_read(int importer, uint64_t offset, uint32_t *value)
{
	return transfer(importer, IMPORTER_TRANSFER, offset, false, value);
}

int importer_write(int importer, uint64_t offset, uint32_t value)
{
	return transfer(importer, IMPORTER_TRANSFER, offset, true, &value);
}

void importer_launch(int importer, uint64_t offset, uint32_t value)
{
	ASSERT_OK(transfer(importer, IMPORTER_LAUNCH, offset, true, &value));
}

void importer_land(int importer)
{
	ASSERT_SYS(ioctl(importer, IMPORTER_LAND));
}
