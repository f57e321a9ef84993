#include "models/drivers/linux_tpm_chip.h"

#include <algorithm>

#include "models/drivers/linux_errno.h"
#include "tpm/codec/tpm20.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {

using sc_core::sc_time;
using xen::errno_t;

namespace {

constexpr std::size_t least_write = 6;

constexpr std::uint32_t ord_pcr_read = 0x15, ord_get_random = 0x46, ord_continue_self_test = 0x53,
                        ord_get_capability = 0x65, ord_startup = 0x99;
constexpr std::uint32_t cap_property = 5, property_timeouts = 0x115, property_durations = 0x120;
constexpr int rc_deactivated = 6, rc_disabled = 7, rc_failed_self_test = 28, rc_invalid_postinit = 38,
              rc_doing_self_test = 0x802;
constexpr std::size_t digest_size = 20;
constexpr std::uint16_t startup_clear = 1;
constexpr std::uint32_t random_at_registration = 32, random_of_hwrng = 64;

// TPM Main Part 2 classes as Linux tabulates them: inclusive ranges of ordinals.
struct ordinal_range {
    std::uint32_t first, last;
};
constexpr ordinal_range short_ordinals[] = {
    {10, 11},   {16, 17},   {20, 21},   {25, 26},   {28, 29},   {33, 35},   {43, 48},
    {63, 64},   {70, 71},   {84, 84},   {90, 94},   {101, 102}, {110, 117}, {124, 126},
    {128, 130}, {133, 133}, {140, 141}, {150, 150}, {153, 154}, {160, 163}, {181, 181},
    {186, 186}, {200, 200}, {204, 209}, {219, 224}, {230, 230}, {240, 240}};
constexpr ordinal_range medium_ordinals[] = {
    {12, 12},   {15, 15},   {18, 18},   {22, 24},   {27, 27},   {30, 30},   {32, 32},
    {36, 37},   {40, 40},   {42, 42},   {50, 51},   {60, 62},   {65, 65},   {82, 82},
    {100, 100}, {122, 122}, {131, 131}, {134, 134}, {151, 152}, {180, 180}, {182, 185},
    {210, 210}, {212, 214}, {216, 216}, {232, 232}, {242, 242}};
constexpr ordinal_range long_ordinals[] = {{13, 14}, {19, 19},   {31, 31},   {41, 41},   {49, 49},  {80, 80},
                                           {83, 83}, {120, 121}, {127, 127}, {170, 170}, {231, 231}};

bool in_ranges(std::span<const ordinal_range> ranges, std::uint32_t ordinal) {
    return std::ranges::any_of(
        ranges, [=](const ordinal_range& r) { return ordinal >= r.first && ordinal <= r.last; });
}

template <typename Value>
void put_be(bytes& out, Value value) {
    for (int shift = static_cast<int>(sizeof(Value)) * 8 - 8; shift >= 0; shift -= 8) {
        out.push_back(static_cast<std::byte>(value >> shift));
    }
}

/// TPM_TAG_RQU_COMMAND with 32-bit parameters.
template <typename... Parameters>
bytes command12(std::uint32_t ordinal, Parameters... parameters) {
    bytes out;
    put_be(out, std::uint16_t{0x00C1});
    put_be(out, static_cast<std::uint32_t>(10 + (sizeof(parameters) + ... + 0)));
    put_be(out, ordinal);
    (put_be(out, parameters), ...);
    return out;
}

}  // namespace

linux_tpm_chip::linux_tpm_chip(kernel& owner, linux_tpm_driver_if& driver, driver_params params)
    : m_kernel(owner), m_driver(driver), m_params(std::move(params)), m_mutex(owner) {}

void linux_tpm_chip::reset() {
    m_mutex.reset();
    m_timeouts.fill(sc_core::SC_ZERO_TIME);
    m_durations.fill(sc_core::SC_ZERO_TIME);
    m_registered = false;
    m_file_open = false;
    m_is_tpm20 = false;
    m_banks.clear();
    m_commands.clear();
    ++m_generation;
}

