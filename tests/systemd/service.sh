# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests have in common: the service, and what is expected of it.

unit=barleased.service
policy=/etc/barlease.conf
settings=/run/systemd/system/$unit.d
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

# has_property NAME VALUE: for soon
has_property()
{
	[ "$(property "$1")" = "$2" ]
}

main_pid()
{
	property MainPID
}

# Nobody has it, nor what is in it: each is at most once open.
can_be_opened()
{
	! [ -e "$1" ] || : <"$1"
}

# Its socket is there, and it is not. The service manager closes what it has kept
# for it some time after it has stopped.
have_stopped()
{
	local file

	cp /tmp/policy $policy
	systemctl --quiet stop $unit 2>/dev/null
	systemctl reset-failed $unit 2>/dev/null || true # it may not be known
	systemctl start barleased.socket
	is "$(property ActiveState)" inactive
	for file in /dev/vfio/[0-9]*; do
		soon can_be_opened "$file"
	done
}

have_running()
{
	have_stopped
	systemctl start $unit
	is "$(property ActiveState)" active
}

# is_another_than PID: as the manager has it at one moment
is_another_than()
{
	local now

	now=$(systemctl show --property=ActiveState,MainPID $unit)
	[[ $now == *ActiveState=active* && $now =~ MainPID=([0-9]+) ]] &&
		[ "${BASH_REMATCH[1]}" -gt 1 ] && [ "${BASH_REMATCH[1]}" != "$1" ]
}

# set_until_end LINE: of the service, before the test has it started
set_until_end()
{
	mkdir -p $settings
	printf '[Service]\n%s\n' "$1" >$settings/test.conf
	systemctl daemon-reload
}

end_settings()
{
	[ -e $settings ] || return 0
	rm -r $settings
	systemctl daemon-reload
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

# Of the journal's last line.
journal_cursor()
{
	journalctl --quiet --lines=1 --output=cat --show-cursor |
		sed -n 's/^-- cursor: //p'
}

# has_said CURSOR WORD...: a line after that has these fields, of any barleased,
# whose unit the journal need not know: it looks at a process that may be gone.
has_said()
{
	journalctl --quiet --output=cat --after-cursor="$1" \
		SYSLOG_IDENTIFIER=barleased "${@:2}" | grep -q .
}
