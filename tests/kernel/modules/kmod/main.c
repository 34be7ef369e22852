// SPDX-License-Identifier: GPL-2.0-only
/*
 * barlease-test: what the tests of barlease do and see in the kernel.
 */
#include <linux/debugfs.h>
#include <linux/module.h>

#include "parts.h"

#ifdef CONFIG_PCI_P2PDMA
/* Is there only to be seen in sysfs. */
static bool p2pdma = true;
module_param(p2pdma, bool, 0444);
#endif

static struct dentry *directory;

static int __init barlease_test_init(void)
{
	int ret;

	ret = edu_init();
	if (ret)
		return ret;
	ret = importer_init();
	if (ret) {
		edu_exit();
		return ret;
	}
	directory = debugfs_create_dir("barlease-test", NULL);
	af_init(directory);
	entry_init(directory);
	override_init(directory);
	return 0;
}
module_init(barlease_test_init);

static void __exit barlease_test_exit(void)
{
	debugfs_remove(directory);
	af_exit();
	importer_exit();
	edu_exit();
}
module_exit(barlease_test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What the tests of barlease do and see in the kernel");
#ifdef HAVE_NS_TOKEN
MODULE_IMPORT_NS(DMA_BUF);
#else
MODULE_IMPORT_NS("DMA_BUF");
#endif
