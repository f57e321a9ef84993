// A guest operating system's core over a domain's ports: cooperative threads on one vCPU, event channel
// handlers, pages, grants and the XenStore client. mini-os and a Linux guest differ only in what
// kernel_flavour names.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <systemc>
#include <vector>

#include "hypervisor/ports.h"
#include "models/costs.h"
#include "models/kernel/grant_table.h"
#include "models/kernel/wait_queue.h"
#include "models/ports.h"

namespace vtwin::models {

class xenbus_client;

enum class kernel_flavour : std::uint8_t { mini_os, linux_pv };

struct kernel_thread;

/// The kernel of one domain.
///
/// Threads are SystemC processes that pass one baton: exactly one runs, all others are parked. While it runs,
/// a thread charges CPU time, paid at the next waiting call. When no thread is ready, the last one blocks the
/// vCPU until an event or the nearest timer. Event channel handlers run in upcalls, outside any thread: they
/// may charge, access memory, notify and wake, but not wait. All functions that wait throw
/// xen::domain_stopped when the domain has ended; threads let it pass.
class kernel : public sc_core::sc_module, public stubdom_services_if {
  public:
    using event_handler = std::function<void()>;

    xen::domain_ports ports;

    kernel(sc_core::sc_module_name name, const software_costs& costs,
           kernel_flavour flavour = kernel_flavour::mini_os);
    ~kernel() override;

    /// The domain's program: runs in thread "main" after the kernel is up. When it returns, a mini-os domain
    /// powers off; a Linux guest idles on.
    void set_main(std::function<void()> program) { m_main = std::move(program); }
    void set_log_sink(std::function<void(level, const std::string&)> sink) { m_log_sink = std::move(sink); }

    /// Start of day; the machine's boot hook. May be called again after the domain has stopped and all its
    /// threads have ended. Does not wait.
    void boot(const xen::start_info& info);
    bool running() const { return m_booted && !m_stopped; }
    const xen::start_info& info() const { return m_info; }
    kernel_flavour flavour() const { return m_flavour; }
    const software_costs& costs() const { return m_costs; }
    /// XenStore; usable from threads once the kernel is up.
    xenbus_client& xenbus() { return *m_xenbus; }
    grant_table& grants() { return m_grants; }

    // ---- threads
    /// Makes a thread that runs when its turn comes.
    void spawn(const std::string& name, std::function<void()> body);
    void sleep(const sc_core::sc_time& duration) override;
    /// Lets every ready thread run before the caller goes on. Pays what is charged.
    void yield() override;
    void charge(const sc_core::sc_time& cpu_time) override;
    /// Pays what is charged: other domains and own event handlers run meanwhile, own threads do not.
    void pay() override;
    /// The domain's clock; deadlines and timers are its points.
    sc_core::sc_time now() const override { return ports.vcpu->system_time(); }
    void log(level severity, const std::string& text) override;
    /// Calls `action` outside any thread at or after the given delay, whenever the scheduler looks.
    void call_after(const sc_core::sc_time& delay, std::function<void()> action);
    /// Ends the domain with a crash, as the kernel does on a page fault or a failed assertion of the guest.
    [[noreturn]] void panic(const std::string& why);
    /// Ends the domain in order.
    [[noreturn]] void shut_down(xen::shutdown_reason reason);

    // ---- memory; a page fault is a panic
    std::uint8_t read_u8(xen::guest_addr at);
    std::uint16_t read_u16(xen::guest_addr at);
    std::uint32_t read_u32(xen::guest_addr at);
    std::uint64_t read_u64(xen::guest_addr at);
    void write_u8(xen::guest_addr at, std::uint8_t value);
    void write_u16(xen::guest_addr at, std::uint16_t value);
    void write_u32(xen::guest_addr at, std::uint32_t value);
    void write_u64(xen::guest_addr at, std::uint64_t value);
    /// One access; charges copy_per_byte for each byte. Must not cross a page of foreign memory.
    void copy_in(xen::guest_addr from, std::span<std::byte> out);
    void copy_out(xen::guest_addr to, byte_view data);
    void zero_page(xen::gfn_t page);

    /// Takes an own page, content undefined; panics when memory is exhausted.
    xen::gfn_t alloc_page();
    void free_page(xen::gfn_t page);
    std::size_t pages_in_use() const { return m_pages_in_use; }

    // ---- memory-mapped I/O; a missing permission is a panic
    std::uint8_t mmio_read8(std::uint64_t address);
    std::uint32_t mmio_read32(std::uint64_t address);
    void mmio_write8(std::uint64_t address, std::uint8_t value);
    void mmio_write32(std::uint64_t address, std::uint32_t value);

    // ---- event channels
    /// Installs a handler; the port stays masked until unmask().
    void bind_handler(xen::evtchn_port port, event_handler handler);
    void unmask(xen::evtchn_port port);
    /// Masks, clears what is pending, drops the handler and closes the port.
    void unbind(xen::evtchn_port port);
    /// Sends an event; errors are ignored, as the drivers ignore them.
    void notify(xen::evtchn_port port);
    /// local_irq_save / restore around a piece of thread code.
    void mask_upcalls(bool masked) { ports.vcpu->set_upcall_mask(masked); }

  private:
    friend class wait_queue;
    using timer_key = std::pair<sc_core::sc_time, std::uint64_t>;
    struct timer_entry {
        kernel_thread* thread = nullptr;  ///< either a sleeping thread
        std::function<void()> action;     ///< or something to call
    };

    // threads (kernel_threads.cpp)
    void run_thread(kernel_thread& thread);
    void retire(kernel_thread& thread);
    void schedule();
    kernel_thread& wait_for_ready();
    void hand_over(kernel_thread& next);
    void park(kernel_thread& thread);
    void make_ready(kernel_thread& thread);
    void arm_timer(kernel_thread& thread, const sc_core::sc_time& deadline);
    void disarm_timer(kernel_thread& thread);
    void expire_timers();
    std::optional<sc_core::sc_time> nearest_deadline() const;
    kernel_thread& current();

    // start of day and events (kernel.cpp)
    void start_of_day();
    void upcall();
    void dispatch_word(std::uint64_t word_index);
    void set_mask_bit(xen::evtchn_port port, bool masked);
    template <typename Value>
    Value load(xen::guest_addr at);
    template <typename Value>
    void store(xen::guest_addr at, Value value);

    const software_costs& m_costs;
    const kernel_flavour m_flavour;
    std::function<void()> m_main;
    std::function<void(level, const std::string&)> m_log_sink;
    xen::start_info m_info;
    std::uint64_t m_boots = 0;
    bool m_booted = false, m_stopped = false, m_in_upcall = false;

    std::list<std::unique_ptr<kernel_thread>> m_threads;
    std::deque<kernel_thread*> m_ready;
    kernel_thread* m_current = nullptr;
    std::map<timer_key, timer_entry> m_timers;
    std::uint64_t m_timer_sequence = 0;

    std::map<std::uint32_t, event_handler> m_handlers;  ///< by port
    std::vector<xen::gfn_t> m_recycled_pages;           ///< taken from the back
    std::uint64_t m_next_page = 0;
    std::size_t m_pages_in_use = 0;
    grant_table m_grants;
    std::unique_ptr<xenbus_client> m_xenbus;
};

}  // namespace vtwin::models
