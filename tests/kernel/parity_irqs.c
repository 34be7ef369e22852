// SPDX-License-Identifier: MIT
/* Parity: what can be asked of the interrupts, and the features. */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness.h"
#include "parity.h"

#define IRQ_FDS 4

struct irq_request {
	struct vfio_irq_set set;
	union {
		int32_t fds[IRQ_FDS];
		uint8_t bools[IRQ_FDS * 4];
	};
};

static void irqs_off(struct barlease_device *dev, uint32_t index)
{
	struct vfio_irq_set off = {
		.argsz = sizeof(off),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
	};

	/* That there is none is an answer, too. */
	ioctl(barlease_device_fd(dev), VFIO_DEVICE_SET_IRQS, &off);
}

/* With the kind of interrupt off, and with one vector on. */
static void irq_ask(struct barlease_device *dev, struct transcript *transcript,
		    struct irq_request *request, int event, bool on)
{
	struct irq_request first = {
		.set = {
			.argsz = sizeof(first),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = request->set.index,
			.count = 1,
		},
		.fds = { event },
	};
	int device = barlease_device_fd(dev);
	char label[100];

	if (on)
		ioctl(device, VFIO_DEVICE_SET_IRQS, &first);
	snprintf(label, sizeof(label),
		 "irq %u flags %#x start %u count %u argsz %u, %s",
		 request->set.index, request->set.flags, request->set.start,
		 request->set.count, request->set.argsz, on ? "on" : "off");
	transcript_call(transcript, label,
			ioctl(device, VFIO_DEVICE_SET_IRQS, request));
	irqs_off(dev, request->set.index);
}

static void irq_ask_ranges(struct barlease_device *dev,
			   struct transcript *transcript, uint32_t index,
			   uint32_t flags, int event)
{
	static const uint32_t ranges[][2] = {
		{ 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 1 }, { 3, 1 }, { 0, 4000 },
		{ 4000, 1 }, { 0xffffffff, 1 },
	};
	struct irq_request request;
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		memset(&request, 0, sizeof(request));
		request.set.argsz = sizeof(request);
		request.set.flags = flags;
		request.set.index = index;
		request.set.start = ranges[i][0];
		request.set.count = ranges[i][1];
		if ((flags & VFIO_IRQ_SET_DATA_TYPE_MASK) ==
		    VFIO_IRQ_SET_DATA_EVENTFD) {
			request.fds[0] = event;
			request.fds[1] = -1;
		}
		irq_ask(dev, transcript, &request, event, false);
		irq_ask(dev, transcript, &request, event, true);
	}
}

void parity_irqs(struct barlease_device *dev, struct transcript *transcript)
{
	static const uint32_t data[] = {
		0, VFIO_IRQ_SET_DATA_NONE, VFIO_IRQ_SET_DATA_BOOL,
		VFIO_IRQ_SET_DATA_EVENTFD,
		VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_DATA_BOOL, 1u << 6,
	};
	static const uint32_t actions[] = {
		0, VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_UNMASK,
		VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_ACTION_UNMASK,
	};
	int event = (int)ASSERT_SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	struct irq_request request = { 0 };
	uint32_t index;
	size_t i, j;

	for (index = 0; index <= VFIO_PCI_NUM_IRQS; index++)
		for (i = 0; i < sizeof(data) / sizeof(*data); i++)
			for (j = 0; j < sizeof(actions) / sizeof(*actions); j++)
				irq_ask_ranges(dev, transcript, index,
					       data[i] | actions[j], event);

	/* Too short, and an fd that is no eventfd. */
	request.set = (struct vfio_irq_set){
		.argsz = 8,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER,
		.count = 1,
	};
	irq_ask(dev, transcript, &request, event, false);
	request.set.argsz = sizeof(request);
	for (index = 0; index < VFIO_PCI_NUM_IRQS; index++) {
		request.set.index = index;
		request.fds[0] = barlease_device_fd(dev);
		irq_ask(dev, transcript, &request, event, false);
		request.fds[0] = 1000;
		irq_ask(dev, transcript, &request, event, true);
	}
	close(event);
}

/* Ours are above; of the kernel's, the export of DMABUFs has other tests. */
#define FEATURES 40

void parity_features(struct barlease_device *dev,
		     struct transcript *transcript)
{
	static const uint32_t operations[] = {
		VFIO_DEVICE_FEATURE_PROBE,
		VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET,
		VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET,
		VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET |
			VFIO_DEVICE_FEATURE_SET,
		VFIO_DEVICE_FEATURE_GET,
		VFIO_DEVICE_FEATURE_SET,
		0,
	};
	uint8_t data[64] = { 0 };
	char label[64];
	uint32_t feature;
	size_t i;

	for (feature = 0; feature < FEATURES; feature++) {
		if (feature == VFIO_DEVICE_FEATURE_DMA_BUF)
			continue;
		for (i = 0; i < sizeof(operations) / sizeof(*operations);
		     i++) {
			snprintf(label, sizeof(label), "feature %u op %#x",
				 feature, operations[i]);
			transcript_call(transcript, label,
					device_feature(dev, feature |
						       operations[i], NULL,
						       0));
			transcript_call(transcript, label,
					device_feature(dev, feature |
						       operations[i], data,
						       sizeof(data)));
		}
	}
}
