/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARLEASE_PEER_H
#define BARLEASE_PEER_H

#include <linux/dma-direction.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct barlease_device;
struct barlease_lease;
struct dma_buf;
struct dma_buf_attachment;
struct sg_table;

/*
 * Who imports leases of a device, and whether they may now. Peers are kept out
 * while access is off (memory decode, power state, device not open) and while
 * an event is under way that takes it away.
 */
struct barlease_peers {
	/*
	 * Protects what follows, peer_users of leases, and peers'
	 * view of their state. Innermost, but for the lock of @wait.
	 */
	spinlock_t lock;
	unsigned int away;	/* events under way */
	unsigned int done;	/* of these, resets that are over */
	bool off;		/* access as it was after the last event */
	bool frozen;		/* by an error of the link */

	wait_queue_head_t wait;	/* for peer_users and walkers to become 0 */
	struct work_struct settle_work;	/* takes note of resets that are over */
};

/* May an importer map now, as far as the device goes? Under the lock. */
static inline bool barlease_peers_can_enter(const struct barlease_peers *peers)
{
	return !peers->away && !peers->off && !peers->frozen;
}

/* peer.c: the DMABUF's operations. */
int barlease_peer_attach(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attachment);
void barlease_peer_detach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attachment);
struct sg_table *barlease_peer_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction direction);
void barlease_peer_unmap(struct dma_buf_attachment *attachment,
			 struct sg_table *table,
			 enum dma_data_direction direction);

/* drain.c: telling them, and waiting for them. */
int barlease_drain_init(void);
void barlease_drain_exit(void);
void barlease_peers_init(struct barlease_device *dev);
void barlease_peers_exit(struct barlease_device *dev);
int barlease_peers_away(struct barlease_device *dev);
void barlease_peers_back(struct barlease_device *dev);
bool barlease_peers_settle(struct barlease_device *dev);
void barlease_peers_settle_killable(struct barlease_device *dev);
void barlease_peers_reset_prepare(struct barlease_device *dev);
void barlease_peers_reset_done(struct barlease_device *dev);
void barlease_peers_frozen(struct barlease_device *dev, bool frozen);
int barlease_peers_revoke(struct barlease_lease *lease);
void barlease_peers_close(struct barlease_device *dev);
void barlease_notify_work(struct work_struct *work);
void barlease_peers_forget(struct barlease_lease *lease);

#endif /* BARLEASE_PEER_H */
