// What things cost in the hypervisor. Every figure comes from a profile file; none lives in code.
#pragma once

#include <cstdint>
#include <systemc>

namespace vtwin::xen {

struct cost_profile {
    // hypercalls
    sc_core::sc_time hypercall;                           ///< entry and exit, added to each of the following
    sc_core::sc_time grant_map, grant_unmap, grant_copy;  ///< per entry
    sc_core::sc_time grant_copy_per_byte;
    sc_core::sc_time evtchn_op;  ///< alloc, bind, close, status, unmask
    sc_core::sc_time evtchn_send;
    // events and scheduling
    sc_core::sc_time upcall_running;  ///< event to handler, vCPU on a pCPU
    sc_core::sc_time upcall_blocked;  ///< added wake-up latency when the vCPU was blocked
    sc_core::sc_time context_switch;  ///< pCPU from one vCPU to another
    sc_core::sc_time timeslice;       ///< credit scheduler: longest run while others wait
    sc_core::sc_time ratelimit;       ///< credit scheduler: shortest run before a boosted vCPU preempts
    // memory-mapped I/O
    sc_core::sc_time mmio_access;  ///< chipset and CPU cost of one uncached access, besides the bus
    // XenStore
    sc_core::sc_time xenstore_request;  ///< server: one request from ring to ring
    sc_core::sc_time xenstore_per_byte;
    sc_core::sc_time xenstore_wakeup;  ///< server: doorbell to first look at the ring
    // toolstack
    sc_core::sc_time domain_create;  ///< building a domain until its vCPU may run
    // block devices (virtual disk behind blkback)
    sc_core::sc_time blk_read, blk_write;  ///< per request
    sc_core::sc_time blk_per_sector;       ///< per 512 bytes, added
    sc_core::sc_time blk_flush;
    sc_core::sc_time blk_backend;  ///< blkback: doorbell to disk, and disk to response
};

}  // namespace vtwin::xen
