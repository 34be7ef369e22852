#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs as a service in a system that boot.sh has booted: what becomes of barleased
# as a service of systemd. Prints "ok NAME" or "not ok NAME: why" for each test
# that /tests/names has, a function test_NAME of one of the files below. Each
# brings about what it starts from, so that it runs alone as well.

set -uo pipefail

here=$(dirname "$0")
. /etc/rig-environment
. "$here/service.sh"
. "$here/lessee.sh"
. "$here/start.sh"
. "$here/confined.sh"
. "$here/reload.sh"
. "$here/keep.sh"
. "$here/lost.sh"
. "$here/persist.sh"
. "$here/modules.sh"

ending=0
for test in $(cat "$here/names"); do
	(
		set -e
		"test_$test"
	) >/tmp/log 2>&1 </dev/null
	if [ $? = 0 ]; then
		echo "ok $test"
	else
		cat /tmp/log
		journalctl --no-pager --quiet --lines=40 \
			--output=short-monotonic
		echo "not ok $test: $(grep ^FAIL: /tmp/log | tail -n 1 ||
			tail -n 1 /tmp/log)"
		ending=1
	fi
	end_lessees
	end_settings
done
exit $ending
