# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Lessees are services of their own, so that they have cgroups. They do what they
# are told, see tests/broker/lessee.c.

queues=/run/barlease/barlease.sock
pages=/run/barlease/pages.sock
lessees=/run/lessees
mkdir $lessees

# lessee NAME SOCKET: begin one
lessee()
{
	local held

	mkfifo "$lessees/$1.in"
	: >"$lessees/$1.out"
	# It has no end before the test has.
	# shellcheck disable=SC2034 # nobody else needs to know it
	exec {held}<>"$lessees/$1.in"
	systemd-run --quiet --collect --unit="lessee-$1" --property=User=lessee \
		--property=StandardInput=file:"$lessees/$1.in" \
		--property=StandardOutput=append:"$lessees/$1.out" \
		--property=StandardError=append:"$lessees/$1.out" \
		broker_lessee "$2"
	is "$(answer "$1" 1)" connected
}

# Sets lines to what a lessee has said.
read_lines()
{
	mapfile -t lines <"$lessees/$1.out"
}

has_answered()
{
	read_lines "$1"
	[ ${#lines[@]} -ge "$2" ]
}

# answer NAME NUMBER: the line of this number, of those that it says
answer()
{
	local lines=()

	soon has_answered "$1" "$2"
	echo "${lines[$2 - 1]}"
}

# tell NAME WORD...: and print what it answers
tell()
{
	local name=$1 lines=()

	shift
	read_lines "$name"
	echo "$*" >"$lessees/$name.in"
	answer "$name" $((${#lines[@]} + 1))
}

# get NAME WHAT: have it lent
get()
{
	local said

	said=$(tell "$1" request "$2" rw 0)
	[[ $said == granted\ * ]] || fail "$1: $said"
}

end_lessees()
{
	systemctl stop 'lessee-*' 2>/dev/null
	rm -f $lessees/*
}
