// What can happen to a domain as a whole, and to the machine.
#include <algorithm>

#include "models/platform/platform.h"
#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/targets.h"
#include "scenarios/faults/vcpu_kinds.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;
constexpr std::uint64_t start_of_day_pages = 5;  // a domain has no fewer

/// Does something to each of its domains when it begins.
class domain_effect : public fault_effect {
  public:
    domain_effect(const fault& what, const fault_services& services) : m_fault(what), m_services(services) {}
    void begin() override {
        for (const auto& name : domains())
            hit(name);
    }

  protected:
    virtual void hit(const std::string& domain) = 0;
    std::vector<std::string> domains() const {
        return target_domains(m_fault, m_services.config, wire_class::domain);
    }
    fault_parameters given() const { return fault_parameters(m_fault); }
    models::platform& machine() const { return m_services.machine; }
    xen::machine& xen() const { return m_services.machine.hypervisor(); }
    xen::domain& slot(const std::string& domain) const {
        auto* found = m_services.machine.domain_slot(domain);
        sc_assert(found != nullptr);
        return *found;
    }

  private:
    fault m_fault;
    fault_services m_services;
};

/// Its vCPU stops where it is; whatever it shared stays until it is destroyed.
class crashed final : public domain_effect {
  public:
    using domain_effect::domain_effect;
    void hit(const std::string& domain) override {
        xen().shutdown(slot(domain), xen::shutdown_reason::crash);
    }
};

class destroyed final : public domain_effect {
  public:
    using domain_effect::domain_effect;
    void hit(const std::string& domain) override {
        if (slot(domain).power() != xen::domain::state::off)
            sc_core::sc_spawn([&to = machine(), domain] { (void)to.destroy(domain); });
    }
};

class shut_down final : public domain_effect {
  public:
    using domain_effect::domain_effect;
    void hit(const std::string& domain) override {
        if (slot(domain).power() != xen::domain::state::off)
            sc_core::sc_spawn([&to = machine(), domain, timeout = given().duration("timeout")] {
                (void)to.shutdown(domain, timeout);
            });
    }
};

class restarted final : public domain_effect {
  public:
    using domain_effect::domain_effect;
    void hit(const std::string& domain) override { machine().restart(domain, given().duration("off_for")); }
};

class paused final : public domain_effect {
  public:
    using domain_effect::domain_effect;
    void hit(const std::string& domain) override {
        if (xen().pause(slot(domain)))
            m_held.emplace_back(domain, slot(domain).domid());
    }
    void end() override {
        for (const auto& [domain, domid] : m_held)
            if (slot(domain).domid() == domid)  // not one that was created since
                xen().unpause(slot(domain));
    }

  private:
    std::vector<std::pair<std::string, xen::domid_t>> m_held;
};

/// Runs for a share of each period only.
class starved final : public domain_effect {
  public:
    using domain_effect::domain_effect;
    void hit(const std::string& domain) override {
        const auto period = given().duration("period");
        const auto run = sc_core::sc_time::from_value(period.value() / 1000 * given().number("per_mille"));
        sc_core::sc_spawn([this, &which = slot(domain), run, rest = period - run] {
            while (!m_over) {
                const auto domid = which.domid();
                const bool held = xen().pause(which);
                sc_core::wait(rest);
                if (held && which.domid() == domid)
                    xen().unpause(which);
                sc_core::wait(run);
            }
        });
    }
    void end() override { m_over = true; }

  private:
    bool m_over = false;
};

class short_of_memory final : public domain_effect {
  public:
    using domain_effect::domain_effect;
    void hit(const std::string& domain) override {
        xen().set_memory(slot(domain), static_cast<std::uint32_t>(given().number("pages")));
    }
};

class power_cut final : public fault_effect {
  public:
    explicit power_cut(models::platform& machine) : m_machine(machine) {}
    void begin() override { m_machine.power_cut(); }

  private:
    models::platform& m_machine;
};

template <typename Effect>
kind_declaration on_domain(std::string_view name, std::string_view rows, std::string_view doc,
                           std::vector<parameter_declaration> parameters = {}) {
    kind_declaration kind;
    kind.name = name;
    kind.target = wire_class::domain;
    kind.rows = rows;
    kind.doc = doc;
    kind.parameters = std::move(parameters);
    kind.make = make_with_services<Effect>;
    kind.at_once = true;
    return kind;
}

kind_declaration cut_power() {
    kind_declaration kind;
    kind.name = "machine.power_cut";
    kind.target = wire_class::machine;
    kind.rows = "DOM-14";
    kind.doc = "no domain runs any more, the run ends; the disks keep what was on their media";
    kind.make = [](const fault&, const fault_services& services) {
        return std::make_unique<power_cut>(services.machine);
    };
    kind.at_once = true;
    return kind;
}

}  // namespace

std::vector<kind_declaration> domain_kinds() {
    std::vector<kind_declaration> all = {
        on_domain<crashed>("domain.crashed", "DOM-01", "stops where it is; what it shared stays shared"),
        on_domain<destroyed>("domain.destroyed", "DOM-01", "xl destroy"),
        on_domain<shut_down>("domain.shut_down", "DOM-02", "xl shutdown, then xl destroy once it has stopped",
                             {{"timeout", type::time, "60 s", "after which xl gives up", 1, one_day}}),
        on_domain<restarted>("domain.restarted", "DOM-01 DOM-02", "xl destroy, then xl create again",
                             {{"off_for", type::time, "1 s", "between the two", 0, one_day}}),
        on_domain<paused>("domain.paused", "DOM-03", "xl pause; xl unpause when the duration is over"),
        on_domain<starved>("domain.starved", "DOM-09", "gets a share of its time only, for the duration",
                           {{"per_mille", type::number, "", "share in which it may run", 1, 999},
                            {"period", type::time, "30 ms", "a part of which it runs", 1000, one_day}}),
        on_domain<short_of_memory>(
            "domain.short_of_memory", "DOM-10", "has fewer pages from its next start on",
            {{"pages", type::number, "", "how many, of 4096 bytes", start_of_day_pages, 0xFFFF'FFFF}}),
        cut_power()};
    for (auto& kind : vcpu_kinds())
        all.push_back(std::move(kind));
    return all;
}

}  // namespace vtwin::scenario
