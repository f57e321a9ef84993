#include "models/remote/policy_file.h"

#include <nlohmann/json.hpp>

#include "models/hex.h"

namespace vtwin::models {
namespace {

using document = nlohmann::json;
using ordered_document = nlohmann::ordered_json;

struct digest_field {
    const char* name;
    bytes guest_reference::*member;
};
constexpr digest_field digests[] = {{"kernel_sha1", &guest_reference::kernel_sha1},
                                    {"initrd_sha1", &guest_reference::initrd_sha1},
                                    {"kernel_sha256", &guest_reference::kernel_sha256},
                                    {"initrd_sha256", &guest_reference::initrd_sha256},
                                    {"firmware_log", &guest_reference::firmware_log}};
struct mask_field {
    const char* name;
    std::uint32_t verifier_config::*member;
    std::uint32_t largest;
};
constexpr mask_field masks[] = {{"vtpm_pcr_mask", &verifier_config::vtpm_pcr_mask, 0xFFFFFF},
                                {"hardware_pcr_mask", &verifier_config::hardware_pcr_mask, 0xFFFFFF},
                                {"deep_quote_flags", &verifier_config::deep_quote_flags, 15}};
constexpr const char *tpm12 = "1.2", *tpm20 = "2.0", *quote1 = "TPM_Quote", *quote2 = "TPM_Quote2",
                     *any_quote = "either";

ordered_document json_of(const guest_reference& reference) {
    ordered_document out;
    out["vtpm_version"] = reference.version == tpm::family::tpm20 ? tpm20 : tpm12;
    out["vtpm_uuid"] = to_string(reference.vtpm_uuid);
    out["vtpm_label"] = reference.vtpm_label;
    out["quote"] = !reference.quote ? any_quote : *reference.quote == quote_command::quote2 ? quote2 : quote1;
    out["command_line"] = reference.command_line;
    for (const digest_field& field : digests)
        out[field.name] = to_hex(reference.*field.member);
    // Not one by one into `out`, which would look through those that it has for each.
    ordered_document::object_t files;
    for (const auto& [path, approved] : reference.ima_files)
        files.push_back({path, approved});
    out["ima_files"] = std::move(files);
    return out;
}

/// Throws document::exception, as everything below, when they are none.
bytes octets(const document& text) {
    auto read = from_hex(text.get_ref<const std::string&>());
    if (!read)
        throw document::other_error::create(0, "no hexadecimal digits", &text);
    return std::move(*read);
}

std::uint32_t number(const document& value, std::uint32_t largest) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > largest)
        throw document::other_error::create(0, "no such number", &value);
    return value.get<std::uint32_t>();
}

bool one_of(const document& value, const char* one, const char* other) {
    if (value != one && value != other)
        throw document::other_error::create(0, "neither", &value);
    return value == one;
}

guest_reference reference_of(const document& in) {
    guest_reference reference;
    const auto uuid = parse_uuid(in.at("vtpm_uuid").get_ref<const std::string&>());
    if (!uuid)
        throw document::other_error::create(0, "no UUID", &in);
    reference.version = one_of(in.at("vtpm_version"), tpm20, tpm12) ? tpm::family::tpm20 : tpm::family::tpm12;
    reference.vtpm_uuid = *uuid;
    in.at("vtpm_label").get_to(reference.vtpm_label);
    if (const auto& quote = in.at("quote"); quote != any_quote)
        reference.quote = one_of(quote, quote2, quote1) ? quote_command::quote2 : quote_command::quote;
    in.at("command_line").get_to(reference.command_line);
    for (const digest_field& field : digests)
        reference.*field.member = octets(in.at(field.name));
    for (const auto& [path, approved] : in.at("ima_files").items())
        approved.get_to(reference.ima_files[path]);
    return reference;
}

policy_file file_of(const document& in) {
    policy_file file;
    in.at("verifier").get_to(file.policy.name);
    for (const mask_field& field : masks)
        file.policy.*field.member = number(in.at(field.name), field.largest);
    for (const document& step : in.at("platform")) {
        file.policy.platform.push_back(
            {number(step.at("pcr"), 23), step.at("description").get<std::string>(), octets(step.at("sha1"))});
    }
    for (const auto& [guest, reference] : in.at("guests").items())
        file.policy.guests[guest] = reference_of(reference);
    in.at("judged").get_to(file.judged);
    return file;
}

}  // namespace

std::string to_json(const policy_file& file) {
    ordered_document out;
    out["judged"] = file.judged;
    out["verifier"] = file.policy.name;
    for (const mask_field& field : masks)
        out[field.name] = file.policy.*field.member;
    out["platform"] = ordered_document::array();
    for (const firmware_measurement& step : file.policy.platform)
        out["platform"].push_back(
            {{"pcr", step.pcr}, {"description", step.description}, {"sha1", to_hex(step.sha1)}});
    out["guests"] = ordered_document::object();
    for (const auto& [guest, reference] : file.policy.guests)
        out["guests"][guest] = json_of(reference);
    return out.dump(2, ' ', false, ordered_document::error_handler_t::replace) + '\n';
}

std::optional<policy_file> parse_policy_file(const std::string& text) {
    try {
        return file_of(document::parse(text));
    } catch (const document::exception&) {
        return std::nullopt;
    }
}

}  // namespace vtwin::models
