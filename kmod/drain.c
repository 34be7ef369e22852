// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking a BAR away from the devices that import its leases.
 *
 * Importers are told before access goes and are waited for until they have
 * unmapped: that, and not a fence, is when they cannot reach the BAR any more.
 * With the exceptions named below the waiting is done before the event's locks
 * are taken, so that a slow importer holds up nobody but who asked for the
 * event, and a fatal signal ends it.
 *
 * Telling is left to a work item: an importer may do what it likes in its
 * callback, such as wait for fences, which anybody with the DMABUF's fd can add
 * and never signal. Nobody is stuck there but the work of that lease, up to
 * WQ_MAX_ACTIVE of them.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/pci.h>

#include "compat/compat.h"
#include "compat/sgt.h"
#include "lease.h"
#include "peer.h"
#include "trace.h"

/* How often somebody who waits says so in the log. */
#define BARLEASE_WARN_MS	10000

/* How long a reset that is not ours to delay waits, for each function. */
#define BARLEASE_RESET_WAIT_MS	1000

static struct workqueue_struct *barlease_queue;

static bool barlease_unused(struct barlease_lease *lease)
{
	struct barlease_peers *peers = &lease->dev->peers;
	bool unused;

	spin_lock(&peers->lock);
	unused = !lease->peer_users;
	spin_unlock(&peers->lock);
	return unused;
}

static void barlease_warn_waiting(struct barlease_lease *lease)
{
	pci_warn(lease->dev->core.pdev,
		 "lease %llu (%s): still waiting for a peer device to unmap it\n",
		 lease->id, lease->name);
}

/* Waits for as long as it takes; the caller cannot go on without. */
static int barlease_wait_unused(struct barlease_lease *lease,
				unsigned long unused)
{
	struct barlease_peers *peers = &lease->dev->peers;

	while (!wait_event_timeout(peers->wait, barlease_unused(lease),
				   msecs_to_jiffies(BARLEASE_WARN_MS)))
		barlease_warn_waiting(lease);
	return 0;
}

/* Return: -EINTR when the caller is killed. */
static int barlease_wait_unused_killable(struct barlease_lease *lease,
					 unsigned long unused)
{
	struct barlease_peers *peers = &lease->dev->peers;
	long ret;

	while (!(ret = wait_event_killable_timeout(
			 peers->wait, barlease_unused(lease),
			 msecs_to_jiffies(BARLEASE_WARN_MS))))
		barlease_warn_waiting(lease);
	return ret < 0 ? -EINTR : 0;
}

/* Waits until @end (jiffies) and then complains. */
static int barlease_wait_unused_until(struct barlease_lease *lease,
				      unsigned long end)
{
	struct barlease_peers *peers = &lease->dev->peers;
	unsigned long now = jiffies;

	if (!wait_event_timeout(peers->wait, barlease_unused(lease),
				time_before(now, end) ? end - now : 0))
		barlease_warn_waiting(lease);
	return 0;
}

/* Under leases_lock; barlease_peers_forget() waits without it. */
static void barlease_walker_enter(struct barlease_lease *lease)
{
	WRITE_ONCE(lease->walkers, lease->walkers + 1);
}

static void barlease_walker_leave(struct barlease_lease *lease)
{
	WRITE_ONCE(lease->walkers, lease->walkers - 1);
	if (!lease->walkers)
		wake_up_all(&lease->dev->peers.wait);
}

/*
 * Calls @visit for every lease that somebody has attached to, with no lock
 * held, until it fails. A lease that is visited is not released meanwhile; its
 * DMABUF is good for as long.
 */
static int barlease_visit_attached(struct barlease_device *dev,
				   int (*visit)(struct barlease_lease *lease,
						unsigned long arg),
				   unsigned long arg)
{
	struct barlease_lease *lease;
	int ret = 0;

	mutex_lock(&dev->leases_lock);
	list_for_each_entry(lease, &dev->leases, node) {
		if (!atomic_read(&lease->attachments))
			continue;

		barlease_walker_enter(lease);
		mutex_unlock(&dev->leases_lock);
		ret = visit(lease, arg);
		mutex_lock(&dev->leases_lock);
		barlease_walker_leave(lease);
		if (ret)
			break;
	}
	mutex_unlock(&dev->leases_lock);
	return ret;
}

/*
 * barlease_peers_forget() - take a lease that is released off the list
 */
