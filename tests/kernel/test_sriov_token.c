// SPDX-License-Identifier: MIT
/* VFs of a function of ours, and the token that they are opened with. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "cdev.h"
#include "harness.h"
#include "sriov.h"

static void refused_by(enum barlease_way way, const char *bdf,
		       const char *token, int error)
{
	struct barlease_device *dev = NULL;

	ASSERT_ERROR(barlease_device_open_by(bdf, way, token, &dev, NULL),
		     error);
}

static void refused(const char *bdf, const char *token, int error)
{
	refused_by(BARLEASE_ANY_WAY, bdf, token, error);
}

TEST(sriov_vfs_are_made_only_when_it_is_permitted)
{
	const char *pf = sriov_start();
	char path[100];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn0", pf);
	ASSERT_EQ(access(path, F_OK), 0);
	sriov_stop();
	ASSERT_ERROR(sriov_set_vfs("2"), ENOENT);
	ASSERT_EQ(access(path, F_OK), -1);
}

TEST(sriov_vfs_are_bound_to_the_driver_of_their_pf)
{
	unsigned int i;
	char name[64];

	sriov_start();
	for (i = 0; i < SRIOV_VFS; i++) {
		ASSERT_OK(device_driver(sriov_vf(i), name, sizeof(name)));
		ASSERT_EQ(strcmp(name, DRIVER_NAME), 0);
	}
	sriov_stop();
}

TEST(sriov_vf_opens_with_the_token_of_its_pf_and_no_other)
{
	struct barlease_device *pf = sriov_open(sriov_start(), TOKEN);
	struct barlease_device *vf[SRIOV_VFS];
	unsigned int i;

	for (i = 0; i < SRIOV_VFS; i++) {
		refused(sriov_vf(i), NULL, ENOKEY);
		refused(sriov_vf(i), OTHER_TOKEN, EKEYREJECTED);
		vf[i] = sriov_open(sriov_vf(i), TOKEN);
	}
	for (i = 0; i < SRIOV_VFS; i++)
		barlease_device_close(vf[i]);
	barlease_device_close(pf);
	sriov_stop();
}

TEST(sriov_vf_opens_with_no_token_before_one_is_set)
{
	/* Earlier tests have set one, which lasts until the driver goes. */
	ASSERT_OK(device_unbind(device_bdf(SRIOV)));
	ASSERT_OK(device_bind(device_bdf(SRIOV)));
	sriov_start();
	refused(sriov_vf(0), NULL, ENOKEY);
	refused(sriov_vf(0), TOKEN, EKEYREJECTED);
	refused(sriov_vf(0), "00000000-0000-0000-0000-000000000000",
		EKEYREJECTED);
	sriov_stop();
}

TEST(sriov_token_outlives_the_opening_of_the_pf)
{
	const char *pf = sriov_start();

	barlease_device_close(sriov_open(pf, TOKEN));
	barlease_device_close(sriov_open(sriov_vf(0), TOKEN));
	barlease_device_close(sriov_open(pf, OTHER_TOKEN));
	refused(sriov_vf(0), TOKEN, EKEYREJECTED);
	barlease_device_close(sriov_open(sriov_vf(0), OTHER_TOKEN));
	sriov_stop();
}

TEST(sriov_token_is_set_by_the_feature)
{
	static uint8_t uuid[16] = {
		0x14, 0xe4, 0x6a, 0x3d, 0x8d, 0x1c, 0x4b, 0x23,
		0x9c, 0x61, 0x2f, 0x3a, 0x5d, 0x7c, 0xba, 0x9e,
	};
	const uint32_t set = VFIO_DEVICE_FEATURE_SET |
			     VFIO_DEVICE_FEATURE_PCI_VF_TOKEN;
	struct barlease_device *pf = sriov_open(sriov_start(), NULL);
	struct barlease_device *vf;

	ASSERT_SYS(device_feature(pf, VFIO_DEVICE_FEATURE_PROBE | set, NULL,
				  0));
	ASSERT_ERRNO(device_feature(pf, VFIO_DEVICE_FEATURE_PROBE |
				    VFIO_DEVICE_FEATURE_GET |
				    VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, NULL, 0),
		     EINVAL);
	ASSERT_SYS(device_feature(pf, set, uuid, sizeof(uuid)));
	vf = sriov_open(sriov_vf(0), TOKEN);

	/* A VF has none that could be set. */
	ASSERT_ERRNO(device_feature(vf, set, uuid, sizeof(uuid)), ENOTTY);
	barlease_device_close(vf);
	barlease_device_close(pf);
	sriov_stop();
}

