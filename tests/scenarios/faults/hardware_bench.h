// A hardware TPM with a host on its bus and taps on all of its wires; no hypervisor, no domains.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "models/firmware/bare_metal_bus.h"
#include "models/firmware/firmware.h"
#include "models/hex.h"
#include "models/platform/tpm_hardware.h"
#include "scenarios/faults/hardware_effects.h"
#include "scenarios/faults/wire_taps.h"
#include "tpm/codec/wire.h"
#include "tpm/engine/firmware12.h"

namespace vtwin::scenario::test {

using sc_core::SC_MS;
using sc_core::sc_time;
using sc_core::SC_US;
using tpm::bytes;

inline const std::string startup = "00c10000000c000000990001";
inline const std::string get_random = "00c10000000e0000004600000010";
inline const std::string pcr_read_0 = "00c10000000e0000001500000000";
inline const std::string extend_0 = "00c1000000220000001400000000" + std::string(40, '1');
inline const std::string get_ticks = "00c10000000a000000f1";
inline const std::string oiap = "00c10000000a0000000a";
inline const std::string get_timeouts =
    "00c100000016000000650000000500000004"
    "00000115";
inline const std::string ok_header = "00c40000000a00000000";

inline tpm::chip_profile bench_profile() {
    tpm::chip_profile profile;
    profile.name = "bench";
    profile.did_vid = 0x000B15D1;
    profile.rid = 0x10;
    profile.interface_capability = 0x97;
    profile.bus = "lpc";
    profile.bus_mhz = 33.333333;
    profile.burst_count = 8;
    profile.buffer_size = 1024;
    profile.default_duration.base = sc_time(10, SC_MS);
    return profile;
}

class hardware_bench {
  public:
    explicit hardware_bench(const std::string& tapped = "*")
        : hub({tapped}),
          taps(hub),
          profile(bench_profile()),
          hardware("tpm", library, profile, 1, sc_core::SC_ZERO_TIME, taps),
          m_direct("host_bus", sc_core::SC_ZERO_TIME),
          host(taps.mmio("vtpmmgr", m_direct)),
          driver(host, sc_time(1, SC_MS)) {
        m_direct.socket.bind(hardware.host());
        hardware.tis().commands.bind(m_watch);
        hardware.engine().power_cycle();
        REQUIRE(tpm::make_ready_for_use(hardware.engine()) == 0);
        hardware.engine().power_cycle();
    }

    /// Arms a fault as a file would describe it; conditions and parameters are completed by its kind.
    armed_fault& arm(const std::string& kind, std::map<std::string, std::string> with = {},
                     trigger when = {}) {
        const auto* declared = find_kind(kind);
        REQUIRE(declared != nullptr);
        static const std::map<wire_class, std::string> wires = {{wire_class::tis, "vtpmmgr.tis"},
                                                                {wire_class::chip, "tpm.chip"},
                                                                {wire_class::chip_nv, "tpm.nv"},
                                                                {wire_class::entropy, "tpm.entropy"}};
        fault what{"fault" + std::to_string(hub.faults().size()), kind, wires.at(declared->target),
                   std::move(when), std::move(with)};
        if (declared->at_once && what.when.on.empty() && !what.when.at)
            what.when.at = sc_core::sc_time_stamp();
        std::vector<fault_problem> problems;
        what = check_fault(what,
                           {{"vtpmmgr.tis", wire_class::tis},
                            {"tpm.chip", wire_class::chip},
                            {"tpm.nv", wire_class::chip_nv},
                            {"tpm.entropy", wire_class::entropy}},
                           problems);
        for (const auto& each : problems)
            FAIL(kind << ": " << each.key << ": " << each.text);
        return hub.arm(what, make_hardware_effect(what, hardware), 1);
    }

    /// Runs a program on the host from the moment when the chip is there and locality 0 is the host's.
    void run(const std::function<void()>& program) {
        bool finished = false;
        sc_core::sc_spawn([&] {
            sc_core::wait(sc_time(1, SC_MS));
            set_access(0x02);
            program();
            finished = true;
            sc_core::sc_stop();
        });
        sc_core::sc_start(sc_time(1000, sc_core::SC_SEC));
        CHECK(finished);
    }
    /// One command through the registers, in hexadecimal; "" when there was no answer.
    std::string operator()(const std::string& command) {
        return models::to_hex(driver.transmit(*models::from_hex(command)));
    }
    /// How long the chip executes it.
    sc_time time_of(const std::string& command) {
        (*this)(command);
        return m_watch.took;
    }
    /// Straight to the engine, past all wires.
    std::string direct(const std::string& command) {
        return models::to_hex(hardware.engine().execute(*models::from_hex(command), 0));
    }
    std::uint8_t read(std::uint32_t offset) {
        std::byte value{};
        REQUIRE(host.read(tpm::lpc_bus::window_base + offset, std::span(&value, 1)));
        return std::to_integer<std::uint8_t>(value);
    }
    std::uint32_t read32(std::uint32_t offset) {
        std::array<std::byte, 4> value{};
        REQUIRE(host.read(tpm::lpc_bus::window_base + offset, value));
        return std::to_integer<std::uint32_t>(value[0]) | std::to_integer<std::uint32_t>(value[1]) << 8 |
               std::to_integer<std::uint32_t>(value[2]) << 16 |
               std::to_integer<std::uint32_t>(value[3]) << 24;
    }
    void write(std::uint32_t offset, std::uint8_t value) {
        const std::byte octet{value};
        REQUIRE(host.write(tpm::lpc_bus::window_base + offset, std::span(&octet, 1)));
    }
    void set_access(std::uint8_t value) { write(0, value); }
    std::uint16_t burst() { return static_cast<std::uint16_t>(read(0x19) | read(0x1A) << 8); }

    tpm::libtpms_host library;
    wire_hub hub;
    wire_taps taps;
    tpm::chip_profile profile;
    models::tpm_hardware hardware;

  private:
    struct watch final : tlm::tlm_analysis_if<tpm::chip_command> {
        void write(const tpm::chip_command& command) override { took = command.done - command.go; }
        sc_time took;
    };
    watch m_watch;
    models::bare_metal_bus m_direct;

  public:
    xen::mmio_if& host;
    models::firmware driver;
};

inline trigger nth(std::uint64_t first, std::uint64_t count = 1) {
    trigger when;
    when.nth = first;
    when.count = count;
    return when;
}
inline trigger on_every(std::vector<condition> where = {}) {
    trigger when;
    when.where = std::move(where);
    when.count = 0;
    return when;
}

/// The chip's value of PCR 0 in hexadecimal, past all wires.
inline std::string pcr_0(hardware_bench& bench) {
    return bench.direct(pcr_read_0).substr(20);
}
inline const std::string zero_digest(40, '0');

}  // namespace vtwin::scenario::test
