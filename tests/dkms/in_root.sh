#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs in a system with dkms (run makes it): what installing, upgrading and
# removing the driver with DKMS does. /src is the source tree, /debs has packages
# of kernel headers, /out is for what is built. RELEASES are the kernels whose
# headers are there, oldest first. Arguments are names of tests.
#
# A test is a function test_NAME of one of the files that are read below, or
# SUITE_NAME for one that a suite alone has. Each brings about what it starts
# from, so that it runs alone as well.

set -uo pipefail

here=$(dirname "$0")
. "$here/system.sh"
. "$here/install.sh"
. "$here/replace.sh"
. "$here/build.sh"

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
