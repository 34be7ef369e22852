# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Other policies.

test_reload_has_the_new_policy_in_force()
{
	local pid

	have_running
	pid=$(main_pid)
	lessee a $pages
	get a pages
	is "$(tell a list)" listed\ pages/4/3
	sed -i 's/^range = 0+16K/range = 0+32K/; s/^\[Pool pages/[Pool more/' \
		$policy
	systemctl reload $unit
	soon has_logged BARLEASE_EVENT=recall BARLEASE_OFFER=pages
	is "$(property StatusText)" "policy in force"
	is "$(main_pid)" "$pid"
}

has_no_function_open()
{
	! find "/proc/$1/fd" -lname "/dev/vfio/*" | grep -q .
}

# The manager has it open until it hears that it is to close it, too.
test_function_that_was_dropped_can_be_taken_back_at_once()
{
	local pid manager=/sys/fs/cgroup/init.scope/cgroup.freeze

	have_running
	pid=$(main_pid)
	# Also if this test fails meanwhile.
	trap "echo 0 >$manager" EXIT
	echo 1 >$manager
	sed '/^\[Device memory\]/,/^socket/d' /tmp/policy >$policy
	kill -HUP "$pid"
	soon has_no_function_open "$pid"
	cp /tmp/policy $policy
	kill -HUP "$pid"
	read -r -t 1 -u "$nothing" || true
	echo 0 >$manager
	soon has_logged_times 3 BARLEASE_EVENT=policy-in-force
	! has_logged BARLEASE_EVENT=policy-rejected || fail "it is rejected"
	lessee a $queues
	get a queues
}

test_reload_of_a_wrong_policy_keeps_the_old_one()
{
	local pid

	have_running
	pid=$(main_pid)
	lessee a $pages
	get a pages
	sed -i 's/^size = 1M/size = 1X/' $policy
	systemctl reload $unit
	soon has_logged BARLEASE_EVENT=policy-rejected
	soon is "$(property StatusText)" "policy rejected"
	is "$(property ActiveState)" active
	is "$(main_pid)" "$pid"
	is "$(tell a touch)" touched
	get a pages
	is "$(tell a list)" listed\ pages/4/2
}
