// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets a test see the page table entry behind an address of its own. Write the
 * address to <debugfs>/barlease-test/entry and read the file: its memory type,
 * which is wb, wc, uc-, uc or other, or "none".
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "parts.h"

/*
 * The caching bits are those that pgprot_*() change. PAT of a huge entry is at
 * another place, but none of these types has it set.
 */
static const char *type_name(pgprot_t prot)
{
	unsigned long mask = pgprot_val(pgprot_noncached(__pgprot(0))) |
			     pgprot_val(pgprot_writecombine(__pgprot(0)));
	unsigned long bits = pgprot_val(prot) & mask;

	if (bits == pgprot_val(pgprot_writecombine(__pgprot(0))))
		return "wc";
	if (bits == pgprot_val(pgprot_noncached(__pgprot(0))))
		return "uc-";
	if (bits == mask)
		return "uc";
	return bits ? "other" : "wb";
}

static ssize_t describe(unsigned long address, char *buf, size_t size)
{
	struct mm_struct *mm = current->mm;
	struct follow_pfnmap_args args = { .address = address };
	ssize_t length;

	mmap_read_lock(mm);
	args.vma = vma_lookup(mm, address);
	if (args.vma && !follow_pfnmap_start(&args)) {
		length = scnprintf(buf, size, "%s\n", type_name(args.pgprot));
		follow_pfnmap_end(&args);
	} else {
		length = scnprintf(buf, size, "none\n");
	}
	mmap_read_unlock(mm);
	return length;
}

static ssize_t entry_write(struct file *file, const char __user *user,
			   size_t count, loff_t *offset)
{
	unsigned long address;
	int ret;

	ret = kstrtoul_from_user(user, count, 0, &address);
	if (ret)
		return ret;
	file->private_data = (void *)address;
	return count;
}

static ssize_t entry_read(struct file *file, char __user *user, size_t count,
			  loff_t *offset)
{
	char text[64];
	ssize_t length;

	length = describe((unsigned long)file->private_data, text,
			  sizeof(text));
	return simple_read_from_buffer(user, count, offset, text, length);
}

static int entry_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

static const struct file_operations entry_fops = {
	.owner = THIS_MODULE,
	.open = entry_open,
	.write = entry_write,
	.read = entry_read,
};

void entry_init(struct dentry *directory)
{
	debugfs_create_file("entry", 0600, directory, NULL, &entry_fops);
}
