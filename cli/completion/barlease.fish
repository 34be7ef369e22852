# SPDX-License-Identifier: MIT
# Completion of barlease for fish.

function __barlease_functions
    for path in /sys/bus/pci/devices/*
        string replace -r '.*/' '' $path
    end
end

# Slices and leases are known to who may see them only.
function __barlease_slices
    barlease list --json 2>/dev/null | string match -rg '^ *"slice": "([^"]*)",*$' | sort -u
end

function __barlease_leases
    barlease list --json 2>/dev/null | string match -rg '^ *"lease": ([0-9]*),*$'
    __barlease_slices
end

function __barlease_needs_command
    test (count (commandline -opc)) -eq 1
end

function __barlease_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = $argv[1]
end

# What is run with a lease, behind the slice and perhaps "--".
function __barlease_behind_slice
    set -l words (commandline -opc)[3..]
    set -l found
    while set -q words[1]; and not set -q found[1]
        switch $words[1]
            case --
                set found yes
            case --access --cache --control --min-size --open --socket --user --vf-token --wait
                set -e words[1]
            case '-*'
            case '*'
                set found yes
                test "$words[2]" = --; and set -e words[1]
        end
        set -q words[1]; and set -e words[1]
    end
    set -q found[1]; or return 1
    set -q words[1]; and string escape -- $words
    return 0
end

function __barlease_command
    complete -C (string join ' ' -- (__barlease_behind_slice) (commandline -ct))
end

complete -c barlease -f
complete -c barlease -n __barlease_needs_command -l help -d 'explain the commands'
complete -c barlease -n __barlease_needs_command -l version -d 'print the version'
complete -c barlease -n __barlease_needs_command -a help -d 'explain the commands'

complete -c barlease -n __barlease_needs_command -a list -d 'PCI functions, what can be lent, and who holds what'
complete -c barlease -n '__barlease_is list' -l control -rF -d 'where barleased listens to operators'
complete -c barlease -n '__barlease_is list' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is list' -l json -d 'print JSON'
complete -c barlease -n '__barlease_is list' -l probe -d 'ask what serves leases'
complete -c barlease -n '__barlease_is list' -l socket -rF -d 'socket of a lease server'
complete -c barlease -n '__barlease_is list' -a '(__barlease_functions)'

complete -c barlease -n __barlease_needs_command -a doctor -d 'look for what keeps this machine from lending'
complete -c barlease -n '__barlease_is doctor' -l control -rF -d 'where barleased listens to operators'
complete -c barlease -n '__barlease_is doctor' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is doctor' -l json -d 'print JSON'
complete -c barlease -n '__barlease_is doctor' -l socket -rF -d 'socket of a lease server'
complete -c barlease -n '__barlease_is doctor' -a '(__barlease_functions)'

complete -c barlease -n __barlease_needs_command -a explain -d 'what an error or a refusal means, and what to do'
complete -c barlease -n '__barlease_is explain' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is explain' -l json -d 'print JSON'
complete -c barlease -n '__barlease_is explain' -a 'EACCES EBUSY EDQUOT ENODEV ENOENT EOPNOTSUPP EPERM ERANGE ETIMEDOUT SIGBUS'

complete -c barlease -n __barlease_needs_command -a request -d 'have barleased lend a slice to a command'
complete -c barlease -n '__barlease_is request' -l access -x -a 'rw ro' -d 'how to access it'
complete -c barlease -n '__barlease_is request' -l cache -x -a 'nc wc' -d 'how the processor accesses it'
complete -c barlease -n '__barlease_is request' -l control -rF -d 'where barleased listens to operators'
complete -c barlease -n '__barlease_is request' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is request' -l min-size -x -d 'the least size that will do'
complete -c barlease -n '__barlease_is request' -l socket -rF -d 'socket of a lease server'
complete -c barlease -n '__barlease_is request' -l terminate -d 'end the command when the lease is recalled'
complete -c barlease -n '__barlease_is request' -l wait -x -a '500ms 10s 1m forever' -d 'how long to wait for it'
complete -c barlease -n '__barlease_is request; and not __barlease_behind_slice' -a '(__barlease_slices)'
complete -c barlease -n '__barlease_is request; and __barlease_behind_slice' -a '(__barlease_command)'

complete -c barlease -n __barlease_needs_command -a watch -d 'show what happens to leases, as it happens'
complete -c barlease -n '__barlease_is watch' -l control -rF -d 'where barleased listens to operators'
complete -c barlease -n '__barlease_is watch' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is watch' -l json -d 'print JSON'
complete -c barlease -n '__barlease_is watch' -l lines -d 'print lines on a terminal, too'

complete -c barlease -n __barlease_needs_command -a stat -d 'show the figures of barleased, which Prometheus gets, too'
complete -c barlease -n '__barlease_is stat' -l control -rF -d 'where barleased listens to operators'
complete -c barlease -n '__barlease_is stat' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is stat' -l json -d 'print JSON'

