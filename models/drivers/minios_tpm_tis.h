// mini-os tpm_tis: the hardware TPM behind its TIS registers, in polled mode.
// Source: mini-os tpm_tis.c; TIS 1.21 registers. The defects are switches (tpm_tis.*).
#pragma once

#include <array>
#include <cstdint>

#include "models/behaviours/behaviours.h"
#include "models/drivers/driver_params.h"
#include "models/kernel/kernel.h"
#include "models/ports.h"
#include "tpm/ports.h"

namespace vtwin::models {

class minios_tpm_tis final : public tpm_transport_if {
  public:
    static constexpr std::uint64_t first_page = 0xFED40000, locality_size = 0x1000;
    static constexpr std::size_t buffer_size = 2048;

    minios_tpm_tis(kernel& owner, const behaviour_set& behaviours, tpm::family version = tpm::family::tpm12,
                   driver_params params = {});

    /// init_tpm_tis: takes the locality, reads the identification, asks for time-outs and durations and
    /// continues the self test (TPM 2.0: one SelfTest). Never sends Startup. False when the locality is not
    /// granted.
    bool init(unsigned locality = 0);
    transport_result transmit(byte_view command) override;

    std::uint32_t did_vid() const { return m_did_vid; }
    std::uint8_t rid() const { return m_rid; }
    const std::array<sc_core::sc_time, 4>& timeouts() const { return m_timeouts; }

  private:
    enum class outcome : std::uint8_t { ok, error, timed_out, cancelled };

    std::uint8_t read8(std::uint64_t offset) { return m_kernel.mmio_read8(m_base + offset); }
    void write8(std::uint64_t offset, std::uint8_t value) { m_kernel.mmio_write8(m_base + offset, value); }
    bool has_locality();
    bool request_locality();
    void release_locality();
    bool wait_for_status(std::uint8_t mask, const sc_core::sc_time& timeout);
    std::uint32_t burst_count();
    bool make_ready();
    bool send_all_but_last(std::size_t count);
    bool send_last(std::size_t count);
    outcome send(std::size_t count);
    outcome wait_for_answer(std::uint32_t ordinal);
    std::size_t receive(std::size_t from, std::size_t count, std::size_t limit);
    bool receive_response(bytes& response);
    void overrun(std::size_t at);
    sc_core::sc_time duration_of(std::uint32_t ordinal) const;
    void ask_timeouts();
    void ask_durations();

    kernel& m_kernel;
    const behaviour_set& m_behaviours;
    tpm::family m_version;
    driver_params m_params;
    std::uint64_t m_base = first_page;
    std::uint32_t m_did_vid = 0;
    std::uint8_t m_rid = 0;
    std::array<sc_core::sc_time, 4> m_timeouts;     ///< A to D
    std::array<sc_core::sc_time, 3> m_durations;    ///< short, medium, long; 0: unknown
    std::array<std::byte, buffer_size> m_buffer{};  ///< keeps what earlier exchanges left
};

}  // namespace vtwin::models
