# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The service comes, and goes.

test_who_connects_has_it_started()
{
	have_stopped
	lessee a $queues
	get a queues
	is "$(property ActiveState)" active
	is "$(property StatusText)" "policy in force"
}

test_function_is_opened_by_its_own_user()
{
	have_running
	is "$(stat -c %U "/proc/$(main_pid)")" barlease
	find "/proc/$(main_pid)/fd" -lname "/dev/vfio/*" | grep -q . ||
		fail "it has nothing of /dev/vfio open"
}

test_function_is_not_opened_by_members_of_its_group()
{
	local file

	have_running
	for file in /dev/vfio/[0-9]*; do
		setpriv --reuid barlease --regid barlease --clear-groups \
			test -w "$file" ||
			fail "it could not open $file"
		! setpriv --reuid lessee --regid barlease --clear-groups \
			test -r "$file" || fail "they open $file"
	done
}

test_others_than_its_cgroups_learn_nothing()
{
	local said

	have_running
	said=$(setpriv --reuid lessee --regid lessee --clear-groups \
		broker_lessee $queues <<<list)
	is "$(tail -n 1 <<<"$said")" listed
}

# is_gone NAME: the latest lease of this lessee
is_gone()
{
	[ "$(tell "$1" touch)" = gone ]
}

test_stop_ends_leases_of_a_device_and_leaves_the_socket()
{
	have_running
	lessee a $queues
	get a queues
	systemctl stop $unit
	[[ $(tell a event) == "hangup "* ]] || fail "a is not told"
	is "$(property ActiveState)" inactive
	# The manager closes the function a moment after it has said so.
	soon is_gone a
	[ -S $queues ] || fail "the manager's socket is gone"
	systemctl start $unit
	lessee b $queues
	is "$(tell b list)" "listed queues/16/16"
}

test_interrupt_takes_all_leases_back()
{
	have_running
	lessee a $queues
	get a queues
	lessee b $pages
	get b pages
	systemctl kill --signal=INT $unit
	[[ $(tell a event) == "revoked "* ]] || fail "a is not told"
	[[ $(tell b event) == "revoked "* ]] || fail "b is not told"
	is "$(tell a touch)" gone
	is "$(tell b touch)" gone
	soon has_property ActiveState inactive
}

test_nothing_starts_without_a_policy()
{
	have_stopped
	rm $policy
	systemctl start $unit
	is "$(property ActiveState)" inactive
	is "$(property ConditionResult)" no
}

test_wrong_policy_fails_the_start_and_the_journal_says_why()
{
	local cursor

	have_stopped
	sed -i 's/^size = 1M/size = 1X/' $policy
	cursor=$(journal_cursor)
	! systemctl start $unit || fail "it starts"
	soon has_said "$cursor" BARLEASE_EVENT=mistake
}

test_journal_finds_a_grant_by_its_fields()
{
	have_running
	lessee a $queues
	get a queues
	soon has_logged BARLEASE_EVENT=grant BARLEASE_OFFER=queues \
		BARLEASE_CGROUP=/system.slice/lessee-a.service
	! has_logged BARLEASE_EVENT=grant BARLEASE_OFFER=pages ||
		fail "any field will do"
}
