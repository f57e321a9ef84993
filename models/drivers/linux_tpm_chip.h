// The TPM core of a Linux kernel above one driver: transmit path, time-outs, duration classes, hwrng,
// /dev/tpm0. Source: Linux drivers/char/tpm (6.1): tpm-interface.c and tpm-chip.c, tpm1-cmd.c, and tpm2-cmd.c
// in linux_tpm_chip20.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/drivers/driver_params.h"
#include "models/kernel/kernel.h"
#include "models/ports.h"

namespace vtwin::models {

/// What a chip driver offers to the core. Return values: 0, a length, or a negative errno.
class linux_tpm_driver_if {
  public:
    static constexpr std::uint8_t status_running = 1, status_idle = 2, status_result = 4, status_canceled = 8;
    virtual ~linux_tpm_driver_if() = default;
    virtual int send(byte_view command) = 0;
    virtual int receive(std::span<std::byte> buffer) = 0;
    virtual void cancel() = 0;
    virtual std::uint8_t status() = 0;

    // ---- what only drivers of hardware have
    /// Before and after each use of the TPM, which may be several commands. 0, or negative: it is not
    /// granted.
    virtual int request_locality() { return 0; }
    virtual void relinquish_locality() {}
    /// The four time-outs in microseconds, when this TPM is known to tell wrong ones. Called after it has
    /// told them, with the locality held.
    using microseconds4 = std::array<std::uint32_t, 4>;
    virtual std::optional<microseconds4> corrected_timeouts() { return std::nullopt; }
    /// The same for durations, one for all three classes. May send commands.
    virtual std::optional<sc_core::sc_time> corrected_durations() { return std::nullopt; }
};

class linux_tpm_chip {
  public:
    static constexpr std::size_t buffer_size = 4096, header_size = 10;
    enum class duration_class : std::uint8_t { short_one, medium, long_one, undefined };

    linux_tpm_chip(kernel& owner, linux_tpm_driver_if& driver, driver_params params);
    const driver_params& params() const { return m_params; }

    /// tpm_get_timeouts: asks for TIS time-outs and durations; starts the TPM when it has not been started.
    /// 0, a negative errno, or the TPM's positive return code.
    int get_timeouts();
    /// tpm1_auto_startup, for drivers that ask for it: get_timeouts, then the self test is continued and PCR
    /// 0 read until it is over. 0 or a negative errno.
    int auto_startup();
    /// Time-outs A to D until the TPM has told its own; zero without.
    void assume_timeouts(const std::array<sc_core::sc_time, 4>& values) { m_timeouts = values; }
    /// tpm2_probe: whether the TPM answers a TPM 2.0 command in kind. 0 or a negative errno.
    int probe_tpm20();
    bool is_tpm20() const { return m_is_tpm20; }
    /// tpm2_auto_startup and the PCR allocation, in place of get_timeouts: time-outs from the driver's own
    /// table, self test, a start when there was none, the table of commands, the active banks.
    int start_tpm20();
    /// Active PCR banks of a TPM 2.0, in its order; IMA extends them all.
    const std::vector<std::uint16_t>& banks() const { return m_banks; }
    /// TPMA_CC of a command that the TPM has listed; FlushContext and ContextSave count as commands with one
    /// handle. Nullopt when it has not, or before start_tpm20.
    std::optional<std::uint32_t> attributes_of(std::uint32_t code) const;
    /// How many commands the TPM has listed.
    std::size_t listed_commands() const { return m_commands.size(); }
    /// tpm_chip_register: one GetRandom, then the hwrng thread.
    int register_chip();
    /// tpm_chip_unregister: waits for the command that is under way; later ones get -EPIPE.
    void unregister_chip();
    bool registered() const { return m_registered; }
    void reset();

