// SPDX-License-Identifier: MIT
#include "dev_folder.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vfio/cdev.h"
#include "harness.h"

#define FOLDER "/tmp/dev"

void dev_folder_make(void)
{
	ASSERT_SYS(unshare(CLONE_NEWNS));
	ASSERT_SYS(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (mkdir(FOLDER, 0755) < 0)
		ASSERT_EQ(errno, EEXIST);
	ASSERT_SYS(mount("none", FOLDER, "tmpfs", 0, "mode=0755"));
	ASSERT_SYS(mkdir(FOLDER "/vfio", 0755));
	ASSERT_SYS(mkdir(FOLDER "/vfio/devices", 0755));
}

void dev_folder_add(const char *name, mode_t mode)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "/dev/%s", name);
	if (stat(path, &status) < 0)
		return;
	snprintf(path, sizeof(path), FOLDER "/%s", name);
	ASSERT_SYS(mknod(path, S_IFCHR | mode, status.st_rdev));
	/* Whatever the umask is. */
	ASSERT_SYS(chmod(path, mode));
}

void dev_folder_add_cdev(const char *bdf, mode_t mode)
{
	struct cdev cdev;
	char name[64];

	if (cdev_find("/sys", bdf, &cdev))
		return;
	snprintf(name, sizeof(name), "vfio/devices/%s", cdev.name);
	dev_folder_add(name, mode);
}

void dev_folder_add_group(const char *bdf, mode_t mode)
{
	char path[PATH_MAX], link[PATH_MAX] = "", name[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 bdf);
	ASSERT_SYS(readlink(path, link, sizeof(link) - 1));
	snprintf(name, sizeof(name), "vfio/%.32s", strrchr(link, '/') + 1);
	dev_folder_add(name, mode);
}

void dev_folder_use(void)
{
	ASSERT_SYS(mount(FOLDER, "/dev", NULL, MS_MOVE, NULL));
}
