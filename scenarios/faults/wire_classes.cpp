// What each class of wire carries, and which wires a machine has.
#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/xenstore_tap.h"

namespace vtwin::scenario {
namespace {

struct class_declaration {
    wire_class which;
    std::vector<std::string_view> operations;
    std::vector<field> fields;  ///< besides operation and stage
};

const std::vector<class_declaration>& classes() {
    using enum field;
    static const std::vector<class_declaration> all = {
        {wire_class::chip, {"command"}, {ordinal, locality, length}},
        {wire_class::chip_nv, {"load", "store"}, {path, length}},
        {wire_class::disk,
         {"read", "write", "flush", "read_time", "write_time", "flush_time", "size"},
         {sector, length}},
        {wire_class::domain, {}, {}},
        {wire_class::entropy, {"draw"}, {length}},
        {wire_class::hypercall,
         {"grant_map", "grant_unmap", "grant_copy", "grant_setup_table", "evtchn_alloc_unbound",
          "evtchn_bind_interdomain", "evtchn_bind_virq", "evtchn_close", "evtchn_send", "evtchn_unmask",
          "evtchn_get_status", "shutdown", "xsm_peer_label"},
         {peer, ref, port}},
        {wire_class::machine, {}, {}},
        {wire_class::memory, {"load", "store", "exchange"}, {address, length}},
        {wire_class::ring, {"load", "store"}, {side, member, value, length}},
        {wire_class::tis, {"read", "write"}, {reg, address, locality, value}},
        {wire_class::vcpu, {"sync", "block", "upcall"}, {}},
        {wire_class::xenstore, xenstore_operations(), {path, code, value}},
    };
    return all;
}

const class_declaration& declaration_of(wire_class which) {
    for (const auto& each : classes())
        if (each.which == which)
            return each;
    sc_assert(false);
    return classes().front();
}

void add_domain(std::vector<wire_name>& all, const std::string& name) {
    all.push_back({name, wire_class::domain});
    all.push_back({name + ".hypercall", wire_class::hypercall});
    all.push_back({name + ".memory", wire_class::memory});
    all.push_back({name + ".vcpu", wire_class::vcpu});
    all.push_back({name + ".xenstore", wire_class::xenstore});
}

}  // namespace

const std::vector<field>& fields_of(wire_class which) {
    static const auto all = [] {
        std::map<wire_class, std::vector<field>> made;
        for (const auto& each : classes()) {
            made[each.which] = each.fields;
            if (!each.operations.empty())
                made[each.which].push_back(field::operation);
        }
        return made;
    }();
    return all.at(which);
}

const std::vector<std::string_view>& operations_of(wire_class which) {
    return declaration_of(which).operations;
}

std::vector<wire_name> wires_of(const models::run_config& config) {
    const auto& machine = config.machine;
    std::vector<wire_name> all = {{"machine", wire_class::machine},
                                  {"tpm.chip", wire_class::chip},
                                  {"tpm.nv", wire_class::chip_nv},
                                  {"tpm.entropy", wire_class::entropy}};
    add_domain(all, "dom0");
    add_domain(all, machine.manager.name);
    all.push_back({machine.manager.name + ".tis", wire_class::tis});
    all.push_back({machine.manager.name + ".disk", wire_class::disk});
    for (const auto& vtpm : machine.vtpms) {
        add_domain(all, vtpm.name);
        all.push_back({vtpm.name + ".disk", wire_class::disk});
        all.push_back({vtpm.name + ".ring", wire_class::ring});
    }
    for (const auto& guest : machine.guests) {
        add_domain(all, guest.name);
        all.push_back({guest.name + ".ring", wire_class::ring});
    }
    all.push_back({"dom0.ring", wire_class::ring});
    return all;
}

}  // namespace vtwin::scenario
