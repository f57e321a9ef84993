#include "scenarios/profiles/cost_fields.h"

namespace vtwin::scenario {

std::span<const cost_field<xen::cost_profile>> hypervisor_cost_fields() {
    using p = xen::cost_profile;
    static constexpr cost_field<p> fields[] = {
        {"hypercall", &p::hypercall, "entry and exit of a hypercall, added to each of the following"},
        {"grant_map", &p::grant_map, "one entry of a grant map"},
        {"grant_unmap", &p::grant_unmap, "one entry of a grant unmap, with its TLB flush"},
        {"grant_copy", &p::grant_copy, "one entry of a grant copy, besides its bytes"},
        {"grant_copy_per_byte", &p::grant_copy_per_byte, "each byte of a grant copy"},
        {"evtchn_op", &p::evtchn_op, "alloc, bind, close, status or unmask of an event channel"},
        {"evtchn_send", &p::evtchn_send, "notification through an event channel"},
        {"upcall_running", &p::upcall_running, "event to handler while the vCPU runs"},
        {"upcall_blocked", &p::upcall_blocked, "added when the vCPU was blocked"},
        {"context_switch", &p::context_switch, "physical CPU from one vCPU to another"},
        {"timeslice", &p::timeslice, "credit scheduler: longest run while others wait"},
        {"ratelimit", &p::ratelimit, "credit scheduler: shortest run before a boosted vCPU preempts"},
        {"mmio_access", &p::mmio_access, "one uncached access to a device, besides its bus"},
        {"xenstore_request", &p::xenstore_request, "XenStore server: one request from ring to ring"},
        {"xenstore_per_byte", &p::xenstore_per_byte, "XenStore server: each byte of a request"},
        {"xenstore_wakeup", &p::xenstore_wakeup, "XenStore server: doorbell to first look at the ring"},
        {"domain_create", &p::domain_create, "building a domain until its vCPU may run"},
        {"blk_read", &p::blk_read, "virtual disk: one read request"},
        {"blk_write", &p::blk_write, "virtual disk: one write request"},
        {"blk_per_sector", &p::blk_per_sector, "virtual disk: each 512 bytes, added"},
        {"blk_flush", &p::blk_flush, "virtual disk: one flush"},
        {"blk_backend", &p::blk_backend, "block backend: doorbell to disk, and disk to response"},
    };
    return fields;
}

std::span<const cost_field<models::software_costs>> software_cost_fields() {
    using p = models::software_costs;
    static constexpr cost_field<p> fields[] = {
        {"irq_handler", &p::irq_handler, "one run of an event channel handler"},
        {"thread_switch", &p::thread_switch, "from one thread of a guest kernel to another"},
        {"syscall", &p::syscall, "user space to kernel and back"},
        {"copy_per_byte", &p::copy_per_byte, "copying one byte in memory"},
        {"command_dispatch", &p::command_dispatch, "a stub domain's handling of one command"},
        {"sha1_per_byte", &p::sha1_per_byte, "SHA-1, each byte"},
        {"sha256_per_byte", &p::sha256_per_byte, "SHA-256, each byte"},
        {"aes_per_byte", &p::aes_per_byte, "AES, each byte"},
        {"cmac_per_byte", &p::cmac_per_byte, "AES-CMAC, each byte"},
        {"rsa_private", &p::rsa_private, "RSA-2048 private-key operation in software"},
        {"rsa_public", &p::rsa_public, "RSA-2048 public-key operation in software"},
        {"rsa_keygen", &p::rsa_keygen, "RSA-2048 key generation in software"},
        {"vtpm_command", &p::vtpm_command, "software TPM: a command without public-key work"},
        {"vtpm20_command", &p::vtpm20_command, "software TPM 2.0: a command without public-key work"},
        {"network_latency", &p::network_latency, "guest to verifier, one way"},
        {"firmware_poll", &p::firmware_poll, "firmware: pause between two looks at a TPM status register"},
    };
    return fields;
}

}  // namespace vtwin::scenario