linux_tpm_chip::duration_class linux_tpm_chip::class_of(std::uint32_t ordinal) {
    if (in_ranges(short_ordinals, ordinal)) {
        return duration_class::short_one;
    }
    if (in_ranges(medium_ordinals, ordinal)) {
        return duration_class::medium;
    }
    return in_ranges(long_ordinals, ordinal) ? duration_class::long_one : duration_class::undefined;
}

sc_time linux_tpm_chip::duration_of(std::uint32_t ordinal) const {
    if (m_is_tpm20) {
        return duration20_of(ordinal);
    }
    const duration_class which = class_of(ordinal);
    const sc_time known = which == duration_class::undefined ? sc_core::SC_ZERO_TIME
                                                             : m_durations[static_cast<std::size_t>(which)];
    return known == sc_core::SC_ZERO_TIME ? m_params.linux_default_duration : known;
}

// ---- transmit path

int linux_tpm_chip::try_transmit(byte_view command, bytes& response) {
    const std::uint32_t count = tpm::packet::size_of(command);
    if (count == 0) {
        return error(errno_t::enodata);
    }
    if (count > buffer_size) {
        return error(errno_t::e2big);
    }
    const std::uint32_t ordinal = tpm::packet::code_of(command);
    if (const int sent = m_driver.send(command.first(std::min<std::size_t>(count, command.size())));
        sent < 0) {
        return sent;
    }
    const sc_time stop = m_kernel.now() + duration_of(ordinal);
    constexpr std::uint8_t complete = linux_tpm_driver_if::status_idle | linux_tpm_driver_if::status_result;
    while (true) {
        const std::uint8_t status = m_driver.status();
        if ((status & complete) == complete) {
            break;
        }
        if ((status & linux_tpm_driver_if::status_canceled) != 0) {
            return error(errno_t::ecanceled);
        }
        m_kernel.sleep(m_params.linux_core_poll);
        if (m_kernel.now() >= stop) {
            m_driver.cancel();
            return error(errno_t::etime);
        }
    }
    response.assign(buffer_size, std::byte{0});
    const int received = m_driver.receive(response);
    if (received < 0) {
        return received;
    }
    response.resize(static_cast<std::size_t>(received));
    if (response.size() < header_size || tpm::packet::size_of(response) != response.size()) {
        return error(errno_t::efault);
    }
    return received;
}

void linux_tpm_chip::tell(command_end end, const sc_time& at, byte_view command) const {
    if (m_hook) {
        m_hook(end, at, tpm::packet::code_of(command));
    }
}

void linux_tpm_chip::tell_answer(const answer_seen& what) const {
    if (m_answer_hook) {
        m_answer_hook(what);
    }
}

// tpm_chip_start and tpm_chip_stop, under the chip's mutex.
int linux_tpm_chip::start() {
    m_mutex.lock();
    const int result = m_driver.request_locality();
    if (result < 0) {
        m_mutex.unlock();
    }
    return std::min(result, 0);
}

void linux_tpm_chip::put_ops() {
    m_driver.relinquish_locality();
    m_mutex.unlock();
}

int linux_tpm_chip::get_ops() {
    m_mutex.lock();
    if (!m_registered || m_driver.request_locality() < 0) {
        m_mutex.unlock();
        return broken_pipe;
    }
    return 0;
}

int linux_tpm_chip::with_chip(const std::function<int()>& body) {
    if (const int refused = start(); refused < 0) {
        return refused;
    }
    const int result = body();
    put_ops();
    return result;
}

int linux_tpm_chip::transmit_told(const sc_time& asked, byte_view command, bytes& response, int refused) {
    tell(command_end::issued, asked, command);
    tell_answer({false, asked, command, 0, {}});
    const int result = refused < 0 ? refused : transmit_until_tested(command, response);
    tell(command_end::returned, m_kernel.now(), command);
    tell_answer({true, asked, command, result, result < 0 ? byte_view{} : response});
    if (result < 0) {
        response.clear();
    }
    return result;
}

