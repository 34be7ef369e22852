/* SPDX-License-Identifier: GPL-2.0-only */
/* What the lessor and its neighbours do: events.c, device.c, main.c. */

/* The device's file: calls under way keep it open. */
byte device_fd;

#define NOBODY_REACHES(what) \
	atomic { what = true; PROMISES }

/* Announced resets have everybody out; others wait for importers, but not for
 * ever. The core zaps before either. */
inline reset_function(announced)
{
	atomic {
		in_reset = true;
		PROMISES;
		MUST(importers_are_told_before_the_reset, !announced ||
		     !peer_reaches)
	};
	atomic {
		MUST(no_mmap_waits_for_a_reset, !mmap_waits);
		in_reset = false
	}
}

/*
 * The PCI core's: needs device_lock, which who unbinds the driver has, and does
 * without if it cannot be had. The caller has memory_lock.
 */
inline pci_try_reset(announced, yes, got)
{
	mutex_trylock(device_lock, got);
	if
	:: got ->
		barlease_peers_reset_prepare(yes);
		reset_function(announced);
		barlease_peers_reset_done();
		mutex_unlock(device_lock, false)
	:: else
	fi
}

/* vfio-pci-core: VFIO_DEVICE_RESET */
inline vfio_pci_ioctl_reset(yes, got)
{
	down_write(memory_lock, device_freed);
	unmap_mapping_range();
	pci_try_reset(true, yes, got);
	up_write(memory_lock, device_freed)
}

/* vfio-pci-core: the caller has dev_set_lock. got: it was not EBUSY. */
inline vfio_pci_dev_set_hot_reset(announced, yes, got)
{
	got = false;
	if
	:: in_set ->
		MUST(function_is_ours_when_its_set_is_reset, OURS);
		down_write_trylock(memory_lock, device_freed, got);
		if
		:: got ->
			unmap_mapping_range();
			pci_try_reset(announced, yes, got);
			got = true;
			up_write(memory_lock, device_freed)
		:: else
		fi
	:: else
	fi
}

/* events.c */
inline barlease_reset(yes, got)
{
#ifdef BUG_IMPORTER_TOLD_AFTER_RESET
	vfio_pci_ioctl_reset(yes, got);
	barlease_peers_away(yes, got);
	if
	:: yes -> barlease_peers_back(yes)
	:: else
	fi
#else
	barlease_peers_away(yes, got);
	if
	:: yes ->
		vfio_pci_ioctl_reset(yes, got);
		barlease_peers_back(yes)
	:: else
	fi
#endif
}

inline barlease_set_gates(value)
{
	atomic { LOCKED(dev_set_lock) -> gate = value }
}

inline barlease_hot_reset(yes, got)
{
	/* barlease_hot_reset_devices() */
	atomic {
		LOCKED(dev_set_lock) -> get_device();
#ifdef BUG_DRAIN_UNDER_SET_LOCK
		dev_set_lock = true
#endif
	};
	barlease_peers_away(yes, got);
#ifdef BUG_DRAIN_UNDER_SET_LOCK
	mutex_unlock(dev_set_lock, false);
#endif
	if
	:: yes ->
		barlease_set_gates(true);
		mutex_lock(dev_set_lock, false);
		vfio_pci_dev_set_hot_reset(true, yes, got);
		mutex_unlock(dev_set_lock, false);
		barlease_set_gates(false);
		barlease_peers_back(yes)
	:: else
	fi;
	put_device()
}

/* Memory enable, D3, low power: all go this way. */
inline barlease_config_write(on, yes, got)
{
	if
	:: on ->
		atomic { LOCKED_WRITE(memory_lock) -> memory_on = true };
		barlease_peers_settle_killable(yes, got)
	:: else ->
		barlease_peers_away(yes, got);
		if
		:: yes ->
			down_write(memory_lock, device_freed);
			unmap_mapping_range();
			atomic {
				memory_on = false;
				PROMISES;
				MUST(importers_are_told_before_it_is_off,
				     !peer_reaches)
			};
			up_write(memory_lock, device_freed);
			barlease_peers_back(yes)
		:: else
		fi
	fi
}

