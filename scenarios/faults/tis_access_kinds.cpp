// Faults on accesses to the TIS registers while they pass.
#include <algorithm>

#include "scenarios/faults/hardware_effects.h"
#include "scenarios/faults/tis_tap.h"
#include "tpm/tis/tis_device.h"

namespace vtwin::scenario {
namespace {

using models::tpm_hardware;
using type = parameter_declaration::type;
using device = tpm::tis_device;
using sts = tpm::sts_bits;

constexpr std::string_view fifo = "TPM_DATA_FIFO|TPM_XDATA_FIFO";
constexpr std::uint32_t octet_bits = 8;

/// Replaces the bits of a register that an access shows: `bits` and `values` as of the whole register, whose
/// first octet lies at `base`.
void show(tis_access& access, std::uint32_t base, std::uint32_t bits, std::uint32_t values) {
    for (std::size_t i = 0; i < access.data.size(); ++i) {
        const auto lane = access.offset + static_cast<std::uint32_t>(i) - base;
        if (lane >= sizeof bits)
            continue;
        const auto mask = std::byte(bits >> (octet_bits * lane) & 0xFF);
        const auto value = std::byte(values >> (octet_bits * lane) & 0xFF);
        access.data[i] = (access.data[i] & ~mask) | (value & mask);
    }
}

/// First octet of the register that an access begins in.
std::uint32_t base_of(const tis_access& access) {
    auto base = access.offset;
    while (base > 0 && !access.reg.empty() && tis_register_at(base - 1) == access.reg)
        --base;
    return base;
}

class access_bit_flip final : public tis_effect {
  public:
    access_bit_flip(const fault_parameters& with, tpm_hardware&) : m_mask(std::byte(with.number("mask"))) {}
    void before(tis_access& access) override {
        if (access.write)
            access.data.front() ^= m_mask;
    }
    void after(tis_access& access) override {
        if (!access.write)
            access.data.front() ^= m_mask;
    }

  private:
    std::byte m_mask;
};

class stuck_bit final : public tis_effect {
  public:
    stuck_bit(const fault_parameters& with, tpm_hardware&)
        : m_bit(1u << with.number("bit")), m_value(with.number("value") != 0 ? m_bit : 0) {}
    void after(tis_access& access) override {
        if (!access.write)
            show(access, base_of(access), m_bit, m_value);
    }

  private:
    std::uint32_t m_bit, m_value;
};

class access_lost final : public tis_effect {
  public:
    access_lost(const fault_parameters&, tpm_hardware&) {}
    void before(tis_access& access) override { access.lost = true; }
};

class removed final : public tis_effect {
  public:
    removed(const fault_parameters& with, tpm_hardware&)
        : m_level(with.word("level") == "ones" ? std::byte{0xFF} : std::byte{0}) {}
    void before(tis_access& access) override { access.lost = true; }
    void after(tis_access& access) override {
        if (!access.write)
            std::ranges::fill(access.data, m_level);
    }

  private:
    std::byte m_level;
};

class wait_states final : public tis_effect {
  public:
    wait_states(const fault_parameters& with, tpm_hardware& hardware)
        : m_clocks(static_cast<std::uint32_t>(with.number("clocks"))), m_bus(hardware.bus()) {}
    void before(tis_access&) override {
        m_usual = m_bus.wait_clocks();
        m_bus.set_wait_clocks(m_usual + m_clocks);
    }
    void after(tis_access&) override { m_bus.set_wait_clocks(m_usual); }

  private:
    std::uint32_t m_clocks, m_usual = 0;
    tpm::lpc_bus& m_bus;
};

class burst_count final : public tis_effect {
  public:
    burst_count(const fault_parameters& with, tpm_hardware&)
        : m_value(static_cast<std::uint32_t>(with.number("value"))),
          m_alternates(with.word("mode") == "alternate") {}
    void after(tis_access& access) override {
        if (access.write)
            return;
        // Drivers read it in two octets: the low one decides for both.
        if (access.offset != device::sts + 2)
            m_shown = !m_alternates || !m_shown;
        if (m_shown)
            show(access, device::sts, 0xFFFFu << sts::burst_shift, m_value << sts::burst_shift);
    }

