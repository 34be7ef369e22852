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
