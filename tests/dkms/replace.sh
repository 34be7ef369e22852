# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What becomes of a driver that is there: it is upgraded, kept or removed.

test_upgrade_replaces_the_old_version()
{
	local release

	have_installed
	copy_tree
	set_version 999.1
	$tree/scripts/dkms-install || fail "dkms-install: $?"
	for release in "${releases[@]}"; do
		if is_supported "$release"; then
			expect_installed "$release" 999.1
		fi
	done
	[ "$(dkms status $name | grep -vc "^$name/999.1,")" = 0 ] ||
		fail "dkms has the old version still"
	[ "$(echo /usr/src/$name-*)" = /usr/src/$name-999.1 ] ||
		fail "the old source is there still"
}

test_upgrade_that_does_not_build_leaves_the_old_version()
{
	local release said status=0

	have_installed
	copy_tree
	set_version 999.2
	echo "not C" >>$tree/kmod/window.c
	said=$($tree/scripts/dkms-install 2>&1) || status=$?
	echo "$said"
	[ $status = 1 ] || fail "dkms-install: status $status"
	grep -q "999.2 does not build for .*; $(version) stays" <<<"$said" ||
		fail "it does not say so"
	for release in "${releases[@]}"; do
		if is_supported "$release"; then
			expect_installed "$release" "$(version)"
		fi
	done
	[ "$(echo /usr/src/$name-*)" = "/usr/src/$name-$(version)" ] ||
		fail "the new source is there still"
	[ ! -e /var/lib/dkms/$name/999.2 ] || fail "dkms has it still"
}

# What of the driver is installed, with all it says of itself.
installed()
{
	find /var/lib/dkms/$name /usr/src/$name-* /lib/modules/*/updates/dkms \
		-printf '%p %y %l\n' | sort
	find /var/lib/dkms/$name /usr/src/$name-* /lib/modules/*/updates/dkms \
		-type f -exec sha256sum {} + | sort
	dkms status $name
}

test_the_same_version_once_more_replaces_what_is_there()
{
	have_installed
	copy_tree
	echo "// again" >>$tree/kmod/window.c
	$tree/scripts/dkms-install || fail "dkms-install: $?"
	expect_installed "$last" "$(version)"
	grep -q "// again" "/usr/src/$name-$(version)/kmod/window.c" ||
		fail "the source is the old one"
	[ -z "$(ls /tmp/tmp.* 2>/dev/null)" ] || fail "a file is left in /tmp"
	/src/scripts/dkms-install || fail "dkms-install: $?"
}

test_the_same_version_that_does_not_build_leaves_what_was_there()
{
	local before said status=0

	have_installed
	before=$(installed)
	copy_tree
	echo "not C" >>$tree/kmod/window.c
	said=$($tree/scripts/dkms-install 2>&1) || status=$?
	echo "$said"
	[ $status = 1 ] || fail "dkms-install: status $status"
	grep -q "does not build for .*; $(version) stays" <<<"$said" ||
		fail "it does not say so"
	expect_installed "$last" "$(version)"
	diff <(echo "$before") <(installed) || fail "something else is there"
	[ -z "$(ls /tmp/tmp.* 2>/dev/null)" ] || fail "a file is left in /tmp"
}

# refused VERSION REASON: the tree's dkms-install changes nothing, and says why.
# Sets said.
refused()
{
	local before status=0

	before=$(installed)
	said=$($tree/scripts/dkms-install 2>&1) || status=$?
	echo "$said"
	[ $status = 1 ] || fail "dkms-install: status $status"
	grep -q "$1 $2.*; $(version) stays installed" <<<"$said" ||
		fail "it does not say why"
	diff <(echo "$before") <(installed) || fail "something else is there"
	[ -z "$(ls /tmp/tmp.* 2>/dev/null)" ] || fail "a file is left in /tmp"
}

# What it says how a kernel can be given up, done as said.
give_up()
{
	local command

	command=$(sed -n "s/.*'\(dkms remove .*\)' if.*/\1/p" <<<"$said")
	[[ $command == *"-k $1" ]] || fail "it does not say what to do"
	$command || fail "$command: status $?"
}

# As when headers are removed by hand: the hooks of packages are not asked.
hide_headers()
{
	mv "/lib/modules/$1/build" "/lib/modules/$1/build.hidden"
}

show_headers()
{
	mv "/lib/modules/$1/build.hidden" "/lib/modules/$1/build"
}

# Another kernel that has the driver: the newest one by another name.
have_second_kernel()
{
	have_installed
	second=$last-second
	mkdir "/lib/modules/$second"
	cp -a "/lib/modules/$last/"{kernel,build,modules.*} \
		"/lib/modules/$second" || fail "it cannot be copied"
	dkms install "$name/$(version)" -k "$second" || fail "dkms: $?"
	module "$second" || fail "there is no module for it"
}