  private:
    std::uint32_t m_value;
    bool m_alternates, m_shown = false;
};

class status_flag final : public tis_effect {
  public:
    status_flag(const fault_parameters& with, tpm_hardware&)
        : m_bit(bit_of(with.word("flag"))), m_value(with.number("value") != 0 ? m_bit : 0) {}
    void after(tis_access& access) override {
        if (!access.write)
            show(access, device::sts, m_bit, m_value);
    }

  private:
    static std::uint32_t bit_of(std::string_view flag) {
        return flag == "valid"           ? sts::sts_valid
               : flag == "command_ready" ? sts::command_ready
               : flag == "data_avail"    ? sts::data_avail
                                         : sts::expect;
    }
    std::uint32_t m_bit, m_value;
};

class access_invalid final : public tis_effect {
  public:
    access_invalid(const fault_parameters&, tpm_hardware&) {}
    void after(tis_access& access) override {
        constexpr std::uint32_t valid = 0x80;
        if (!access.write)
            show(access, device::access, valid, 0);
    }
};

class repeated final : public tis_effect {
  public:
    repeated(const fault_parameters& with, tpm_hardware&)
        : m_times(static_cast<std::uint32_t>(with.number("times"))) {}
    void before(tis_access& access) override { access.repeats = m_times; }

  private:
    std::uint32_t m_times;
};

/// Reading, the octet is fetched and thrown away, so that the next one is seen in its place.
class octet_dropped final : public tis_effect {
  public:
    octet_dropped(const fault_parameters&, tpm_hardware&) {}
    void before(tis_access& access) override {
        if (access.write)
            access.lost = true;
        else
            access.repeats = 2;
    }
};

/// Reading, an octet is seen that was not fetched: the chip's own comes after it.
class octet_inserted final : public tis_effect {
  public:
    octet_inserted(const fault_parameters& with, tpm_hardware&) : m_shown(std::byte(with.number("shown"))) {}
    void before(tis_access& access) override {
        if (access.write)
            access.repeats = 2;
        else
            access.lost = true;
    }
    void after(tis_access& access) override {
        if (!access.write)
            access.data.front() = m_shown;
    }

