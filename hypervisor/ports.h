// The ports of a domain: everything that software in it may touch. Each is a SystemC interface, bound in
// models/platform, so that a recorder, a fault or a live client can sit on the wire.
#pragma once

#include <functional>
#include <optional>
#include <systemc>

#include "hypervisor/types.h"

namespace vtwin::xen {

// ---- grant table operations (public/grant_table.h), one struct per entry of the call
// -----------------------

struct gnttab_map_grant_ref {
    static constexpr std::uint32_t device_map = 1, host_map = 2, read_only = 4, application_map = 8,
                                   contains_pte = 0x10;
    std::uint32_t flags = host_map;
    grant_ref ref{};
    domid_t dom{};
    gntst status = gntst::general_error;  ///< OUT
    grant_handle handle{};                ///< OUT
    guest_addr host_addr{};               ///< OUT: where the page appears in the mapper's address space
    std::uint64_t dev_bus_addr = 0;       ///< OUT: machine address
};

struct gnttab_unmap_grant_ref {
    guest_addr host_addr{};
    grant_handle handle{};
    gntst status = gntst::general_error;  ///< OUT
    std::uint64_t dev_bus_addr = 0;  ///< device part to drop; 0: leave it (so host_addr leaves the host part)
};

struct gnttab_copy {
    static constexpr std::uint16_t source_gref = 1, dest_gref = 2;
    struct side {
        grant_ref ref{};  ///< when the side's flag is set
        gfn_t gfn{};      ///< otherwise, with domid = domid_self
        domid_t domid{};
        std::uint16_t offset = 0;
    };
    side source, dest;
    std::uint16_t len = 0;
    std::uint16_t flags = 0;
    gntst status = gntst::general_error;  ///< OUT
};

struct evtchn_status {
    enum class kind : std::uint8_t { closed = 0, unbound = 1, interdomain = 2, pirq = 3, virq = 4, ipi = 5 };
    kind status = kind::closed;
    std::uint32_t vcpu = 0;
    domid_t dom{};       ///< unbound, interdomain: the peer
    evtchn_port port{};  ///< interdomain: the peer's port
};

enum class virq : std::uint32_t { timer = 0, debug = 1, console = 2, dom_exc = 3 };

/// Hypercalls of one domain. A call charges its cost to the calling vCPU; made from a thread it takes effect
/// after that time has been paid (it waits), made inside the upcall handler it takes effect at once.
/// Return values: 0 or a negative errno (errno_t), as Xen returns them.
class hypercall_if : public virtual sc_core::sc_interface {
  public:
    // grant_table_op
    virtual int grant_map(std::span<gnttab_map_grant_ref> ops) = 0;
    virtual int grant_unmap(std::span<gnttab_unmap_grant_ref> ops) = 0;
    virtual int grant_copy(std::span<gnttab_copy> ops) = 0;
    /// GNTTABOP_setup_table for the caller: makes `nr_frames` table frames appear and returns their addresses
    /// through `frames` (v1: 512 entries of 8 bytes each).
    virtual gntst grant_setup_table(std::uint32_t nr_frames, std::span<guest_addr> frames) = 0;

    // event_channel_op
    virtual int evtchn_alloc_unbound(domid_t dom, domid_t remote, evtchn_port& port) = 0;
    virtual int evtchn_bind_interdomain(domid_t remote, evtchn_port remote_port, evtchn_port& local) = 0;
    virtual int evtchn_bind_virq(virq which, evtchn_port& port) = 0;
    virtual int evtchn_close(evtchn_port port) = 0;
    virtual int evtchn_send(evtchn_port port) = 0;
    virtual int evtchn_unmask(evtchn_port port) = 0;
    virtual int evtchn_get_status(domid_t dom, evtchn_port port, evtchn_status& out) = 0;

    // sched_op
    virtual void shutdown(shutdown_reason reason) = 0;

