# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Modules of the kernel that are not loaded when the service starts.

ivshmem=/sys/bus/pci/devices/$BARLEASE_IVSHMEM

# Nothing of VFIO is loaded. The function is without a driver, and has ours as soon
# as that is.
have_no_modules()
{
	have_stopped
	! [ -e "$ivshmem/driver" ] ||
		echo "$BARLEASE_IVSHMEM" >"$ivshmem/driver/unbind"
	echo barlease-vfio-pci >"$ivshmem/driver_override"
	modprobe --remove barlease-vfio-pci vfio_iommu_type1
	! grep vfio /proc/devices || fail "it is loaded"
	! [ -e /dev/vfio/vfio ] || fail "its file is there"
}

# A policy of simulated devices alone.
have_simulated()
{
	sed -i '/^\[Device memory/,/^socket/d' $policy
}

has_failed_units()
{
	[ -n "$(systemctl list-units --failed --no-legend)" ]
}

test_start_loads_the_modules_and_finds_the_function()
{
	have_no_modules
	systemctl start $unit
	is "$(property ActiveState)" active
	is "$(property NRestarts)" 0
	lessee a $queues
	get a queues
	is "$(tell a touch)" touched
}

test_function_that_is_bound_after_the_start_can_be_lent()
{
	have_no_modules
	echo >"$ivshmem/driver_override"
	have_simulated
	systemctl start $unit
	is "$(property ActiveState)" active
	barlease bind "$BARLEASE_IVSHMEM"
	udevadm settle
	cp /tmp/policy $policy
	systemctl reload $unit
	soon has_logged_times 2 BARLEASE_EVENT=policy-in-force
	lessee a $queues
	get a queues
	is "$(tell a touch)" touched
}

# As at a boot, where udev has been told of all functions and is at it still.
test_start_waits_for_udev_to_bind_the_function()
{
	local rules=/etc/udev/rules.d
	local wait='until [ -e /run/go ]; do sleep 0.1; done'

	systemctl start systemd-udevd
	barlease bind --persist "$BARLEASE_IVSHMEM"
	rm -f /run/go
	# Also if this test fails meanwhile.
	trap "touch /run/go; rm -f $rules/74-slow.rules" EXIT
	echo "ACTION==\"add\", SUBSYSTEM==\"pci\", RUN+=\"/bin/sh -c '$wait'\"" \
		>$rules/74-slow.rules
	udevadm control --reload
	have_no_modules
	echo >"$ivshmem/driver_override"
	udevadm trigger --action=add "$ivshmem"
	systemctl start --no-block $unit
	soon has_property SubState start-pre
	# One that does not wait fails meanwhile.
	read -r -t 1 -u "$nothing" || true
	is "$(property SubState)" start-pre
	touch /run/go
	soon has_property ActiveState active
	is "$(property NRestarts)" 0
	lessee a $queues
	get a queues
	rm $rules/74-slow.rules $rules/75-barlease-"$BARLEASE_IVSHMEM".rules
	udevadm control --reload
}

test_start_without_the_modules_fails_no_unit()
{
	local hidden=0

	have_no_modules
	have_simulated
	mount -t tmpfs tmpfs /lib/modules
	systemctl start $unit || hidden=1
	! has_failed_units || hidden=2
	umount /lib/modules
	is $hidden 0
	is "$(property ActiveState)" active
	lessee b $pages
	get b pages
}
