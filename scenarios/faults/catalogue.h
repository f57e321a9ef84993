// What can be done to a machine: every kind of fault, declared once. From here come `vtwin list faults`, the
// checks of files and the effects.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

#include "models/platform/config.h"
#include "scenarios/faults/fault.h"
#include "scenarios/faults/wire.h"

namespace vtwin::models {
class platform;
}

namespace vtwin::scenario {

inline constexpr std::uint64_t one_day = 86'400'000'000'000'000;  ///< ps: the most that most times may be

struct parameter_declaration {
    enum class type : std::uint8_t { number, time, word, choice, hex };
    std::string_view name;
    type kind = type::number;
    std::string_view standard;  ///< value when it is not given; "": it must be
    std::string_view doc;
    std::uint64_t min = 0, max = UINT64_MAX;     ///< number; time in ps
    std::vector<std::string_view> choices = {};  ///< choice
};

/// Parameters of one fault, complete and checked.
class fault_parameters {
  public:
    explicit fault_parameters(const fault& what) : m_values(what.parameters) {}
    std::uint64_t number(std::string_view name) const;  ///< decimal or 0x
    sc_core::sc_time duration(std::string_view name) const;
    const std::string& word(std::string_view name) const;
    std::vector<std::byte> hex(std::string_view name) const;

  private:
    const std::map<std::string, std::string>& m_values;
};

class hypervisor_view;

/// What an effect may reach. Effects keep references; all of it outlives them.
struct fault_services {
    models::platform& machine;
    const models::run_config& config;
    wire_hub& hub;
    const hypervisor_view& hypervisor;
};

struct kind_declaration {
    std::string_view name;  ///< "<wire class>.<what>"
    wire_class target{};
    std::string_view rows;  ///< rows of the fault catalogue that it covers, "TIS-01 TIS-03"
    std::string_view doc;
    std::vector<parameter_declaration> parameters = {};
    /// Makes the effect of a checked fault. Domain and machine kinds act at begin() and end() only.
    std::function<std::unique_ptr<fault_effect>(const fault&, const fault_services&)> make = {};
    /// Operations of the wire that it acts on when no condition says otherwise: added to the trigger as a
    /// condition on `operation`. "": all.
    std::string_view operations = "";
    /// Acts at once when it begins (and at its end): its trigger's wire is another one, or there is none.
    bool at_once = false;
    /// Further conditions, each added when the fault has none on that field.
    std::vector<condition> conditions = {};
};

/// `make` of an effect that takes these two.
template <typename Effect>
std::unique_ptr<fault_effect> make_with_services(const fault& what, const fault_services& services) {
    return std::make_unique<Effect>(what, services);
}

/// Sorted by name.
const std::vector<kind_declaration>& fault_kinds();
const kind_declaration* find_kind(std::string_view name);

/// What the crossings of a class of wire carry.
const std::vector<field>& fields_of(wire_class which);
/// Values of the field `operation` there.
const std::vector<std::string_view>& operations_of(wire_class which);

/// Every wire (and domain) that a machine of this configuration has.
struct wire_name {
    std::string name;
    wire_class which{};
};
std::vector<wire_name> wires_of(const models::run_config& config);

/// Completes a fault (defaults of parameters, `on`, the kind's operations) and adds what is wrong with it to
/// `problems` as "key: text" with the key relative to the fault ("with.bit", "where.register", "target").
struct fault_problem {
    std::string key, text;
};
fault check_fault(fault what, const std::vector<wire_name>& wires, std::vector<fault_problem>& problems);

// Parts of the catalogue, one per file of kinds.
std::vector<kind_declaration> ring_kinds();
std::vector<kind_declaration> memory_kinds();
std::vector<kind_declaration> hypercall_kinds();
std::vector<kind_declaration> disk_kinds();
std::vector<kind_declaration> xenstore_kinds();
std::vector<kind_declaration> domain_kinds();
std::vector<kind_declaration> tis_kinds();
std::vector<kind_declaration> chip_kinds();

}  // namespace vtwin::scenario
