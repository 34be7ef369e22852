// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/barlease-importer: see the header.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "barlease-importer.h"
#include "parts.h"

/* One open file. */
struct importer {
	struct mutex lock;		/* one ioctl at a time */
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attachment;
	struct delayed_work unmap_later;
	s32 unmap_after;
	struct completion unstick;

	/* Under the reservation lock. */
	struct sg_table *table;
	u32 notified;

	/* Where things are, or were. */
	dma_addr_t *pages;
	size_t nr_pages;
};

static struct miscdevice importer_misc;

static void importer_unmap_locked(struct importer *importer)
{
	struct sg_table *table = importer->table;

	if (!table)
		return;
	/* First: whoever waits for the unmap may look at this right after. */
	WRITE_ONCE(importer->table, NULL);
	dma_buf_unmap_attachment(importer->attachment, table,
				 DMA_BIDIRECTIONAL);
}

static void importer_unmap(struct importer *importer)
{
	dma_resv_lock(importer->dmabuf->resv, NULL);
	importer_unmap_locked(importer);
	dma_resv_unlock(importer->dmabuf->resv);
}

static void importer_unmap_work(struct work_struct *work)
{
	importer_unmap(container_of(to_delayed_work(work), struct importer,
				    unmap_later));
}

static void importer_notify(struct dma_buf_attachment *attachment)
{
	struct importer *importer = attachment->importer_priv;

	dma_resv_assert_held(attachment->dmabuf->resv);
	WRITE_ONCE(importer->notified, importer->notified + 1);
	if (!importer->table)
		return;
	if (importer->unmap_after == IMPORTER_STUCK)
		wait_for_completion(&importer->unstick);
	if (importer->unmap_after == IMPORTER_AT_ONCE ||
	    importer->unmap_after == IMPORTER_STUCK)
		importer_unmap_locked(importer);
	else if (importer->unmap_after != IMPORTER_NEVER)
		schedule_delayed_work(&importer->unmap_later,
				      msecs_to_jiffies(importer->unmap_after));
}

#ifdef HAVE_INVALIDATE_MAPPINGS
#define NOTIFY .invalidate_mappings
#else
#define NOTIFY .move_notify
#endif

static const struct dma_buf_attach_ops importer_peer_ops = {
	.allow_peer2peer = true,
	NOTIFY = importer_notify,
};

static const struct dma_buf_attach_ops importer_page_ops = {
	NOTIFY = importer_notify,
};

static struct dma_buf_attachment *
importer_do_attach(struct importer *importer, struct dma_buf *dmabuf, u32 flags)
{
	const struct dma_buf_attach_ops *ops = &importer_peer_ops;
	struct dma_buf_attachment *attachment;
	struct device *dev;

	if (flags & IMPORTER_STATIC)
		ops = NULL;
	else if (flags & IMPORTER_NO_PEER)
		ops = &importer_page_ops;

	dev = edu_get();
	if (!dev)
		return ERR_PTR(-ENXIO);
	if (flags & IMPORTER_NO_PCI)
		dev = importer_misc.this_device;
	attachment = dma_buf_dynamic_attach(dmabuf, dev, ops, importer);
	edu_put();
	return attachment;
}

