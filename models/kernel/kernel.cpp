#include "models/kernel/kernel.h"

#include <bit>

#include "models/kernel/kernel_thread.h"
#include "models/kernel/xenbus_client.h"

namespace vtwin::models {

using xen::guest_addr;

namespace {

// shared_info, x86-64, two-level event channels (public/xen.h)
constexpr std::uint64_t upcall_pending = 0, pending_sel = 8, evtchn_pending = 0x800, evtchn_mask = 0xA00;
constexpr std::size_t evtchn_words = 64, bits_per_word = 64;

}  // namespace

kernel::kernel(sc_core::sc_module_name name, const software_costs& costs, kernel_flavour flavour)
    : sc_module(name), m_costs(costs), m_flavour(flavour), m_grants(*this) {}

kernel::~kernel() = default;

void kernel::boot(const xen::start_info& info) {
    sc_assert(m_threads.empty() && "booted while threads of the last run are alive");
    m_info = info;
    ++m_boots;
    m_booted = true;
    m_stopped = m_in_upcall = false;
    m_ready.clear();
    m_timers.clear();
    m_handlers.clear();
    m_recycled_pages.clear();
    m_next_page = xen::to_underlying(info.first_free);
    m_pages_in_use = 0;
    m_grants.reset();
    m_xenbus.reset();
    spawn("main", [this] { start_of_day(); });
    kernel_thread& first = *m_ready.front();
    m_ready.pop_front();
    first.ready = false;
    hand_over(first);
}

void kernel::start_of_day() {
    ports.vcpu->set_upcall([this] { upcall(); });
    const std::array<std::byte, evtchn_words* 8> all_masked = [] {
        std::array<std::byte, evtchn_words * 8> bits;
        bits.fill(std::byte{0xFF});
        return bits;
    }();
    if (!ports.memory->write(m_info.shared_info + evtchn_mask, all_masked)) {
        panic("no shared_info page");
    }
    m_grants.set_up();
    m_xenbus = std::make_unique<xenbus_client>(*this);
    if (m_main) {
        m_main();
    }
    if (m_flavour == kernel_flavour::mini_os) {
        shut_down(xen::shutdown_reason::poweroff);
    }
}

void kernel::log(level severity, const std::string& text) {
    if (m_log_sink) {
        m_log_sink(severity, text);
    }
}

void kernel::panic(const std::string& why) {
    log(level::error, "kernel panic: " + why);
    // The drivers that own the handlers may be gone already.
    m_handlers.clear();
    ports.hypercall->shutdown(xen::shutdown_reason::crash);
    throw xen::domain_stopped{};
}

void kernel::shut_down(xen::shutdown_reason reason) {
    m_handlers.clear();
    ports.hypercall->shutdown(reason);
    throw xen::domain_stopped{};
}

// ---- memory

template <typename Value>
Value kernel::load(guest_addr at) {
    std::array<std::byte, sizeof(Value)> raw;
    if (!ports.memory->read(at, raw)) {
        panic(fmt::format("page fault reading {:#x}", xen::to_underlying(at)));
    }
    Value value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        value = static_cast<Value>(value | static_cast<Value>(std::to_integer<Value>(raw[i]) << (8 * i)));
    }
    return value;
}

template <typename Value>
void kernel::store(guest_addr at, Value value) {
    std::array<std::byte, sizeof(Value)> raw;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        raw[i] = static_cast<std::byte>(value >> (8 * i));
    }
    if (!ports.memory->write(at, raw)) {
        panic(fmt::format("page fault writing {:#x}", xen::to_underlying(at)));
    }
}

std::uint8_t kernel::read_u8(guest_addr at) {
    return load<std::uint8_t>(at);
}
std::uint16_t kernel::read_u16(guest_addr at) {
    return load<std::uint16_t>(at);
}
std::uint32_t kernel::read_u32(guest_addr at) {
    return load<std::uint32_t>(at);
}
std::uint64_t kernel::read_u64(guest_addr at) {
    return load<std::uint64_t>(at);
}
void kernel::write_u8(guest_addr at, std::uint8_t value) {
    store(at, value);
}
void kernel::write_u16(guest_addr at, std::uint16_t value) {
    store(at, value);
}
void kernel::write_u32(guest_addr at, std::uint32_t value) {
    store(at, value);
}
void kernel::write_u64(guest_addr at, std::uint64_t value) {
    store(at, value);
}

void kernel::copy_in(guest_addr from, std::span<std::byte> out) {
    if (out.empty()) {
        return;
    }
    if (!ports.memory->read(from, out)) {
        panic(fmt::format("page fault reading {} bytes at {:#x}", out.size(), xen::to_underlying(from)));
    }
    charge(m_costs.copy_per_byte * static_cast<double>(out.size()));
}

void kernel::copy_out(guest_addr to, byte_view data) {
    if (data.empty()) {
        return;
    }
    if (!ports.memory->write(to, data)) {
        panic(fmt::format("page fault writing {} bytes at {:#x}", data.size(), xen::to_underlying(to)));
    }
    charge(m_costs.copy_per_byte * static_cast<double>(data.size()));
}