    // xsm_op: FLASK label of the domain at the other end of a port; -ENOSYS without XSM, -EINVAL when the
    // port is not interdomain, -ERANGE when label plus terminator exceed `capacity`.
    virtual int xsm_peer_label(evtchn_port port, std::size_t capacity, std::string& label) = 0;
};

/// Memory of one domain as its software addresses it: own pages and foreign pages mapped through grants.
/// Each call is one access, atomic in simulated time; crossings of this port are what faults count.
/// False means a page fault: nothing was transferred and the caller's kernel has to die of it.
class memory_if : public virtual sc_core::sc_interface {
  public:
    [[nodiscard]] virtual bool read(guest_addr from, std::span<std::byte> out) = 0;
    [[nodiscard]] virtual bool write(guest_addr to, std::span<const std::byte> data) = 0;
    /// Locked compare-and-exchange of an aligned little-endian 16-bit word. `expected` receives the old
    /// value; returns false on a page fault.
    [[nodiscard]] virtual bool compare_exchange16(guest_addr at, std::uint16_t& expected,
                                                  std::uint16_t desired) = 0;
};

/// Memory-mapped I/O of one domain, by machine physical address. False means that the domain has no iomem
/// permission for the page (a fault). The access takes bus time, paid by the vCPU, before it returns.
class mmio_if : public virtual sc_core::sc_interface {
  public:
    [[nodiscard]] virtual bool read(std::uint64_t address, std::span<std::byte> out) = 0;
    [[nodiscard]] virtual bool write(std::uint64_t address, std::span<const std::byte> data) = 0;
};

/// The one vCPU of a domain, as the kernel in it uses it. Exactly one SystemC thread of the domain may be
/// inside `sync`, `block` or a hypercall at a time (the kernel's scheduler sees to that). Every waiting call
/// throws domain_stopped when the domain has been shut down, crashed or destroyed.
class vcpu_if : public virtual sc_core::sc_interface {
  public:
    /// Adds CPU time to be paid at the next sync. Never waits; may be called inside the upcall handler.
    virtual void charge(const sc_core::sc_time& cpu_time) = 0;
    /// Pays: waits until the vCPU has had all charged time on a physical CPU.
    virtual void sync() = 0;
    /// SCHEDOP_block: pays, then gives the physical CPU away until an event is pending and unmasked or the
    /// deadline, a point of system_time(), has passed (nullopt: none). The upcall handler has run when it
    /// returns. May return early.
    virtual void block(const std::optional<sc_core::sc_time>& deadline) = 0;
    /// The domain's event upcall entry, called while the vCPU runs and upcalls are not masked. It runs
    /// outside any thread and must not wait.
    virtual void set_upcall(std::function<void()> handler) = 0;
    /// local_irq_save/restore: between the two the upcall is held back, then delivered if one is due.
    virtual void set_upcall_mask(bool masked) = 0;
    /// Xen's system time as the domain computes it from its shared_info page: since the machine was switched
    /// on. Costs nothing.
    virtual sc_core::sc_time system_time() const = 0;
};

/// What a domain finds in its start_info page (PV start of day).
struct start_info {
    domid_t domid{};           ///< for names only; software learns it from XenStore
    guest_addr shared_info{};  ///< pending bits at 0x800, mask bits at 0xA00 (2-level ABI)
    guest_addr store_page{};   ///< XenStore ring
    evtchn_port store_port{};
    std::uint32_t nr_pages = 0;  ///< own memory; pages below `first_free` are taken
    gfn_t first_free{};
    std::string command_line;
};

/// All ports of a domain, to be bound in models/platform, one edge per line.
struct domain_ports {
    explicit domain_ports(const std::string& prefix = "")
        : hypercall((prefix + "hypercall").c_str()),
          memory((prefix + "memory").c_str()),
          mmio((prefix + "mmio").c_str()),
          vcpu((prefix + "vcpu").c_str()) {}
    sc_core::sc_port<hypercall_if> hypercall;
    sc_core::sc_port<memory_if> memory;
    sc_core::sc_port<mmio_if, 1, sc_core::SC_ZERO_OR_MORE_BOUND> mmio;
    sc_core::sc_port<vcpu_if> vcpu;
};

// ---- what an observer may subscribe to; with no subscriber nothing is paid --------------------------------

struct evtchn_pending_change {
    domid_t dom;
    evtchn_port port;
    bool pending;
};

struct vcpu_state_change {
    enum class state : std::uint8_t { offline = 0, blocked = 1, runnable = 2, running = 3 };
    domid_t dom;
    state now;
    int pcpu;  ///< while running, else -1
};

struct grant_map_change {
    domid_t mapper, granter;
    grant_ref ref;
    mfn_t frame;
    bool mapped;
};

/// One store to a watched machine frame (see machine_memory::watch).
struct frame_write {
    mfn_t frame;
    domid_t writer;
    std::size_t offset;
    std::span<const std::byte> data;  ///< valid during the call
};

struct block_request_done {
    domid_t dom;
    bool write, flush;
    std::uint64_t sector;
    std::uint32_t sectors;
    sc_core::sc_time submitted, completed;
    std::int16_t status;  ///< 0 or BLKIF_RSP_ERROR (-1)
};

}  // namespace vtwin::xen