int linux_tpm_chip::transmit(byte_view command, bytes& response) {
    const sc_time asked = m_kernel.now();
    const int refused = start();
    const int result = transmit_told(asked, command, response, refused);
    if (refused == 0) {
        put_ops();
    }
    return result;
}

int linux_tpm_chip::transmit_held(byte_view command, bytes& response) {
    return transmit_told(m_kernel.now(), command, response, 0);
}

int linux_tpm_chip::check_written(byte_view written) {
    if (written.size() > buffer_size) {
        return error(errno_t::e2big);
    }
    const bool whole = written.size() >= least_write && written.size() >= tpm::packet::size_of(written);
    return whole ? 0 : error(errno_t::einval);
}

int linux_tpm_chip::transmit_from_user(byte_view written, bytes& response) {
    m_kernel.charge(m_kernel.costs().syscall);
    response.clear();
    if (const int refused = check_written(written); refused < 0) {
        return refused;
    }
    // The driver's buffer is longer than what was written: a missing ordinal reads as zeros.
    bytes buffer(written.begin(), written.end());
    buffer.resize(std::max(buffer.size(), header_size));
    const sc_time asked = m_kernel.now();
    const int refused = get_ops();
    const int result = transmit_told(asked, buffer, response, refused);
    if (refused == 0) {
        put_ops();
    }
    return result;
}

int linux_tpm_chip::judged(int length, byte_view response, std::size_t least_body) {
    if (length < 0) {
        return length;
    }
    if (const std::uint32_t code = tpm::packet::code_of(response); code != 0) {
        return static_cast<int>(code);
    }
    return response.size() < header_size + least_body ? error(errno_t::efault) : 0;
}

int linux_tpm_chip::transmit_from_kernel(byte_view command, bytes& response, std::size_t least_body) {
    const int length = transmit(command, response);
    return judged(length, response, least_body);
}

int linux_tpm_chip::command_held(byte_view command, bytes& response, std::size_t least_body) {
    const int length = transmit_held(command, response);
    return judged(length, response, least_body);
}

// ---- start-up

int linux_tpm_chip::ask_capability(std::uint32_t property, std::size_t least_body, bytes& response) {
    return command_held(command12(ord_get_capability, cap_property, std::uint32_t{4}, property), response,
                        least_body);
}

int linux_tpm_chip::get_timeouts() {
    return with_chip([this] { return ask_timeouts(); });
}

int linux_tpm_chip::auto_startup() {
    const int result = with_chip([this] {
        const int asked = ask_timeouts();
        return asked != 0 ? asked : self_test();
    });
    return result > 0 ? error(errno_t::enodev) : result;
}

int linux_tpm_chip::self_test() {
    const sc_time limit = duration_of(ord_continue_self_test);
    bytes response;
    if (const int result = command_held(command12(ord_continue_self_test), response); result != 0) {
        return result;
    }
    int result = 0;
    for (sc_time waited; waited < limit; waited += m_params.linux_self_test_poll) {
        result = command_held(command12(ord_pcr_read, std::uint32_t{0}), response, digest_size);
        if (result != rc_doing_self_test && result != error(errno_t::etime)) {
            break;
        }
        m_kernel.sleep(m_params.linux_self_test_poll);
    }
    if (result == rc_failed_self_test) {
        m_kernel.log(kernel::level::warning, "tpm: TPM self test failed, firmware upgrade only");
    }
    return result == rc_disabled || result == rc_deactivated || result == rc_failed_self_test ? 0 : result;
}

int linux_tpm_chip::ask_timeouts() {
    constexpr std::size_t timeouts_body = 16, durations_body = 12;
    bytes response;
    int result = ask_capability(property_timeouts, timeouts_body, response);
    if (result == rc_invalid_postinit) {
        bytes started;
        (void)command_held(command12(ord_startup, startup_clear), started);
        result = ask_capability(property_timeouts, timeouts_body, response);
    }
    if (result != 0) {
        m_kernel.log(kernel::level::error,
                     fmt::format("tpm: A TPM error ({}) attempting get the timeouts", result));
        return result;
    }
    set_timeouts(response);
    result = ask_capability(property_durations, durations_body, response);
    if (result != 0) {
        return result;
    }
    set_durations(response);
    if (const auto known_better = m_driver.corrected_durations()) {
        m_durations.fill(*known_better);
    }
    return 0;
}

