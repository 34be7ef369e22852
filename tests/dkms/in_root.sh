#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs in a system with dkms (run makes it): what installing, upgrading and
# removing the driver with DKMS does. /src is the source tree, /debs has packages
# of kernel headers, /out is for what is built. RELEASES are the kernels whose
# headers are there, oldest first. Arguments are names of tests.
#
# A test is a function test_NAME, or SUITE_NAME for one that a suite alone has.
# Each brings about what it starts from, so that it runs alone as well; in this
# order, most is there already.

set -uo pipefail

name=barlease-vfio-pci
tree=/tree
read -ra releases <<<"${RELEASES//,/ }"
last=${releases[-1]}
lowest=$(sed -n 's/^\[\([0-9.]*\)\]$/\1/p' /src/kmod/kernels |
	sort -V | head -n 1)

fail()
{
	echo "FAIL: $*"
	exit 1
}

# The version of the driver in the source tree.
version()
{
	cat /src/kmod/version
}

is_supported()
{
	[ "$(printf '%s\n' "$lowest" "$1" | sort -V | head -n 1)" = "$lowest" ]
}

has_headers()
{
	[ -e "/lib/modules/$1/build/Makefile" ]
}

# The packages of headers as an archive, so that apt finds what belongs together.
make_archive()
{
	mkdir /archive
	cp /debs/*.deb /archive
	(cd /archive && dpkg-scanpackages . >Packages)
	echo "deb [trusted=yes] file:/archive ./" >/etc/apt/sources.list
	rm -rf /etc/apt/sources.list.d
	apt-get update
}

# What of a kernel's image dkms looks at: modules that depmod has seen.
have_image()
{
	local folder=/lib/modules/$1

	[ -e "$folder/kernel" ] && return
	mkdir -p "$folder/kernel"
	touch "$folder"/modules.{order,builtin,builtin.modinfo}
	gcc -c -x c - -o "$folder/kernel/other.ko" <<-EOF
	char license[] __attribute__((section(".modinfo"))) = "license=GPL";
	EOF
	depmod "$1"
}

# install_headers RELEASE: as an operator does, so that hooks run.
install_headers()
{
	have_image "$1"
	has_headers "$1" ||
		apt-get install -q -y --no-install-recommends \
			"linux-headers-$1" ||
		fail "the headers of $1 cannot be installed"
}

remove_headers()
{
	if has_headers "$1"; then
		apt-get purge -q -y "linux-headers-$1"
	fi
}

# A copy of the tree, to change something in it.
copy_tree()
{
	rm -rf "$tree"
	mkdir "$tree"
	(cd /src && cp -a dkms.conf kmod include scripts LICENSES "$tree")
}

# Make the copy a newer version.
set_version()
{
	echo "$1" >$tree/kmod/version
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$1\"/" $tree/dkms.conf
}

module()
{
	ls "/lib/modules/$1/updates/dkms/$name".ko* 2>/dev/null
}

# expect_installed RELEASE VERSION
expect_installed()
{
	local file

	file=$(module "$1") || fail "no module for $1"
	[ "$(modinfo -k "$1" -F filename $name)" = "$file" ] ||
		fail "depmod has not been run for $1"
	[ "$(modinfo -F version "$file")" = "$2" ] || fail "version"
	[ "$(modinfo -F license "$file")" = GPL ] || fail "license"
	[[ $(modinfo -F vermagic "$file") == "$1 "* ]] || fail "vermagic"
	[[ $(modinfo -F depends "$file") == *vfio-pci-core* ]] || fail "depends"
	dkms status "$name/$2" -k "$1" | grep -q ": installed" ||
		fail "dkms does not know it"
}

expect_nothing()
{
	find /var/lib/dkms /lib/modules /usr/src -name '*barlease*' | grep . &&
		fail "something is left"
	find /lib/modules -name 'modules.*' -exec grep -l barlease {} + &&
		fail "depmod has not been run"
	true
}

have_headers()
{
	local release

	for release in "${releases[@]}"; do
		install_headers "$release"
	done
}

# The driver is there for every kernel, in this tree's version.
have_installed()
{
	have_headers
	if [ "$(modinfo -k "$last" -F version $name)" != "$(version)" ]; then
		/src/scripts/dkms-install || fail "dkms-install: $?"
	fi
}

have_removed()
{
	/src/scripts/dkms-install --remove || fail "--remove: $?"
}

test_install_builds_for_each_kernel()
{
	local release log

	have_removed
	have_headers
	/src/scripts/dkms-install || fail "dkms-install: $?"
	for release in "${releases[@]}"; do
		if is_supported "$release"; then
			expect_installed "$release" "$(version)"
		elif module "$release"; then
			fail "there is a module for $release"
		fi
	done
	for release in "${releases[@]}"; do
		is_supported "$release" || continue
		log=$(echo /var/lib/dkms/$name/*/"$release"/*/log/make.log)
		[ -s "$log" ] || fail "there is no $log"
		! grep "warning:" "$log" || fail "a build warns"
		[[ $release != "$last" ]] || ! grep "between those" "$log" ||
			fail "a tested kernel is taken for one between"
	done
	cp "$(module "$last")" /out/
}

test_manual_lists_the_modules_parameters()
{
	local manual module

	have_installed
	module=$(modinfo -k "$last" -p $name | cut -d: -f1 | sort)
	# The kernels here are built without VGA.
	manual=$(sed -n '/^\.Ss Module parameters/,/^\.El/s/^\.It Cm //p' \
		/src/man/$name.4 | grep -v '^disable_vga$')
	[ -n "$module" ] || fail "the module has no parameters"
	diff <(echo "$module") <(echo "$manual") ||
		fail "the manual page has other parameters than the module"
}

test_installed_source_is_that_of_a_package()
{
	have_installed
	DESTDIR=/pkg /src/scripts/dkms-install --source-only || fail "status $?"
	diff -r "/pkg/usr/src" /usr/src --exclude='linux-*' || fail "differs"
	ls "/usr/src/$name-$(version)/LICENSES/GPL-2.0-only.txt" ||
		fail "no licence"
}

bookworm_kernel_below_the_lowest_is_left_out_with_a_sentence()
{
	local old=${releases[0]} said status=0

	is_supported "$old" && fail "$old is not old"
	have_installed
	said=$(dkms build "$name/$(version)" -k "$old" 2>&1) || status=$?
	echo "$said"
	[ $status = 77 ] || fail "dkms build: status $status"
	[ "$(grep -c "needs Linux $lowest or newer" <<<"$said")" = 1 ] ||
		fail "dkms does not say once what is needed"
	# Else installing this kernel's headers would fail.
	dkms autoinstall -k "$old" || fail "autoinstall: status $?"
}

test_headers_that_come_later_have_the_module_built()
{
	have_removed
	remove_headers "$last"
	/src/scripts/dkms-install || fail "dkms-install without headers: $?"
	install_headers "$last"
	expect_installed "$last" "$(version)"
}

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

test_dkms_works_on_a_tree_without_the_script()
{
	have_removed
	install_headers "$last"
	copy_tree
	dkms add $tree || fail "dkms add: $?"
	dkms build "$name/$(version)" -k "$last" || fail "dkms build: $?"
	dkms install "$name/$(version)" -k "$last" || fail "dkms install: $?"
	expect_installed "$last" "$(version)"
	have_removed
}

bookworm_build_for_a_kernel_below_the_lowest_says_so()
{
	local old=${releases[0]} said status=0

	install_headers "$old"
	copy_tree
	said=$(make -C $tree/kmod KDIR="/lib/modules/$old/build" 2>&1) ||
		status=$?
	echo "$said"
	[ $status != 0 ] || fail "it builds"
	grep -q "needs Linux $lowest or newer, this is Linux ${old%.*}" \
		<<<"$said" ||
		fail "it does not say what is needed"
	grep -q "error:" <<<"$said" && fail "the compiler has been called"
	true
}

trixie_kernel_above_the_tested_ones_builds_with_a_warning()
{
	local said

	install_headers "$last"
	copy_tree
	sed -i "s/^\[[0-9.]*\]$/[another]/; /^# The kernels/a [$lowest]" \
		$tree/kmod/kernels
	said=$(make -C $tree/kmod KDIR="/lib/modules/$last/build" -j4 2>&1) ||
		fail "it does not build"
	echo "$said"
	[ "$(grep -c "is tested up to Linux $lowest, this is Linux" \
		<<<"$said")" = 1 ] || fail "no warning"
}

trixie_kernel_between_the_tested_ones_builds_with_a_note()
{
	local said

	install_headers "$last"
	copy_tree
	sed -i "s/^\[[0-9.]*\]$/[another]/
		/^# The kernels/a [$lowest]\n[999.0]" $tree/kmod/kernels
	said=$(make -C $tree/kmod KDIR="/lib/modules/$last/build" -j4 2>&1) ||
		fail "it does not build"
	echo "$said"
	[ "$(grep -c "this is Linux .* between those that are tested" \
		<<<"$said")" = 1 ] || fail "no note"
	! grep -i "warning" <<<"$said" || fail "it warns"
}

# builds_without HEADER SED...: the module builds when sed has changed a header of
# the kernel. What the kernel then does not export is none of its business.
builds_without()
{
	local header

	header=$(sed -n 's|^include \(.*\)/Makefile$|\1|p' \
		"/lib/modules/$last/build/Makefile")/include/linux/$1
	shift
	cp "$header" /tmp/header
	sed -i "$@" "$header"
	! cmp -s "$header" /tmp/header || fail "nothing is changed"
	copy_tree
	make -C $tree/kmod KDIR="/lib/modules/$last/build" -j4 \
		KBUILD_MODPOST_WARN=1 || fail "it does not build"
	cp /tmp/header "$header"
}

# Between the tested kernels, interfaces came one by one.
trixie_each_interface_of_dma_buf_is_probed_by_itself()
{
	install_headers "$last"
	builds_without dma-buf.h -e '/dma_buf_attach_revocable/d'
	builds_without dma-buf.h -e '/dma_buf_attach_revocable/d' \
		-e 's/dma_buf_invalidate_mappings(/dma_buf_move_notify(/' \
		-e 's/(\*invalidate_mappings)/(*move_notify)/'
	builds_without dma-buf-mapping.h -e 's/struct phys_vec /struct other /'
}

make_archive >/tmp/log 2>&1 || {
	cat /tmp/log >&2
	exit 1
}
ending=0
for test in "$@"; do
	function=test_$test
	[ "$(type -t "$function")" = function ] || function=${SUITE}_$test
	(
		set -e
		"$function"
	) >/tmp/log 2>&1 </dev/null
	if [ $? = 0 ]; then
		echo "ok $test"
	else
		cat /tmp/log >&2
		echo "not ok $test: $(grep ^FAIL: /tmp/log | tail -n 1 ||
			tail -n 1 /tmp/log)"
		ending=1
	fi
done
exit $ending
