// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for QEMU's edu device, as far as it is a DMA engine: it copies
 * between a buffer of its own and a DMA address. Bound by driver_override.
 * Registers: QEMU's docs/specs/edu.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "parts.h"

#define EDU_DMA_SOURCE		0x80
#define EDU_DMA_TARGET		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_DMA_START		1
#define EDU_DMA_TO_MEMORY	2

#define EDU_BUFFER		0x40000	/* as its DMA engine addresses it */
#define EDU_BUFFER_SIZE		4096
#define EDU_DMA_BITS		28

/* A transfer takes the device 100 ms. */
#define EDU_TIMEOUT_MS		5000

/* Held from get to put, and while the device comes and goes. */
static DEFINE_MUTEX(edu_lock);
static struct pci_dev *edu;
static void __iomem *edu_registers;
static void *edu_page;			/* what goes in and out passes here */
static dma_addr_t edu_page_address;

struct device *edu_get(void)
{
	mutex_lock(&edu_lock);
	if (edu)
		return &edu->dev;
	mutex_unlock(&edu_lock);
	return NULL;
}

void edu_put(void)
{
	mutex_unlock(&edu_lock);
}

static void edu_set(unsigned int offset, u64 value)
{
	writel(lower_32_bits(value), edu_registers + offset);
	writel(upper_32_bits(value), edu_registers + offset + 4);
}

static void edu_start(u64 from, u64 to, size_t length, u32 command)
{
	edu_set(EDU_DMA_SOURCE, from);
	edu_set(EDU_DMA_TARGET, to);
	edu_set(EDU_DMA_COUNT, length);
	writel(command | EDU_DMA_START, edu_registers + EDU_DMA_COMMAND);
}

int edu_land(void)
{
	unsigned int ms;

	for (ms = 0; ms < EDU_TIMEOUT_MS; ms++) {
		if (!(readl(edu_registers + EDU_DMA_COMMAND) & EDU_DMA_START))
			return 0;
		usleep_range(1000, 2000);
	}
	return -ETIMEDOUT;
}

static int edu_run(u64 from, u64 to, size_t length, u32 command)
{
	edu_start(from, to, length, command);
	return edu_land();
}

int edu_read_from(dma_addr_t from, void *to, size_t length)
{
	int ret;

	if (length > EDU_BUFFER_SIZE)
		return -EINVAL;
	ret = edu_run(from, EDU_BUFFER, length, 0);
	if (!ret)
		ret = edu_run(EDU_BUFFER, edu_page_address, length,
			      EDU_DMA_TO_MEMORY);
	if (!ret)
		memcpy(to, edu_page, length);
	return ret;
}

int edu_launch(dma_addr_t to, const void *from, size_t length)
{
	int ret;

	if (length > EDU_BUFFER_SIZE)
		return -EINVAL;
	memcpy(edu_page, from, length);
	ret = edu_run(edu_page_address, EDU_BUFFER, length, 0);
	if (!ret)
		edu_start(EDU_BUFFER, to, length, EDU_DMA_TO_MEMORY);
	return ret;
}

int edu_write_to(dma_addr_t to, const void *from, size_t length)
{
	int ret = edu_launch(to, from, length);

	return ret ?: edu_land();
}

static int edu_set_up(struct pci_dev *pdev)
{
	int ret;

	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(EDU_DMA_BITS));
	if (ret)
		return ret;
	edu_registers = pci_iomap(pdev, 0, 0);
	if (!edu_registers)
		return -ENOMEM;
	edu_page = dma_alloc_coherent(&pdev->dev, EDU_BUFFER_SIZE,
				      &edu_page_address, GFP_KERNEL);
	if (!edu_page) {
		pci_iounmap(pdev, edu_registers);
		return -ENOMEM;
	}
	pci_set_master(pdev);
	return 0;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret;

	ret = pci_enable_device(pdev);
	if (ret)
		return ret;
	mutex_lock(&edu_lock);
	ret = edu ? -EBUSY : edu_set_up(pdev);
	if (!ret)
		edu = pdev;
	mutex_unlock(&edu_lock);
	if (ret)
		pci_disable_device(pdev);
	return ret;
}

static void edu_remove(struct pci_dev *pdev)
{
	mutex_lock(&edu_lock);
	edu = NULL;
	pci_clear_master(pdev);
	dma_free_coherent(&pdev->dev, EDU_BUFFER_SIZE, edu_page,
			  edu_page_address);
	pci_iounmap(pdev, edu_registers);
	mutex_unlock(&edu_lock);
	pci_disable_device(pdev);
}

static struct pci_driver edu_driver = {
	.name = "barlease-edu",
	.probe = edu_probe,
	.remove = edu_remove,
};

int edu_init(void)
{
	return pci_register_driver(&edu_driver);
}

void edu_exit(void)
{
	pci_unregister_driver(&edu_driver);
}
