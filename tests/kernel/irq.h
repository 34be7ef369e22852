/* SPDX-License-Identifier: MIT */
/* Interrupts of a device as eventfds, and devices that raise them. */
#ifndef KERNEL_TESTS_IRQ_H
#define KERNEL_TESTS_IRQ_H

#include "device.h"

/* A new eventfd. */
int event_make(void);

/* Fails the test unless it is signalled @count times, no more and soon. */
void event_expect(int event, uint64_t count);
void event_expect_none(int event);

/*
 * At least once, as the NIC of newer QEMUs signals an interrupt again if its
 * cause is not cleared at once.
 */
void event_expect_some(int event);

/* Whatever comes until there is nothing more. */
void event_drain(int event);

/* Wire one vector to an eventfd, or to none (-1): 0 or -1 and errno. */
int irq_wire(struct barlease_device *dev, uint32_t index, uint32_t vector,
	     int event);

/* VFIO_IRQ_SET_ACTION_* on vector 0, without data. */
void irq_act(struct barlease_device *dev, uint32_t index, uint32_t action);

/* Wire VFIO_IRQ_SET_ACTION_UNMASK of INTx to an eventfd. */
void irq_wire_unmask(struct barlease_device *dev, int event);

/* The device may write to memory: its MSIs are such writes. */
void irq_allow_msi(struct barlease_device *dev);

/* The edu device: raise its one interrupt, and have it no longer raised. */
void edu_raise(struct barlease_device *dev);
void edu_acknowledge(struct barlease_device *dev);

/* The NIC: raise the interrupt of one of its MSI-X vectors, 0 to 2. */
void nic_prepare(struct barlease_device *dev);
void nic_raise(struct barlease_device *dev, unsigned int vector);

#endif /* KERNEL_TESTS_IRQ_H */
