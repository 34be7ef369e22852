# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The driver comes to a system.

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
