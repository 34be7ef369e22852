/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM barlease

#if !defined(BARLEASE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define BARLEASE_TRACE_H

#include <linux/mm_types.h>
#include <linux/tracepoint.h>
#include <linux/barlease.h>

#include "lease.h"

/* Every event names the lease by its number, which debugfs explains. */

TRACE_EVENT(barlease_export,
	TP_PROTO(const struct barlease_lease *lease),
	TP_ARGS(lease),
	TP_STRUCT__entry(
		__string(name, lease->name)
		__field(u64, id)
		__field(u64, length)
		__field(u32, ranges)
		__field(u32, flags)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->id = lease->id;
		__entry->length = (u64)lease->pages << PAGE_SHIFT;
		__entry->ranges = lease->nr_extents;
		__entry->flags = lease->open_flags;
	),
	TP_printk("lease=%llu %s length=0x%llx ranges=%u access=%s",
		  __entry->id, __get_str(name), __entry->length,
		  __entry->ranges,
		  barlease_access_name(__entry->flags))
);

TRACE_EVENT(barlease_mmap,
	TP_PROTO(const struct barlease_lease *lease,
		 const struct vm_area_struct *vma),
	TP_ARGS(lease, vma),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(u32, memattr)
	),
	TP_fast_assign(
		__entry->id = lease->id;
		__entry->start = vma->vm_start;
		__entry->end = vma->vm_end;
		/* What it is set to may change meanwhile. */
		__entry->memattr = READ_ONCE(lease->memattr);
	),
	TP_printk("lease=%llu addresses=0x%lx-0x%lx attribute=%s",
		  __entry->id, __entry->start, __entry->end,
		  __entry->memattr == BARLEASE_MEMATTR_WC ?
			"wc" : "nc")
);

TRACE_EVENT(barlease_fault,
	TP_PROTO(const struct barlease_lease *lease, unsigned long address,
		 unsigned int order, vm_fault_t result),
	TP_ARGS(lease, address, order, result),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(unsigned long, address)
		__field(unsigned int, order)
		__field(unsigned int, result)
	),
	TP_fast_assign(
		__entry->id = lease->id;
		__entry->address = address;
		__entry->order = order;
		__entry->result = (__force unsigned int)result;
	),
	TP_printk("lease=%llu address=0x%lx order=%u result=0x%x%s",
		  __entry->id, __entry->address, __entry->order,
		  __entry->result,
		  __entry->result & (__force unsigned int)VM_FAULT_SIGBUS ?
			" (SIGBUS)" : "")
);

#define barlease_show_state(state)			\
	__print_symbolic(state,				\
		{ BARLEASE_LIVE, "live" },		\
		{ BARLEASE_REVOKED, "revoked" },	\
		{ BARLEASE_ORPHANED, "orphaned" })

/* The only changes there are: from live to one of the two ends. */
TRACE_EVENT(barlease_end,
	TP_PROTO(const struct barlease_lease *lease, enum barlease_state to),
	TP_ARGS(lease, to),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(int, from)
		__field(int, to)
	),
	TP_fast_assign(
		__entry->id = lease->id;
		__entry->from = lease->state;
		__entry->to = to;
	),
	TP_printk("lease=%llu %s->%s", __entry->id,
		  barlease_show_state(__entry->from),
		  barlease_show_state(__entry->to))
);

DECLARE_EVENT_CLASS(barlease_lease_class,
	TP_PROTO(const struct barlease_lease *lease),
	TP_ARGS(lease),
	TP_STRUCT__entry(
		__field(u64, id)
	),
	TP_fast_assign(
		__entry->id = lease->id;
	),
	TP_printk("lease=%llu", __entry->id)
);

/* Our own zap; those of the core are not ours to see. */
DEFINE_EVENT(barlease_lease_class, barlease_zap,
	TP_PROTO(const struct barlease_lease *lease), TP_ARGS(lease));

/* The last fd and the last mapping are gone. */
DEFINE_EVENT(barlease_lease_class, barlease_release,
	TP_PROTO(const struct barlease_lease *lease), TP_ARGS(lease));

/* The importers of the lease are told to unmap, or that they may map. */
DEFINE_EVENT(barlease_lease_class, barlease_notify,
	TP_PROTO(const struct barlease_lease *lease), TP_ARGS(lease));

DECLARE_EVENT_CLASS(barlease_peer_class,
	TP_PROTO(const struct barlease_lease *lease, const struct device *peer,
		 long result),
	TP_ARGS(lease, peer, result),
	TP_STRUCT__entry(
		__string(peer, dev_name(peer))
		__field(u64, id)
		__field(long, result)
	),
	TP_fast_assign(
		__assign_str(peer);
		__entry->id = lease->id;
		__entry->result = result;
	),
	TP_printk("lease=%llu peer=%s result=%ld", __entry->id,
		  __get_str(peer), __entry->result)
);

DEFINE_EVENT(barlease_peer_class, barlease_attach,
	TP_PROTO(const struct barlease_lease *lease, const struct device *peer,
		 long result), TP_ARGS(lease, peer, result));

DEFINE_EVENT(barlease_peer_class, barlease_peer_map,
	TP_PROTO(const struct barlease_lease *lease, const struct device *peer,
		 long result), TP_ARGS(lease, peer, result));

DEFINE_EVENT(barlease_peer_class, barlease_peer_unmap,
	TP_PROTO(const struct barlease_lease *lease, const struct device *peer,
		 long result), TP_ARGS(lease, peer, result));

#endif /* BARLEASE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
