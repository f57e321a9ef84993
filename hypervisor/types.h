// Names and numbers of Xen's public interface that every part of the hypervisor model shares.
// Source: xen/include/public/{xen,grant_table,event_channel,io/xenbus}.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>

namespace vtwin::xen {

inline constexpr std::size_t page_size = 4096;

/// Domain id. Real ids lie below 0x7FF0.
enum class domid_t : std::uint16_t {};
inline constexpr domid_t dom0{0};
inline constexpr domid_t domid_self{0x7FF0};
inline constexpr domid_t domid_invalid{0x7FF4};
inline constexpr domid_t domid_any{0x7FF5};

/// Guest frame number: a page of a domain as that domain counts.
enum class gfn_t : std::uint64_t {};
/// Machine frame number: a page of the machine.
enum class mfn_t : std::uint64_t {};
/// Address as a domain's software uses it; own pages lie at gfn * 4096, mapped foreign pages above them.
enum class guest_addr : std::uint64_t {};

/// Index into a domain's grant table.
enum class grant_ref : std::uint32_t {};
/// Handle of one grant mapping, counted per mapping domain.
enum class grant_handle : std::uint32_t {};
/// Event channel port, local to a domain; 0 is never usable.
enum class evtchn_port : std::uint32_t {};

template <typename Enum>
constexpr auto to_underlying(Enum value) {
    return static_cast<std::underlying_type_t<Enum>>(value);
}

constexpr guest_addr operator+(guest_addr base, std::uint64_t offset) {
    return guest_addr{to_underlying(base) + offset};
}
constexpr guest_addr address_of(gfn_t gfn) {
    return guest_addr{to_underlying(gfn) * page_size};
}

/// GNTST_*: per-entry status of a grant table operation.
enum class gntst : std::int16_t {
    okay = 0,
    general_error = -1,
    bad_domain = -2,
    bad_gntref = -3,
    bad_handle = -4,
    bad_virt_addr = -5,
    bad_dev_addr = -6,
    no_device_space = -7,
    permission_denied = -8,
    bad_page = -9,
    bad_copy_arg = -10,
    address_too_big = -11,
    eagain = -12,
    no_space = -13,
};

/// Xen's errno values (numerically those of Linux); hypercalls return 0 or the negative of one.
enum class errno_t : int {
    ok = 0,
    eperm = 1,
    enoent = 2,
    esrch = 3,
    eio = 5,
    e2big = 7,
    eagain = 11,
    enomem = 12,
    eacces = 13,
    efault = 14,
    ebusy = 16,
    eexist = 17,
    enodev = 19,
    eisdir = 21,
    einval = 22,
    enospc = 28,
    erofs = 30,
    erange = 34,
    enosys = 38,
    enotempty = 39,
    enodata = 61,
    etime = 62,
    eilseq = 84,
    eopnotsupp = 95,
    eisconn = 106,
    ecanceled = 125,
};

/// XenBus device states, written to XenStore as decimal text.
enum class xenbus_state : int {
    unknown = 0,
    initialising = 1,
    init_wait = 2,
    initialised = 3,
    connected = 4,
    closing = 5,
    closed = 6,
    reconfiguring = 7,
    reconfigured = 8,
};

/// Why a domain stopped running (SHUTDOWN_* of public/sched.h plus destruction by the toolstack).
enum class shutdown_reason : std::uint8_t {
    poweroff = 0,
    reboot = 1,
    suspend = 2,
    crash = 3,
    destroyed = 255
};

/// Thrown out of every blocking call of a domain that has been stopped, so that its threads unwind and end.
/// Never caught by drivers; the guest kernel's thread wrapper catches it.
struct domain_stopped : std::exception {
    const char* what() const noexcept override { return "domain stopped"; }
};

}  // namespace vtwin::xen