void barlease_peers_forget(struct barlease_lease *lease)
{
	struct barlease_device *dev = lease->dev;

	mutex_lock(&dev->leases_lock);
	while (lease->walkers) {
		mutex_unlock(&dev->leases_lock);
		wait_event(dev->peers.wait, !READ_ONCE(lease->walkers));
		mutex_lock(&dev->leases_lock);
	}
	list_del(&lease->node);
	mutex_unlock(&dev->leases_lock);
}

static void barlease_walker_done(struct barlease_lease *lease)
{
	struct barlease_device *dev = lease->dev;

	mutex_lock(&dev->leases_lock);
	barlease_walker_leave(lease);
	mutex_unlock(&dev->leases_lock);
}

/* Tells the importers of a lease to unmap. */
void barlease_notify_work(struct work_struct *work)
{
	struct barlease_lease *lease = container_of(work, struct barlease_lease,
						    notify_work);
	struct barlease_device *dev = lease->dev;
	struct dma_buf *dmabuf = lease->dmabuf;

	trace_barlease_notify(lease);
	dma_resv_lock(dmabuf->resv, NULL);
	dma_buf_invalidate_mappings(dmabuf);
	dma_resv_unlock(dmabuf->resv);

	barlease_walker_done(lease);
	put_device(&dev->core.vdev.device);
}

/*
 * Has the work run once more, from its start. It is a visit of its own, and
 * keeps the device until it is through. A lease that has ended, and that nobody
 * maps, is nobody's business.
 */
static int barlease_notify(struct barlease_lease *lease, unsigned long unused)
{
	struct barlease_device *dev = lease->dev;
	bool wanted;

	spin_lock(&dev->peers.lock);
	wanted = lease->state == BARLEASE_LIVE || lease->peer_users;
	spin_unlock(&dev->peers.lock);
	if (!wanted)
		return 0;

	get_device(&dev->core.vdev.device);
	mutex_lock(&dev->leases_lock);
	barlease_walker_enter(lease);
	mutex_unlock(&dev->leases_lock);
	if (!queue_work(barlease_queue, &lease->notify_work)) {
		barlease_walker_done(lease);
		put_device(&dev->core.vdev.device);
	}
	return 0;
}

/*
 * An event begins: from here on nobody new gets in.
 *
 * Return: whether another one is under way.
 */
static bool barlease_peers_shut(struct barlease_peers *peers)
{
	bool shut;

	spin_lock(&peers->lock);
	shut = peers->away++;
	spin_unlock(&peers->lock);
	return shut;
}

/*
 * Looks whether the BARs can be accessed now, and ends @events events.
 *
 * Return: whether importers could get in, and cannot now.
 */
static bool barlease_peers_update(struct barlease_device *dev,
				  unsigned int events)
{
	struct barlease_peers *peers = &dev->peers;
	bool could, can;

	down_read(&dev->core.memory_lock);
	spin_lock(&peers->lock);
	could = barlease_peers_can_enter(peers);
	peers->away -= events + peers->done;
	peers->done = 0;
	/* barlease_maybe_woken() peeks without the lock. */
	WRITE_ONCE(peers->off, !barlease_accessible(dev));
	can = barlease_peers_can_enter(peers);
	spin_unlock(&peers->lock);
	up_read(&dev->core.memory_lock);
	return could && !can;
}

/*
 * barlease_peers_away() - the caller is about to take the BARs away
 *
 * When it returns 0, no peer device reaches a lease of @dev and none will until
 * barlease_peers_back(). The caller holds no lock that others wait for.
 *
 * Return: 0, or -EINTR: killed; then nothing has changed.
 */
int barlease_peers_away(struct barlease_device *dev)
{
	int ret;

	barlease_peers_shut(&dev->peers);
	barlease_visit_attached(dev, barlease_notify, 0);
	ret = barlease_visit_attached(dev, barlease_wait_unused_killable, 0);
	if (ret)
		barlease_peers_back(dev);
	return ret;
}

/*
 * barlease_peers_back() - the event is over, whether it took the BARs or not
 */
void barlease_peers_back(struct barlease_device *dev)
{
	barlease_peers_update(dev, 1);
}

/*
 * barlease_peers_settle() - something may have changed what can be accessed
 *
 * If it went by a way that nobody announced, importers are told late. Does not
 * wait for them.
 *
 * Return: whether that was so.
 */
