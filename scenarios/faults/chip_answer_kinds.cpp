// Faults on the hardware TPM's answers and on the time that they take.
#include <algorithm>
#include <array>

#include "scenarios/faults/chip_tap.h"
#include "scenarios/faults/hardware_effects.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario {
namespace {

using models::tpm_hardware;
using tpm::bytes;
using type = parameter_declaration::type;

struct named_code {
    std::string_view name;
    std::uint32_t code;
};
// TPM Main Part 2 section 16; TPM 2.0 Part 2 section 6.6.3.
constexpr std::array<named_code, 26> codes = {{{"TPM_AUTHFAIL", 0x01},
                                               {"TPM_DEACTIVATED", 0x06},
                                               {"TPM_DISABLED", 0x07},
                                               {"TPM_FAIL", 0x09},
                                               {"TPM_NOSPACE", 0x11},
                                               {"TPM_RESOURCES", 0x15},
                                               {"TPM_SHORTRANDOM", 0x16},
                                               {"TPM_SIZE", 0x17},
                                               {"TPM_FAILEDSELFTEST", 0x1C},
                                               {"TPM_IOERROR", 0x1F},
                                               {"TPM_DECRYPT_ERROR", 0x21},
                                               {"TPM_INVALID_POSTINIT", 0x26},
                                               {"TPM_BAD_LOCALITY", 0x3D},
                                               {"TPM_RETRY", 0x800},
                                               {"TPM_NEEDS_SELFTEST", 0x801},
                                               {"TPM_DOING_SELFTEST", 0x802},
                                               {"TPM_DEFEND_LOCK_RUNNING", 0x803},
                                               {"TPM_RC_FAILURE", 0x101},
                                               {"TPM_RC_UPGRADE", 0x12D},
                                               {"TPM_RC_YIELDED", 0x908},
                                               {"TPM_RC_CANCELED", 0x909},
                                               {"TPM_RC_TESTING", 0x90A},
                                               {"TPM_RC_NV_RATE", 0x920},
                                               {"TPM_RC_LOCKOUT", 0x921},
                                               {"TPM_RC_RETRY", 0x922},
                                               {"TPM_RC_NV_UNAVAILABLE", 0x923}}};
constexpr std::string_view other_code = "number";

std::uint32_t code_of(const fault_parameters& with) {
    const auto found = std::ranges::find(codes, std::string_view(with.word("code")), &named_code::name);
    return found != codes.end() ? found->code : static_cast<std::uint32_t>(with.number("number"));
}

std::vector<parameter_declaration> code_parameters() {
    std::vector<std::string_view> names;
    names.reserve(std::size(codes) + 1);
    for (const auto& each : codes)
        names.push_back(each.name);
    names.push_back(other_code);
    return {{.name = "code",
             .kind = type::choice,
             .standard = "TPM_RETRY",
             .doc = "return code by name, or what `number` says",
             .choices = names},
            {.name = "number", .standard = "0", .doc = "return code", .max = 0xFFFFFFFF}};
}

bytes header_only(tpm::family version, std::uint32_t code) {
    constexpr std::uint16_t tag_12 = 0x00C4, tag_20 = 0x8001;
    return tpm::wire_writer()
        .u16(version == tpm::family::tpm12 ? tag_12 : tag_20)
        .u32(tpm::packet::body_at)
        .u32(code)
        .take();
}

class code_instead final : public chip_effect {
  public:
    code_instead(const fault_parameters& with, tpm_hardware& hardware)
        : m_answer(header_only(hardware.engine().version(), code_of(with))) {}
    void before(chip_command& command) override {
        command.skipped = true;
        command.answer = m_answer;
    }

  private:
    bytes m_answer;
};

class code_after final : public chip_effect {
  public:
    code_after(const fault_parameters& with, tpm_hardware& hardware)
        : m_answer(header_only(hardware.engine().version(), code_of(with))) {}
    void after(chip_command& command) override { command.answer = m_answer; }

  private:
    bytes m_answer;
};

/// Sets the length of the command's execution, once: the device asks right after the engine has answered.
class duration final : public chip_effect {
  public:
    using change = std::function<sc_core::sc_time(const sc_core::sc_time&)>;
    duration(tpm_hardware& hardware, change what) : m_tis(hardware.tis()), m_change(std::move(what)) {}
    void after(chip_command&) override {
        m_tis.on_duration = [this](std::uint32_t, const sc_core::sc_time& drawn) {
            // A copy: emptying the hook destroys what runs here.
            const auto result = m_change(drawn);
            auto& tis = m_tis;
            tis.on_duration = {};
            return result;
        };
    }

  private:
    tpm::tis_device& m_tis;
    change m_change;
};

std::unique_ptr<fault_effect> scaled(const fault_parameters& with, tpm_hardware& hardware) {
    const auto times = with.number("permille");
    return std::make_unique<duration>(hardware, [times](const sc_core::sc_time& drawn) {
        constexpr std::uint64_t whole = 1000;
        const auto parts = drawn.value() % whole * times / whole;
        return sc_core::sc_time::from_value(drawn.value() / whole * times + parts);
    });
}

std::unique_ptr<fault_effect> fixed(const fault_parameters& with, tpm_hardware& hardware) {
    return std::make_unique<duration>(hardware, [time = with.duration("time")](const auto&) { return time; });
}

class answer_bit_flip final : public chip_effect {
  public:
    answer_bit_flip(const fault_parameters& with, tpm_hardware&)
        : m_at(with.number("octet")), m_mask(std::byte(with.number("mask"))) {}
    void after(chip_command& command) override {
        if (!command.answer.empty())
            command.answer[m_at % command.answer.size()] ^= m_mask;
    }