// usecs_to_jiffies: rounded up to whole ticks.
sc_time linux_tpm_chip::in_ticks(std::uint32_t microseconds) const {
    const std::uint64_t tick = 1000000 / m_params.linux_hz;
    const std::uint64_t ticks = (microseconds + tick - 1) / tick;
    return {static_cast<double>(ticks * tick), sc_core::SC_US};
}

void linux_tpm_chip::set_timeouts(byte_view response) {
    constexpr std::size_t first_at = tpm::packet::body_at + 4;
    if (response.size() < first_at + 4 * m_timeouts.size()) {
        return;
    }
    linux_tpm_driver_if::microseconds4 told{};
    for (std::size_t i = 0; i < told.size(); ++i) {
        told[i] = tpm::load_be32(byte_view(response).subspan(first_at + 4 * i, 4));
    }
    const auto known_better = m_driver.corrected_timeouts();
    told = known_better.value_or(told);
    // Some chips answer in milliseconds.
    const std::uint32_t scale = !known_better && told[0] != 0 && told[0] < 1000 ? 1000 : 1;
    for (std::size_t i = 0; i < m_timeouts.size(); ++i) {
        const std::uint32_t value = told[i];
        if (value != 0) {
            m_timeouts[i] = in_ticks(value * scale);
        }
    }
}

void linux_tpm_chip::set_durations(byte_view response) {
    constexpr std::size_t first_at = tpm::packet::body_at + 4;
    if (response.size() < first_at + 4 * m_durations.size()) {
        return;
    }
    for (std::size_t i = 0; i < m_durations.size(); ++i) {
        m_durations[i] = in_ticks(tpm::load_be32(byte_view(response).subspan(first_at + 4 * i, 4)));
    }
    // Less than HZ / 100 ticks for the short class can only be meant in milliseconds.
    if (m_durations[0] < sc_time(10, sc_core::SC_MS)) {
        m_durations[0] = sc_time(1, sc_core::SC_SEC);
        m_durations[1] *= 1000;
        m_durations[2] *= 1000;
    }
}

int linux_tpm_chip::get_random(std::uint32_t count) {
    bytes response;
    if (m_is_tpm20) {
        return transmit_from_kernel(tpm::tpm20::get_random(static_cast<std::uint16_t>(count)), response, 2);
    }
    return transmit_from_kernel(command12(ord_get_random, count), response, 4);
}

int linux_tpm_chip::register_chip() {
    m_registered = true;
    ++m_generation;
    if (!m_params.linux_hwrng) {
        return 0;
    }
    // A failure is ignored.
    (void)get_random(random_at_registration);
    m_kernel.spawn("hwrng", [this, generation = m_generation] { feed_hwrng(generation); });
    return 0;
}

void linux_tpm_chip::feed_hwrng(std::uint64_t generation) {
    while (m_registered && m_generation == generation) {
        (void)get_random(random_of_hwrng);
        m_kernel.sleep(m_params.linux_hwrng_interval);
    }
}

void linux_tpm_chip::unregister_chip() {
    m_mutex.lock();
    m_registered = false;
    ++m_generation;
    m_mutex.unlock();
}

// ---- sysfs

namespace {

template <std::size_t Count>
std::string microseconds_text(const std::array<sc_time, Count>& values) {
    std::string text;
    for (const sc_time& value : values) {
        text += fmt::format("{}{}", text.empty() ? "" : " ",
                            static_cast<std::uint64_t>(value.to_seconds() * 1e6 + 0.5));
    }
    return text;
}

}  // namespace

std::string linux_tpm_chip::timeouts_text() const {
    return microseconds_text(m_timeouts);
}
std::string linux_tpm_chip::durations_text() const {
    return microseconds_text(m_durations);
}

}  // namespace vtwin::models