bool barlease_peers_settle(struct barlease_device *dev)
{
	if (!barlease_peers_update(dev, 0))
		return false;
	barlease_visit_attached(dev, barlease_notify, 0);
	return true;
}

/*
 * barlease_peers_settle_killable() - the same, and wait unless killed
 */
void barlease_peers_settle_killable(struct barlease_device *dev)
{
	if (barlease_peers_settle(dev))
		barlease_visit_attached(dev, barlease_wait_unused_killable, 0);
}

/*
 * barlease_peers_reset_prepare() - a reset begins, perhaps not one of ours
 *
 * Whoever resets may hold memory_lock and the lock of the device set, and
 * cannot be told to come back: hence the limit. A reset that came through our
 * own device fd has had everybody out before it took them, see events.c; what
 * is left are those of a neighbour with another driver or user, and of sysfs.
 */
void barlease_peers_reset_prepare(struct barlease_device *dev)
{
	/* Whoever began the other event tells them. */
	if (!barlease_peers_shut(&dev->peers))
		barlease_visit_attached(dev, barlease_notify, 0);
	barlease_visit_attached(dev, barlease_wait_unused_until,
				jiffies +
				msecs_to_jiffies(BARLEASE_RESET_WAIT_MS));
}

/* May be called with memory_lock held, so the rest is left to the work. */
void barlease_peers_reset_done(struct barlease_device *dev)
{
	struct barlease_peers *peers = &dev->peers;

	spin_lock(&peers->lock);
	peers->done++;
	spin_unlock(&peers->lock);
	queue_work(barlease_queue, &peers->settle_work);
}

/*
 * barlease_peers_frozen() - an error has stopped the link, or is overcome
 *
 * Does not wait for importers: nothing of theirs gets through now.
 */
void barlease_peers_frozen(struct barlease_device *dev, bool frozen)
{
	struct barlease_peers *peers = &dev->peers;

	spin_lock(&peers->lock);
	peers->frozen = frozen;
	spin_unlock(&peers->lock);
	if (frozen)
		barlease_visit_attached(dev, barlease_notify, 0);
}

static void barlease_settle_work(struct work_struct *work)
{
	barlease_peers_settle(container_of(work, struct barlease_device,
					   peers.settle_work));
}

/*
 * barlease_peers_revoke() - have everybody out of a lease that has ended
 *
 * The caller has a reference to its DMABUF.
 *
 * Return: 0, or -EINTR: killed while an importer was still in.
 */
int barlease_peers_revoke(struct barlease_lease *lease)
{
	if (atomic_read(&lease->attachments))
		barlease_notify(lease, 0);
	return barlease_wait_unused_killable(lease, 0);
}

/*
 * barlease_peers_close() - have everybody out, the device is being closed
 *
 * All leases have ended. VFIO calls this with the lock of the device set held,
 * and it must wait all the same: what follows gives the function to somebody
 * else. That an importer lets go in bounded time is the DMABUF's contract.
 */
void barlease_peers_close(struct barlease_device *dev)
{
	struct barlease_peers *peers = &dev->peers;

	spin_lock(&peers->lock);
	WRITE_ONCE(peers->off, true);
	spin_unlock(&peers->lock);
	barlease_visit_attached(dev, barlease_notify, 0);
	barlease_visit_attached(dev, barlease_wait_unused, 0);
}

void barlease_peers_init(struct barlease_device *dev)
{
	struct barlease_peers *peers = &dev->peers;

	spin_lock_init(&peers->lock);
	init_waitqueue_head(&peers->wait);
	INIT_WORK(&peers->settle_work, barlease_settle_work);
	peers->off = true;
}

/* The driver is unbound: no reset of the function is ours to notice now. */
void barlease_peers_exit(struct barlease_device *dev)
{
	cancel_work_sync(&dev->peers.settle_work);
}

/*
 * A work that visits a lease keeps the module by its DMABUF. What is left when
 * there are no leases is over soon, and waited for in barlease_drain_exit().
 */
int barlease_drain_init(void)
{
	barlease_queue = alloc_workqueue("barlease", WQ_UNBOUND,
					 WQ_MAX_ACTIVE);
	return barlease_queue ? 0 : -ENOMEM;
}

void barlease_drain_exit(void)
{
	destroy_workqueue(barlease_queue);
}
