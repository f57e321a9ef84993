#include "scenarios/faults/vcpu_kinds.h"

#include "hypervisor/sched/virtual_cpu.h"
#include "scenarios/faults/targets.h"
#include "scenarios/faults/vcpu_tap.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;
constexpr std::uint64_t hundred_days = 8'640'000'000'000'000'000;  // ps

/// Changes the clocks of its domains at its begin, and perhaps at its end.
class domain_clock_effect final : public fault_effect {
  public:
    using change = std::function<void(domain_clock&)>;
    domain_clock_effect(const fault& what, const fault_services& services, change at_begin, change at_end)
        : m_domains(target_domains(what, services.config, wire_class::vcpu)),
          m_machine(services.machine),
          m_at_begin(std::move(at_begin)),
          m_at_end(std::move(at_end)) {}
    void begin() override { apply(m_at_begin); }
    void end() override { apply(m_at_end); }

  private:
    void apply(const change& to) {
        for (const auto& domain : m_domains) {
            auto* tap = tap_of_vcpu(m_machine, domain);
            if (tap == nullptr || !to)
                continue;
            to(tap->clock());
            m_machine.domain_slot(domain)->cpu().look_again();
        }
    }
    std::vector<std::string> m_domains;
    models::platform& m_machine;
    change m_at_begin, m_at_end;
};

/// Others use its physical CPU: what it charges takes longer.
class stolen final : public vcpu_effect {
  public:
    explicit stolen(std::uint64_t per_mille) : m_per_mille(per_mille) {}
    void act(vcpu_access& access) override {
        access.more += sc_core::sc_time::from_value(access.charged.value() / 1000 * m_per_mille);
    }

  private:
    std::uint64_t m_per_mille;
};

using clock_change = std::function<void(domain_clock&, const fault_parameters&)>;

kind_declaration of_clock(std::string_view name, std::string_view rows, std::string_view doc,
                          std::vector<parameter_declaration> parameters, clock_change begin,
                          domain_clock_effect::change end = nullptr) {
    kind_declaration kind;
    kind.name = name;
    kind.target = wire_class::vcpu;
    kind.rows = rows;
    kind.doc = doc;
    kind.parameters = std::move(parameters);
    kind.at_once = true;
    kind.make = [begin = std::move(begin), end = std::move(end)](const fault& what,
                                                                 const fault_services& services) {
        const auto at_begin = [begin, what](domain_clock& clock) { begin(clock, fault_parameters(what)); };
        return std::make_unique<domain_clock_effect>(what, services, at_begin, end);
    };
    return kind;
}

kind_declaration steal() {
    kind_declaration kind;
    kind.name = "vcpu.stolen";
    kind.target = wire_class::vcpu;
    kind.rows = "DOM-09";
    kind.doc = "other work uses its physical CPU: what it computes takes longer";
    kind.parameters = {{"per_mille", type::number, "", "of its own time, on top", 1, 1'000'000}};
    kind.operations = "sync|block";
    kind.make = [](const fault& what, const fault_services&) {
        return std::make_unique<stolen>(fault_parameters(what).number("per_mille"));
    };
    return kind;
}

}  // namespace

std::vector<kind_declaration> vcpu_kinds() {
    const auto true_again = [](domain_clock& clock) { clock.set_rate(domain_clock::true_rate); };
    return {
        steal(),
        of_clock(
            "vcpu.clock_drifts", "CLK-01", "its clock is fast or slow for the duration",
            {{"rate", type::number, "1100000", "in parts per million of the true one", 1, 1'000'000'000}},
            [](domain_clock& clock, const fault_parameters& given) { clock.set_rate(given.number("rate")); },
            true_again),
        of_clock("vcpu.clock_forward", "CLK-02", "its clock jumps ahead",
                 {{"by", type::time, "", "how far", 1, hundred_days}},
                 [](domain_clock& clock, const fault_parameters& given) {
                     clock.step_forward(given.duration("by"));
                 }),
        of_clock("vcpu.clock_backward", "CLK-03", "its clock jumps back, at most to zero",
                 {{"by", type::time, "", "how far", 1, hundred_days}},
                 [](domain_clock& clock, const fault_parameters& given) {
                     clock.step_backward(given.duration("by"));
                 }),
        of_clock(
            "vcpu.clock_stops", "CLK-04", "its clock stands still for the duration", {},
            [](domain_clock& clock, const fault_parameters&) { clock.set_rate(0); }, true_again)};
}

}  // namespace vtwin::scenario
