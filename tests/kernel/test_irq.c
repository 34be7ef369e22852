// SPDX-License-Identifier: MIT
/* Interrupts that a device really raises arrive at the eventfds. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"
#include "irq.h"
#include "touch.h"

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX

/* The edu device with INTx wired. */
struct line {
	struct barlease_device *dev;
	int event;
};

static void line_open(struct line *line)
{
	line->dev = device_open(EDU);
	line->event = event_make();
	ASSERT_SYS(irq_wire(line->dev, INTX, 0, line->event));
	event_expect_none(line->event);
}

TEST(intx_arrives_once_and_is_masked_until_it_is_unmasked)
{
	struct line line;

	line_open(&line);
	edu_raise(line.dev);
	event_expect(line.event, 1);

	/* The device still raises it, so that it comes again at once. */
	irq_act(line.dev, INTX, VFIO_IRQ_SET_ACTION_UNMASK);
	event_expect(line.event, 1);

	edu_acknowledge(line.dev);
	irq_act(line.dev, INTX, VFIO_IRQ_SET_ACTION_UNMASK);
	event_expect_none(line.event);
	edu_raise(line.dev);
	event_expect(line.event, 1);
	edu_acknowledge(line.dev);
}

TEST(intx_is_unmasked_by_an_eventfd)
{
	const uint64_t one = 1;
	struct line line;
	int unmask;

	line_open(&line);
	unmask = event_make();
	irq_wire_unmask(line.dev, unmask);
	edu_raise(line.dev);
	event_expect(line.event, 1);
	ASSERT_SYS(write(unmask, &one, sizeof(one)));
	event_expect(line.event, 1);
	edu_acknowledge(line.dev);
	ASSERT_SYS(write(unmask, &one, sizeof(one)));
	event_expect_none(line.event);

	edu_raise(line.dev);
	event_expect(line.event, 1);
	irq_wire_unmask(line.dev, -1);
	ASSERT_SYS(write(unmask, &one, sizeof(one)));
	event_expect_none(line.event);
	edu_acknowledge(line.dev);
}

TEST(intx_is_held_back_while_it_is_masked)
{
	struct line line;

	line_open(&line);
	irq_act(line.dev, INTX, VFIO_IRQ_SET_ACTION_MASK);
	edu_raise(line.dev);
	event_expect_none(line.event);
	irq_act(line.dev, INTX, VFIO_IRQ_SET_ACTION_UNMASK);
	event_expect(line.event, 1);
	edu_acknowledge(line.dev);
}

TEST(intx_that_is_wired_anew_arrives_at_the_new_place)
{
	struct line line;
	int other;

	line_open(&line);
	other = event_make();
	ASSERT_SYS(irq_wire(line.dev, INTX, 0, other));
	edu_raise(line.dev);
	event_expect(other, 1);
	event_expect_none(line.event);
	edu_acknowledge(line.dev);
}

TEST(msi_arrives_each_time)
{
	struct barlease_device *dev = device_open(EDU);
	int event = event_make();

	irq_allow_msi(dev);
	ASSERT_SYS(irq_wire(dev, MSI, 0, event));
	edu_raise(dev);
	event_expect(event, 1);
	edu_raise(dev);
	event_expect(event, 1);
	edu_acknowledge(dev);

	/* Not two kinds at a time. */
	ASSERT_ERRNO(irq_wire(dev, INTX, 0, event), EINVAL);
}

TEST(msix_vectors_arrive_at_their_own_eventfds)
{
	struct barlease_device *dev = device_open(NIC);
	struct {
		struct vfio_irq_set set;
		int32_t fd[3];
	} all = {
		.set = {
			.argsz = sizeof(all),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = MSIX,
			.count = 3,
		},
		.fd = { event_make(), event_make(), event_make() },
	};
	int i, j;

	irq_allow_msi(dev);
	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_SET_IRQS, &all));
	nic_prepare(dev);
	/* With its first interrupt the NIC tells of more than that one. */
	nic_raise(dev, 0);
	event_expect_some(all.fd[0]);
	sleep_ms(1000);
	for (i = 0; i < 3; i++)
		event_drain(all.fd[i]);
	for (i = 0; i < 3; i++) {
		nic_raise(dev, (unsigned int)i);
		for (j = 0; j < 3; j++)
			if (j == i)
				event_expect_some(all.fd[j]);
			else
				event_expect_none(all.fd[j]);
	}
}

