/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an importer of a DMABUF gets. Newer kernels have helpers for addresses
 * of MMIO without struct pages; older ones have the DMA API alone.
 */
#ifndef BARLEASE_COMPAT_SGT_H
#define BARLEASE_COMPAT_SGT_H

#include <linux/dma-buf.h>
#include <linux/kconfig.h>

struct barlease_lease;

/*
 * Older kernels pin what they map unless they are configured to notify
 * importers of moves, and then nothing can be taken back. The question whether
 * an importer can be told came after the last who could not be: where it can
 * be asked, every kernel notifies, and who pins is told as well.
 */
#ifdef BARLEASE_HAVE_ATTACH_REVOCABLE
#define COMPAT_CAN_REVOKE_PEERS IS_ENABLED(CONFIG_PCI_P2PDMA)
#define COMPAT_DMA_BUF_PIN
#else
#define COMPAT_CAN_REVOKE_PEERS (IS_ENABLED(CONFIG_PCI_P2PDMA) && \
				 IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY))
/* Their mark of an exporter whose buffers can be taken back is a .pin. */
#define COMPAT_DMA_BUF_PIN .pin = compat_pin, .unpin = compat_unpin,

static inline int compat_pin(struct dma_buf_attachment *attachment)
{
	return -EOPNOTSUPP;
}

static inline void compat_unpin(struct dma_buf_attachment *attachment)
{
}
#endif

/* Can the importer be told to unmap? */
static inline bool
compat_attach_revocable(struct dma_buf_attachment *attachment)
{
#if defined(BARLEASE_HAVE_ATTACH_REVOCABLE)
	return dma_buf_attach_revocable(attachment);
#elif defined(BARLEASE_HAVE_INVALIDATE_MAPPINGS_OP)
	return attachment->importer_ops &&
	       attachment->importer_ops->invalidate_mappings;
#else
	return attachment->importer_ops &&
	       attachment->importer_ops->move_notify;
#endif
}

#ifndef BARLEASE_HAVE_INVALIDATE_MAPPINGS
static inline void dma_buf_invalidate_mappings(struct dma_buf *dmabuf)
{
	dma_buf_move_notify(dmabuf);
}
#endif

struct sg_table *compat_map_extents(struct dma_buf_attachment *attachment,
				    struct barlease_lease *lease,
				    enum dma_data_direction direction);
void compat_unmap_extents(struct dma_buf_attachment *attachment,
			  struct sg_table *table,
			  enum dma_data_direction direction);

#endif /* BARLEASE_COMPAT_SGT_H */