void kernel::zero_page(xen::gfn_t page) {
    static constexpr std::array<std::byte, xen::page_size> zeros{};
    copy_out(xen::address_of(page), zeros);
}

xen::gfn_t kernel::alloc_page() {
    ++m_pages_in_use;
    if (!m_recycled_pages.empty()) {
        const xen::gfn_t page = m_recycled_pages.back();
        m_recycled_pages.pop_back();
        return page;
    }
    if (m_next_page >= m_info.nr_pages) {
        panic("out of memory");
    }
    return xen::gfn_t{m_next_page++};
}

void kernel::free_page(xen::gfn_t page) {
    sc_assert(m_pages_in_use > 0);
    --m_pages_in_use;
    m_recycled_pages.push_back(page);
}

// ---- memory-mapped I/O

std::uint8_t kernel::mmio_read8(std::uint64_t address) {
    std::array<std::byte, 1> raw;
    if (!ports.mmio->read(address, raw)) {
        panic(fmt::format("no permission for I/O memory at {:#x}", address));
    }
    return std::to_integer<std::uint8_t>(raw[0]);
}

std::uint32_t kernel::mmio_read32(std::uint64_t address) {
    std::array<std::byte, 4> raw;
    if (!ports.mmio->read(address, raw)) {
        panic(fmt::format("no permission for I/O memory at {:#x}", address));
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        value |= std::to_integer<std::uint32_t>(raw[i]) << (8 * i);
    }
    return value;
}

void kernel::mmio_write8(std::uint64_t address, std::uint8_t value) {
    const std::array<std::byte, 1> raw{static_cast<std::byte>(value)};
    if (!ports.mmio->write(address, raw)) {
        panic(fmt::format("no permission for I/O memory at {:#x}", address));
    }
}

void kernel::mmio_write32(std::uint64_t address, std::uint32_t value) {
    std::array<std::byte, 4> raw;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        raw[i] = static_cast<std::byte>(value >> (8 * i));
    }
    if (!ports.mmio->write(address, raw)) {
        panic(fmt::format("no permission for I/O memory at {:#x}", address));
    }
}

// ---- event channels

void kernel::bind_handler(xen::evtchn_port port, event_handler handler) {
    m_handlers[xen::to_underlying(port)] = std::move(handler);
}

void kernel::set_mask_bit(xen::evtchn_port port, bool masked) {
    const std::uint32_t number = xen::to_underlying(port);
    const guest_addr at = m_info.shared_info + (evtchn_mask + number / 8);
    const auto bit = static_cast<std::uint8_t>(1u << (number % 8));
    const std::uint8_t old = read_u8(at);
    write_u8(at, static_cast<std::uint8_t>(masked ? old | bit : old & ~bit));
}

void kernel::unmask(xen::evtchn_port port) {
    (void)ports.hypercall->evtchn_unmask(port);
}

void kernel::unbind(xen::evtchn_port port) {
    const std::uint32_t number = xen::to_underlying(port);
    if (number < evtchn_words * bits_per_word) {
        set_mask_bit(port, true);
        const guest_addr at = m_info.shared_info + (evtchn_pending + number / 8);
        write_u8(at, static_cast<std::uint8_t>(read_u8(at) & ~(1u << (number % 8))));
    }
    m_handlers.erase(number);
    (void)ports.hypercall->evtchn_close(port);
}

void kernel::notify(xen::evtchn_port port) {
    (void)ports.hypercall->evtchn_send(port);
}

// Two-level delivery: the selector is fetched and cleared once, then each selected word until nothing is
// left.
void kernel::upcall() {
    m_in_upcall = true;
    try {
        write_u8(m_info.shared_info + upcall_pending, 0);
        std::uint64_t selected = read_u64(m_info.shared_info + pending_sel);
        write_u64(m_info.shared_info + pending_sel, 0);
        while (selected != 0) {
            const auto word = static_cast<std::uint64_t>(std::countr_zero(selected));
            selected &= selected - 1;
            dispatch_word(word);
        }
    } catch (const xen::domain_stopped&) {
        // A handler's panic has stopped the domain; its threads learn of it at their next wait.
        m_stopped = true;
    }
    m_in_upcall = false;
}

void kernel::dispatch_word(std::uint64_t word_index) {
    const guest_addr pending_at = m_info.shared_info + (evtchn_pending + word_index * 8);
    const guest_addr mask_at = m_info.shared_info + (evtchn_mask + word_index * 8);
    while (true) {
        const std::uint64_t pending = read_u64(pending_at);
        const std::uint64_t due = pending & ~read_u64(mask_at);
        if (due == 0) {
            return;
        }
        const auto bit = std::countr_zero(due);
        write_u64(pending_at, pending & ~(std::uint64_t{1} << bit));
        charge(m_costs.irq_handler);
        const auto found = m_handlers.find(
            static_cast<std::uint32_t>(word_index * bits_per_word + static_cast<std::uint64_t>(bit)));
        if (found != m_handlers.end()) {
            // Copied: a handler may unbind itself.
            const event_handler handler = found->second;
            handler();
        }
    }
}

}  // namespace vtwin::models
