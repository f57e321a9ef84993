// Faults beside the accesses of the domain: the reset line, and others who use the same registers.
#include <array>

#include "models/firmware/firmware.h"
#include "scenarios/faults/hardware_effects.h"
#include "scenarios/faults/tis_tap.h"
#include "tpm/tis/tis_device.h"

namespace vtwin::scenario {
namespace {

using models::tpm_hardware;
using type = parameter_declaration::type;

constexpr std::uint8_t access_active = 0x20, access_seize = 0x08, access_request = 0x02;

/// The firmware's way to the registers, seen from another locality.
class locality_window final : public xen::mmio_if {
  public:
    locality_window(tpm_hardware& hardware, std::uint64_t locality)
        : m_bus(hardware.firmware_bus()), m_shift(locality << locality_shift) {}
    bool read(std::uint64_t address, std::span<std::byte> out) override {
        return m_bus.read(address + m_shift, out);
    }
    bool write(std::uint64_t address, std::span<const std::byte> data) override {
        return m_bus.write(address + m_shift, data);
    }
    std::uint8_t access() {
        std::byte value{0};
        const bool read_it = read(tpm::lpc_bus::window_base, std::span(&value, 1));
        return read_it ? std::to_integer<std::uint8_t>(value) : std::uint8_t{0};
    }
    void set_access(std::uint8_t value) {
        const std::byte octet{value};
        static_cast<void>(write(tpm::lpc_bus::window_base, std::span(&octet, 1)));
    }

  private:
    xen::mmio_if& m_bus;
    std::uint64_t m_shift;
};

class reset_line final : public fault_effect {
  public:
    reset_line(const fault_parameters& with, tpm_hardware& hardware)
        : m_hardware(hardware), m_startup(with.word("startup") == "clear") {}
    void begin() override { reset_soon(m_hardware, m_startup); }

  private:
    tpm_hardware& m_hardware;
    bool m_startup;
};

class seized final : public fault_effect {
  public:
    seized(const fault_parameters& with, tpm_hardware& hardware)
        : m_hardware(hardware), m_locality(with.number("locality")), m_hold(with.duration("hold")) {}
    void begin() override {
        sc_core::sc_spawn([&hardware = m_hardware, locality = m_locality, hold = m_hold] {
            locality_window window(hardware, locality);
            window.set_access(access_seize);
            if (hold == sc_core::SC_ZERO_TIME)
                return;
            sc_core::wait(hold);
            window.set_access(access_active);
        });
    }

  private:
    tpm_hardware& m_hardware;
    std::uint64_t m_locality;
    sc_core::sc_time m_hold;
};

class revoked final : public fault_effect {
  public:
    revoked(const fault_parameters&, tpm_hardware& hardware) : m_hardware(hardware) {}
    void begin() override {
        sc_core::sc_spawn([&hardware = m_hardware] {
            const int active = hardware.tis().snapshot().active_locality;
            if (active >= 0)
                locality_window(hardware, static_cast<std::uint64_t>(active)).set_access(access_active);
        });
    }

  private:
    tpm_hardware& m_hardware;
};

/// Asks for the locality, waits its turn, sends its command, gives the locality back.
class other_user final : public fault_effect {
  public:
    other_user(const fault_parameters& with, tpm_hardware& hardware)
        : m_hardware(hardware),
          m_locality(with.number("locality")),
          m_commands(with.number("commands")),
          m_poll(with.duration("poll")),
          m_patience(with.duration("patience")),
          m_command(with.hex("command")) {}
    void begin() override {
        sc_core::sc_spawn([copy = *this]() mutable { copy.use(); });
    }

  private:
    void use() {
        locality_window window(m_hardware, m_locality);
        models::firmware driver(window, m_poll);
        for (std::uint64_t i = 0; i < m_commands && take(window); ++i) {
            driver.transmit(m_command);
            window.set_access(access_active);
            sc_core::wait(m_poll);
        }
    }
    bool take(locality_window& window) {
        const auto deadline = sc_core::sc_time_stamp() + m_patience;
        window.set_access(access_request);
        while ((window.access() & access_active) == 0) {
            if (sc_core::sc_time_stamp() >= deadline)
                return false;
            sc_core::wait(m_poll);
        }
        return true;
    }

    tpm_hardware& m_hardware;
    std::uint64_t m_locality, m_commands;
    sc_core::sc_time m_poll, m_patience;
    tpm::bytes m_command;
};

parameter_declaration locality_parameter(std::string_view standard) {
    return {.name = "locality", .standard = standard, .doc = "of the other user", .max = 3};
}

}  // namespace

std::vector<hardware_kind> tis_line_kinds() {
    const auto wires = wire_class::tis;
    return {
        {{.name = "tis.reset_line",
          .target = wires,
          .rows = "TIS-16",
          .doc = "a pulse on LRESET#: the chip forgets commands, sessions, keys and PCRs",
          .parameters = {startup_parameter()},
          .at_once = true},
         made<reset_line>},
        {{.name = "tis.locality_seized",
          .target = wires,
          .rows = "TIS-12",
          .doc = "another locality seizes the chip; a higher one than the owner's succeeds and aborts its "
                 "command",
          .parameters = {locality_parameter("3"),
                         {.name = "hold",
                          .kind = type::time,
                          .standard = "0 s",
                          .doc = "until it gives it back; 0: never"}},
          .at_once = true},
         made<seized>},
        {{.name = "tis.locality_revoked",
          .target = wires,
          .rows = "TIS-12",
          .doc = "the active locality is given up behind its owner's back",
          .at_once = true},
         made<revoked>},
        {{.name = "tis.other_user",
          .target = wires,
          .rows = "TIS-13",
          .doc = "another user of the registers sends commands of its own whenever it gets its turn",
          .parameters = {locality_parameter("0"),
                         {.name = "commands", .standard = "1", .doc = "how many", .max = 1'000'000},
                         {.name = "command",
                          .kind = type::hex,
                          .standard = "00c10000000e0000004600000010",
                          .doc = "octets of the command; TPM_GetRandom of 16"},
                         {.name = "poll",
                          .kind = type::time,
                          .standard = "100 us",
                          .doc = "between two looks at a register",
                          .min = 1},
                         {.name = "patience",
                          .kind = type::time,
                          .standard = "1 s",
                          .doc = "how long it waits for its turn"}},
          .at_once = true},
         made<other_user>}};
}

}  // namespace vtwin::scenario
