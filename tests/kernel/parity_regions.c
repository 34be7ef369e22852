// SPDX-License-Identifier: MIT
/* Parity: reads, writes and mappings of the regions. */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness.h"
#include "parity.h"

/* VFIO gives each region 1 TiB of the offsets of the device fd. */
#define REGION_OFFSET(index) ((off_t)(index) << 40)

static void read_at(struct barlease_device *dev, struct transcript *transcript,
		    const char *what, unsigned int index, uint64_t offset,
		    size_t width)
{
	uint8_t bytes[64] = { 0 };
	char label[80];
	ssize_t got;

	got = pread(barlease_device_fd(dev), bytes, width,
		    REGION_OFFSET(index) + (off_t)offset);
	snprintf(label, sizeof(label), "%s: read %zu of region %u at %#llx",
		 what, width, index, (unsigned long long)offset);
	transcript_call(transcript, label, got);
	if (got > 0)
		transcript_bytes(transcript, label, offset, bytes, (size_t)got);
}

static void write_at(struct barlease_device *dev,
		     struct transcript *transcript, unsigned int index,
		     uint64_t offset, const void *bytes, size_t width)
{
	char label[80];

	snprintf(label, sizeof(label), "write %zu of region %u at %#llx", width,
		 index, (unsigned long long)offset);
	transcript_call(transcript, label,
			pwrite(barlease_device_fd(dev), bytes, width,
			       REGION_OFFSET(index) + (off_t)offset));
}

/* At the beginning, around the end, aligned and not, in every width. */
static void read_places(struct barlease_device *dev,
			struct transcript *transcript, const char *what,
			unsigned int index)
{
	static const size_t widths[] = { 0, 1, 2, 3, 4, 8, 16, 17, 64 };
	const uint64_t size = parity_region_size(dev, index);
	const uint64_t places[] = {
		0, 1, 2, 4, 7, 8, 0x100, size - 16, size - 8, size - 4,
		size - 3, size - 1, size, size + 4, 0xa0000, 0xb0000, 0xbfffc,
	};
	size_t i, j;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (j = 0; j < sizeof(widths) / sizeof(*widths); j++)
			read_at(dev, transcript, what, index, places[i],
				widths[j]);
}

/* The MSI-X table is not for user space: what is written there is lost. */
static void write_table(struct barlease_device *dev,
			struct transcript *transcript)
{
	static const uint32_t words[4] = { 0x11111111, 0x22222222, 0x33333333,
					   0x44444444 };
	uint32_t table;
	uint16_t at;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, &at,
				       1, PCI_CAPABILITY_LIST));
	for (at &= 0xfc; at; at = at >> 8 & 0xfc) {
		uint8_t position = (uint8_t)at;

		ASSERT_OK(barlease_region_read(dev,
					       VFIO_PCI_CONFIG_REGION_INDEX,
					       &at, 2, position));
		if ((at & 0xff) != PCI_CAP_ID_MSIX)
			continue;
		ASSERT_OK(barlease_region_read(dev,
					       VFIO_PCI_CONFIG_REGION_INDEX,
					       &table, 4,
					       position + PCI_MSIX_TABLE));
		write_at(dev, transcript, table & 7, table & ~7u, words,
			 sizeof(words));
		read_at(dev, transcript, "table", table & 7, table & ~7u, 16);
		write_at(dev, transcript, table & 7, (table & ~7u) + 2, words,
			 1);
		read_at(dev, transcript, "table", table & 7, table & ~7u, 16);
	}
}

/* Memory and I/O are given and taken by the command register. */
static void set_command(struct barlease_device *dev, uint16_t bits)
{
	uint16_t command;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX,
				       &command, 2, PCI_COMMAND));
	command &= (uint16_t)~(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	command |= bits;
	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					&command, 2, PCI_COMMAND));
}

