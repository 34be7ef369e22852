/* SPDX-License-Identifier: GPL-2.0-only */
/* Importers: peer.c, drain.c. */

/* struct barlease_peers; its lock is an atomic step. */
byte away, done;
bool off = true;

/* barlease_queue: one work of each kind */
bool notify_pending, notify_running;
bool settle_pending, settle_running;

/* The DMABUF's list of attachments, under resv_lock. */
bool attached;

/* An importer that does not return from its callback. */
bool stuck;

/* The callers of what waits killably are killed. */
bool killed;

#define CAN_ENTER (!away && !off)

/* peer.c */
inline barlease_peer_enter(yes)
{
	atomic {
		USE_LEASE;
		USE_DEVICE;
		yes = (state == live && CAN_ENTER);
		peer_users = peer_users + yes
	}
}

inline barlease_peer_leave()
{
	atomic { USE_LEASE; USE_DEVICE; peer_users-- }
}

inline barlease_peer_attach(yes)
{
#ifndef BUG_ATTACHMENT_COUNTED_LATE
	attachments++;
#endif
	barlease_peer_enter(yes);
	if
	:: yes ->
		/* pci_p2pdma_distance() looks at the function. */
		atomic { MUST(function_is_ours_when_an_importer_attaches, OURS &&
			      !close_returned) };
		barlease_peer_leave()
	:: else
	fi;
#ifdef BUG_ATTACHMENT_COUNTED_LATE
	attachments = attachments + yes;
#else
	attachments = attachments - !yes
#endif
}

/* The caller holds resv_lock. */
inline barlease_peer_map(yes)
{
#ifdef BUG_COUNTED_AFTER_THE_MAP
	atomic { yes = (state == live && CAN_ENTER) };
	if
	:: yes -> atomic { peer_reaches = true; PROMISES };
		atomic { peer_users++ }
	:: else
	fi
#else
	barlease_peer_enter(yes);
	if
	:: yes -> atomic { peer_reaches = true; PROMISES }
	:: else
	fi
#endif
}

inline barlease_peer_unmap()
{
	peer_reaches = false;	/* the IOMMU has been flushed */
	barlease_peer_leave()
}

/*
 * drain.c: who waits for the visit to be over can go on while mutex_unlock()
 * still looks at the lock.
 */
inline barlease_walker_done()
{
	atomic { LOCKED(leases_lock) -> leases_lock = true;
		 USE_LEASE; walkers-- };
	mutex_unlock(leases_lock, device_freed);
	LOCK_IS_THERE(device_freed)
}

inline barlease_notify(yes)
{
	atomic { USE_LEASE; yes = (state == live || peer_users) };
	if
	:: yes ->
		atomic {
			LOCKED(leases_lock) -> USE_LEASE; walkers++;
#ifndef BUG_WORK_WITHOUT_DEVICE
			get_device()
#endif
		};
#ifdef BUG_TOLD_BY_THE_CALLER
		mutex_lock(resv_lock, lease_freed);
		importer_callback();
		!stuck;
		mutex_unlock(resv_lock, lease_freed);
		barlease_walker_done();
		put_device();
#else
		atomic {
			yes = !notify_pending;
			notify_pending = true
		};
		if
		:: yes
		:: else ->
			barlease_walker_done();
#ifndef BUG_WORK_WITHOUT_DEVICE
			put_device()
#endif
		fi;
#endif
		yes = false
	:: else
	fi
}

/* The two halves of barlease_visit_attached(): is there something to visit? */
inline barlease_visit(yes)
{
	atomic {
		LOCKED(leases_lock) -> USE_DEVICE;
		yes = (on_list && attachments);
		walkers = walkers + yes
	}
}

inline barlease_visited()
{
	atomic { LOCKED(leases_lock) -> USE_LEASE; USE_DEVICE; walkers-- }
}

inline barlease_visit_notify(yes)
{
	barlease_visit(yes);
	if
	:: yes ->
		barlease_notify(yes);
		barlease_visited()
	:: else
	fi
}

/* Every wait for importers is one of these three. */
inline barlease_wait_unused()
{
	peer_users == 0
}

inline barlease_wait_unused_killable(yes)
{
	if
	:: peer_users == 0 -> yes = true
	:: killed -> yes = false	/* -EINTR */
	fi
}

inline barlease_wait_unused_until()
{
	if
	:: peer_users == 0
	:: true				/* time is up */
	fi
}

inline barlease_visit_wait_killable(yes, visiting)
{
	yes = true;
	barlease_visit(visiting);
	if
	:: visiting ->
#ifdef BUG_WAITS_WITH_LEASES_LOCK
		mutex_lock(leases_lock, device_freed);
#endif
		barlease_wait_unused_killable(yes);
#ifdef BUG_WAITS_WITH_LEASES_LOCK
		mutex_unlock(leases_lock, device_freed);
#endif
		barlease_visited()
	:: else
	fi
}

inline barlease_peers_update(events, lost)
{
	atomic {
		LOCKED_READ(memory_lock) -> USE_DEVICE;
		lost = CAN_ENTER;
		MUST(events_are_counted_right, away >= events + done);
		away = away - (events + done);
		done = 0;
		/* barlease_accessible() */
		if
		:: opened ->
			MUST(core_is_open_where_it_is_looked_at,
			     vconfig && OURS);
			off = !memory_on
		:: else -> off = true
		fi;
		lost = lost && !CAN_ENTER
	}
}

inline barlease_peers_back(yes)
{
	barlease_peers_update(1, yes)
}

/* yes: nobody is in, and nobody gets in until barlease_peers_back(). */
inline barlease_peers_away(yes, visiting)
{
	away++;
	barlease_visit_notify(visiting);
	barlease_visit_wait_killable(yes, visiting);
	if
	:: yes
	:: else -> barlease_peers_back(visiting)
	fi
}

inline barlease_peers_settle(yes)
{
	barlease_peers_update(0, yes);
	if
	:: yes -> barlease_visit_notify(yes); yes = true
	:: else
	fi
}

inline barlease_peers_settle_killable(yes, visiting)
{
	barlease_peers_settle(yes);
	if
	:: yes -> barlease_visit_wait_killable(yes, visiting)
	:: else
	fi
}

/* With the locks of whoever resets. */
inline barlease_peers_reset_prepare(yes)
{
	atomic { yes = (away > 0); away++ };
	if
	:: yes
	:: else -> barlease_visit_notify(yes)
	fi;
	barlease_visit(yes);
	if
	:: yes -> barlease_wait_unused_until(); barlease_visited()
	:: else
	fi
}

inline barlease_peers_reset_done()
{
	done++;
	settle_pending = true
}

inline barlease_peers_revoke(yes)
{
	if
	:: attachments -> barlease_notify(yes)
	:: else
	fi;
	barlease_wait_unused_killable(yes)
}

inline barlease_peers_close(yes)
{
	off = true;
	barlease_visit_notify(yes);
#ifndef BUG_CLOSE_DOES_NOT_WAIT
	barlease_visit(yes);
	if
	:: yes -> barlease_wait_unused(); barlease_visited()
	:: else
	fi
#endif
}

/* What an importer does when it is told, with resv_lock held. */
inline importer_callback()
{
	if
	:: attached && peer_reaches ->
		if
#ifdef ROGUE
		:: true				/* takes no notice */
		:: stuck = true			/* does not come back */
#else
		:: barlease_peer_unmap()
		:: true			/* does it a little later */
#endif
		fi
	:: else
	fi
}