complete -c barlease -n __barlease_needs_command -a recall -d 'ask for leases back, and revoke them if they do not come'
complete -c barlease -n '__barlease_is recall' -l control -rF -d 'where barleased listens to operators'
complete -c barlease -n '__barlease_is recall' -l grace -x -a '500ms 10s 1m forever' -d 'how long they have'
complete -c barlease -n '__barlease_is recall' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is recall' -l json -d 'print JSON'
complete -c barlease -n '__barlease_is recall' -a '(__barlease_leases)'

complete -c barlease -n __barlease_needs_command -a revoke -d 'take leases back at once'
complete -c barlease -n '__barlease_is revoke' -l control -rF -d 'where barleased listens to operators'
complete -c barlease -n '__barlease_is revoke' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is revoke' -l json -d 'print JSON'
complete -c barlease -n '__barlease_is revoke' -a '(__barlease_leases)'

complete -c barlease -n __barlease_needs_command -a bind -d 'give a function to the driver that lends its BARs'
complete -c barlease -n '__barlease_is bind' -l driver -x -a 'barlease-vfio-pci vfio-pci' -d 'another VFIO driver'
complete -c barlease -n '__barlease_is bind' -l force -d 'take it although it is in use'
complete -c barlease -n '__barlease_is bind' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is bind' -l persist -d 'do the same at each boot'
complete -c barlease -n '__barlease_is bind' -a '(__barlease_functions)'

complete -c barlease -n __barlease_needs_command -a unbind -d 'give a function back to the driver that it had'
complete -c barlease -n '__barlease_is unbind' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is unbind' -l persist -d 'do not bind it at a boot any more'
complete -c barlease -n '__barlease_is unbind' -a '(__barlease_functions)'

complete -c barlease -n __barlease_needs_command -a run -d 'lend a slice of a BAR to a command'
complete -c barlease -n '__barlease_is run' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is run' -l open -x -a 'iommufd group' -d 'how to open the function'
complete -c barlease -n '__barlease_is run' -l over-msix -d 'lend the MSI-X table, too'
complete -c barlease -n '__barlease_is run' -l user -x -a '(__fish_complete_users)' -d 'run the command as this user'
complete -c barlease -n '__barlease_is run' -l vf-token -x -d 'token of an SR-IOV device'
complete -c barlease -n '__barlease_is run; and not __barlease_behind_slice' -a '(__barlease_functions)'
complete -c barlease -n '__barlease_is run; and __barlease_behind_slice' -a '(__barlease_command)'

complete -c barlease -n __barlease_needs_command -a reset -d 'reset a function that no other process owns'
complete -c barlease -n '__barlease_is reset' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is reset' -l open -x -a 'iommufd group' -d 'how to open the function'
complete -c barlease -n '__barlease_is reset' -l vf-token -x -d 'token of an SR-IOV device'
complete -c barlease -n '__barlease_is reset' -a '(__barlease_functions)'

complete -c barlease -n __barlease_needs_command -a peek -d 'read values from the lease'
complete -c barlease -n '__barlease_is peek' -l count -x -d 'how many values'
complete -c barlease -n '__barlease_is peek' -l fd -x -d 'the lease is this file descriptor'
complete -c barlease -n '__barlease_is peek' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is peek' -l width -x -a '8 16 32 64' -d 'bits of each value'

complete -c barlease -n __barlease_needs_command -a poke -d 'write a value to the lease'
complete -c barlease -n '__barlease_is poke' -l fd -x -d 'the lease is this file descriptor'
complete -c barlease -n '__barlease_is poke' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is poke' -l width -x -a '8 16 32 64' -d 'bits of each value'

complete -c barlease -n __barlease_needs_command -a load -d 'write a file to the lease'
complete -c barlease -n '__barlease_is load' -l fd -x -d 'the lease is this file descriptor'
complete -c barlease -n '__barlease_is load' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is load' -l offset -x -d 'where to begin'
complete -c barlease -n '__barlease_is load' -F

complete -c barlease -n __barlease_needs_command -a save -d 'write the bytes of the lease to a file'
complete -c barlease -n '__barlease_is save' -l fd -x -d 'the lease is this file descriptor'
complete -c barlease -n '__barlease_is save' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is save' -l length -x -d 'how many bytes'
complete -c barlease -n '__barlease_is save' -l offset -x -d 'where to begin'
complete -c barlease -n '__barlease_is save' -F

complete -c barlease -n __barlease_needs_command -a fill -d 'write one value all over the lease'
complete -c barlease -n '__barlease_is fill' -l fd -x -d 'the lease is this file descriptor'
complete -c barlease -n '__barlease_is fill' -l help -d 'explain the command'
complete -c barlease -n '__barlease_is fill' -l length -x -d 'how many bytes'
complete -c barlease -n '__barlease_is fill' -l offset -x -d 'where to begin'
complete -c barlease -n '__barlease_is fill' -l width -x -a '8 16 32 64' -d 'bits of each value'