void parity_regions(struct barlease_device *dev, struct transcript *transcript)
{
	static const char data[] = "sixteen bytes: abcdefghijklmnop";
	unsigned int index;

	set_command(dev, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	for (index = 0; index <= PARITY_REGIONS; index++)
		read_places(dev, transcript, "on", index);
	write_table(dev, transcript);

	/* Memory, and registers that keep what is written, as two of edu do. */
	for (index = 0; index < 6; index++) {
		write_at(dev, transcript, index, 4, data, 4);
		read_at(dev, transcript, "written", index, 0, 32);
		for (size_t width = 1; width <= 16; width *= 2) {
			write_at(dev, transcript, index, 0x80, data, width);
			write_at(dev, transcript, index, 0x81, data, width);
			read_at(dev, transcript, "written", index, 0x80, 32);
		}
		write_at(dev, transcript, index,
			 parity_region_size(dev, index) - 2, data, 4);
		write_at(dev, transcript, index, parity_region_size(dev, index),
			 data, 4);
	}
	for (index = VFIO_PCI_ROM_REGION_INDEX; index <= PARITY_REGIONS; index++)
		if (index != VFIO_PCI_CONFIG_REGION_INDEX)
			write_at(dev, transcript, index, 0, data, 4);

	set_command(dev, 0);
	for (index = 0; index <= PARITY_REGIONS; index++) {
		read_places(dev, transcript, "off", index);
		if (index < 6)
			write_at(dev, transcript, index, 4, data, 4);
	}
	set_command(dev, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
}

static void config_word(struct barlease_device *dev,
			struct transcript *transcript, unsigned int at)
{
	static const uint32_t values[] = { 0xffffffff, 0x55aa55aa, 0 };
	const unsigned int config = VFIO_PCI_CONFIG_REGION_INDEX;
	uint32_t before;
	size_t i;

	ASSERT_OK(barlease_region_read(dev, config, &before, 4, at));
	for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
		write_at(dev, transcript, config, at, &values[i], 4);
		read_at(dev, transcript, "config", config, at, 4);
	}
	write_at(dev, transcript, config, at + 1, &values[1], 1);
	write_at(dev, transcript, config, at + 2, &values[1], 2);
	read_at(dev, transcript, "config", config, at, 4);
	write_at(dev, transcript, config, at, &before, 4);
	read_at(dev, transcript, "config", config, at, 4);
}

void parity_config(struct barlease_device *dev, struct transcript *transcript)
{
	const unsigned int config = VFIO_PCI_CONFIG_REGION_INDEX;
	const uint64_t size = parity_region_size(dev, config);
	unsigned int at;

	for (at = 0; at < size; at += 64)
		read_at(dev, transcript, "all", config, at, 64);
	for (at = 0; at < 64; at++) {
		read_at(dev, transcript, "byte", config, at, 1);
		read_at(dev, transcript, "word", config, at, 2);
	}
	/* The header and all capabilities there are in the first 256 bytes. */
	for (at = 0; at < 256; at += 4)
		config_word(dev, transcript, at);
	for (at = 0x100; at < 0x180 && at < size; at += 4)
		config_word(dev, transcript, at);
	/* Back to full power and on, whatever was written on the way. */
	set_command(dev, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	for (at = 0; at < size; at += 64)
		read_at(dev, transcript, "after", config, at, 64);
}

static void map_at(struct barlease_device *dev, struct transcript *transcript,
		   unsigned int index, uint64_t offset, size_t length,
		   int prot, int flags)
{
	char label[100];
	void *map;

	map = mmap(NULL, length, prot, flags, barlease_device_fd(dev),
		   REGION_OFFSET(index) + (off_t)offset);
	snprintf(label, sizeof(label),
		 "mmap %#zx of region %u at %#llx, prot %d flags %d", length,
		 index, (unsigned long long)offset, prot, flags);
	transcript_call(transcript, label, map == MAP_FAILED ? -1 : 0);
	if (map != MAP_FAILED)
		munmap(map, length);
}

void parity_mmap(struct barlease_device *dev, struct transcript *transcript)
{
	static const int prots[] = { PROT_READ, PROT_WRITE,
				     PROT_READ | PROT_WRITE, PROT_EXEC };
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE };
	unsigned int index;
	size_t i, j;

	for (index = 0; index <= PARITY_REGIONS; index++) {
		uint64_t size = parity_region_size(dev, index);

		for (i = 0; i < sizeof(prots) / sizeof(*prots); i++) {
			for (j = 0; j < sizeof(kinds) / sizeof(*kinds); j++) {
				map_at(dev, transcript, index, 0, PAGE,
				       prots[i], kinds[j]);
				map_at(dev, transcript, index, 0, size,
				       prots[i], kinds[j]);
				map_at(dev, transcript, index, 0, size + PAGE,
				       prots[i], kinds[j]);
				map_at(dev, transcript, index, size, PAGE,
				       prots[i], kinds[j]);
			}
		}
	}
}

static void ioeventfd_ask(struct barlease_device *dev,
			  struct transcript *transcript, unsigned int index,
			  uint64_t offset, uint32_t flags, int event)
{
	const int fds[] = { event, event, -1, -1, -2, 0 };
	int device = barlease_device_fd(dev);
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = flags,
		.offset = (uint64_t)REGION_OFFSET(index) + offset,
	};
	char label[100];
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		request.fd = fds[i];
		snprintf(label, sizeof(label),
			 "ioeventfd of region %u at %#llx, flags %u, fd %zu",
			 index, (unsigned long long)offset, flags, i);
		transcript_call(transcript, label,
				ioctl(device, VFIO_DEVICE_IOEVENTFD, &request));
	}
}

void parity_ioeventfd(struct barlease_device *dev,
		      struct transcript *transcript)
{
	int event = (int)ASSERT_SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct vfio_device_ioeventfd request = { .argsz = sizeof(request) };
	static const uint64_t offsets[] = { 0, 2, 4, 8, 0x2000, 0x7ffff000 };
	static const uint32_t flags[] = { 0, 1, 2, 4, 8, 12, 16 };
	int device = barlease_device_fd(dev);
	unsigned int index;
	size_t i, j;

	for (index = 0; index <= PARITY_REGIONS; index++)
		for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
			for (j = 0; j < sizeof(flags) / sizeof(*flags); j++)
				ioeventfd_ask(dev, transcript, index,
					      offsets[i], flags[j], event);
	request.argsz = 8;
	transcript_call(transcript, "ioeventfd of nothing",
			ioctl(device, VFIO_DEVICE_IOEVENTFD, &request));
	close(event);
}
