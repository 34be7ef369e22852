// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives a function the Advanced Features capability, which no emulated device
 * has. Write the function's address to <debugfs>/barlease-test/af, or "none";
 * read the file: how many function level resets were asked for. A reset is
 * counted and nothing else.
 *
 * The accesses to the configuration space of a bus go through its pci_ops, so
 * those are replaced by ours, which add six bytes at a place where the function
 * has none, and put them at the start of the list of capabilities.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/uaccess.h>

#include "parts.h"

#define AF_PLACE 0xf0

static DEFINE_MUTEX(af_lock);		/* protects what follows */
static struct pci_dev *af_dev;		/* referenced; NULL: none */
static struct pci_ops *af_old_ops;
static atomic_t af_resets;

static u32 af_old_read(struct pci_bus *bus, int where, int size)
{
	u32 value = 0;

	af_old_ops->read(bus, af_dev->devfn, where, size, &value);
	return value;
}

/* One byte of the configuration space as it shall look. */
static u8 af_byte(struct pci_bus *bus, int where, u8 old)
{
	switch (where) {
	case PCI_STATUS:
		return old | PCI_STATUS_CAP_LIST;
	case PCI_CAPABILITY_LIST:
		return AF_PLACE;
	case AF_PLACE:
		return PCI_CAP_ID_AF;
	case AF_PLACE + PCI_CAP_LIST_NEXT:
		if (!(af_old_read(bus, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
			return 0;
		return af_old_read(bus, PCI_CAPABILITY_LIST, 1);
	case AF_PLACE + PCI_AF_LENGTH:
		return PCI_CAP_AF_SIZEOF;
	case AF_PLACE + PCI_AF_CAP:
		return PCI_AF_CAP_TP | PCI_AF_CAP_FLR;
	case AF_PLACE + PCI_AF_CTRL:
	case AF_PLACE + PCI_AF_STATUS:
		return 0;
	default:
		return old;
	}
}

static int af_read(struct pci_bus *bus, unsigned int devfn, int where,
		   int size, u32 *value)
{
	int ret = af_old_ops->read(bus, devfn, where, size, value);
	u32 result = 0;
	int i;

	if (ret || devfn != af_dev->devfn)
		return ret;
	for (i = 0; i < size; i++)
		result |= (u32)af_byte(bus, where + i, *value >> (8 * i))
			  << (8 * i);
	*value = result;
	return 0;
}

static int af_write(struct pci_bus *bus, unsigned int devfn, int where,
		    int size, u32 value)
{
	int control = AF_PLACE + PCI_AF_CTRL - where;

	if (devfn != af_dev->devfn || where + size <= AF_PLACE ||
	    where >= AF_PLACE + PCI_CAP_AF_SIZEOF)
		return af_old_ops->write(bus, devfn, where, size, value);
	if (control >= 0 && control < size &&
	    value >> (8 * control) & PCI_AF_CTRL_FLR)
		atomic_inc(&af_resets);
	return 0;
}

static struct pci_ops af_ops = {
	.read = af_read,
	.write = af_write,
};

static void af_remove(void)
{
	lockdep_assert_held(&af_lock);

	if (!af_dev)
		return;
	/* Accesses are made under the lock that this takes. */
	pci_bus_set_ops(af_dev->bus, af_old_ops);
	pci_dev_put(af_dev);
	af_dev = NULL;
}

static int af_add(const char *name)
{
	struct device *dev;

	dev = bus_find_device_by_name(&pci_bus_type, NULL, name);
	if (!dev)
		return -ENODEV;

	af_remove();
	af_dev = to_pci_dev(dev);
	af_old_ops = af_dev->bus->ops;
	pci_bus_set_ops(af_dev->bus, &af_ops);
	return 0;
}

static ssize_t af_file_write(struct file *file, const char __user *user,
			     size_t count, loff_t *offset)
{
	char name[32] = "";
	int ret = 0;

	if (count >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, user, count))
		return -EFAULT;

	mutex_lock(&af_lock);
	if (!strcmp(name, "none"))
		af_remove();
	else
		ret = af_add(name);
	mutex_unlock(&af_lock);
	return ret ?: count;
}

static ssize_t af_file_read(struct file *file, char __user *user, size_t count,
			    loff_t *offset)
{
	char text[16];
	int length;

	length = scnprintf(text, sizeof(text), "%d\n", atomic_read(&af_resets));
	return simple_read_from_buffer(user, count, offset, text, length);
}

static const struct file_operations af_fops = {
	.owner = THIS_MODULE,
	.write = af_file_write,
	.read = af_file_read,
};

void af_init(struct dentry *directory)
{
	debugfs_create_file("af", 0600, directory, NULL, &af_fops);
}

void af_exit(void)
{
	mutex_lock(&af_lock);
	af_remove();
	mutex_unlock(&af_lock);
}
