#include <algorithm>

#include "scenarios/profiles/profile_file.h"
#include "scenarios/profiles/profile_reader.h"
#include "scenarios/schema/units.h"
#include "tpm/codec/ordinal_names.h"

namespace vtwin::scenario {
namespace {

using cr_target = tpm::chip_profile::cr_target;
using shape = tpm::duration_model::shape;

sc_core::sc_time to_time(std::uint64_t picoseconds) {
    return sc_core::sc_time::from_value(picoseconds);
}

std::uint32_t word(profile_file& file, const std::string& key) {
    return static_cast<std::uint32_t>(file.integer(key, UINT32_MAX));
}

cr_target target(profile_file& file, const std::string& key) {
    return static_cast<cr_target>(file.choice(key, {"idle", "ready", "ignored"}));
}

void read_registers(profile_file& file, tpm::chip_profile& chip) {
    chip.version = static_cast<tpm::family>(file.choice("version", {"tpm12", "tpm20"}));
    chip.did_vid = word(file, "did_vid");
    chip.rid = static_cast<std::uint8_t>(file.integer("rid", 255));
    chip.interface_capability = word(file, "interface_capability");
    if (file.has("interface_id"))
        chip.interface_id = word(file, "interface_id");
}

void read_bus(profile_file& file, tpm::chip_profile& chip) {
    chip.bus = file.text("bus");
    chip.bus_mhz = file.number("bus_mhz");
    chip.lpc_wait_clocks = word(file, "lpc_wait_clocks");
    if (chip.bus != "lpc")
        file.complain(file.where("bus"), "bus", "expected \"lpc\", got \"" + chip.bus + '"');
}

void read_interface(profile_file& file, tpm::chip_profile& chip) {
    chip.burst_count = word(file, "burst_count");
    chip.buffer_size = word(file, "buffer_size");
    chip.sts_valid_when_idle = file.boolean("sts_valid_when_idle");
    chip.relinquish_keeps_fsm = file.boolean("relinquish_keeps_fsm");
    chip.cr_from_completion = target(file, "cr_from_completion");
    chip.cr_abort = target(file, "cr_abort");
    chip.go_unchecked = file.boolean("go_unchecked");
    chip.expect_in_ready = file.boolean("expect_in_ready");
    chip.ready_sticky = file.boolean("ready_sticky");
    chip.expect_early = file.boolean("expect_early");
    chip.init_time = to_time(file.duration("init_time"));
    chip.command_ready_time = to_time(file.duration("command_ready_time"));
    chip.sts_valid_time = to_time(file.duration("sts_valid_time"));
}

/// A time of a duration table; absent counts as zero when it is not required.
sc_core::sc_time table_time(profile_file& file, const toml::table& table, const origin& where,
                            const char* key, bool required) {
    const toml::node* node = table.get(key);
    if (!node && !required)
        return sc_core::SC_ZERO_TIME;
    auto text = node ? node->value_exact<std::string>() : std::nullopt;
    auto picoseconds = text ? parse_time(*text) : std::nullopt;
    if (!picoseconds)
        file.complain(where, std::string("duration.") + key, "expected a time such as \"5 ms\"");
    return to_time(picoseconds.value_or(0));
}

tpm::duration_model read_duration(profile_file& file, const toml::table& table, const origin& where) {
    tpm::duration_model model;
    std::string kind = table["shape"].value_or("");
    if (kind == "gaussian")
        model.kind = shape::gaussian;
    else if (kind == "gamma2")
        model.kind = shape::gamma2;
    else if (kind != "constant")
        file.complain(where, "duration.shape", "expected \"constant\", \"gaussian\" or \"gamma2\"");
    model.base = table_time(file, table, where, "base", true);
    model.scale = table_time(file, table, where, "scale", model.kind != shape::constant);
    if (table["source"].value_or(std::string()).empty())
        file.complain(where, "duration.source", "says no source; every figure has one");
    const std::vector<std::string> known = {"ordinal", "shape", "base", "scale", "source"};
    for (const auto& [key, node] : table) {
        if (std::find(known.begin(), known.end(), key.str()) == known.end())
            file.complain({file.shown_name(), key.source().begin.line}, "duration." + std::string(key.str()),
                          "unknown key" + suggestion(key.str(), known));
    }
    return model;
}

/// One [[duration]] per command; "default" covers the others.
void read_durations(profile_file& file, tpm::chip_profile& chip) {
    bool has_default = false;
    const toml::array* tables = file.tables("duration");
    for (std::size_t i = 0; tables && i < tables->size(); ++i) {
        const toml::table& table = *tables->get(i)->as_table();
        origin where{file.shown_name(), table.source().begin.line};
        std::string name = table["ordinal"].value_or("");
        tpm::duration_model model = read_duration(file, table, where);
        if (name == "default") {
            chip.default_duration = model;
            has_default = true;
        } else if (auto ordinal = tpm::find_command(name)) {
            if (!chip.durations.emplace(*ordinal, model).second)
                file.complain(where, "duration.ordinal", "\"" + name + "\" has a duration already");
        } else {
            file.complain(where, "duration.ordinal", "unknown command \"" + name + '"');
        }
    }
    if (!has_default)
        file.complain({file.shown_name(), 0}, "duration", "no [[duration]] with ordinal = \"default\"");
}

}  // namespace

tpm::chip_profile read_chip_profile(const std::filesystem::path& library, const std::string& name,
                                    const origin& asked, const std::string& key) {
    profile_file file(library, "chips", name, asked, key);
    tpm::chip_profile chip;
    chip.name = file.plain_text("name", true);
    chip.description = file.plain_text("description", true);
    chip.source = file.plain_text("source", false);
    read_registers(file, chip);
    read_bus(file, chip);
    read_interface(file, chip);
    read_durations(file, chip);
    file.finish();
    return chip;
}

}  // namespace vtwin::scenario
