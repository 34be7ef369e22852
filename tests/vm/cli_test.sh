#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of the command barlease on real leases; runs in a guest:
#
#     tests/vm/run --kernel 6.12 tests/vm/cli_test.sh [NAME...]
#
# Prints "ok NAME" or "not ok NAME: why" for each function test_NAME. Each binds
# what it needs, so that it can run alone.
# shellcheck disable=SC2317 # the tests are called by name

memory=$BARLEASE_IVSHMEM
disk=$BARLEASE_NVME
out=/tmp/out

fail()
{
	printf '%s\n' "$*" >/tmp/why
	exit 1
}

# expect STATUS COMMAND...: run it, its output goes to $out.
expect()
{
	wanted=$1
	shift
	status=0
	"$@" >"$out" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] ||
		fail "$* has status $status, not $wanted: $(tr '\n' ' ' <"$out")"
}

says()
{
	grep -qF -e "$1" "$out" || fail "no '$1' in: $(tr '\n' ' ' <"$out")"
}

is()
{
	[ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# soon COMMAND...: it must succeed within seconds, or more on a slow kernel.
soon()
{
	tries=$((100 * BARLEASE_PATIENCE))
	until "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "not within $((10 * BARLEASE_PATIENCE)) seconds: $*"
		sleep 0.1
	done
}

is_gone()
{
	# A zombie holds nothing any more.
	! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null
}

bind()
{
	expect 0 barlease bind "$1"
}

driver_of()
{
	basename "$(readlink "/sys/bus/pci/devices/$1/driver")"
}

# lend SLICE COMMAND...: to the ordinary user lessee.
lend()
{
	slice=$1
	shift
	barlease run "$memory:2[$slice" --user lessee -- "$@"
}

# Sets lessor to the process that lends, and child to its lessee.
lend_for_long()
{
	rm -f /tmp/pid
	# Not in a function of ours: $! would be a shell. And $$ is the child.
	# shellcheck disable=SC2016
	barlease run "$memory:2[0+4K]" --user lessee -- \
		sh -c 'echo $$ >/tmp/pid; exec sleep 1000' >/dev/null 2>&1 &
	lessor=$!
	soon test -s /tmp/pid
	child=$(cat /tmp/pid)
}

test_list_says_what_can_be_lent()
{
	expect 0 barlease list --json "$memory"
	says '"lendable": false'
	bind "$memory"
	expect 0 barlease list --json "$memory"
	says "\"bdf\": \"$memory\""
	says '"driver": "barlease-vfio-pci"'
	says '"size": 16777216'
	says '"lendable": true'
}

test_a_poke_reaches_its_place_and_no_other()
{
	bind "$memory"
	hostcall write 0x200010 00000000
	hostcall snapshot
	expect 0 lend "2M+2M]" barlease poke 0x10 0x1234cafe
	is "$(hostcall changed)" 0x200010+0x4
	is "$(hostcall read 0x200010 4)" feca3412
	expect 0 barlease run "$memory:2[2M+2M]" --user other -- \
		barlease peek 0x10
	says 0x1234cafe
}

test_a_fill_reaches_its_range_and_no_other()
{
	bind "$memory"
	hostcall write 0x200010 000000000000000000000000
	hostcall snapshot
	expect 0 lend "2M+2M]" barlease fill --offset 0x10 --length 12 0x1234cafe
	is "$(hostcall changed)" 0x200010+0xc
	is "$(hostcall read 0x200010 12)" feca3412feca3412feca3412
	expect 1 lend "2M+2M],ro" barlease fill --offset 0x10 --length 4 7
	says read-only
	is "$(hostcall read 0x200010 4)" feca3412
}

test_what_one_user_loads_another_saves()
{
	bind "$memory"
	echo hello >/tmp/hello
	chmod 644 /tmp/hello
	expect 0 lend "4M+2M]" barlease load --offset 3 /tmp/hello
	is "$(hostcall read 0x400003 6)" 68656c6c6f0a
	expect 0 barlease run "$memory:2[4M+2M]" --user other -- \
		barlease save --offset 3 --length 6 -
	is "$(cat "$out")" hello
}

test_a_read_only_slice_is_read_and_refuses_a_poke()
{
	bind "$memory"
	hostcall write 0x200010 01020304
	expect 0 lend "2M+2M],ro" barlease peek 0x10
	says 0x04030201
	expect 1 lend "2M+2M],ro" barlease poke 0x10 7
	says read-only
	is "$(hostcall read 0x200010 4)" 01020304
}

test_an_access_past_the_slice_is_refused()
{
	bind "$memory"
	expect 0 lend "0+4K]" barlease peek 0xffc
	for command in "peek 0x1000" "poke 0x1000 1" "peek 0xffe"; do
		# shellcheck disable=SC2086 # words are what is wanted
		expect 2 lend "0+4K]" barlease $command
	done
}

# The disk has its MSI-X table in BAR 0 from 0x2000 on.
test_the_msix_table_is_lent_when_one_insists_alone()
{
	bind "$disk"
	expect 1 barlease run "$disk:0[0x2000+4K]" -- touch /tmp/lent
	says "MSI-X table of $disk (BAR 0 from 0x2000)"
	says --over-msix
	[ ! -e /tmp/lent ] || fail "it was lent"
	expect 1 barlease run "$disk:0" -- true
	expect 0 barlease run "$disk:0[0+8K]" -- barlease peek 8
	expect 0 barlease run --over-msix "$disk:0" -- \
		sh -c 'barlease poke 0x2008 0x1234 && barlease peek 0x2008'
	says 0x00001234
}

test_the_childs_exit_status_comes_through()
{
	bind "$memory"
	expect 0 lend "0+4K]" true
	expect 37 lend "0+4K]" sh -c 'exit 37'
	# shellcheck disable=SC2016 # that shell's process
	expect 137 lend "0+4K]" sh -c 'kill -9 $$'
}

test_wrong_requests_have_status_2_and_run_nothing()
{
	bind "$memory"
	rm -f /tmp/ran
	expect 2 barlease list nonsense
	expect 2 barlease bind 0000:zz:00.0
	for slice in nonsense "nonsense:2[0+4K]" "$memory:9[0+4K]" \
		"$memory:2[1+4K]" "$memory:2[15M+2M]" "$memory:2[0+0]"; do
		expect 2 barlease run "$slice" -- touch /tmp/ran
	done
	[ ! -e /tmp/ran ] || fail "the command ran"
}

test_a_child_has_the_lease_and_no_privilege()
{
	bind "$memory"
	# shellcheck disable=SC2016 # for the child's shell
	expect 0 lend "2M+2M]" sh -c '
		id -u
		echo "$LISTEN_FDS $BARLEASE_0"
		readlink /proc/self/fd/3
		grep -E "^(CapEff|NoNewPrivs)" /proc/self/status
		cat /sys/bus/pci/devices/*/resource2 >/dev/null && echo opened
		for file in /dev/vfio/[0-9]* /dev/vfio/devices/*; do
			(: <"$file") && echo opened
		done
		true'
	says 1000
	says "1 3 $memory:2[0x200000+0x200000],rw"
	says dmabuf
	grep -q '^CapEff:[[:space:]]*0*$' "$out" || fail "it has capabilities"
	grep -q '^NoNewPrivs:[[:space:]]*1$' "$out" || fail "it may gain privileges"
	! grep -q opened "$out" || fail "it can open the device itself"
}

test_a_function_that_is_lent_is_not_taken()
{
	bind "$memory"
	lend_for_long
	expect 1 barlease unbind "$memory"
	says "in use"
	expect 1 barlease bind --driver vfio-pci "$memory"
	expect 1 barlease run "$memory:2[0+4K]" -- true
	is "$(driver_of "$memory")" barlease-vfio-pci
	kill -TERM "$lessor"
	status=0
	wait "$lessor" || status=$?
	is "$status" 143
	soon is_gone "$child"
}

# Not by our own command, which refuses to. It would wait as long as its lessee.
test_a_function_that_is_unbound_by_hand_is_given_up()
{
	bind "$memory"
	lend_for_long
	timeout $((10 * BARLEASE_PATIENCE)) sh -c "echo $memory \
		>/sys/bus/pci/drivers/barlease-vfio-pci/unbind" ||
		fail "it waits for the lessor"
	! [ -e "/sys/bus/pci/devices/$memory/driver" ] || fail "it is bound"
	! is_gone "$child" || fail "the command was ended"
	kill -TERM "$lessor"
	status=0
	wait "$lessor" || status=$?
	is "$status" 143
}

# Whether the kernel has files in /dev/vfio/devices, and iommufd.
has_iommufd()
{
	[ -e /dev/vfio/devices ] && [ -e /dev/iommu ]
}

vfio_file_of()
{
	file=$(echo "/sys/bus/pci/devices/$1/vfio-dev"/vfio*)
	echo "/dev/vfio/devices/${file##*/}"
}

test_a_function_is_opened_in_the_way_that_is_asked_for()
{
	bind "$memory"
	expect 0 barlease run --open group "$memory:2[0+4K]" -- barlease peek 0
	expect 2 barlease run --open any "$memory:2[0+4K]" -- true
	if ! has_iommufd; then
		expect 1 barlease run --open iommufd "$memory:2[0+4K]" -- true
		says "by iommufd: this kernel has no files in /dev/vfio/devices"
		expect 0 barlease list --json "$memory"
		says '"vfio_file": null'
		return
	fi
	expect 0 barlease run --open iommufd "$memory:2[0+4K]" -- \
		barlease peek 0
	expect 0 barlease list --json "$memory"
	says "\"vfio_file\": \"$(basename "$(vfio_file_of "$memory")")\""
	# Nobody else may, in either way.
	expect 1 su -s /bin/sh lessee -c \
		"barlease run --open iommufd '$memory:2[0+4K]' -- true"
	says "by iommufd: this user may not open its file"
	expect 1 su -s /bin/sh lessee -c \
		"barlease run '$memory:2[0+4K]' -- true"
	says "this user may not open /dev/vfio/"
	says "by iommufd either: this user may not open its file"
}

test_a_lent_function_is_in_use_in_either_way()
{
	bind "$memory"
	lend_for_long
	if has_iommufd; then
		expect 1 barlease run --open iommufd "$memory:2[0+4K]" -- true
		says "has $(vfio_file_of "$memory") open"
	fi
	expect 1 barlease run --open group "$memory:2[0+4K]" -- true
	says "another process owns it"
	says "(barlease) has /dev/vfio/"
	kill -TERM "$lessor"
	wait "$lessor"
	if has_iommufd; then
		# Nobody owns the device, but unbinding would wait for this.
		sleep 1000 <>"$(vfio_file_of "$memory")" &
		holder=$!
		soon test -e "/proc/$holder/exe"
		soon grep -q sleep "/proc/$holder/comm"
		expect 1 barlease unbind "$memory"
		says "(sleep) has $(vfio_file_of "$memory") open"
		kill "$holder"
		wait "$holder"
	fi
	expect 0 barlease unbind "$memory"
}

test_a_killed_run_takes_its_child_along()
{
	bind "$memory"
	lend_for_long
	kill -9 "$lessor"
	wait "$lessor"
	soon is_gone "$child"
	# Nobody holds the function.
	expect 0 lend "0+4K]" barlease peek 0
}

test_what_outlives_the_child_has_lost_the_lease()
{
	bind "$memory"
	rm -f /tmp/go /tmp/orphan
	# shellcheck disable=SC2016 # for the child's shell
	expect 0 lend "0+4K]" sh -c '
		(until [ -e /tmp/go ]; do sleep 0.1; done
		barlease peek 0
		echo "status $?") >/tmp/orphan 2>&1 &
		exit 0'
	touch /tmp/go
	soon grep -q status /tmp/orphan
	cp /tmp/orphan "$out"
	says "status 1"
	says revoked
}

# There are two nvmes, which are numbered in the order in which they come up.
disk_node()
{
	basename "/sys/bus/pci/devices/$disk"/nvme/nvme*/nvme*n1
}

disk_is_there()
{
	test -b "/dev/$(disk_node)"
}

test_a_disk_in_use_is_not_taken()
{
	expect_disk
	node=$(disk_node)
	expect 0 mkswap "/dev/$node"
	expect 0 swapon "/dev/$node"
	status=0
	barlease bind "$disk" >"$out" 2>&1 || status=$?
	swapoff "/dev/$node"
	is "$status" 1
	says "$node"
	is "$(driver_of "$disk")" nvme
}

# nvme's driver has the disk.
expect_disk()
{
	modprobe nvme 2>/dev/null
	[ ! -e "/run/barlease/$disk" ] || barlease unbind "$disk" >/dev/null 2>&1
	# It had none where it was bound before nvme was loaded.
	[ -e "/sys/bus/pci/devices/$disk/driver" ] ||
		echo "$disk" >/sys/bus/pci/drivers_probe
	soon disk_is_there
	is "$(driver_of "$disk")" nvme
}

test_unbind_puts_nvmes_driver_back()
{
	expect_disk
	bind "$disk"
	is "$(driver_of "$disk")" barlease-vfio-pci
	! disk_is_there || fail "the disk is still there"
	# The version register, read by an ordinary user.
	expect 0 barlease run "$disk:0[0+4K]" --user lessee -- barlease peek 8
	says 0x00010400
	expect 0 barlease unbind "$disk"
	[ ! -e "/run/barlease/$disk" ] || fail "what was before is still noted"
	expect_disk
	expect 1 barlease unbind "$disk"
}

# Of what udev would do word by word: there is none here. tests/systemd has one.
test_a_persistent_binding_is_made_by_its_rule()
{
	rule=/etc/udev/rules.d/75-barlease-$disk.rules
	mkdir -p /etc/udev /usr/local/bin
	ln -sf /usr/bin/barlease /usr/local/bin/barlease
	expect_disk
	expect 0 barlease bind --persist "$disk"
	says "at each boot, by $rule"
	expect 0 barlease list --json "$disk"
	says '"at_boot": "barlease-vfio-pci"'
	expect 0 barlease unbind "$disk"
	says "again at the next boot"
	expect_disk
	# A boot: nothing has it, and what was before is in the rule alone.
	echo "$disk" >"/sys/bus/pci/devices/$disk/driver/unbind"
	for key in vendor device class; do
		grep -qF "ATTR{$key}==\"$(cat "/sys/bus/pci/devices/$disk/$key")\"" \
			"$rule" || fail "no such $key in: $(cat "$rule")"
	done
	modprobe "$(sed -n 's/.*RUN{builtin}+="kmod load \([^"]*\)".*/\1/p' "$rule")"
	# shellcheck disable=SC2046 # words are what is wanted
	expect 0 env -i ACTION=add $(sed -n 's/.* RUN+="\([^"]*\)".*/\1/p' "$rule")
	is "$(driver_of "$disk")" barlease-vfio-pci
	expect 0 barlease unbind --persist "$disk"
	[ ! -e "$rule" ] || fail "the rule is still there"
	expect_disk
}

test_nvme_is_reset_and_answers_again()
{
	expect_disk
	bind "$disk"
	expect 0 barlease reset "$disk"
	says "is reset"
	is "$(driver_of "$disk")" barlease-vfio-pci
	expect 0 barlease run "$disk:0[0+4K]" --user lessee -- barlease peek 8
	says 0x00010400
	# This one has no reset of its own.
	bind "$memory"
	expect 1 barlease reset "$memory"
	expect 0 barlease unbind "$disk"
	expect_disk
}

test_a_vf_is_lent_with_the_token_of_its_pf()
{
	token=6f0a5c1e-94d7-4b7e-8f27-3c2f4b0a9d11
	other=0b8f7f0e-3f2c-4c8e-9a55-7d1e2c3b4a50
	port=/sys/bus/pci/devices/$BARLEASE_SRIOV
	bind "$BARLEASE_SRIOV"
	# VFIO resets what it opens, and a reset takes QEMU's VFs away.
	echo >"$port/reset_method"
	echo Y >/sys/module/barlease_vfio_pci/parameters/enable_sriov
	echo 2 >"$port/sriov_numvfs"
	vf=$(basename "$(readlink "$port/virtfn0")")
	expect 0 barlease run --vf-token "$token" "$BARLEASE_SRIOV:0[0+4K]" -- \
		true
	expect 1 barlease run "$vf:0[0+4K]" -- true
	says --vf-token
	expect 1 barlease run --vf-token "$other" "$vf:0[0+4K]" -- true
	says "not the VF token"
	expect 0 barlease run --vf-token "$token" "$vf:0[0+4K]" --user lessee \
		-- barlease peek 0x1c
	says 0x00000002
	expect 0 barlease reset --vf-token "$token" "$vf"
	bind "$memory"
	expect 1 barlease run --vf-token "$token" "$memory:2[0+4K]" -- true
	says "takes no VF token"
	echo 0 >"$port/sriov_numvfs"
	echo N >/sys/module/barlease_vfio_pci/parameters/enable_sriov
	echo default >"$port/reset_method"
	expect 0 barlease unbind "$BARLEASE_SRIOV"
}

test_changing_drivers_needs_root()
{
	expect_disk
	expect 1 su -s /bin/sh lessee -c "barlease bind $disk"
	says root
	is "$(driver_of "$disk")" nvme
}

[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # one word each
	set -- $(sed -n 's/^test_\([a-z0-9_]*\)()$/\1/p' "$0")
}
failed=0
for name in "$@"; do
	rm -f /tmp/why /tmp/finished
	# A subshell, so that fail ends no more than this test.
	("test_$name" && : >/tmp/finished)
	if [ -e /tmp/finished ]; then
		echo "ok $name"
	else
		echo "not ok $name: $(cat /tmp/why 2>/dev/null ||
			echo "its last command failed")"
		failed=1
	fi
done
exit $failed