static int importer_attach(struct importer *importer, void __user *arg)
{
	struct dma_buf_attachment *attachment;
	struct importer_attach attach;
	struct dma_buf *dmabuf;

	if (copy_from_user(&attach, arg, sizeof(attach)))
		return -EFAULT;
	if (importer->dmabuf)
		return -EBUSY;
	dmabuf = dma_buf_get(attach.dmabuf_fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	importer->unmap_after = attach.unmap_after;
	importer->notified = 0;
	attachment = importer_do_attach(importer, dmabuf, attach.flags);
	if (IS_ERR(attachment)) {
		dma_buf_put(dmabuf);
		return PTR_ERR(attachment);
	}
	importer->dmabuf = dmabuf;
	importer->attachment = attachment;
	return 0;
}

static int importer_detach(struct importer *importer)
{
	if (!importer->dmabuf)
		return -ENXIO;
	complete_all(&importer->unstick);
	importer_unmap(importer);
	cancel_delayed_work_sync(&importer->unmap_later);
	dma_buf_detach(importer->dmabuf, importer->attachment);
	dma_buf_put(importer->dmabuf);
	importer->dmabuf = NULL;
	return 0;
}

#define IMPORTER_MAX_PAGES 1024

/* Notes where each page is, as far as the room goes; fills @map. */
static int importer_note_pages(struct importer *importer,
			       struct importer_map *map)
{
	size_t room = min_t(size_t, importer->dmabuf->size >> PAGE_SHIFT,
			    IMPORTER_MAX_PAGES);
	dma_addr_t *pages = kvcalloc(room, sizeof(*pages), GFP_KERNEL);
	struct scatterlist *sg;
	size_t page = 0;
	int i;

	if (!pages)
		return -ENOMEM;
	for_each_sgtable_dma_sg(importer->table, sg, i) {
		unsigned int offset;

		map->entries++;
		map->length += sg_dma_len(sg);
		for (offset = 0; offset < sg_dma_len(sg) && page < room;
		     offset += PAGE_SIZE)
			pages[page++] = sg_dma_address(sg) + offset;
	}
	kvfree(importer->pages);
	importer->pages = pages;
	importer->nr_pages = page;
	return 0;
}

static int importer_map(struct importer *importer, void __user *arg)
{
	struct importer_map map = {};
	struct sg_table *table;
	int ret;

	if (!importer->dmabuf)
		return -ENXIO;

	dma_resv_lock(importer->dmabuf->resv, NULL);
	if (importer->table) {
		ret = -EBUSY;
		goto out;
	}
	table = dma_buf_map_attachment(importer->attachment, DMA_BIDIRECTIONAL);
	if (IS_ERR(table)) {
		ret = PTR_ERR(table);
		goto out;
	}
	importer->table = table;
	ret = importer_note_pages(importer, &map);
	if (ret)
		importer_unmap_locked(importer);
out:
	dma_resv_unlock(importer->dmabuf->resv);
	if (!ret && copy_to_user(arg, &map, sizeof(map)))
		ret = -EFAULT;
	return ret;
}

static int importer_state(struct importer *importer, void __user *arg)
{
	struct importer_state state = {};

	if (!importer->dmabuf)
		return -ENXIO;
	/* Without the reservation lock: somebody may be stuck with it. */
	state.notified = READ_ONCE(importer->notified);
	state.mapped = READ_ONCE(importer->table) ? 1 : 0;
	return copy_to_user(arg, &state, sizeof(state)) ? -EFAULT : 0;
}

static int importer_run(dma_addr_t address, unsigned int command,
			const struct importer_transfer *transfer, void *buffer)
{
	void __user *user = u64_to_user_ptr(transfer->buffer);
	int ret;

	if (transfer->write || command == IMPORTER_LAUNCH) {
		if (copy_from_user(buffer, user, transfer->length))
			return -EFAULT;
		if (command == IMPORTER_TRANSFER)
			return edu_write_to(address, buffer, transfer->length);
		pr_info("barlease-test: DMA faults are expected\n");
		return edu_launch(address, buffer, transfer->length);
	}
	ret = edu_read_from(address, buffer, transfer->length);
	if (!ret && copy_to_user(user, buffer, transfer->length))
		ret = -EFAULT;
	return ret;
}

/*
 * The reservation lock is not held: a real importer does not hold it through a
 * transfer either, and the one under test must not be waited for here.
 */
static int importer_transfer(struct importer *importer, unsigned int command,
			     void __user *arg)
{
	struct importer_transfer transfer;
	size_t page, offset;
	void *buffer;
	int ret = -ENXIO;

	if (copy_from_user(&transfer, arg, sizeof(transfer)))
		return -EFAULT;
	page = transfer.offset >> PAGE_SHIFT;
	offset = offset_in_page(transfer.offset);
	if (transfer.length > PAGE_SIZE - offset)
		return -EINVAL;
	if (page >= importer->nr_pages ||
	    (command == IMPORTER_TRANSFER && !READ_ONCE(importer->table)))
		return -ENXIO;

	buffer = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	if (edu_get()) {
		ret = importer_run(importer->pages[page] + offset, command,
				   &transfer, buffer);
		edu_put();
	}
	kfree(buffer);
	return ret;
}

static int importer_land(void)
{
	int ret;

	if (!edu_get())
		return -ENXIO;
	ret = edu_land();
	edu_put();
	msleep(100);	/* until faults are reported */
	pr_info("barlease-test: no more DMA faults\n");
	return ret;
}

static long importer_ioctl(struct file *file, unsigned int command,
			   unsigned long value)
{
	struct importer *importer = file->private_data;
	void __user *arg = (void __user *)value;
	long ret = -ENOTTY;

	mutex_lock(&importer->lock);
	switch (command) {
	case IMPORTER_ATTACH:
		ret = importer_attach(importer, arg);
		break;
	case IMPORTER_DETACH:
		ret = importer_detach(importer);
		break;
	case IMPORTER_MAP:
		ret = importer_map(importer, arg);
		break;
	case IMPORTER_UNMAP:
		ret = importer->dmabuf ? 0 : -ENXIO;
		if (!ret)
			importer_unmap(importer);
		break;
	case IMPORTER_STATE:
		ret = importer_state(importer, arg);
		break;
	case IMPORTER_TRANSFER:
	case IMPORTER_LAUNCH:
		ret = importer_transfer(importer, command, arg);
		break;
	case IMPORTER_UNSTICK:
		complete_all(&importer->unstick);
		ret = 0;
		break;
	case IMPORTER_LAND:
		ret = importer_land();
		break;
	}
	mutex_unlock(&importer->lock);
	return ret;
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct importer *importer = kzalloc(sizeof(*importer), GFP_KERNEL);

	if (!importer)
		return -ENOMEM;
	mutex_init(&importer->lock);
	init_completion(&importer->unstick);
	INIT_DELAYED_WORK(&importer->unmap_later, importer_unmap_work);
	file->private_data = importer;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct importer *importer = file->private_data;

	importer_detach(importer);
	kvfree(importer->pages);
	kfree(importer);
	return 0;
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
};

static struct miscdevice importer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "barlease-importer",
	.fops = &importer_fops,
	.mode = 0600,
};

int importer_init(void)
{
	return misc_register(&importer_misc);
}

void importer_exit(void)
{
	misc_deregister(&importer_misc);
}