    /// For an observer: a command was handed over at `at` (it may have waited for others since), or returned.
    /// Calls of one chip come in pairs, never nested.
    enum class command_end : std::uint8_t { issued, returned };
    using command_hook = std::function<void(command_end, const sc_core::sc_time& at, std::uint32_t ordinal)>;
    void on_command(command_hook hook) { m_hook = std::move(hook); }
    /// For an observer with an eye for the octets: called when a command is handed to the driver and when it
    /// is done. `result` is then a length or a negative errno; views are valid during the call.
    struct answer_seen {
        bool done = false;
        sc_core::sc_time asked;
        byte_view command;
        int result = 0;
        byte_view response;
    };
    using answer_hook = std::function<void(const answer_seen&)>;
    void on_answer(answer_hook hook) { m_answer_hook = std::move(hook); }

    /// /dev/tpm0 has one open file at most: false when there is one already (linux_tpm_file.h).
    /// Changes whenever a driver registers or goes.
    std::uint64_t generation() const { return m_generation; }
    bool take_file() { return !std::exchange(m_file_open, true); }
    void give_file_back() { m_file_open = false; }
    /// What write() on /dev/tpm0 does when its file permits it, at the price of one system call: the number
    /// of response bytes, or a negative errno.
    int transmit_from_user(byte_view written, bytes& response);
    /// One command of the kernel itself, e.g. an IMA extend: 0, a negative errno, or the TPM's return code.
    int transmit_from_kernel(byte_view command, bytes& response, std::size_t least_body = 0);
    /// What write() refuses before anything is sent: 0, -E2BIG or -EINVAL.
    static int check_written(byte_view written);

    /// tpm_try_get_ops: the chip for the caller alone, with its locality, until put_ops. 0; or -EPIPE when it
    /// is not registered or its locality not granted, and there is nothing to give back.
    int get_ops();
    void put_ops();
    /// The same two functions for who has the chip: a length or a negative errno; 0, a negative errno or the
    /// TPM's return code.
    int transmit_held(byte_view command, bytes& response);
    int command_held(byte_view command, bytes& response, std::size_t least_body = 0);

    static duration_class class_of(std::uint32_t ordinal);
    /// How long the command with this ordinal may take.
    sc_core::sc_time duration_of(std::uint32_t ordinal) const;
    const sc_core::sc_time& timeout_a() const { return m_timeouts[0]; }
    const sc_core::sc_time& timeout_b() const { return m_timeouts[1]; }
    const sc_core::sc_time& timeout_c() const { return m_timeouts[2]; }
    const sc_core::sc_time& timeout_d() const { return m_timeouts[3]; }

    // ---- sysfs: "752000 2000000 752000 752000", microseconds
    std::string timeouts_text() const;
    std::string durations_text() const;

  private:
    int start();
    int with_chip(const std::function<int()>& body);
    int transmit(byte_view command, bytes& response);
    int transmit_told(const sc_core::sc_time& asked, byte_view command, bytes& response, int refused);
    static int judged(int length, byte_view response, std::size_t least_body);
    int transmit_until_tested(byte_view command, bytes& response);
    int ask_timeouts();
    int self_test();
    int probe_family();
    int start_family20();
    sc_core::sc_time duration20_of(std::uint32_t code) const;
    int self_test_tpm20();
    int read_command_table();
    int try_transmit(byte_view command, bytes& response);
    void tell(command_end end, const sc_core::sc_time& at, byte_view command) const;
    void tell_answer(const answer_seen& what) const;
    int ask_capability(std::uint32_t property, std::size_t least_body, bytes& response);
    void set_timeouts(byte_view response);
    void set_durations(byte_view response);
    int get_random(std::uint32_t count);
    void feed_hwrng(std::uint64_t generation);
    sc_core::sc_time in_ticks(std::uint32_t microseconds) const;

    kernel& m_kernel;
    linux_tpm_driver_if& m_driver;
    driver_params m_params;
    kernel_mutex m_mutex;
    std::array<sc_core::sc_time, 4> m_timeouts;   ///< a to d
    std::array<sc_core::sc_time, 3> m_durations;  ///< short, medium, long; 0: unknown
    bool m_registered = false;
    bool m_file_open = false;
    bool m_is_tpm20 = false;
    std::vector<std::uint16_t> m_banks;
    std::vector<std::uint32_t> m_commands;  ///< TPMA_CC of each, in the TPM's order
    std::uint64_t m_generation = 0;
    command_hook m_hook;
    answer_hook m_answer_hook;
};

}  // namespace vtwin::models
