// SPDX-License-Identifier: MIT
#include "sriov.h"

#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"

void sriov_permit(const char *module, const char *value)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/enable_sriov",
		 module);
	err = sysfs_write(path, value);
	if (err == -ENOENT)
		test_skip("the kernel lacks SR-IOV (CONFIG_PCI_IOV)");
	ASSERT_OK(err);
}

int sriov_set_vfs(const char *text)
{
	return device_sysfs_write(device_bdf(SRIOV), "sriov_numvfs", text);
}

void sriov_allow_reset(bool allow)
{
	ASSERT_OK(device_sysfs_write(device_bdf(SRIOV), "reset_method",
				     allow ? "default" : "\n"));
}

/* The SR-IOV capability, where QEMU's nvme has it. */
#define CAPABILITY 0x120

void sriov_revive(void)
{
	const uint16_t count = SRIOV_VFS;
	uint32_t header;
	uint16_t control;
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config",
		 device_bdf(SRIOV));
	fd = (int)ASSERT_SYS(open(path, O_RDWR | O_CLOEXEC));
	ASSERT_EQ(pread(fd, &header, sizeof(header), CAPABILITY),
		  sizeof(header));
	ASSERT_EQ(PCI_EXT_CAP_ID(header), PCI_EXT_CAP_ID_SRIOV);
	ASSERT_EQ(pread(fd, &control, sizeof(control),
			CAPABILITY + PCI_SRIOV_CTRL), sizeof(control));
	control &= (uint16_t)~PCI_SRIOV_CTRL_VFE;
	ASSERT_EQ(pwrite(fd, &control, sizeof(control),
			 CAPABILITY + PCI_SRIOV_CTRL), sizeof(control));
	ASSERT_EQ(pwrite(fd, &count, sizeof(count),
			 CAPABILITY + PCI_SRIOV_NUM_VF), sizeof(count));
	control |= PCI_SRIOV_CTRL_VFE;
	ASSERT_EQ(pwrite(fd, &control, sizeof(control),
			 CAPABILITY + PCI_SRIOV_CTRL), sizeof(control));
	close(fd);
}

const char *sriov_start(void)
{
	const char *pf = device_bdf(SRIOV);

	sriov_allow_reset(false);
	sriov_permit(MODULE_SYSFS_NAME, "Y");
	/* A test that failed has left them. */
	ASSERT_OK(sriov_set_vfs("0"));
	ASSERT_OK(sriov_set_vfs("2"));
	return pf;
}

void sriov_stop(void)
{
	ASSERT_OK(sriov_set_vfs("0"));
	sriov_permit(MODULE_SYSFS_NAME, "N");
	sriov_allow_reset(true);
}

const char *sriov_vf(unsigned int index)
{
	static char bdf[SRIOV_VFS][BARLEASE_BDF_MAX];
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t length;

	ASSERT_COMPARE(index, <, SRIOV_VFS);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn%u",
		 device_bdf(SRIOV), index);
	length = ASSERT_SYS(readlink(path, target, sizeof(target) - 1));
	target[length] = '\0';
	ASSERT_OK(barlease_bdf_parse(strrchr(target, '/') + 1, bdf[index]));
	return bdf[index];
}

struct barlease_device *sriov_open(const char *bdf, const char *token)
{
	enum barlease_way way = device_way;
	struct barlease_device *dev = NULL;

	/* Before 6.17 a token is taken by group alone. */
	if (way == BARLEASE_BY_IOMMUFD)
		way = BARLEASE_ANY_WAY;
	ASSERT_OK(barlease_device_open_by(bdf, way, token, &dev, NULL));
	ASSERT_OK(barlease_device_set_memory(dev, true));
	return dev;
}
