// SPDX-License-Identifier: GPL-2.0-only
/*
 * What takes the BARs away, seen before it happens.
 *
 * vfio-pci-core zaps CPU mappings at each of these events, leases' included. Of
 * our importers it knows nothing; they have to be out before it takes its
 * locks. So whatever user space can cause an event by is looked at here first:
 *
 *	VFIO_DEVICE_RESET, VFIO_DEVICE_PCI_HOT_RESET
 *	a write to the memory enable bit, the power state, a function level reset
 *	low-power entry
 *
 * and resets that nobody asked us for come through reset_prepare.
 */
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "compat/compat.h"
#include "device.h"
#include "peer.h"

/* How long lessees are kept away so that a hot reset gets its locks. */
#define BARLEASE_GATE_MS 500

/* See fault.c. The last one who closes a gate opens it, or time does. */
static void barlease_close_gates(struct barlease_device **devices,
				 unsigned int count, unsigned long gate)
{
	while (count)
		WRITE_ONCE(devices[--count]->gate, gate);
}

static void barlease_open_gates(struct barlease_device **devices,
				unsigned int count, unsigned long gate)
{
	while (count)
		cmpxchg(&devices[--count]->gate, gate, 0);
}

/*
 * A hot reset takes the memory_lock of every function of the set or answers
 * EBUSY. With vfio-pci only the owners of the functions fault on them; here
 * lessees do, and must not be able to keep a reset from happening.
 */
static long barlease_hot_reset_gated(struct vfio_device *vfio, unsigned int cmd,
				     unsigned long arg,
				     struct barlease_device **devices,
				     unsigned int count)
{
	unsigned long end = jiffies + msecs_to_jiffies(BARLEASE_GATE_MS);
	unsigned long gate = end | 1; /* 0: there is none */
	long ret;

	barlease_close_gates(devices, count, gate);
	do {
		ret = vfio_pci_core_ioctl(vfio, cmd, arg);
		if (ret != -EBUSY || signal_pending(current))
			break;
		usleep_range(500, 1000);
	} while (time_before(jiffies, end));
	barlease_open_gates(devices, count, gate);
	return ret;
}

/*
 * The functions of ours that a hot reset would hit, referenced. Only those that
 * the same user has opened: the core looks at the ownership of the set later,
 * and whoever does not own it must not be able to bother others' importers, or
 * to keep their lessees away.
 * Those of another owner are told by reset_prepare, if it comes to that.
 */
static struct barlease_device **
barlease_hot_reset_devices(struct vfio_device *caller, unsigned int *count)
{
	struct vfio_device_set *dev_set = caller->dev_set;
	struct barlease_device **devices;
	struct vfio_device *vfio;

	*count = 0;
	mutex_lock(&dev_set->lock);
	devices = kcalloc(dev_set->device_count, sizeof(*devices), GFP_KERNEL);
	if (!devices)
		goto out;

	list_for_each_entry(vfio, &dev_set->device_list, dev_set_list) {
		struct barlease_device *dev = barlease_device(vfio);

		/* The set's lock keeps it, unless the function is pulled out. */
		if (!barlease_is_ours(vfio) || !READ_ONCE(dev->opened) ||
		    !uid_eq(dev->opener, barlease_device(caller)->opener))
			continue;
		get_device(&vfio->device);
		/* Whoever waits for an importer names it in the log. */
		pci_dev_get(dev->core.pdev);
		devices[(*count)++] = dev;
	}
out:
	mutex_unlock(&dev_set->lock);
	return devices;
}

static long barlease_hot_reset(struct vfio_device *vfio, unsigned int cmd,
			       unsigned long arg)
{
	struct barlease_device **devices;
	unsigned int count, away;
	long ret = 0;

	devices = barlease_hot_reset_devices(vfio, &count);
	if (!devices)
		return -ENOMEM;

	for (away = 0; away < count && !ret; away++)
		ret = barlease_peers_away(devices[away]);
	if (ret)
		away--;
	else
		ret = barlease_hot_reset_gated(vfio, cmd, arg, devices, count);

	while (away)
		barlease_peers_back(devices[--away]);
	while (count) {
		pci_dev_put(devices[--count]->core.pdev);
		put_device(&devices[count]->core.vdev.device);
	}
	kfree(devices);
	return ret;
}

static long barlease_reset(struct vfio_device *vfio, unsigned int cmd,
			   unsigned long arg)
{
	struct barlease_device *dev = barlease_device(vfio);
	long ret;

	ret = barlease_peers_away(dev);
	if (ret)
		return ret;
	ret = vfio_pci_core_ioctl(vfio, cmd, arg);
	barlease_peers_back(dev);
	return ret;
}

/* A function that sleeps may wake up by any access through its fd. */
static void barlease_maybe_woken(struct barlease_device *dev)
{
	if (unlikely(READ_ONCE(dev->peers.off)))
		barlease_peers_settle(dev);
}

long barlease_ioctl(struct vfio_device *vfio, unsigned int cmd,
		    unsigned long arg)
{
	struct barlease_device *dev = barlease_device(vfio);
	long ret;

	switch (cmd) {
	case VFIO_DEVICE_RESET:
		if (dev->core.reset_works)
			return barlease_reset(vfio, cmd, arg);
		break;
	case VFIO_DEVICE_PCI_HOT_RESET:
		return barlease_hot_reset(vfio, cmd, arg);
	}
	ret = vfio_pci_core_ioctl(vfio, cmd, arg);
	barlease_maybe_woken(dev);
	return ret;
}

