// SPDX-License-Identifier: MIT
#include "footprint.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "aftermath.h"
#include "device.h"
#include "harness.h"

/* Adds up what debugfs says of the leases of a function. */
static void count_leases(struct footprint *footprint, const char *bdf)
{
	char path[PATH_MAX], line[32768];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/barlease/%s/leases",
		 bdf);
	file = fopen(path, "re");
	if (!file) {
		footprint->leases = -1;
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		int mappings, importers;

		/* lease bar ranges access attribute state ... */
		if (sscanf(line, "%*u %*u %*s %*s %*s %*s %d %d", &mappings,
			   &importers) != 2)
			continue;
		footprint->leases++;
		footprint->mappings += mappings;
		footprint->importers += importers;
	}
	fclose(file);
}

/* -1 where there is no such file. */
static int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int number;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

static int runtime_usage(const char *bdf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/power/runtime_usage", bdf);
	return read_number(path);
}

/* The debugging of DMA knows. */
static int dma_mappings(void)
{
	return read_number("/sys/kernel/debug/dma-api/nr_total_entries") -
	       read_number("/sys/kernel/debug/dma-api/num_free_entries");
}

void footprint_take(struct footprint *footprint, const char *device)
{
	const char *bdf = device_bdf(device);

	*footprint = (struct footprint){
		.device = device,
		.fds = count_fds(),
		.dmabufs = module_dmabufs(),
		.references = module_references(),
		.power = runtime_usage(bdf),
		.dma = dma_mappings(),
	};
	count_leases(footprint, bdf);
}

void footprint_assert_same(const struct footprint *before)
{
	struct footprint now;

	footprint_take(&now, before->device);
	ASSERT_EQ(now.fds, before->fds);
	ASSERT_EQ(now.leases, before->leases);
	ASSERT_EQ(now.mappings, before->mappings);
	ASSERT_EQ(now.importers, before->importers);
	ASSERT_EQ(now.dmabufs, before->dmabufs);
	ASSERT_EQ(now.references, before->references);
	ASSERT_EQ(now.power, before->power);
	ASSERT_EQ(now.dma, before->dma);
}
