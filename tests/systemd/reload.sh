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

# waits_for_function PID SINCE: it asks for the function again and again, as nothing
# else of it is in clock_nanosleep(2). Or the time that it does so for is over.
waits_for_function()
{
	local call

	{ read -r call _ <"/proc/$1/syscall" && [ "$call" = 230 ]; } ||
		[ $((SECONDS - $2)) -ge 5 ]
}

# The manager is frozen while the function is dropped and taken back: sets since to
# when it was dropped, or a little before.
drop_and_take_back()
{
	local pid

	pid=$(main_pid)
	echo 1 >$manager
	soon grep -q '^frozen 1' ${manager%freeze}events
	sed '/^\[Device memory\]/,/^socket/d' /tmp/policy >$policy
	since=$SECONDS
	kill -HUP "$pid"
	soon has_no_function_open "$pid"
	cp /tmp/policy $policy
	kill -HUP "$pid"
	soon waits_for_function "$pid" "$since"
	echo 0 >$manager
}

# The manager has it open until it hears that it is to close it, too.
test_function_that_was_dropped_can_be_taken_back_at_once()
{
	local since try manager=/sys/fs/cgroup/init.scope/cgroup.freeze

	# Also if this test fails meanwhile.
	trap "echo 0 >$manager" EXIT
	for try in 1 2 3; do
		have_running
		drop_and_take_back
		# Either of the two.
		soon has_logged_times 3 BARLEASE_EVENT=policy-in-force \
			BARLEASE_EVENT=policy-rejected
		has_logged BARLEASE_EVENT=policy-rejected || break
		# It waits for 5 seconds, for which the machine may have stood
		# still.
		if [ $try = 3 ] || [ $((SECONDS - since)) -lt 5 ]; then
			fail "it is rejected"
		fi
	done
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
	soon has_property StatusText "policy rejected"
	is "$(property ActiveState)" active
	is "$(main_pid)" "$pid"
	is "$(tell a touch)" touched
	get a pages
	is "$(tell a list)" listed\ pages/4/2
}
