// SPDX-License-Identifier: MIT
/*
 * Whatever a device is asked for, it answers as if it were bound to vfio-pci:
 * the same calls are made with one driver and with the other, and everything
 * that comes back is compared.
 */
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "harness.h"
#include "parity.h"
#include "sriov.h"

static void (*const probes[])(struct barlease_device *dev,
			      struct transcript *transcript) = {
	parity_regions, parity_info,	 parity_mmap,	parity_ioeventfd,
	parity_irqs,	parity_features, parity_ioctls, parity_config,
};

static void interview(const char *bdf, const char *driver, const char *token,
		      struct transcript *transcript)
{
	struct transcript scrap = { 0 };
	struct barlease_device *dev;
	size_t i;

	ASSERT_OK(device_bind_to(bdf, driver));
	/* Once for nothing: some devices keep what is written for ever. */
	dev = sriov_open(bdf, token);
	parity_regions(dev, &scrap);
	free(scrap.text);
	barlease_device_close(dev);

	dev = sriov_open(bdf, token);
	for (i = 0; i < sizeof(probes) / sizeof(*probes); i++)
		probes[i](dev, transcript);
	barlease_device_close(dev);
}

static void assert_parity(const char *bdf, const char *token)
{
	struct transcript stock = { 0 }, ours = { 0 };

	ASSERT_OK(module_load("vfio-pci"));
	interview(bdf, "vfio-pci", token, &stock);
	interview(bdf, DRIVER_NAME, token, &ours);
	transcripts_compare(bdf, &stock, &ours);
}

#define PARITY(name_, device)                                                  \
	TEST_LONG(name_##_answers_as_with_vfio_pci, 300)                       \
	{                                                                      \
		assert_parity(device_bdf(device), NULL);                       \
	}

PARITY(parity_memory_of_the_host, IVSHMEM)
PARITY(parity_nvme, NVME)
PARITY(parity_huge_bar_and_io_ports, TESTDEV)
PARITY(parity_virtio, VIRTIO_BLK)
PARITY(parity_edu, EDU)
PARITY(parity_display, DISPLAY)
PARITY(parity_function_of_a_pair, PAIR1)
PARITY(parity_pf, SRIOV)
PARITY(parity_nic_with_a_rom, NIC)

TEST_LONG(parity_vf_answers_as_with_vfio_pci, 300)
{
	struct barlease_device *pf = sriov_open(sriov_start(), TOKEN);

	assert_parity(sriov_vf(0), TOKEN);
	barlease_device_close(pf);
	sriov_stop();
}