TEST(sriov_pf_with_a_vf_in_use_opens_with_the_token_alone)
{
	const char *pf_bdf = sriov_start();
	struct barlease_device *pf = sriov_open(pf_bdf, TOKEN);
	struct barlease_device *vf = sriov_open(sriov_vf(0), TOKEN);

	barlease_device_close(pf);
	refused(pf_bdf, NULL, ENOKEY);
	refused(pf_bdf, OTHER_TOKEN, EKEYREJECTED);
	barlease_device_close(sriov_open(pf_bdf, TOKEN));

	barlease_device_close(vf);
	barlease_device_close(sriov_open(pf_bdf, NULL));
	sriov_stop();
}

TEST(sriov_token_is_refused_by_a_function_without_vfs)
{
	refused(device_bdf(IVSHMEM), TOKEN, EINVAL);
}

TEST(sriov_device_files_open_for_nobody_without_the_token)
{
	struct barlease_device *pf, *vf;
	const char *pf_bdf, *vf_bdf;

	if (!have_iommufd())
		test_skip("this kernel has no iommufd with VFIO device files");
	pf_bdf = sriov_start();
	vf_bdf = sriov_vf(0);
	refused_by(BARLEASE_BY_IOMMUFD, vf_bdf, NULL, ENOKEY);
	pf = sriov_open(pf_bdf, TOKEN);
	refused_by(BARLEASE_BY_IOMMUFD, vf_bdf, NULL, ENOKEY);

	/* By group where the kernel takes no token otherwise. */
	vf = sriov_open(vf_bdf, TOKEN);
	barlease_device_close(pf);
	refused_by(BARLEASE_BY_IOMMUFD, pf_bdf, NULL, ENOKEY);
	barlease_device_close(vf);
	pf = device_open_by(SRIOV, BARLEASE_BY_IOMMUFD);
	barlease_device_close(pf);
	sriov_stop();
}

/* The PF at one driver, its VF at the other one. */
static void with_drivers(const char *pf_driver, const char *pf_module,
			 const char *vf_driver)
{
	const char *pf_bdf = sriov_start();
	struct barlease_device *pf, *vf;
	const char *vf_bdf;

	ASSERT_OK(sriov_set_vfs("0"));
	ASSERT_OK(module_load("vfio-pci"));
	ASSERT_OK(device_bind_to(pf_bdf, pf_driver));
	sriov_permit(pf_module, "Y");
	ASSERT_OK(sriov_set_vfs("2"));
	vf_bdf = sriov_vf(0);
	ASSERT_OK(device_bind_to(vf_bdf, vf_driver));

	/* By iommufd, vfio-pci itself asks for no token before 6.17. */
	refused_by(BARLEASE_BY_GROUP, vf_bdf, NULL, ENOKEY);
	pf = sriov_open(pf_bdf, TOKEN);
	refused_by(BARLEASE_BY_GROUP, vf_bdf, OTHER_TOKEN, EKEYREJECTED);
	vf = sriov_open(vf_bdf, TOKEN);
	barlease_device_close(pf);
	refused_by(BARLEASE_BY_GROUP, pf_bdf, NULL, ENOKEY);
	barlease_device_close(vf);

	ASSERT_OK(sriov_set_vfs("0"));
	sriov_permit(pf_module, "N");
	ASSERT_OK(device_bind(pf_bdf));
	sriov_stop();
}

TEST_LONG(sriov_token_of_a_pf_of_vfio_pci_holds_for_a_vf_of_ours, 90)
{
	with_drivers("vfio-pci", "vfio_pci", DRIVER_NAME);
}

TEST_LONG(sriov_token_of_a_pf_of_ours_holds_for_a_vf_of_vfio_pci, 90)
{
	with_drivers(DRIVER_NAME, MODULE_SYSFS_NAME, "vfio-pci");
}
