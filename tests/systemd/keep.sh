# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Another process is the service, and lessees notice nothing.

program=/usr/local/sbin/barleased

# Two lessees with a lease each, of a device and of a simulated one.
have_lessees()
{
	have_running
	lessee a $queues
	get a queues
	lessee b $pages
	get b pages
}

# The leases are there, and so is who listens to them.
expect_undisturbed()
{
	is "$(tell a touch)" touched
	is "$(tell b touch)" touched
	is "$(tell a list)" "listed queues/16/15"
	is "$(tell b list)" "listed pages/4/3"
	get a queues
	is "$(tell a list)" "listed queues/16/14"
	is "$(tell a release)" released
	is "$(tell b release)" released
	is "$(tell a list)" "listed queues/16/15"
	is "$(tell b list)" "listed pages/4/4"
	is "$(tell b touch)" gone
}

has_listed()
{
	grep -q ^listed "$lessees/$1.out"
}

count_touches()
{
	grep -c '^touched$' "$lessees/$1.out" || true
}

# has_touched NAME TIMES
has_touched()
{
	[ "$(count_touches "$1")" -ge "$2" ]
}

# while_lessees_work COMMAND...: no access of theirs may fail meanwhile.
while_lessees_work()
{
	local name
	local -A before

	: >$lessees/a.out
	: >$lessees/b.out
	while true; do
		echo touch >$lessees/a.in
		echo touch >$lessees/b.in
		read -r -t 0.05 -u "$nothing" || true
	done &
	work=$!
	# Also if this test fails meanwhile.
	trap 'kill $work; wait $work || true' EXIT
	for name in a b; do
		soon has_touched $name 2
		before[$name]=$(count_touches $name)
	done
	"$@"
	for name in a b; do
		soon has_touched $name $((before[$name] + 2))
	done
	trap - EXIT
	kill $work
	wait $work || true
	for name in a b; do
		echo list >$lessees/$name.in
		soon has_listed $name
		! grep -v -e '^touched$' -e ^listed $lessees/$name.out ||
			fail "$name lost its lease for a moment"
	done
}

# replaced_by COMMAND...: another process is the service after that.
replaced_by()
{
	local before

	before=$(main_pid)
	[ "$before" -gt 1 ] || fail "nobody runs"
	"$@" "$before"
	soon is_another_than "$before"
}

restart()
{
	systemctl restart $unit
}

# As dpkg does: the old one lives on without a name.
upgrade()
{
	cp -p $program $program.new
	mv $program.new $program
	systemctl daemon-reload
	systemctl restart $unit
}

test_restart_keeps_leases()
{
	have_lessees
	while_lessees_work replaced_by restart
	expect_undisturbed
}

test_kill_keeps_leases()
{
	have_lessees
	while_lessees_work replaced_by kill -KILL
	expect_undisturbed
}

test_kills_in_a_row_keep_leases()
{
	have_lessees
	for _ in 1 2 3; do
		replaced_by kill -KILL
	done
	expect_undisturbed
}

test_upgrade_keeps_leases()
{
	have_lessees
	while_lessees_work replaced_by upgrade
	is "$(readlink "/proc/$(main_pid)/exe")" $program
	expect_undisturbed
}

test_who_waits_is_granted_it_by_the_next_process()
{
	local name

	have_running
	for name in a b c d e; do
		lessee $name $pages
	done
	for name in a b c d; do
		get $name pages
	done
	is "$(tell e start pages)" started
	[[ $(tell e event) == "queued "* ]] || fail "it does not wait"
	replaced_by kill -KILL
	is "$(tell a release)" released
	[[ $(tell e event) == "granted "* ]] || fail "it is not granted"
	is "$(tell e touch)" touched
}

test_policy_that_changed_meanwhile_recalls()
{
	local said

	have_lessees
	sed -i 's/^allow = user:lessee/allow = user:root/' $policy
	replaced_by restart
	said=$(tell b event)
	[[ $said == "recalled "* ]] || fail "b: $said"
	is "$(tell a touch)" touched
	is "$(tell a list)" "listed queues/16/15"
}

# What is kept is none of what it says, which nobody sees before the next process.
spoil()
{
	local state

	state=$(find "/proc/$(main_pid)/fd" -lname '/memfd:barlease-state*')
	printf x | dd of="$state" conv=notrunc status=none
}

test_who_cannot_go_on_has_the_function_at_its_first_start()
{
	local said

	have_lessees
	spoil
	replaced_by kill -KILL
	is "$(property NRestarts)" 1
	soon has_logged BARLEASE_EVENT=ready
	has_logged BARLEASE_EVENT=resume-failed || fail "it goes on"
	! has_logged BARLEASE_EVENT=device-failed || fail "it is in use"
	said=$(tell a event)
	[[ $said == "hangup "* ]] || fail "a: $said"
	is "$(tell a touch)" gone
	lessee c $queues
	get c queues
	is "$(tell c touch)" touched
}

test_watchdog_replaces_one_that_stands_still_and_leases_stay()
{
	# Half of it may pass before a barleased that is well is heard of.
	set_until_end WatchdogSec=12s
	have_lessees
	while_lessees_work replaced_by kill -STOP
	is "$(property Result)" success
	soon has_failed_by watchdog
	expect_undisturbed
}

# has_failed_by RESULT: as the manager tells in the journal
has_failed_by()
{
	journalctl --quiet --unit=$unit --boot --output=cat |
		grep -q "Failed with result '$1'"
}
