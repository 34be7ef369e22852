/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel gives: locks, references, the mm's view of a mapping.
 *
 * A spinlock's section is an atomic step. All else that may be interrupted by
 * somebody else is a step of its own.
 */

/*
 * What must hold. A promise is a variable that stays false, so that spin names
 * the one that is broken.
 */
#define MUST(what, condition) assert((condition) || what)

bool closed_means_gone,
	core_is_open_where_it_is_looked_at,
	device_is_not_used_after_free,
	events_are_counted_right,
	function_is_ours_when_an_importer_attaches,
	function_is_ours_when_its_set_is_reset,
	importers_are_told_before_it_is_off,
	importers_are_told_before_the_reset,
	lease_is_not_used_after_free,
	locks_are_not_used_after_free,
	module_is_there_while_its_code_runs,
	no_lease_is_left_when_the_device_goes,
	no_lessee_reaches_a_device_in_reset,
	no_lessee_reaches_a_device_that_is_off,
	no_mapping_is_left_at_release,
	no_mmap_waits_for_a_reset,
	nobody_else_waits_for_an_importer,
	nobody_gets_at_a_device_that_is_pulled_out,
	revoked_means_gone,
	revoked_though_killed,
	unbound_means_gone,
	window_is_empty_when_it_is_given_back;

/*
 * Locks. Each operation is told what says that the memory of the lock is gone.
 * Writers go first: whoever waits for writing keeps new readers out, and makes
 * their trylock fail. A section that waits for nothing is one step with the
 * taking of its lock, LOCKED().
 */
typedef rwsem {
	byte readers;
	byte waiting;
	byte writer		/* its pid */
};

/* Of the process that maps, and of the address space that the mappings are in */
rwsem mmap_lock;

#define LOCK_IS_THERE(freed) \
	MUST(locks_are_not_used_after_free, !(freed))

#define LOCKED(mutex)		!mutex
#define LOCKED_READ(sem)	!sem.writer && !sem.waiting
#define LOCKED_WRITE(sem)	!sem.writer && !sem.readers

/* Who is in .mmap has mmap_lock for writing, and waits for another rwsem. */
bool mmap_waits;

#define IN_MMAP			(mmap_lock.writer == _pid)
#define MMAP_WAITS		mmap_waits = mmap_waits || IN_MMAP
#define MMAP_GOES_ON		mmap_waits = mmap_waits && !IN_MMAP

inline down_read(sem, freed)
{
	if
	:: atomic { LOCKED_READ(sem) -> sem.readers++; LOCK_IS_THERE(freed) }
	:: atomic { !(LOCKED_READ(sem)) && IN_MMAP -> MMAP_WAITS };
		atomic { LOCKED_READ(sem) -> sem.readers++; MMAP_GOES_ON;
			 LOCK_IS_THERE(freed) }
	fi
}

inline up_read(sem, freed)
{
	atomic { LOCK_IS_THERE(freed); sem.readers-- }
}

inline down_read_trylock(sem, freed, got)
{
	atomic {
		LOCK_IS_THERE(freed);
		got = (LOCKED_READ(sem));
		sem.readers = sem.readers + got
	}
}

inline down_write(sem, freed)
{
	if
	:: atomic { LOCKED_WRITE(sem) ->
		    sem.writer = _pid; LOCK_IS_THERE(freed) }
	:: atomic { !(LOCKED_WRITE(sem)) -> sem.waiting++; MMAP_WAITS };
		atomic { LOCKED_WRITE(sem) -> sem.waiting--; MMAP_GOES_ON;
			 sem.writer = _pid; LOCK_IS_THERE(freed) }
	fi
}

inline down_write_trylock(sem, freed, got)
{
	atomic {
		LOCK_IS_THERE(freed);
		got = (LOCKED_WRITE(sem));
		sem.writer = (got -> _pid : sem.writer)
	}
}

inline up_write(sem, freed)
{
	atomic { LOCK_IS_THERE(freed); sem.writer = 0 }
}

inline mutex_lock(mutex, freed)
{
	atomic { LOCKED(mutex) -> mutex = true; LOCK_IS_THERE(freed) }
}

inline mutex_trylock(mutex, got)
{
	atomic { got = !mutex; mutex = true }
}

inline mutex_unlock(mutex, freed)
{
	atomic { LOCK_IS_THERE(freed); mutex = false }
}

/* Of the address space that the mappings are in */
bool i_mmap_lock;

/* VFIO's, of the set of functions that are reset together */
bool dev_set_lock;

/* The PCI core's, of the function */
bool device_lock;

/* Of the lease's DMABUF */
bool resv_lock;

/*
 * Two mappings: the first by mmap(), the second its copy by fork(). Each keeps
 * the DMABUF's file. A zap finds what is linked, the original before the copy.
 */
bool linked[2];
bool entry[2];

#define CPU_REACHES (entry[0] || entry[1])

inline unmap_mapping_range()
{
	atomic { LOCKED(i_mmap_lock) -> i_mmap_lock = true;
		 entry[0] = entry[0] && !linked[0] };
	atomic { entry[1] = entry[1] && !linked[1]; i_mmap_lock = false }
}
