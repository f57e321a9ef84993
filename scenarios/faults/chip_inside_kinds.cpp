// Faults inside the hardware TPM: its power, its clock, its registers and its handles.
#include "scenarios/faults/chip_tap.h"
#include "scenarios/faults/hardware_effects.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario {
namespace {

using models::tpm_hardware;
using tpm::bytes;
using type = parameter_declaration::type;

constexpr std::uint16_t tag_command = 0x00C1;
constexpr std::size_t digest_size = 20;

/// The command ends where power goes; what the chip keeps is decided by the phase.
class power_loss final : public chip_effect {
  public:
    power_loss(const fault_parameters& with, tpm_hardware& hardware)
        : m_hardware(hardware), m_phase(with.word("phase")), m_startup(with.word("startup") == "clear") {}
    void before(chip_command& command) override {
        command.skipped = m_phase == "before";
        m_kept = m_hardware.engine().stored();
    }
    void after(chip_command& command) override {
        command.answer.clear();
        if (m_phase == "uncommitted")
            m_hardware.engine().put_back(m_kept);
        reset_soon(m_hardware, m_startup);
    }

  private:
    tpm_hardware& m_hardware;
    std::string m_phase;
    bool m_startup;
    tpm::libtpms_engine::blobs m_kept;
};

/// At once; a fault that begins inside the chip's own call waits until that has returned.
void send_to(tpm::libtpms_engine& engine, const bytes& command, std::uint64_t times) {
    const auto send = [&engine, command, times] {
        for (std::uint64_t i = 0; i < times; ++i)
            engine.execute_unseen(command, 0);
    };
    if (tpm::libtpms_engine::in_call())
        sc_core::sc_spawn(send);
    else
        send();
}

class pcr_extended final : public fault_effect {
  public:
    pcr_extended(const fault_parameters& with, tpm_hardware& hardware)
        : m_engine(hardware.engine()),
          m_pcr(static_cast<std::uint32_t>(with.number("pcr"))),
          m_digest(with.hex("digest")) {
        m_digest.resize(digest_size);
    }
    void begin() override {
        constexpr std::uint32_t ord_extend = 0x14;
        tpm::wire_writer command;
        command.u16(tag_command)
            .u32(tpm::packet::body_at + 4 + digest_size)
            .u32(ord_extend)
            .u32(m_pcr)
            .raw(m_digest);
        send_to(m_engine, command.take(), 1);
    }

  private:
    tpm::libtpms_engine& m_engine;
    std::uint32_t m_pcr;
    bytes m_digest;
};

/// Opens authorisation sessions of its own and leaves them open.
class handles_taken final : public fault_effect {
  public:
    handles_taken(const fault_parameters& with, tpm_hardware& hardware)
        : m_engine(hardware.engine()), m_count(with.number("count")) {}
    void begin() override {
        constexpr std::uint32_t ord_oiap = 0x0A;
        send_to(m_engine, tpm::wire_writer().u16(tag_command).u32(tpm::packet::body_at).u32(ord_oiap).take(),
                m_count);
    }

  private:
    tpm::libtpms_engine& m_engine;
    std::uint64_t m_count;
};

/// At the end the clock goes on from where it is then, at its usual rate.
class clock_effect : public fault_effect {
  public:
    explicit clock_effect(tpm_hardware& hardware) : m_engine(hardware.engine()) {}
    void end() override {
        const auto usual = m_usual;
        if (!usual)
            return;
        const auto lead = m_engine.clock()() - usual();  // modulo 2^64, as the sum below
        m_engine.set_clock([usual, lead] { return usual() + lead; });
    }

  protected:
    void run_by(const std::function<std::uint64_t(std::uint64_t now, std::uint64_t since)>& rule) {
        m_usual = m_engine.clock();
        m_engine.set_clock([usual = m_usual, since = m_usual(), rule] { return rule(usual(), since); });
    }

