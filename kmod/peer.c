// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases that another device imports: peer-to-peer DMA into and out of a BAR.
 *
 * What an importer does at which moment is its own affair, so it gets only what
 * can be taken back: it must be told of an invalidation, and is counted from
 * before it maps until after it has unmapped. See drain.c for the taking back.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fcntl.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci-p2pdma.h>

#include "compat/compat.h"
#include "compat/sgt.h"
#include "lease.h"
#include "peer.h"
#include "trace.h"

/*
 * Off: drivers there are that unmap late or wait for the fences of whoever has
 * the DMABUF, and a revocation waits along. The operator has to know them.
 */
static bool allow_peers;
module_param(allow_peers, bool, 0644);
MODULE_PARM_DESC(allow_peers, "Let other devices' drivers import leases for peer-to-peer DMA; a revocation then waits until they let go");

/*
 * Counts the caller in as somebody who may reach the BAR by a peer device.
 * Nobody is counted in after the lease has ended or while access is away, and
 * whoever ends it or takes it away waits for those who are.
 */
static int barlease_peer_enter(struct barlease_lease *lease)
{
	struct barlease_peers *peers = &lease->dev->peers;
	int ret = -ENODEV;

	/* The kernel writes parameters without a mark. */
	if (!data_race(READ_ONCE(allow_peers)))
		return -EOPNOTSUPP;

	spin_lock(&peers->lock);
	if (lease->state == BARLEASE_LIVE && barlease_peers_can_enter(peers)) {
		lease->peer_users++;
		ret = 0;
	}
	spin_unlock(&peers->lock);
	return ret;
}

static void barlease_peer_leave(struct barlease_lease *lease)
{
	struct barlease_peers *peers = &lease->dev->peers;

	spin_lock(&peers->lock);
	if (!--lease->peer_users)
		wake_up_all(&peers->wait);
	spin_unlock(&peers->lock);
}

/*
 * A peer reads and writes what it can reach, so only a lease for both is lent
 * to one. It must cope with addresses that have no struct page, and with
 * losing them at any time.
 */
int barlease_peer_attach(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attachment)
{
	struct barlease_lease *lease = dmabuf->priv;
	int ret;

	if ((lease->open_flags & O_ACCMODE) != O_RDWR)
		return -EACCES;
	if (!COMPAT_CAN_REVOKE_PEERS) {
		pr_notice_once("leases cannot be imported: this kernel lacks CONFIG_PCI_P2PDMA or CONFIG_DMABUF_MOVE_NOTIFY\n");
		return -EOPNOTSUPP;
	}
	if (!attachment->peer2peer || !compat_attach_revocable(attachment))
		return -EOPNOTSUPP;

	/* First, as only the leases with attachments are waited for. */
	atomic_inc(&lease->attachments);
	ret = barlease_peer_enter(lease);
	if (ret)
		goto out;

	/* The PCI function does not go before we leave. */
	if (pci_p2pdma_distance(lease->dev->core.pdev, attachment->dev,
				false) < 0)
		ret = -EOPNOTSUPP;
	barlease_peer_leave(lease);
out:
	if (ret)
		atomic_dec(&lease->attachments);
	trace_barlease_attach(lease, attachment->dev, ret);
	return ret;
}

void barlease_peer_detach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attachment)
{
	struct barlease_lease *lease = dmabuf->priv;

	atomic_dec(&lease->attachments);
}

/*
 * With lazy invalidation the IOMMU may know the addresses for some time after
 * they are unmapped, which would outlive a revocation.
 */
static void barlease_flush_iommu(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	if (domain && domain->type == IOMMU_DOMAIN_DMA_FQ)
		iommu_flush_iotlb_all(domain);
}

struct sg_table *barlease_peer_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction direction)
{
	struct barlease_lease *lease = attachment->dmabuf->priv;
	struct sg_table *table;
	int ret;

	dma_resv_assert_held(attachment->dmabuf->resv);

	ret = barlease_peer_enter(lease);
	if (ret)
		return ERR_PTR(ret);

	table = compat_map_extents(attachment, lease, direction);
	trace_barlease_peer_map(lease, attachment->dev,
				PTR_ERR_OR_ZERO(table));
	if (IS_ERR(table)) {
		/* Part of it may have been mapped. */
		barlease_flush_iommu(attachment->dev);
		barlease_peer_leave(lease);
	}
	return table;
}

void barlease_peer_unmap(struct dma_buf_attachment *attachment,
			 struct sg_table *table,
			 enum dma_data_direction direction)
{
	struct barlease_lease *lease = attachment->dmabuf->priv;

	dma_resv_assert_held(attachment->dmabuf->resv);

	compat_unmap_extents(attachment, table, direction);
	barlease_flush_iommu(attachment->dev);
	trace_barlease_peer_unmap(lease, attachment->dev, 0);
	barlease_peer_leave(lease);
}
