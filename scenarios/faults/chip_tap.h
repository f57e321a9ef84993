// What stands between the registers of the hardware TPM and what computes its commands: wire "tpm.chip".
#pragma once

#include <optional>
#include <vector>

#include "scenarios/faults/wire.h"
#include "tpm/ports.h"

namespace vtwin::scenario {

/// One command while effects may change it or its answer.
struct chip_command {
    tpm::byte_view command;
    std::uint8_t locality = 0;
    std::uint32_t ordinal = 0;
    bool skipped = false;             ///< is not executed; `answer` is given as it is
    tpm::bytes answer;                ///< once executed: the engine's
    const tpm::bytes& answer_before;  ///< what the command before this one was answered; empty at first
};

class chip_effect : public fault_effect {
  public:
    virtual void before(chip_command&) {}
    /// When the engine has computed the answer, or was not asked.
    virtual void after(chip_command&) {}
};

/// Only commands that come in through the registers cross this wire; dynamic launch events pass uncounted.
class chip_tap final : public tpm::engine_if {
  public:
    chip_tap(wire& on, tpm::engine_if& inner) : m_wire(on), m_inner(inner) {}

    tpm::bytes execute(tpm::byte_view command, std::uint8_t locality) override;
    void hash_start() override { m_inner.hash_start(); }
    void hash_data(tpm::byte_view data) override { m_inner.hash_data(data); }
    void hash_end() override { m_inner.hash_end(); }
    bool established() override { return m_inner.established(); }
    bool reset_established(std::uint8_t locality) override { return m_inner.reset_established(locality); }
    void power_cycle() override { m_inner.power_cycle(); }
    tpm::family version() const override { return m_inner.version(); }

  private:
    wire& m_wire;
    tpm::engine_if& m_inner;
    tpm::bytes m_answer;  ///< the last one
};

}  // namespace vtwin::scenario