TEST(msix_vector_is_added_while_another_is_in_use)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = MSIX };
	struct barlease_device *dev = device_open(NIC);
	int first = event_make(), third = event_make();

	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_GET_IRQ_INFO,
			 &info));
	if (info.flags & VFIO_IRQ_INFO_NORESIZE)
		test_skip("the kernel cannot add MSI-X vectors one by one");

	irq_allow_msi(dev);
	ASSERT_SYS(irq_wire(dev, MSIX, 0, first));
	nic_prepare(dev);
	nic_raise(dev, 0);
	event_expect_some(first);

	ASSERT_SYS(irq_wire(dev, MSIX, 2, third));
	nic_raise(dev, 2);
	event_expect_some(third);
	nic_raise(dev, 0);
	event_expect_some(first);
	event_expect_none(third);

	/* And taken away again. */
	ASSERT_SYS(irq_wire(dev, MSIX, 2, -1));
	nic_raise(dev, 2);
	event_expect_none(third);
	nic_raise(dev, 0);
	event_expect_some(first);
}

TEST(request_event_asks_the_lessor_to_let_go)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct barlease_device *dev = device_open(IVSHMEM);
	int event = event_make();
	int status;
	pid_t pid;

	ASSERT_SYS(irq_wire(dev, VFIO_PCI_REQ_IRQ_INDEX, 0, event));
	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid) {
		ASSERT_SYS(close_range(3, ~0U, 0));
		_exit(device_unbind(bdf) ? 1 : 0);
	}
	event_expect(event, 1);
	ASSERT_EQ(ASSERT_SYS(waitpid(pid, &status, WNOHANG)), 0);
	barlease_device_close(dev);
	ASSERT_SYS(waitpid(pid, &status, 0));
	ASSERT_EQ(status, 0);
	ASSERT_OK(device_bind(bdf));
}

/* What aer_inject takes; it then acts as the port does for such an error. */
struct injection {
	uint8_t bus, device, function;
	uint32_t uncorrectable, correctable;
	uint32_t header[4];
	uint32_t domain;
};

#define AER_COMPLETION_TIMEOUT 0x4000

TEST(error_event_tells_the_lessor_and_ends_no_lease)
{
	const char *bdf = device_bdf(NIC);
	struct injection error = { .uncorrectable = AER_COMPLETION_TIMEOUT };
	struct barlease_device *dev = device_open(NIC);
	unsigned int domain, bus, slot, function;
	int event = event_make();
	uint32_t *map;
	int fd, inject;

	module_load("aer_inject");
	inject = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);
	if (inject < 0)
		test_skip("the kernel lacks aer_inject");
	ASSERT_EQ(sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot, &function),
		  4);
	error.domain = domain;
	error.bus = (uint8_t)bus;
	error.device = (uint8_t)slot;
	error.function = (uint8_t)function;

	fd = lease_export(dev, 0, 0, PAGE);
	map = lease_map_rw(fd, 0, PAGE);
	ASSERT_SYS(irq_wire(dev, VFIO_PCI_ERR_IRQ_INDEX, 0, event));
	event_expect_none(event);
	ASSERT_EQ(ASSERT_SYS(write(inject, &error, sizeof(error))),
		  sizeof(error));
	event_expect(event, 1);
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
}

TEST(ioeventfd_writes_its_word_to_the_bar)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int event = event_make();
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = ((uint64_t)RAM_BAR << 40) + 0x3000,
		.fd = event,
	};
	const uint64_t one = 1;
	long long end = now_ms() + patience_ms(5000);

	request.data = ram_fresh(dev, 0x3000);
	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_IOEVENTFD,
			 &request));
	ASSERT_SYS(write(event, &one, sizeof(one)));
	while (ram_read(dev, 0x3000) != request.data)
		ASSERT_COMPARE(now_ms(), <, end);
}
