# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests have in common: the service, and what is expected of it.

unit=barleased.service
policy=/etc/barlease.conf
cp $policy /tmp/policy

fail()
{
	echo "FAIL: $*"
	exit 1
}

is()
{
	[ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# A sleep of a moment, which takes no process: nothing ever comes from there.
exec {nothing}<> <(:)

# soon COMMAND...: it must succeed within a minute.
soon()
{
	local end=$((SECONDS + 60))

	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || fail "not within a minute: $*"
		read -r -t 0.05 -u "$nothing" || true
	done
}

# property NAME: of the service, as systemd has it
property()
{
	systemctl show --property="$1" --value $unit
}

main_pid()
{
	property MainPID
}

# Its socket is there, and it is not.
have_stopped()
{
	cp /tmp/policy $policy
	systemctl --quiet stop $unit 2>/dev/null
	systemctl reset-failed $unit 2>/dev/null || true # it may not be known
	systemctl start barleased.socket
	is "$(property ActiveState)" inactive
}

have_running()
{
	have_stopped
	systemctl start $unit
	is "$(property ActiveState)" active
}

is_another_than()
{
	[ "$(property ActiveState)" = active ] &&
		[ "$(main_pid)" -gt 1 ] && [ "$(main_pid)" != "$1" ]
}

# has_logged_times COUNT WORD...: so many lines have
has_logged_times()
{
	local times

	times=$(journalctl --quiet --unit=$unit --output=cat \
		_SYSTEMD_INVOCATION_ID="$(property InvocationID)" "${@:2}" |
		wc -l)
	[ "$times" -ge "$1" ]
}

# has_logged WORD...: a line of this start of the service has these fields.
has_logged()
{
	journalctl --quiet --unit=$unit --output=cat \
		_SYSTEMD_INVOCATION_ID="$(property InvocationID)" "$@" |
		grep -q .
}
