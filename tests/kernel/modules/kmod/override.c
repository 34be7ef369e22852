// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a call of a function of the kernel fail, for one process: write
 * "FUNCTION VALUE SKIP" to <debugfs>/barlease-test/override. Then, while the
 * file is open, the call after the next SKIP calls by the process that wrote
 * does not take place and gives VALUE; with a SKIP of -1 none does. Read the
 * file to learn whether that has happened ("1" or "0"). "FUNCTION VALUE SKIP
 * [MODULE]" is only about the calls that return into that module, for a
 * function that others call, too.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "parts.h"

/* One open file. */
struct override {
	struct kprobe probe;
	char function[64];
	char module[64]; /* "[NAME]", or empty */
	unsigned long value;
	atomic_t left;
	bool always;
	pid_t process;
	bool armed;
	bool done;
};

/*
 * What is called instead. The stack is as at the function's start, and cannot
 * be changed where the probe is one of ftrace's.
 */
/* clang-format off */
asm(".text\n"
	".type override_return, @function\n"
	"override_return:\n"
	ANNOTATE_NOENDBR "\n"
	ASM_RET
	".size override_return, .-override_return\n");
/* clang-format on */

/* Asked at the function's start, where the return address is on top. */
static bool override_concerns(struct override *override, struct pt_regs *regs)
{
	char caller[KSYM_SYMBOL_LEN];

	if (task_tgid_nr(current) != override->process)
		return false;
	if (!override->module[0])
		return true;

	/* "FUNCTION [MODULE]": look-ups of modules are not exported. */
	snprintf(caller, sizeof(caller), "%ps", *(void **)regs->sp);
	return strstr(caller, override->module);
}
NOKPROBE_SYMBOL(override_concerns);

static int override_call(struct kprobe *probe, struct pt_regs *regs)
{
	struct override *override = container_of(probe, struct override, probe);

	if (!override_concerns(override, regs) ||
	    (!override->always && atomic_dec_return(&override->left) != 0))
		return 0;

	WRITE_ONCE(override->done, true);
	regs->ax = override->value;
	regs->ip = (unsigned long)override_return;
	return 1;
}
NOKPROBE_SYMBOL(override_call);

/* Keeps the probe from being made a jump, where nothing can be changed. */
static void override_after(struct kprobe *probe, struct pt_regs *regs,
			   unsigned long flags)
{
}
NOKPROBE_SYMBOL(override_after);

static ssize_t override_write(struct file *file, const char __user *user,
			      size_t count, loff_t *offset)
{
	struct override *override = file->private_data;
	char text[128] = "";
	long value;
	int skip;
	int ret;

	if (override->armed)
		return -EBUSY;
	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, user, count))
		return -EFAULT;
	if (sscanf(text, "%63s %ld %d %63s", override->function, &value, &skip,
		   override->module) < 3)
		return -EINVAL;

	override->value = value;
	override->process = task_tgid_nr(current);
	override->always = skip < 0;
	atomic_set(&override->left, skip + 1);
	override->probe.symbol_name = override->function;
	override->probe.pre_handler = override_call;
	override->probe.post_handler = override_after;
	ret = register_kprobe(&override->probe);
	if (ret)
		return ret;
	override->armed = true;
	return count;
}

static ssize_t override_read(struct file *file, char __user *user, size_t count,
			     loff_t *offset)
{
	struct override *override = file->private_data;

	return simple_read_from_buffer(
		user, count, offset, READ_ONCE(override->done) ? "1" : "0", 1);
}

static int override_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(struct override), GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

static int override_release(struct inode *inode, struct file *file)
{
	struct override *override = file->private_data;

	if (override->armed)
		unregister_kprobe(&override->probe);
	kfree(override);
	return 0;
}

static const struct file_operations override_fops = {
	.owner = THIS_MODULE,
	.open = override_open,
	.write = override_write,
	.read = override_read,
	.release = override_release,
};

void override_init(struct dentry *directory)
{
	debugfs_create_file("override", 0600, directory, NULL, &override_fops);
}