/* lease.c; the lessor's fd of the lease is open. */
inline barlease_feature_revoke(yes, was_live)
{
#ifdef BUG_DRAIN_BEFORE_STATE
	barlease_peers_revoke(yes);
#endif
#ifdef BUG_ZAP_BEFORE_STATE
	unmap_mapping_range();
#endif
#ifdef BUG_REVOKE_READS
	down_read(memory_lock, device_freed);
	barlease_lease_end(revoked, was_live);
	up_read(memory_lock, device_freed);
#else
	down_write(memory_lock, device_freed);
	barlease_lease_end(revoked, was_live);
#ifdef BUG_DRAIN_UNDER_MEMORY_LOCK
	barlease_peers_revoke(yes);
#endif
	up_write(memory_lock, device_freed);
#endif
#ifndef BUG_DRAIN_BEFORE_STATE
	barlease_peers_revoke(yes);
#endif
#ifdef BUG_ZAP_AFTER_DRAIN
	if
	:: yes && was_live -> barlease_window_end()
	:: else
	fi;
#endif
	/* EINTR is for importers only: the lease is revoked all the same. */
	if
	:: yes -> NOBODY_REACHES(revoke_returned)
	:: else -> NOBODY_REACHES(revoke_killed)
	fi;
	atomic { USE_LEASE; file_refs-- }
}

/* device.c, called by VFIO with dev_set_lock. yes: it worked. */
inline barlease_open_device(yes)
{
	atomic {
		LOCKED_WRITE(memory_lock) -> vconfig = true;
#ifdef BUG_OPENED_THOUGH_PULLED_OUT
		opened = true
#else
		opened = !disconnected
#endif
	};
	barlease_peers_settle(yes)
}

inline barlease_close_device(yes)
{
#ifdef BUG_CORE_CLOSED_FIRST
	vconfig = false;
#endif
#ifndef BUG_NOT_ORPHANED
	barlease_orphan_all(yes);
#endif
	barlease_peers_close(yes);
	vconfig = false
}

/* VFIO: the device's file is opened, and closed for the last time. */
inline open_device(yes)
{
	atomic {
		yes = (registration > 0);
		registration = registration + yes
	};
	if
	:: yes ->
		atomic { module_refs++; device_fd++ };
		mutex_lock(dev_set_lock, false);
		barlease_open_device(yes);
		mutex_unlock(dev_set_lock, false);
		yes = true
	:: else
	fi
}

inline close_device(yes)
{
	mutex_lock(dev_set_lock, false);
	barlease_close_device(yes);
	mutex_unlock(dev_set_lock, false);
	NOBODY_REACHES(close_returned);
	atomic { registration--; module_refs-- }
}

/* debugfs.c: its files go when nobody reads them. */
byte debugfs_readers;
bool debugfs_removed;

/* main.c, device.c, called by the PCI core with device_lock. */
inline barlease_pci_remove(yes)
{
	if
	:: disconnected ->
		barlease_orphan_all(yes);
		atomic { pulled_out = true; PROMISES };
		barlease_peers_settle(yes)
	:: else
	fi;
	registration--;
	registration == 0;
#ifdef BUG_DEBUGFS_REMOVED_LATE
	atomic { LOCKED(dev_set_lock) -> in_set = false };
	put_device();
	atomic { debugfs_readers == 0 -> debugfs_removed = true }
#else
	atomic { debugfs_readers == 0 -> debugfs_removed = true };
	/* barlease_device_destroy() */
#ifndef BUG_STAYS_IN_SET
	atomic { LOCKED(dev_set_lock) -> in_set = false };
#endif
#ifndef BUG_SETTLE_WORK_LEFT
	/* cancel_work_sync() */
	atomic { !settle_running -> settle_pending = false };
#endif
	put_device()
#endif
}
