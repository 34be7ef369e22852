# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Functions that udev has bound at each boot (barlease bind --persist).

nvme=$BARLEASE_NVME

driver_of_nvme()
{
	basename "$(readlink "/sys/bus/pci/devices/$nvme/driver" || echo none)"
}

# Nothing has the function, and nobody knows what had; then it comes.
have_nvme_come()
{
	local driver=/sys/bus/pci/devices/$nvme/driver

	[ ! -e "$driver" ] || echo "$nvme" >"$driver/unbind"
	echo >"/sys/bus/pci/devices/$nvme/driver_override"
	rm -f "/run/barlease/$nvme"
	# It looks for new rules now and then only, and at its start.
	udevadm control --reload
	udevadm trigger --action=add --settle "/sys/bus/pci/devices/$nvme"
}

test_function_is_bound_by_udev_as_long_as_it_is_told()
{
	local rule=/etc/udev/rules.d/75-barlease-$nvme.rules

	systemctl start systemd-udevd
	barlease bind --persist "$nvme"
	have_nvme_come
	is "$(driver_of_nvme)" barlease-vfio-pci

	# Another one that has come to its address is left alone.
	sed -i 's/ATTR{device}=="0x/&f/' "$rule"
	have_nvme_come
	! [ "$(driver_of_nvme)" = barlease-vfio-pci ] || fail "it was taken"

	barlease bind --persist "$nvme"
	have_nvme_come
	is "$(driver_of_nvme)" barlease-vfio-pci
	barlease unbind --persist "$nvme"
	have_nvme_come
	! [ "$(driver_of_nvme)" = barlease-vfio-pci ] || fail "it is bound still"
}

# Of the group that nvme has when it is bound to a VFIO driver.
owner_of_nvme()
{
	barlease bind "$nvme"
	udevadm settle
	stat -c %U "/dev/vfio/$1"
	barlease unbind "$nvme"
}

test_rules_of_the_machine_say_which_groups_are_of_the_service()
{
	local rule=/etc/udev/rules.d/70-barlease.rules group

	group=$(basename "$(readlink "/sys/bus/pci/devices/$nvme/iommu_group")")
	systemctl start systemd-udevd
	is "$(owner_of_nvme "$group")" barlease
	echo 'SUBSYSTEM=="vfio", KERNEL=="0815", OWNER="barlease"' >$rule
	udevadm control --reload
	is "$(owner_of_nvme "$group")" root
	echo "SUBSYSTEM==\"vfio\", KERNEL==\"$group\", OWNER=\"barlease\"" >$rule
	udevadm control --reload
	is "$(owner_of_nvme "$group")" barlease
	rm $rule
	udevadm control --reload
}
