/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a lease, for spin: everything that can happen at the same time to
 * one device and one lease of it.
 *
 * test_lifecycle.py checks it; docs/kernel.md says what is modelled and what is
 * not. Who takes part is chosen by switches of the preprocessor, so that each
 * scenario can be searched to the end: FAULTS, FORK, READS, RESETS, ENDS, SEEN,
 * IMPORTERS, ROGUE, KEEPS (see init), and for the lessor EVENTS (revoke, resets,
 * memory off) and CLOSES. BUG_... switches are mistakes that must be found.
 */
#include "kernel.pml"
#include "lease.pml"
#include "drain.pml"
#include "events.pml"

/* The bystander has got all that it wants. */
bool served;

/* What each process has for the results of calls */
#define LOCALS bool yes, got, flag

/* Whoever uses the fds last closes them. */
inline close_fds()
{
	atomic { device_fd == 1 -> device_fd = 0;
		 lessor_fd = false; file_refs-- };
	close_device(yes)
}

proctype lessor()
{
	LOCALS;

	open_device(yes);
	if
	:: yes ->
		barlease_feature_export();
#ifdef EVENTS
		if
		:: file_refs++; barlease_feature_revoke(yes, flag)
		:: barlease_reset(yes, got)
		:: barlease_hot_reset(yes, got)
		:: barlease_config_write(false, yes, got);
			barlease_config_write(true, yes, got)
		fi;
#endif
#ifdef CLOSES
		close_fds()
#endif
	:: else
	fi
}

/* Another thread of the lessor's */
proctype revoker()
{
	LOCALS;

	if
	:: atomic { lessor_fd && device_fd -> device_fd++; file_refs++ };
		barlease_feature_revoke(yes, flag);
		device_fd--
	:: true
	fi
}

/*
 * A thread that reads the BAR by the device's file. The core copies what it has
 * read after it has let go of memory_lock; if it did so before, the copy could
 * fault, and wait for mmap_lock the wrong way round.
 */
proctype reader()
{
	if
	:: atomic { device_fd -> device_fd++ };
		down_read(memory_lock, device_freed);
#ifndef BUG_READ_FAULTS_UNDER_MEMORY_LOCK
		up_read(memory_lock, device_freed);
#endif
		down_read(mmap_lock, false);
		up_read(mmap_lock, false);
#ifdef BUG_READ_FAULTS_UNDER_MEMORY_LOCK
		up_read(memory_lock, device_freed);
#endif
		device_fd--
	:: true
	fi
}

/*
 * mmap(), then faults, and perhaps munmap(). With KEEPS it keeps what it has for
 * ever, which also keeps the search short.
 */
proctype lessee()
{
	LOCALS;

end:	atomic { lessee_fd -> file_refs++ };
	down_write(mmap_lock, false);
	barlease_mmap(yes);
	if
	:: yes -> atomic { LOCKED(i_mmap_lock) -> linked[0] = true }
	:: else -> atomic { USE_LEASE; file_refs-- }
	fi;
	up_write(mmap_lock, false);

#ifndef KEEPS
	/* An fd that it keeps for ever, or does not */
	if
	:: atomic { lessee_fd = false; file_refs-- }
	:: true
	fi;
#endif
	if
	:: linked[0] ->
		down_read(mmap_lock, false);
		barlease_fault(yes);
		up_read(mmap_lock, false);
#ifndef KEEPS
		if
		:: true ->
			down_write(mmap_lock, false);
			entry[0] = false;
			atomic { LOCKED(i_mmap_lock) -> linked[0] = false };
			up_write(mmap_lock, false);
			atomic { USE_LEASE; file_refs-- }
		:: true
		fi
#endif
	:: else
	fi
}

/* Another thread of the lessee's */
proctype faulter()
{
	LOCALS;

end:	lessee_fd;
	down_read(mmap_lock, false);
	if
	:: linked[0] -> barlease_fault(yes)
	:: else
	fi;
	up_read(mmap_lock, false)
}

/*
 * fork(): the copy is linked first and gets its entries then. It may exit. An
 * entry of 4 KiB is copied under the lock of its page table; one of 2 MiB is read
 * before, so that .open takes it away (barlease_forked()).
 */
proctype child()
{
	bool copy;

end:	linked[0];
	down_write(mmap_lock, false);
	if
	:: linked[0] ->
		file_refs++;
		if
		:: true ->
			atomic { LOCKED(i_mmap_lock) -> linked[1] = true };
			atomic { entry[1] = entry[0]; PROMISES }
		:: true ->
#ifndef BUG_FORK_COPIES_HUGE
			entry[0] = false;
#endif
			atomic { LOCKED(i_mmap_lock) -> linked[1] = true };
			copy = entry[0];
			atomic { entry[1] = copy; PROMISES }
		fi;
		up_write(mmap_lock, false);
		if
		:: true ->
			entry[1] = false;
			atomic { LOCKED(i_mmap_lock) -> linked[1] = false };
			atomic { USE_LEASE; file_refs-- }
		:: true
		fi
	:: else -> up_write(mmap_lock, false)
	fi
}

/* The last reference to the DMABUF is put by a task that holds no lock. */
proctype releaser()
{
end:	atomic { state != none && file_refs == 0 };
	barlease_dmabuf_release()
}

