# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the service may not do.

# status FIELD: of its process
status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(main_pid)/status"
}

# inside COMMAND...: as its user, with what it has of the file system, the
# network and capabilities
inside()
{
	nsenter --target "$(main_pid)" --mount --net \
		setpriv --reuid barlease --regid barlease --clear-groups \
		--inh-caps=-all "$@"
}

test_process_has_one_capability_and_a_filter()
{
	have_running
	# CAP_CHOWN is the first.
	for set in CapPrm CapEff CapBnd; do
		is "$set $(status $set)" "$set 0000000000000001"
	done
	for set in CapInh CapAmb; do
		is "$set $(status $set)" "$set 0000000000000000"
	done
	is "$(status NoNewPrivs)" 1
	is "$(status Seccomp)" 2
	[ "$(status Seccomp_filters)" -gt 0 ] || fail "no filter"
}

test_process_writes_nothing_but_sockets()
{
	have_running
	inside test -w /run/barlease || fail "no place for sockets"
	! inside touch /run/new || fail "it writes in /run"
	# Not even root could there.
	for place in / /dev /etc /home /usr/local/sbin /var/lib /sys/kernel; do
		! nsenter --target "$(main_pid)" --mount touch $place/new ||
			fail "it writes in $place"
	done
}

test_process_has_nothing_of_the_memory_that_others_share()
{
	local place

	mkdir -p /dev/shm /dev/mqueue /dev/hugepages
	have_running
	for place in /dev/shm /dev/mqueue /dev/hugepages; do
		# With all capabilities, and as itself.
		! nsenter --target "$(main_pid)" --mount touch $place/new ||
			fail "it writes in $place"
		! inside ls $place || fail "it reads $place"
	done
	[ "$(readlink "/proc/$(main_pid)/ns/ipc")" != \
		"$(readlink /proc/self/ns/ipc)" ] || fail "it has the system's"
}

test_process_has_no_network()
{
	have_running
	[ "$(readlink "/proc/$(main_pid)/ns/net")" != \
		"$(readlink /proc/self/ns/net)" ] || fail "it has the system's"
	# Who has nothing but "lo" and two lines above it.
	is "$(wc -l <"/proc/$(main_pid)/net/dev")" 3
}

test_exposure_is_ok_and_below_2()
{
	systemd-analyze security --no-pager $unit >/tmp/security || true
	tail -n 1 /tmp/security | tee /dev/ttyS1
	# In tenths.
	systemd-analyze security --no-pager --threshold=20 $unit >/dev/null ||
		fail "$(tail -n 1 /tmp/security)"
}