  private:
    std::byte m_shown;
};

std::vector<condition> on_register(std::string_view name) {
    return {{"register", std::string(name)}};
}
std::vector<condition> on_write_to(std::string_view name, std::string_view value) {
    return {{"register", std::string(name)}, {"value", std::string(value)}};
}

parameter_declaration mask_parameter() {
    return {.name = "mask", .standard = "0x01", .doc = "bits that are inverted", .min = 1, .max = 0xFF};
}
parameter_declaration value_parameter() {
    return {.name = "value", .standard = "0", .doc = "what the bit reads as", .max = 1};
}

std::vector<hardware_kind> data_kinds() {
    const auto wires = wire_class::tis;
    return {
        {{.name = "tis.answer_bit_flip",
          .target = wires,
          .rows = "TIS-01",
          .doc = "an octet of an answer changes on its way to the host",
          .parameters = {mask_parameter()},
          .operations = "read",
          .conditions = on_register(fifo)},
         made<access_bit_flip>},
        {{.name = "tis.command_bit_flip",
          .target = wires,
          .rows = "TIS-02",
          .doc = "an octet of a command changes on its way to the chip",
          .parameters = {mask_parameter()},
          .operations = "write",
          .conditions = on_register(fifo)},
         made<access_bit_flip>},
        {{.name = "tis.octet_dropped",
          .target = wires,
          .rows = "TIS-17",
          .doc = "an octet of the FIFO is lost: the chip's state machine and the host differ by one",
          .conditions = on_register(fifo)},
         made<octet_dropped>},
        {{.name = "tis.octet_inserted",
          .target = wires,
          .rows = "TIS-17",
          .doc = "the FIFO gives or takes one octet too many; what is read instead is `shown`",
          .parameters = {{.name = "shown", .standard = "0xFF", .doc = "octet that is read", .max = 0xFF}},
          .conditions = on_register(fifo)},
         made<octet_inserted>},
        {{.name = "tis.aborted_read",
          .target = wires,
          .rows = "TIS-04",
          .doc = "a read cycle that nobody answers: all ones",
          .operations = "read"},
         made<access_lost>},
        {{.name = "tis.lost_write",
          .target = wires,
          .rows = "TIS-04",
          .doc = "a write cycle that nobody takes",
          .operations = "write"},
         made<access_lost>},
        {{.name = "tis.wait_states",
          .target = wires,
          .rows = "TIS-04 AB-11",
          .doc = "the chip holds the bus for so many clocks more in each octet",
          .parameters = {{.name = "clocks", .standard = "1000", .doc = "bus clocks", .max = 100'000'000}}},
         made<wait_states>},
        {{.name = "tis.device_removed",
          .target = wires,
          .rows = "TIS-15",
          .doc = "no access reaches the chip any more (count = 0)",
          .parameters = {{.name = "level",
                          .kind = type::choice,
                          .standard = "ones",
                          .doc = "what the lines read as",
                          .choices = {"ones", "zeros"}}}},
         made<removed>}};
}

std::vector<hardware_kind> register_kinds() {
    const auto wires = wire_class::tis;
    return {{{.name = "tis.stuck_bit",
              .target = wires,
              .rows = "TIS-03",
              .doc = "a bit of a register reads as one value; which register is a condition",
              .parameters = {{.name = "bit", .standard = "", .doc = "bit of the whole register", .max = 31},
                             value_parameter()},
              .operations = "read",
              .conditions = on_register("TPM_STS")},
             made<stuck_bit>},
            {{.name = "tis.burst_count",
              .target = wires,
              .rows = "TIS-05 TIS-06",
              .doc = "burstCount reads as another value, always or at every second look; a driver that reads "
                     "octets crosses twice per look",
              .parameters = {{.name = "value", .standard = "0", .doc = "burstCount", .max = 0xFFFF},
                             {.name = "mode",
                              .kind = type::choice,
                              .standard = "replace",
                              .doc = "every look or every second",
                              .choices = {"replace", "alternate"}}},
              .operations = "read",
              .conditions = {{"address", "25|26"}, {"register", "TPM_STS"}}},
             made<burst_count>},
            {{.name = "tis.status_flag",
              .target = wires,
              .rows = "TIS-07 TIS-08 TIS-09",
              .doc = "a flag of TPM_STS reads as one value",
              .parameters = {{.name = "flag",
                              .kind = type::choice,
                              .standard = "",
                              .doc = "stsValid, commandReady, dataAvail or Expect",
                              .choices = {"valid", "command_ready", "data_avail", "expect"}},
                             value_parameter()},
              .operations = "read",
              .conditions = {{"address", "24"}, {"register", "TPM_STS"}}},
             made<status_flag>},
            {{.name = "tis.access_invalid",
              .target = wires,
              .rows = "TIS-14",
              .doc = "tpmRegValidSts of TPM_ACCESS reads 0",
              .operations = "read",
              .conditions = on_register("TPM_ACCESS")},
             made<access_invalid>},
            {{.name = "tis.command_ready_ignored",
              .target = wires,
              .rows = "TIS-10",
              .doc = "a write of commandReady does not reach the chip",
              .operations = "write",
              .conditions = on_write_to("TPM_STS", "0x40")},
             made<access_lost>},
            {{.name = "tis.go_ignored",
              .target = wires,
              .rows = "TIS-10",
              .doc = "a write of tpmGo does not reach the chip",
              .operations = "write",
              .conditions = on_write_to("TPM_STS", "0x20")},
             made<access_lost>},
            {{.name = "tis.write_repeated",
              .target = wires,
              .rows = "TIS-10",
              .doc = "a write cycle reaches the chip several times; tpmGo when no condition says otherwise",
              .parameters = {{.name = "times", .standard = "2", .doc = "cycles", .min = 1, .max = 1000}},
              .operations = "write",
              .conditions = on_write_to("TPM_STS", "0x20")},
             made<repeated>},
            {{.name = "tis.locality_refused",
              .target = wires,
              .rows = "TIS-12",
              .doc = "a request for the locality does not reach the chip",
              .operations = "write",
              .conditions = on_write_to("TPM_ACCESS", "0x02")},
             made<access_lost>}};
}

}  // namespace

std::vector<hardware_kind> tis_access_kinds() {
    auto all = data_kinds();
    for (auto& each : register_kinds())
        all.push_back(std::move(each));
    return all;
}

}  // namespace vtwin::scenario