drop_second_kernel()
{
	if [ -e "/var/lib/dkms/$name" ]; then
		/src/scripts/dkms-install --remove
	fi
	rm -rf "/lib/modules/$last-second"
}

test_kernel_whose_headers_are_gone_keeps_the_old_version()
{
	trap drop_second_kernel EXIT
	have_second_kernel
	hide_headers "$second"
	copy_tree
	set_version 999.4
	refused 999.4 "cannot be built for $second"
	grep -q "apt install linux-headers-$second" <<<"$said" ||
		fail "it does not say what is missing"
	module "$second" || fail "the module is gone"
	give_up "$second"
	$tree/scripts/dkms-install || fail "dkms-install: $?"
	expect_installed "$last" 999.4
}

test_the_same_version_does_not_take_a_kernel_without_headers_its_driver()
{
	trap drop_second_kernel EXIT
	have_second_kernel
	hide_headers "$second"
	copy_tree
	refused "$(version)" "cannot be built for $second"
	module "$second" || fail "the module is gone"
	show_headers "$second"
	$tree/scripts/dkms-install || fail "dkms-install: $?"
	module "$second" || fail "there is no module for it"
}

test_kernel_that_the_new_version_is_not_for_keeps_the_old_version()
{
	trap drop_second_kernel EXIT
	have_second_kernel
	copy_tree
	set_version 999.5
	cat >>$tree/dkms.conf <<-EOF
	if [ "\$kernelver" = "$second" ]; then
		BUILD_EXCLUSIVE_KERNEL="^another$"
	fi
	EOF
	refused 999.5 "is not for $second"
	module "$second" || fail "the module is gone"
	give_up "$second"
	$tree/scripts/dkms-install || fail "dkms-install: $?"
	expect_installed "$last" 999.5
	[ -z "$(module "$second")" ] || fail "$second has a module"
}

# The new one builds, and what is there is gone already.
test_upgrade_that_cannot_be_installed_leaves_the_old_version()
{
	local before

	have_installed
	before=$(installed)
	copy_tree
	set_version 999.6
	mkdir /fake
	cat >/fake/dkms <<-EOF
	#!/bin/sh
	[ "\$1" != install ] && exec $(command -v dkms) "\$@"
	exit 1
	EOF
	chmod +x /fake/dkms
	PATH=/fake:$PATH $tree/scripts/dkms-install &&
		fail "dkms-install does not fail"
	expect_installed "$last" "$(version)"
	diff <(echo "$before") <(installed) || fail "something else is there"
}

test_a_step_that_fails_leaves_what_was_there()
{
	local before

	have_installed
	before=$(installed)
	copy_tree
	# dkms refuses to add it.
	sed -i '/^PACKAGE_NAME=/d' $tree/dkms.conf
	$tree/scripts/dkms-install && fail "dkms-install does not fail"
	expect_installed "$last" "$(version)"
	diff <(echo "$before") <(installed) || fail "something else is there"
}

test_source_of_a_package_is_left_alone()
{
	local option status said

	have_installed
	mkdir -p /owner/DEBIAN "/owner/usr/src/$name-$(version)"
	cat >/owner/DEBIAN/control <<-EOF
	Package: $name-dkms
	Version: 1
	Architecture: all
	Maintainer: nobody
	Description: nothing
	EOF
	dpkg-deb --build /owner /tmp/owner.deb
	dpkg -i /tmp/owner.deb || fail "the package cannot be installed"
	for option in "" --remove; do
		status=0
		said=$(/src/scripts/dkms-install $option 2>&1) || status=$?
		echo "$said"
		[ $status = 1 ] || fail "dkms-install $option: status $status"
		grep -q "belongs to the package $name-dkms" <<<"$said" ||
			fail "it does not say whose it is"
		expect_installed "$last" "$(version)"
	done
	# The folder is empty in the package, so what dkms needs stays.
	dpkg --purge $name-dkms
}

test_source_that_is_gone_keeps_nobody_from_removal()
{
	have_installed
	rm -r /usr/src/$name-*
	have_removed
	expect_nothing
}

test_source_that_is_gone_keeps_nobody_from_an_upgrade()
{
	have_installed
	rm -r /usr/src/$name-*
	copy_tree
	set_version 999.3
	$tree/scripts/dkms-install || fail "dkms-install: $?"
	expect_installed "$last" 999.3
	[ ! -e "/var/lib/dkms/$name/$(version)" ] || fail "the old is there"
}

test_removal_leaves_nothing()
{
	[ -n "$(dkms status $name)" ] || have_installed
	have_removed
	expect_nothing
}
