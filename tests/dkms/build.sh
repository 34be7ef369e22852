# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What is said of which kernel when the module is built.

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
