/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device, the lease, and how the CPU gets at it: device.h, lease.c,
 * window.c, mmap.c, fault.c.
 */

mtype = { none, live, revoked, orphaned };

/* struct barlease_device */
rwsem memory_lock;
bool leases_lock;
bool opened;
bool gate;

/* The core's part of it */
bool memory_on = true;		/* memory enable and power state */
bool vconfig;			/* there is a virtual configuration space */
bool in_set = true;		/* on the list of the device set */
byte registration = 1;		/* VFIO's: registered, and each opening */
byte device_refs = 1;		/* of the struct device */
bool device_freed;
bool disconnected;

/* struct barlease_lease; there is one. */
mtype state = none;
bool on_list;
byte walkers;
byte attachments;
byte peer_users;
bool window;
bool lease_freed;

/* The DMABUF: fds, mappings, attachments and calls that hold its file. */
byte file_refs;
bool lessor_fd, lessee_fd;

/* The module: what holds it, and whether its code is gone. */
byte module_refs;
bool module_gone;

/* What has been promised by now. */
bool revoke_returned, close_returned, unbind_returned;
/* So has a revoke that was killed, but not of importers. */
bool revoke_killed;
/* A reset of the function is under way. */
bool in_reset;
/* A device that is pulled out: our remove has seen it. */
bool pulled_out;

/* An importer's device can reach the BAR. */
bool peer_reaches;

#define OURS (!unbind_returned)

#define USE_LEASE	MUST(lease_is_not_used_after_free, !lease_freed)
#define USE_DEVICE	MUST(device_is_not_used_after_free, !device_freed); \
			MUST(module_is_there_while_its_code_runs, !module_gone)

/* Whatever may be promised holds now; asked whenever somebody gets access. */
#define PROMISES \
	MUST(revoked_means_gone, !revoke_returned || \
	     !(CPU_REACHES || peer_reaches)); \
	MUST(revoked_though_killed, !revoke_killed || !CPU_REACHES); \
	MUST(closed_means_gone, !close_returned || \
	     !(CPU_REACHES || peer_reaches)); \
	MUST(unbound_means_gone, !unbind_returned || \
	     !(CPU_REACHES || peer_reaches)); \
	MUST(nobody_gets_at_a_device_that_is_pulled_out, !pulled_out || \
	     !CPU_REACHES); \
	MUST(no_lessee_reaches_a_device_in_reset, !in_reset || !CPU_REACHES); \
	MUST(no_lessee_reaches_a_device_that_is_off, memory_on || !CPU_REACHES)

/* device.c: barlease_release_dev(), when the last reference is put */
inline put_device()
{
	atomic {
		MUST(module_is_there_while_its_code_runs, !module_gone);
		device_refs--;
		if
		:: device_refs == 0 ->
			MUST(no_lease_is_left_when_the_device_goes, !on_list);
			device_freed = true
		:: else
		fi
	}
}

inline get_device()
{
	atomic { USE_DEVICE; device_refs++ }
}

/* window.c: the zap, and the window is given back. */
inline barlease_window_end()
{
#ifndef BUG_ZAP_BEFORE_STATE
	unmap_mapping_range();
#endif
	atomic {
		MUST(window_is_empty_when_it_is_given_back, !CPU_REACHES);
		window = false
	}
}

/* lease.c: the caller holds memory_lock for writing. */
inline barlease_lease_end(to, was_live)
{
	atomic {
		USE_LEASE;
		was_live = (state == live);
		if
		:: was_live -> state = to
		:: else
		fi
	};
#ifndef BUG_ZAP_AFTER_DRAIN
	if
	:: was_live -> barlease_window_end()
	:: else
	fi
#endif
}

/* lease.c */
inline barlease_orphan_all(was_live)
{
	down_write(memory_lock, device_freed);
	opened = false;
	mutex_lock(leases_lock, device_freed);
	if
	:: on_list -> barlease_lease_end(orphaned, was_live)
	:: else
	fi;
	mutex_unlock(leases_lock, device_freed);
	up_write(memory_lock, device_freed)
}

/*
 * lease.c: barlease_lease_alloc(), barlease_lease_publish(). What can fail does
 * not here; the lessee has its fd by then, too.
 */
inline barlease_feature_export()
{
	atomic {
#ifndef BUG_NO_DEVICE_REFERENCE
		get_device();
#endif
#ifdef BUG_LEASE_HOLDS_REGISTRATION
		registration++;
#endif
		window = true;
		state = live;
		module_refs++;
		file_refs++
	};
	atomic { LOCKED(leases_lock) -> on_list = true };
	atomic { file_refs++; lessor_fd = true; lessee_fd = true }
}

/* drain.c */
inline barlease_peers_forget()
{
#ifdef BUG_VISITOR_FORGOTTEN
	atomic { LOCKED(leases_lock) -> on_list = false }
#else
	atomic { LOCKED(leases_lock) && !walkers -> on_list = false }
#endif
}

/* lease.c: the last fd and the last mapping are gone. */
inline barlease_dmabuf_release()
{
	atomic {
		USE_LEASE;
		USE_DEVICE;
		MUST(no_mapping_is_left_at_release, !CPU_REACHES &&
		     !peer_reaches && !linked[0] && !linked[1])
	};
	barlease_peers_forget();
	atomic {
		window = window && state != live;
		lease_freed = true
	};
#ifdef BUG_LEASE_HOLDS_REGISTRATION
	registration--;
#endif
#ifndef BUG_NO_DEVICE_REFERENCE
	put_device();
#endif
	module_refs--
}

/*
 * lease.c: under memory_lock. What it looks at is the core's, and gone when the
 * device is closed; the order of the conditions is what keeps it from that.
 */
inline barlease_lease_accessible(yes)
{
	atomic {
		USE_LEASE;
		USE_DEVICE;
		if
		:: state == live && opened ->
			MUST(core_is_open_where_it_is_looked_at,
			     vconfig && OURS);
			yes = memory_on
		:: else -> yes = false
		fi
	}
}

/* fault.c: the mm holds mmap_lock for reading, and the mapping exists. */
inline barlease_fault(yes)
{
	if
	:: atomic { gate -> USE_DEVICE }
		/* VM_FAULT_NOPAGE: it will fault again */
	:: atomic { !gate -> USE_LEASE; USE_DEVICE };
#ifdef BUG_SECOND_CHECK_DROPPED
		barlease_lease_accessible(yes);
#endif
		down_read(memory_lock, device_freed);
#ifndef BUG_SECOND_CHECK_DROPPED
		barlease_lease_accessible(yes);
#endif
		if
		:: yes -> atomic { entry[0] = true; PROMISES }
		:: else		/* VM_FAULT_SIGBUS */
		fi;
		up_read(memory_lock, device_freed)
	fi;
	yes = false
}

/* mmap.c: the mm holds mmap_lock for writing. */
inline barlease_mmap(yes)
{
#ifdef BUG_MMAP_TAKES_MEMORY_LOCK
	down_read(memory_lock, device_freed);
	yes = true;
#else
	atomic {
		USE_LEASE;
		if
		:: gate -> yes = false
		:: else -> down_read_trylock(memory_lock, device_freed, yes)
		fi
	};
#endif
	if
	:: yes ->
		barlease_lease_accessible(yes);
		up_read(memory_lock, device_freed)
	:: else -> yes = (state == live)
	fi
}
