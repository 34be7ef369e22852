# SPDX-License-Identifier: MIT
# Completion of barlease for bash.

_barlease_functions()
{
	local path

	for path in /sys/bus/pci/devices/*; do
		[ -e "$path" ] && echo "${path##*/}"
	done
}

# Slices and leases are known to who may see them only.
_barlease_slices()
{
	barlease list --json 2>/dev/null |
		sed -n 's/^ *"slice": "\([^"]*\)",*$/\1/p' | sort -u
}

_barlease_leases()
{
	barlease list --json 2>/dev/null |
		sed -n 's/^ *"lease": \([0-9]*\),*$/\1/p'
}

# The options of a command.
_barlease_options()
{
	case $1 in
	list) echo --control --help --json --probe --socket ;;
	doctor) echo --control --help --json --socket ;;
	explain) echo --help --json ;;
	request)
		echo --access --cache --control --help --min-size --socket \
			--terminate --wait
		;;
	revoke | stat) echo --control --help --json ;;
	watch) echo --control --help --json --lines ;;
	recall) echo --control --grace --help --json ;;
	bind) echo --driver --force --help --persist ;;
	unbind) echo --help --persist ;;
	run) echo --help --open --over-msix --user --vf-token ;;
	reset) echo --help --open --vf-token ;;
	peek) echo --count --fd --help --width ;;
	poke) echo --fd --help --width ;;
	fill) echo --fd --help --length --offset --width ;;
	load) echo --fd --help --offset ;;
	save) echo --fd --help --length --offset ;;
	esac
}

# Words for the value of an option; nothing where only a person knows it.
_barlease_values()
{
	case $1 in
	--access) echo rw ro ;;
	--cache) echo nc wc ;;
	--driver) echo barlease-vfio-pci vfio-pci ;;
	--open) echo iommufd group ;;
	--user) compgen -u ;;
	--wait | --grace) echo 500ms 10s 1m forever ;;
	--width) echo 8 16 32 64 ;;
	esac
}

_barlease_takes_value()
{
	case $1 in
	--access | --cache | --control | --count | --driver | --fd | \
		--grace | --length | --min-size | --offset | --open | \
		--socket | --user | --vf-token | --wait | --width) return 0 ;;
	esac
	return 1
}

# What stands for itself on the line of a command.
_barlease_arguments()
{
	case $1 in
	list | doctor | bind | unbind | reset | run) _barlease_functions ;;
	request) _barlease_slices ;;
	recall | revoke)
		_barlease_leases
		_barlease_slices
		;;
	explain)
		echo EACCES EBUSY EDQUOT ENODEV ENOENT EOPNOTSUPP EPERM \
			ERANGE ETIMEDOUT SIGBUS
		;;
	esac
}

_barlease()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words='' i arguments=0

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		words="list doctor explain request watch stat recall revoke bind
			unbind run reset peek poke load save fill help --help
			--version"
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
	fi
	# Behind the slice there is a command of its own.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			arguments=2
			break
		elif [[ ${COMP_WORDS[i]} != -* ]] &&
			! _barlease_takes_value "${COMP_WORDS[i - 1]}"; then
			arguments=$((arguments + 1))
		fi
	done
	case $command/$arguments in
	run/0 | request/0) ;;
	run/1 | request/1)
		mapfile -t COMPREPLY < <(compgen -c -- "$current"
			compgen -W "$(_barlease_options "$command")" -- \
				"$current")
		return
		;;
	run/* | request/*)
		mapfile -t COMPREPLY < <(compgen -c -- "$current"
			compgen -f -- "$current")
		return
		;;
	esac
	if _barlease_takes_value "$before"; then
		case $before in
		--control | --socket)
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
			return
			;;
		esac
		words=$(_barlease_values "$before")
	elif [[ $current == -* ]]; then
		words=$(_barlease_options "$command")
	else
		case $command in
		load | save)
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
			return
			;;
		esac
		words=$(_barlease_arguments "$command")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _barlease barlease
