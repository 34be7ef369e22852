// SPDX-License-Identifier: MIT
#include "irq.h"

#include <linux/pci_regs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness.h"

#define SOON_MS patience_ms(20000)
/* What has not come by then will not come. */
#define SILENCE_MS 100
/* Longer, where what comes later would be taken for something else. */
#define DRAINED_MS 500

int event_make(void)
{
	return (int)ASSERT_SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void event_expect(int event, uint64_t count)
{
	struct pollfd ready = { .fd = event, .events = POLLIN };
	long long end = now_ms() + SOON_MS;
	uint64_t total = 0, found;

	while (total < count) {
		ASSERT_COMPARE(now_ms(), <, end);
		ASSERT_SYS(poll(&ready, 1, SILENCE_MS));
		if (read(event, &found, sizeof(found)) == sizeof(found))
			total += found;
	}
	ASSERT_EQ(total, count);
	event_expect_none(event);
}

void event_expect_none(int event)
{
	struct pollfd ready = { .fd = event, .events = POLLIN };

	ASSERT_EQ(ASSERT_SYS(poll(&ready, 1, SILENCE_MS)), 0);
}

void event_expect_some(int event)
{
	struct pollfd ready = { .fd = event, .events = POLLIN };

	ASSERT_EQ(ASSERT_SYS(poll(&ready, 1, (int)SOON_MS)), 1);
	event_drain(event);
}

void event_drain(int event)
{
	struct pollfd ready = { .fd = event, .events = POLLIN };
	uint64_t found;

	while (ASSERT_SYS(poll(&ready, 1, DRAINED_MS)))
		ASSERT_SYS(read(event, &found, sizeof(found)));
}

static int wire(struct barlease_device *dev, uint32_t index, uint32_t vector,
		uint32_t action, int event)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} request = {
		.set = {
			.argsz = sizeof(request),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
			.index = index,
			.start = vector,
			.count = 1,
		},
		.fd = event,
	};

	return ioctl(barlease_device_fd(dev), VFIO_DEVICE_SET_IRQS, &request);
}

int irq_wire(struct barlease_device *dev, uint32_t index, uint32_t vector,
	     int event)
{
	return wire(dev, index, vector, VFIO_IRQ_SET_ACTION_TRIGGER, event);
}

void irq_wire_unmask(struct barlease_device *dev, int event)
{
	ASSERT_SYS(wire(dev, VFIO_PCI_INTX_IRQ_INDEX, 0,
			VFIO_IRQ_SET_ACTION_UNMASK, event));
}

void irq_act(struct barlease_device *dev, uint32_t index, uint32_t action)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = index,
		.count = 1,
	};

	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_SET_IRQS, &set));
}

void irq_allow_msi(struct barlease_device *dev)
{
	uint16_t command;

	ASSERT_OK(barlease_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX,
				       &command, sizeof(command),
				       PCI_COMMAND));
	command |= PCI_COMMAND_MASTER;
	ASSERT_OK(barlease_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX,
					&command, sizeof(command),
					PCI_COMMAND));
}

static void register_write(struct barlease_device *dev, uint64_t offset,
			   uint32_t value)
{
	ASSERT_OK(barlease_region_write(dev, 0, &value, sizeof(value), offset));
}

/* QEMU's docs/specs/edu: raise and acknowledge take the same bits. */
#define EDU_RAISE 0x60
#define EDU_ACKNOWLEDGE 0x64

void edu_raise(struct barlease_device *dev)
{
	register_write(dev, EDU_RAISE, 1);
}

void edu_acknowledge(struct barlease_device *dev)
{
	register_write(dev, EDU_ACKNOWLEDGE, 1);
}

/* Intel 82574 data sheet, section 10.2.4 */
#define NIC_CAUSES 0xc0		/* written: no longer raised */
#define NIC_RAISE 0xc8
#define NIC_ALLOW 0xd0
#define NIC_VECTORS 0xe4	/* of each cause, 4 bits: vector, valid */

/* The causes whose vectors are in the lowest bits of NIC_VECTORS. */
#define NIC_CAUSE(vector) (1u << (20 + (vector)))

void nic_prepare(struct barlease_device *dev)
{
	register_write(dev, NIC_CAUSES, 0xffffffff);
	register_write(dev, NIC_VECTORS, 0xa98);
	register_write(dev, NIC_ALLOW, NIC_CAUSE(0) | NIC_CAUSE(1) |
		       NIC_CAUSE(2));
}

void nic_raise(struct barlease_device *dev, unsigned int vector)
{
	register_write(dev, NIC_RAISE, NIC_CAUSE(vector));
	register_write(dev, NIC_CAUSES, NIC_CAUSE(vector));
}