  private:
    std::uint64_t m_at;
    std::byte m_mask;
};

class resized final : public chip_effect {
  public:
    resized(const fault_parameters& with, tpm_hardware&)
        : m_size(with.number("length")), m_header(with.word("header") == "follows") {}
    void after(chip_command& command) override {
        command.answer.resize(m_size);
        if (m_header && m_size >= tpm::packet::body_at)
            tpm::store_be32(std::span(command.answer).subspan(tpm::packet::size_at),
                            static_cast<std::uint32_t>(m_size));
    }

  private:
    std::size_t m_size;
    bool m_header;
};

class length_field final : public chip_effect {
  public:
    length_field(const fault_parameters& with, tpm_hardware&)
        : m_value(static_cast<std::uint32_t>(with.number("value"))) {}
    void after(chip_command& command) override {
        if (command.answer.size() >= tpm::packet::body_at)
            tpm::store_be32(std::span(command.answer).subspan(tpm::packet::size_at), m_value);
    }

  private:
    std::uint32_t m_value;
};

class stale final : public chip_effect {
  public:
    stale(const fault_parameters&, tpm_hardware&) {}
    void after(chip_command& command) override { command.answer = command.answer_before; }
};

/// TPM_GetCapability(TPM_CAP_PROPERTY) of the interface's time-outs or of the durations (Part 2 section 21).
class capability_lies final : public chip_effect {
  public:
    capability_lies(const fault_parameters& with, tpm_hardware&)
        : m_property(with.word("which") == "timeouts" ? timeouts : durations),
          m_index(with.number("index")),
          m_value(static_cast<std::uint32_t>(with.number("value"))) {}
    void after(chip_command& command) override {
        constexpr std::size_t area_at = 10, property_at = 18, values_at = 14, width = 4;
        constexpr std::uint32_t cap_property = 5;
        const auto at = values_at + width * m_index;
        if (command.command.size() >= property_at + width && command.answer.size() >= at + width &&
            tpm::load_be32(command.command.subspan(area_at)) == cap_property &&
            tpm::load_be32(command.command.subspan(property_at)) == m_property)
            tpm::store_be32(std::span(command.answer).subspan(at), m_value);
    }

  private:
    static constexpr std::uint32_t timeouts = 0x115, durations = 0x120;
    std::uint32_t m_property;
    std::size_t m_index;
    std::uint32_t m_value;
};

std::vector<hardware_kind> code_and_time_kinds() {
    const auto chip = wire_class::chip;
    return {{{.name = "chip.code_instead",
              .target = chip,
              .rows = "TPM-01 TPM-02 TPM-03 TPM-04 TPM-05 TPM-06 TPM-18",
              .doc = "a return code; the command is not executed",
              .parameters = code_parameters()},
             made<code_instead>},
            {{.name = "chip.code_after",
              .target = chip,
              .rows = "TPM-03 TPM-05",
              .doc = "a return code; the command was executed all the same",
              .parameters = code_parameters()},
             made<code_after>},
            {{.name = "chip.duration_scaled",
              .target = chip,
              .rows = "TPM-07",
              .doc = "a command takes a multiple of its time",
              .parameters = {{.name = "permille", .standard = "10000", .doc = "of it", .max = 1'000'000}}},
             scaled},
            {{.name = "chip.duration_fixed",
              .target = chip,
              .rows = "TPM-07",
              .doc = "a command takes this long",
              .parameters = {{.name = "time", .kind = type::time, .standard = "", .doc = "from tpmGo on"}}},
             fixed}};
}

std::vector<hardware_kind> content_kinds() {
    const auto chip = wire_class::chip;
    return {
        {{.name = "chip.answer_bit_flip",
          .target = chip,
          .rows = "TPM-16 TIS-01",
          .doc = "bits of an answer change inside the chip",
          .parameters = {{.name = "octet", .standard = "10", .doc = "from 0; counted round when too large"},
                         {.name = "mask", .standard = "0x01", .doc = "bits", .min = 1, .max = 0xFF}}},
         made<answer_bit_flip>},
        {{.name = "chip.answer_resized",
          .target = chip,
          .rows = "TIS-08 SHP-11",
          .doc = "an answer is cut, or filled up with zeros",
          .parameters = {{.name = "length", .standard = "", .doc = "octets", .max = 0x10000},
                         {.name = "header",
                          .kind = type::choice,
                          .standard = "stays",
                          .doc = "its length field",
                          .choices = {"stays", "follows"}}}},
         made<resized>},
        {{.name = "chip.answer_length_field",
          .target = chip,
          .rows = "SHP-11",
          .doc = "the length field in an answer's header is another",
          .parameters = {{.name = "value", .standard = "", .doc = "octets", .max = 0xFFFFFFFF}}},
         made<length_field>},
        {{.name = "chip.stale_answer",
          .target = chip,
          .rows = "TPM-16",
          .doc = "the answer of the command before comes again; the command was executed"},
         made<stale>},
        {{.name = "chip.capability_lies",
          .target = chip,
          .rows = "TIS-18",
          .doc = "a time-out or duration that TPM_GetCapability tells is another; other answers stay",
          .parameters = {{.name = "which",
                          .kind = type::choice,
                          .standard = "timeouts",
                          .doc = "property",
                          .choices = {"timeouts", "durations"}},
                         {.name = "index", .standard = "0", .doc = "A to D, or short to long", .max = 3},
                         {.name = "value", .standard = "", .doc = "microseconds", .max = 0xFFFFFFFF}},
          .conditions = {{"ordinal", "TPM_GetCapability"}}},
         made<capability_lies>}};
}

}  // namespace

std::vector<hardware_kind> chip_answer_kinds() {
    auto all = code_and_time_kinds();
    for (auto& each : content_kinds())
        all.push_back(std::move(each));
    return all;
}

}  // namespace vtwin::scenario