/* The driver is unbound, or the device is pulled out. */
proctype remover(bool pulls_out)
{
	LOCALS;

	if
	:: pulls_out -> disconnected = true
	:: true
	fi;
	mutex_lock(device_lock, false);
	barlease_pci_remove(yes);
	mutex_unlock(device_lock, false);
	NOBODY_REACHES(unbind_returned);

	/* rmmod: barlease_drain_exit() flushes the queue. */
end:	module_refs == 0;
#ifndef BUG_QUEUE_NOT_FLUSHED
	!notify_pending && !notify_running && !settle_pending &&
		!settle_running;
#endif
	module_gone = true
}

/* A hot reset by the driver of a function of the same set */
proctype neighbour()
{
	LOCALS;

	mutex_lock(dev_set_lock, false);
	vfio_pci_dev_set_hot_reset(false, yes, got);
	mutex_unlock(dev_set_lock, false)
}

/* debugfs.c: barlease_leases_show() */
proctype debugfs()
{
	atomic {
		if
		:: !debugfs_removed -> debugfs_readers++
		:: else -> goto out
		fi
	};
	down_read(memory_lock, device_freed);
	atomic {
		LOCKED(leases_lock) -> USE_DEVICE;
		if
		:: on_list -> USE_LEASE;
			MUST(core_is_open_where_it_is_looked_at,
			     !(state == live && opened) || vconfig)
		:: else
		fi
	};
	up_read(memory_lock, device_freed);
	debugfs_readers--;
out:	skip
}

/* drain.c: barlease_notify_work() */
proctype notify_work()
{
end:
	do
	:: atomic { notify_pending ->
			 notify_pending = false; notify_running = true };
		USE_LEASE;
#ifdef ROGUE
end_locked:
#endif
		mutex_lock(resv_lock, lease_freed);
		importer_callback();
#ifdef ROGUE
end_stuck:	!stuck;
#endif
		mutex_unlock(resv_lock, lease_freed);
		barlease_walker_done();
#ifndef BUG_WORK_WITHOUT_DEVICE
		put_device();
#endif
		atomic { MUST(module_is_there_while_its_code_runs,
			      !module_gone); notify_running = false }
	od
}

/* drain.c: barlease_settle_work() */
proctype settle_work()
{
	LOCALS;

end:
	do
	:: atomic { settle_pending ->
			 settle_pending = false; settle_running = true };
		barlease_peers_settle(yes);
		atomic { MUST(module_is_there_while_its_code_runs,
			      !module_gone); settle_running = false }
	od
}

/* A driver that imports the lease, maps it, and lets go sooner or later */
proctype importer()
{
	LOCALS;

end:	atomic { lessee_fd -> file_refs++ };
	barlease_peer_attach(yes);
	if
	:: yes ->
		atomic { LOCKED(resv_lock) -> attached = true };
		mutex_lock(resv_lock, lease_freed);
		barlease_peer_map(yes);
		mutex_unlock(resv_lock, lease_freed);
#ifdef ROGUE
		/* It keeps what it has, and maybe the lock. */
		if
		:: mutex_lock(resv_lock, lease_freed)
		:: true
		fi;
		goto out;
#endif
		if
		:: yes ->
			mutex_lock(resv_lock, lease_freed);
			if
			:: peer_reaches -> barlease_peer_unmap()
			:: else
			fi;
			mutex_unlock(resv_lock, lease_freed)
		:: else
		fi;
		atomic { LOCKED(resv_lock) -> attached = false };
		atomic { USE_LEASE; attachments-- }	/* .detach */
	:: else
	fi;
	atomic { USE_LEASE; file_refs-- };
	if
	:: atomic { lessee_fd -> lessee_fd = false; file_refs-- }
	:: true
	fi;
out:	skip
}

/* Somebody else who wants one of the locks, such as to open a neighbour */
proctype bystander()
{
	atomic { LOCKED(dev_set_lock) -> skip };
	atomic { LOCKED(leases_lock) -> skip };
	atomic { LOCKED_READ(memory_lock) -> served = true }
}

/*
 * Kills who waits for an importer, at once or when nothing else goes on any more:
 * until then nobody else may have been held up.
 */
proctype killer()
{
	if
	:: true
	:: true -> timeout;
		MUST(nobody_else_waits_for_an_importer, served)
	fi;
	killed = true
}

init {
	atomic {
		run lessor();
#ifdef FAULTS
		run lessee();
		run faulter();
		run revoker();
#endif
#ifdef FORK
		run lessee();
		run child();
#endif
#ifdef READS
		run lessee();
		run faulter();
		run reader();
#endif
#ifdef RESETS
		run lessee();
		run neighbour();
		run settle_work();
#endif
#ifdef ENDS
		run lessee();
		run remover(true);
		run releaser();
#endif
#ifdef SEEN
		run debugfs();
		run neighbour();
		run remover(true);
		run settle_work();
#endif
#ifdef IMPORTERS
		run importer();
		run notify_work();
		run settle_work();
		run releaser();
#ifndef EVENTS
		run neighbour();
#endif
		run remover(false);
#endif
#ifdef ROGUE
		run importer();
		run notify_work();
		run bystander();
		run killer();
#endif
#ifdef KEEPS
		run lessee();
#endif
		skip
	}
}
