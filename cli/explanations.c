// SPDX-License-Identifier: MIT
#include "explanations.h"

#include <errno.h>
#include <stddef.h>

/* clang-format off */
const struct explanation explanations[] = {
	/* Requests, docs/protocol.md "Refusals" */
	{ ENOENT, "a request", "nothing of that name is offered here",
	  "This socket offers no slice of that name, or not to you: who may "
	  "not have a slice does not learn that it is there.",
	  "See barlease list. The operator finds the request in the log of "
	  "barleased (event=deny) with the true reason, and changes allow= in "
	  "the policy." },
	{ EACCES, "a request", "read-only",
	  "The slice is lent for reading only and you asked to write; or it "
	  "is not for you.",
	  "Ask with --access ro, or have the operator set access = rw." },
	{ EOPNOTSUPP, "a request", "write-combining",
	  "Write-combining is not allowed for this slice, or this machine "
	  "cannot do it.",
	  "Ask with --cache nc, or have the operator set cache = wc." },
	{ ERANGE, "a request", "smaller than",
	  "The slices are smaller than the least size that you asked for.",
	  "Ask for less (--min-size), or for another slice." },
	{ EBUSY, "a request", "are lent",
	  "All slices are lent and the request does not wait; or too many "
	  "wait already.",
	  "Wait (--wait 10s). barlease list shows the operator who holds "
	  "them; barlease recall asks for one back." },
	{ ETIMEDOUT, "a request", "nothing came free",
	  "Nothing came free in the time that the request waited; or the "
	  "server does not answer, or your processes ask so often that it is "
	  "not their turn.",
	  "Wait longer (--wait), or see who holds it: barlease list, as the "
	  "operator. If its log says event=slowed of you, ask less often, or "
	  "have the operator raise max-requests-per-second." },
	{ ECANCELED, "a request", "as was asked",
	  "The request was cancelled, or the server ended while it waited.",
	  "Ask again." },
	{ EDQUOT, "a request", NULL,
	  "You have, or wait for, as many leases as the policy allows a user, "
	  "a group or a cgroup.",
	  "Give one back, or have the operator raise max-leases." },
	{ ENODEV, "a request", "is away",
	  "The device is lost; or it is away (a reset, low power) and the "
	  "request does not wait.",
	  "Wait (--wait 10s); barlease list shows whether the device is still "
	  "there." },
	{ EEXIST, "a request", "waits already",
	  "A request with this serial waits already on this connection.",
	  "Programs that speak the protocol choose another serial." },
	{ EMFILE, "a request", "too many",
	  "You or the server have no room for another file descriptor or "
	  "connection. The lease was given back.",
	  "Close some, or raise the limit (ulimit -n; LimitNOFILE= of the "
	  "service)." },
	{ ENFILE, "a request", NULL,
	  "The machine has no room for another open file.",
	  "Raise fs.file-max, or end what has so many open." },
	{ ENOMEM, "a request", NULL, "There is not enough memory.",
	  "Free some; for a service, look at MemoryMax=." },
	{ EIO, "giving a lease back", "could not be taken back",
	  "The kernel has not taken the lease back. It is not yours any more; "
	  "its slice is stuck and not lent again.",
	  "The operator tries again with barlease revoke; the device's end "
	  "ends it for certain." },
	{ EPROTO, "a connection", NULL,
	  "The other side sent what is no packet of the protocol.",
	  "Have the library and barleased of the same version; look at "
	  "docs/protocol.md if you speak it yourself." },
	{ EPROTONOSUPPORT, "a connection", "another version of the protocol",
	  "The other side speaks another version of the protocol.",
	  "Bring barleased and its lessees to the same version." },
	{ ECONNRESET, "a connection", "has ended the connection",
	  "The server has closed the connection, and with it the leases: it "
	  "ended, or the lessee did not keep to the protocol or did not read "
	  "its packets.",
	  "See the log of barleased: journalctl -u barleased." },
	{ ECONNREFUSED, "connecting to a socket", NULL,
	  "The socket's file is there, but nobody listens to it: barleased has "
	  "ended.",
	  "Start it: systemctl start barleased; see journalctl -u barleased." },
	{ ENOENT, "connecting to a socket", NULL,
	  "There is no such socket: barleased does not run, or its policy has "
	  "no such slice.",
	  "barlease doctor looks into it." },
	{ EACCES, "connecting to a socket", NULL,
	  "The mode of the socket's file keeps you out.",
	  "Have the operator set mode= or socket-group= in the policy. The "
	  "operators' socket is for root and the user of barleased." },
	{ EPROTOTYPE, "connecting to a socket", NULL,
	  "The socket is not of type SOCK_SEQPACKET: no lease server.",
	  "Name another one." },

	/* Opening a device, include/barlease/device.h */
	{ ENODEV, "opening a device", "not to a VFIO driver",
	  "There is no such function, or it has no VFIO driver.",
	  "barlease bind BDF." },
	{ ENXIO, "opening a device", "in no IOMMU group",
	  "The function is in no IOMMU group: the IOMMU is off.",
	  "Turn it on in the firmware (VT-d, AMD-Vi) and on the kernel's "
	  "command line (intel_iommu=on)." },
	{ EBUSY, "opening a device", "another process owns it",
	  "Another process owns the function, or one of its IOMMU group.",
	  "End that first; if it is barleased, ask it: barlease request." },
	{ EPERM, "opening a device", "not VFIO's alone",
	  "Another function of its IOMMU group has a driver that is not VFIO's.",
	  "Bind that one, too, or unbind it; barlease doctor BDF names it." },
	{ EACCES, "opening a device", "may not open /dev/vfio",
	  "You may not open the function's file in /dev/vfio.",
	  "Be root, or change the file's owner by an udev rule." },
	{ ENOKEY, "opening a device", "VF token",
	  "This is a virtual function whose physical function has set a VF "
	  "token.",
	  "Give it: --vf-token UUID." },
	{ EKEYREJECTED, "opening a device", "not the VF token",
	  "The VF token is not that of the physical function.",
	  "Ask the owner of the physical function for it." },
	{ ENOTSUP, "opening a device", "type1",
	  "The kernel lacks the type1 IOMMU driver, or iommufd where that was "
	  "asked for.",
	  "modprobe vfio_iommu_type1; or --open group." },

	/* Lending, include/barlease/lease.h */
	{ EPERM, "lending a slice", "MSI-X",
	  "The slice has pages of the MSI-X table: who writes there redirects "
	  "interrupts.",
	  "Leave them out, or insist: --over-msix, over-msix = yes." },
	{ EINVAL, "lending a slice", "the device has no such range",
	  "The range is not one of the BAR, or not of whole pages.",
	  "barlease list BDF shows the BARs." },
	{ EOPNOTSUPP, "lending a slice", "cannot lend",
	  "The driver cannot lend, or not take back.",
	  "barlease bind BDF gives it the driver that can." },

	/* Mapping and accessing, docs/interface.md */
	{ ENODEV, "mmap() of a lease", NULL,
	  "The lease is over, or the device's memory is off for now.",
	  "Ask for a new lease; 'barlease watch' tells the operator why it "
	  "ended." },
	{ EINVAL, "mmap() of a lease", NULL,
	  "A lease is mapped MAP_SHARED, within its size, at a multiple of the "
	  "page size.",
	  "Change the call." },
	{ EACCES, "mmap() of a lease", NULL,
	  "The lease is read-only, and the mapping was to be writable.",
	  "Map it PROT_READ, or ask for a lease to write." },
	{ EBADFD, "revoking a lease", NULL,
	  "The lease was revoked before.", "Nothing: it is over." },
	{ 0, "an access", "SIGBUS",
	  "The lease is over, or the device is away for the moment. The access "
	  "was not made.",
	  "Handle it (barlease/guarded.h); the events of the connection tell "
	  "which it is." },

	/* Ends of leases */
	{ 0, "the end of a lease", "its time limit",
	  "The policy limits the time of a lease, and it is over.",
	  "Ask again; the operator changes time-limit=." },
	{ 0, "the end of a lease", "recalled, and not given back in time",
	  "The lessor wanted the lease back and the lessee kept it longer than "
	  "the grace.",
	  "Give leases back when they are recalled (barlease request "
	  "--terminate); the operator changes grace=." },
	{ 0, "the end of a lease", "revoked by the lessor",
	  "The operator has taken it back (barlease revoke), or its device is "
	  "not in the policy any longer.",
	  "Ask again." },
	{ 0, "the end of a lease", "the device is lost",
	  "The device was pulled out or does not answer any more.",
	  "See the kernel's log (dmesg)." },
	{ 0, "barleased", "policy-rejected",
	  "The policy file has mistakes or says what cannot be; the one before "
	  "stays in force.",
	  "barleased --check FILE names each line." },

	/* Binding */
	{ EPERM, "loading the module", "Operation not permitted",
	  "The kernel does not load modules that are not signed (secure boot, "
	  "lockdown), or you are not root.",
	  "Have DKMS sign it and enrol its key (mokutil --import); barlease "
	  "doctor tells." },
	{ ENOKEY, "loading the module", "Required key not available",
	  "The module is not signed with a key that this kernel trusts.",
	  "Have DKMS sign it and enrol its key: mokutil --import "
	  "/var/lib/dkms/mok.pub." },
	{ ENOEXEC, "loading the module", "Exec format error",
	  "The module was built for another kernel.",
	  "Build it for this one: dkms autoinstall." },
	{ 0, NULL, NULL, NULL, NULL },
};
