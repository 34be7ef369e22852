# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A device that is taken away while it is lent, and comes back.

function=$BARLEASE_IVSHMEM
driver=/sys/bus/pci/drivers/barlease-vfio-pci

# It waits in the kernel until nobody has the function open.
unbind()
{
	timeout 60 sh -c "echo $function >$driver/unbind" ||
		fail "the kernel waits for the function"
}

bind_again()
{
	barlease bind "$function"
	soon test -e "/sys/bus/pci/devices/$function/vfio-dev"
	udevadm settle
}

# Both lessees work; the one of the function is told that it is gone.
expect_lost()
{
	local said

	said=$(tell a event)
	# BARLEASE_END_DEVICE of barlease/protocol.h
	[[ $said == "revoked "*" 6" ]] || fail "a: $said"
	is "$(tell a touch)" gone
	is "$(tell b touch)" touched
	is "$(tell b list)" "listed pages/4/3"
	! [ -e $driver/"$function" ] || fail "it is bound"
}

test_function_that_is_unbound_is_given_up_and_comes_back()
{
	local pid

	systemctl start systemd-udevd
	have_lessees
	pid=$(main_pid)
	unbind
	soon has_logged BARLEASE_EVENT=device-lost BARLEASE_DEVICE="$function"
	soon has_logged BARLEASE_EVENT=revoke BARLEASE_WHY=device-lost
	expect_lost
	is "$(tell a list)" listed

	# Not there, and so the policy cannot be.
	systemctl reload $unit
	soon has_property StatusText "policy rejected"
	is "$(tell b touch)" touched
	bind_again
	systemctl reload $unit
	soon has_property StatusText "policy in force"
	is "$(main_pid)" "$pid"
	get a queues
	is "$(tell a touch)" touched
}

# Who has lost a function has the leases of others outlive a restart.
test_service_that_has_lost_a_function_can_be_restarted()
{
	systemctl start systemd-udevd
	have_lessees
	unbind
	expect_lost
	replaced_by kill -KILL
	is "$(tell b touch)" touched
	is "$(tell b list)" "listed pages/4/3"
	is "$(tell a list)" listed
	bind_again
	systemctl reload $unit
	# The policy that it began with was rejected.
	soon has_logged BARLEASE_EVENT=policy-in-force
	get a queues
	is "$(tell a touch)" touched
}

# The kernel asks again and again, until there is somebody to hear it.
test_function_that_is_unbound_while_nobody_runs_is_given_up_by_the_next()
{
	local waiting

	systemctl start systemd-udevd
	set_until_end RestartSec=5s
	have_lessees
	kill -KILL "$(main_pid)"
	unbind &
	waiting=$!
	soon has_logged BARLEASE_EVENT=device-lost
	wait $waiting || fail "it could not be unbound"
	expect_lost
	bind_again
	systemctl reload $unit
	soon has_logged_times 2 BARLEASE_EVENT=policy-in-force
}
