#include "scenarios/config/fleet.h"

#include <algorithm>

#include "models/ports.h"
#include "scenarios/config/files.h"

namespace vtwin::scenario {
namespace {

constexpr std::string_view fleet_section = "fleet.";
constexpr std::string_view default_prefix = "fleet", default_manager = "vtpmmgr";

bool is_fleet(std::string_view path) {
    return path == "fleet" || path.starts_with(fleet_section);
}

/// A version-4 UUID that the name alone decides.
std::string uuid_of(const std::string& name) {
    const models::bytes digest = sha1(std::as_bytes(std::span(name)));
    models::uuid_t uuid;
    std::copy_n(digest.begin(), uuid.octets.size(), uuid.octets.begin());
    uuid.octets[6] = (uuid.octets[6] & std::byte{0x0F}) | std::byte{0x40};
    uuid.octets[8] = (uuid.octets[8] & std::byte{0x3F}) | std::byte{0x80};
    return models::to_string(uuid);
}

void set_if_absent(settings& all, const std::string& path, value content, const origin& where) {
    if (!all.has(path))
        all.set(path, std::move(content), where);
}

/// Gives the thing at `to` everything that the template says.
void apply_template(settings& all, const settings& written, const std::string& from, const std::string& to,
                    const origin& where) {
    if (!all.has_section(to))
        all.add_section(to, where);
    for (const auto& [path, entry] : written.entries())
        if (path.starts_with(from))
            set_if_absent(all, to + '.' + path.substr(from.size()), entry.content, entry.where);
}

void add_member(settings& all, const settings& written, const std::string& guest, const origin& where) {
    const std::string vtpm = guest + "-vtpm";
    apply_template(all, written, "fleet.vtpm.", "vtpm." + vtpm, where);
    apply_template(all, written, "fleet.guest.", "guest." + guest, where);
    const std::string manager =
        written.has("manager.name") ? written.text("manager.name") : std::string(default_manager);
    set_if_absent(all, "vtpm." + vtpm + ".backend", manager, where);
    set_if_absent(all, "vtpm." + vtpm + ".uuid", uuid_of(vtpm), where);
    set_if_absent(all, "guest." + guest + ".vtpm", vtpm, where);
}

}  // namespace

settings expand_fleet(const settings& written) {
    settings all;
    for (const auto& [path, where] : written.sections())
        if (!is_fleet(path))
            all.add_section(path, where);
    for (const auto& [path, entry] : written.entries())
        if (!is_fleet(path))
            all.set(path, entry.content, entry.where);
    const std::uint64_t count = written.has("fleet.count") ? written.integer("fleet.count") : 0;
    const std::string prefix =
        written.has("fleet.prefix") ? written.text("fleet.prefix") : std::string(default_prefix);
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (prefix.find_first_not_of(allowed) != std::string::npos)
        throw user_error(written.where("fleet.prefix"), "fleet.prefix",
                         "expected letters, digits, - and _, got \"" + prefix + '"');
    for (std::uint64_t i = 1; i <= count; ++i)
        add_member(all, written, prefix + std::to_string(i), written.where("fleet.count"));
    return all;
}

}  // namespace vtwin::scenario