  private:
    tpm::libtpms_engine& m_engine;
    std::function<std::uint64_t()> m_usual;
};

class clock_stopped final : public clock_effect {
  public:
    clock_stopped(const fault_parameters&, tpm_hardware& hardware) : clock_effect(hardware) {}
    void begin() override {
        run_by([](std::uint64_t, std::uint64_t since) { return since; });
    }
};

class clock_jumped final : public clock_effect {
  public:
    clock_jumped(const fault_parameters& with, tpm_hardware& hardware)
        : clock_effect(hardware),
          m_step(static_cast<std::uint64_t>(with.duration("step") / sc_core::sc_time(1, sc_core::SC_NS))),
          m_back(with.word("direction") == "back") {}
    void begin() override {
        run_by([step = m_step, back = m_back](std::uint64_t now, std::uint64_t) {
            return !back ? now + step : now > step ? now - step : 0;
        });
    }
    void end() override {}  // a jump stays

  private:
    std::uint64_t m_step;
    bool m_back;
};

class clock_drift final : public clock_effect {
  public:
    clock_drift(const fault_parameters& with, tpm_hardware& hardware)
        : clock_effect(hardware), m_rate(with.number("rate")) {}
    void begin() override {
        constexpr std::uint64_t million = 1'000'000;
        run_by([rate = m_rate](std::uint64_t now, std::uint64_t since) {
            const auto passed = now - since;
            return since + passed / million * rate + passed % million * rate / million;
        });
    }

  private:
    std::uint64_t m_rate;
};

std::vector<hardware_kind> clock_kinds() {
    const auto chip = wire_class::chip;
    return {{{.name = "chip.clock_stopped",
              .target = chip,
              .rows = "TPM-13",
              .doc = "the chip's clock stands still until the fault is over",
              .at_once = true},
             made<clock_stopped>},
            {{.name = "chip.clock_jumped",
              .target = chip,
              .rows = "TPM-13",
              .doc = "the chip's clock jumps once",
              .parameters = {{.name = "step", .kind = type::time, .standard = "1 s", .doc = "how far"},
                             {.name = "direction",
                              .kind = type::choice,
                              .standard = "forward",
                              .doc = "where to",
                              .choices = {"forward", "back"}}},
              .at_once = true},
             made<clock_jumped>},
            {{.name = "chip.clock_drift",
              .target = chip,
              .rows = "TPM-13",
              .doc = "the chip's clock runs at another rate until the fault is over",
              .parameters = {{.name = "rate",
                              .standard = "1000100",
                              .doc = "microseconds of the chip in a second",
                              .max = 1'000'000'000}},
              .at_once = true},
             made<clock_drift>}};
}

}  // namespace

std::vector<hardware_kind> chip_inside_kinds() {
    const auto chip = wire_class::chip;
    std::vector<hardware_kind> all = {
        {{.name = "chip.power_loss",
          .target = chip,
          .rows = "TPM-08 TPM-14",
          .doc = "the chip loses power in the middle of a command, without a shutdown",
          .parameters = {{.name = "phase",
                          .kind = type::choice,
                          .standard = "before",
                          .doc = "before the command is executed, before what it changed is stored, or after",
                          .choices = {"before", "uncommitted", "committed"}},
                         startup_parameter()}},
         made<power_loss>},
        {{.name = "chip.pcr_extended",
          .target = chip,
          .rows = "TPM-17",
          .doc = "a PCR changes behind everybody's back",
          .parameters = {{.name = "pcr", .standard = "0", .doc = "index", .max = 23},
                         {.name = "digest",
                          .kind = type::hex,
                          .standard = "ffffffffffffffffffffffffffffffffffffffff",
                          .doc = "what it is extended by; 20 octets"}},
          .at_once = true},
         made<pcr_extended>},
        {{.name = "chip.handles_taken",
          .target = chip,
          .rows = "TPM-15",
          .doc = "another user opens sessions and never closes them",
          .parameters = {{.name = "count", .standard = "64", .doc = "sessions asked for", .max = 10'000}},
          .at_once = true},
         made<handles_taken>}};
    for (auto& each : clock_kinds())
        all.push_back(std::move(each));
    return all;
}

}  // namespace vtwin::scenario
