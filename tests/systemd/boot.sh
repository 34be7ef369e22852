#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in a guest of the rig: boots the system in /base.tar, with what is in
# /added.tar, as a container does, and has its systemd run the tests that the
# arguments name (in_root.sh).
set -e

root=/system
mkdir $root
mount -t tmpfs -o mode=755 tmpfs $root
for archive in /base.tar /added.tar; do
	tar -xf $archive -C $root
	rm $archive
done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --rbind /sys $root/sys
mount --rbind /dev $root/dev
# What the service manager says there is for its journal alone.
mount --bind /dev/null $root/dev/console

# As the scripts of a package do.
rm -f $root/usr/bin/kill $root/usr/bin/ps; chroot $root ldconfig
chroot $root systemd-sysusers
chroot $root systemctl --quiet enable barleased.socket
# Those of the rig, for a modprobe that wants more files than busybox's.
cp -r /lib/modules $root/lib/
chroot $root depmod

barlease bind "$BARLEASE_IVSHMEM"
cp /etc/rig/environment $root/etc/rig-environment
cp -r $root/tests/etc/. $root/etc/
sed -i "s/IVSHMEM/$BARLEASE_IVSHMEM/" $root/etc/barlease.conf
echo "$@" >$root/tests/names

# shellcheck disable=SC2016 # these are of the inner shell
exec unshare --mount --pid --fork sh -c '
	mount --make-rprivate /
	mount -t proc proc "$0/proc"
	cd "$0"
	mount --move . /
	exec chroot . /usr/bin/env -i container=rig \
		/lib/systemd/systemd --unit=barlease-tests.service \
		--log-target=journal --show-status=0
' $root
