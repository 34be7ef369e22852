# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests have in common: what the system has, and what is expected of it.

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