/* Everything that has no operation of ours, with those of power in it. */
int barlease_core_feature(struct vfio_device *vfio, u32 flags, void __user *arg,
			  size_t argsz)
{
	struct barlease_device *dev = barlease_device(vfio);
	int ret;

	switch (flags & (VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_PROBE)) {
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY | VFIO_DEVICE_FEATURE_SET:
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP |
	     VFIO_DEVICE_FEATURE_SET:
		ret = barlease_peers_away(dev);
		if (ret)
			return ret;
		ret = vfio_pci_core_ioctl_feature(vfio, flags, arg, argsz);
		barlease_peers_back(dev);
		return ret;
	}
	ret = vfio_pci_core_ioctl_feature(vfio, flags, arg, argsz);
	barlease_maybe_woken(dev);
	return ret;
}

/* A byte of the configuration space, and what in it takes the BARs away. */
struct barlease_trigger {
	unsigned int offset;	/* 0: the function has no such register */
	u8 mask;
	u8 value;
};

static bool barlease_triggers(const struct barlease_trigger *trigger,
			      const char __user *buf, size_t count,
			      unsigned int start)
{
	u8 byte;

	if (!trigger->offset || trigger->offset < start ||
	    trigger->offset - start >= count)
		return false;
	/* If it cannot be read the core says so. */
	if (get_user(byte, (const u8 __user *)buf + (trigger->offset - start)))
		return false;
	return (byte & trigger->mask) == trigger->value;
}

static unsigned int barlease_register(unsigned int capability,
				      unsigned int offset)
{
	return capability ? capability + offset : 0;
}

/*
 * Would this write to the configuration space take the BARs away? The buffer
 * may be changed before the core reads it; then the importers are told late,
 * when the write is over.
 */
static bool barlease_write_takes_bars(struct barlease_device *dev,
				      const char __user *buf, size_t count,
				      unsigned int start)
{
	struct pci_dev *pdev = dev->core.pdev;
	/* PCI Express Base Specification, 7.5.1.1.3, 7.5.2.2, 7.5.3.4. */
	const struct barlease_trigger triggers[] = {
		{ PCI_COMMAND, PCI_COMMAND_MEMORY, 0 },
		{ barlease_register(pdev->pm_cap, PCI_PM_CTRL),
		  PCI_PM_CTRL_STATE_MASK, (__force u8)PCI_D3hot },
		{ barlease_register(pdev->pcie_cap, PCI_EXP_DEVCTL + 1),
		  PCI_EXP_DEVCTL_BCR_FLR >> 8, PCI_EXP_DEVCTL_BCR_FLR >> 8 },
		/* Advanced Capabilities for Conventional PCI, ECN of 2006. */
		{ barlease_register(dev->af_cap, PCI_AF_CTRL), PCI_AF_CTRL_FLR,
		  PCI_AF_CTRL_FLR },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(triggers); i++)
		if (barlease_triggers(&triggers[i], buf, count, start))
			return true;
	return false;
}

static ssize_t barlease_config_write(struct vfio_device *vfio,
				     const char __user *buf, size_t count,
				     loff_t *ppos)
{
	struct barlease_device *dev = barlease_device(vfio);
	ssize_t ret;

	if (!barlease_write_takes_bars(dev, buf, count,
				       *ppos & VFIO_PCI_OFFSET_MASK)) {
		ret = vfio_pci_core_write(vfio, buf, count, ppos);
		barlease_peers_settle_killable(dev);
		return ret;
	}

	ret = barlease_peers_away(dev);
	if (ret)
		return ret;
	ret = vfio_pci_core_write(vfio, buf, count, ppos);
	barlease_peers_back(dev);
	return ret;
}

ssize_t barlease_write(struct vfio_device *vfio, const char __user *buf,
		       size_t count, loff_t *ppos)
{
	ssize_t ret;

	if (VFIO_PCI_OFFSET_TO_INDEX(*ppos) == VFIO_PCI_CONFIG_REGION_INDEX)
		return barlease_config_write(vfio, buf, count, ppos);
	ret = vfio_pci_core_write(vfio, buf, count, ppos);
	barlease_maybe_woken(barlease_device(vfio));
	return ret;
}

ssize_t barlease_read(struct vfio_device *vfio, char __user *buf, size_t count,
		      loff_t *ppos)
{
	ssize_t ret = vfio_pci_core_read(vfio, buf, count, ppos);

	barlease_maybe_woken(barlease_device(vfio));
	return ret;
}

static struct barlease_device *barlease_of_pci(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	return barlease_device(&core->vdev);
}

static void barlease_reset_prepare(struct pci_dev *pdev)
{
	barlease_peers_reset_prepare(barlease_of_pci(pdev));
}

static void barlease_reset_done(struct pci_dev *pdev)
{
	barlease_peers_reset_done(barlease_of_pci(pdev));
}

/*
 * The link is frozen or lost. No reset of error recovery comes through
 * reset_prepare, and there may be no word of the end; it may not wait, either.
 */
static pci_ers_result_t barlease_error_detected(struct pci_dev *pdev,
						pci_channel_state_t state)
{
	if (state != pci_channel_io_normal)
		barlease_peers_frozen(barlease_of_pci(pdev), true);
	return vfio_pci_core_aer_err_detected(pdev, state);
}

static void barlease_error_resume(struct pci_dev *pdev)
{
	barlease_peers_frozen(barlease_of_pci(pdev), false);
}

const struct pci_error_handlers barlease_err_handlers = {
	.error_detected = barlease_error_detected,
	.resume = barlease_error_resume,
	.reset_prepare = barlease_reset_prepare,
	.reset_done = barlease_reset_done,
};
