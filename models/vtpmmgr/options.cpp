#include "models/vtpmmgr/options.h"

#include <algorithm>
#include <charconv>

#include "models/hex.h"

namespace vtwin::models::manager {

namespace {

unsigned digit(char c) {
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/// Upstream converts byte i with a scan that has no field width: it takes all digits from there on. More than
/// 64 bits saturate to all ones; otherwise the last digit pair is what remains (W-50).
octets<20> misparsed_hash(std::string_view digits) {
    octets<20> result;
    for (std::size_t i = 0; i < result.size(); ++i) {
        std::string_view rest = digits.substr(2 * i);
        rest.remove_prefix(std::min(rest.find_first_not_of('0'), rest.size()));
        const bool overflow = rest.size() > 16;
        result[i] = std::byte(overflow ? 0xFF : digit(digits[38]) << 4 | digit(digits[39]));
    }
    return result;
}

/// "well-known", "hash:<40 hex>" or "text:<string>".
std::optional<octets<20>> parse_auth(std::string_view value, const behaviour_set& behaviours) {
    if (value == "well-known")
        return octets<20>{};
    if (value.starts_with("text:"))
        return sha1(std::as_bytes(std::span(value.substr(5))));
    if (!value.starts_with("hash:") || value.size() != 45)
        return std::nullopt;
    const auto strict = from_hex(value.substr(5));
    if (!strict)
        return std::nullopt;
    if (behaviours.faithful(behaviour::vtpmmgr_auth_hash_option_misparsed))
        return misparsed_hash(value.substr(5));
    octets<20> result{};
    std::copy(strict->begin(), strict->end(), result.begin());
    return result;
}

template <typename Integer>
bool parse_number(std::string_view text, Integer& out, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return error == std::errc{} && end == text.data() + text.size();
}

/// False: the value cannot be used.
bool parse_word(std::string_view name, std::string_view value, manager_options& options,
                const behaviour_set& behaviours) {
    if (name == "owner_auth" || name == "srk_auth") {
        const auto auth = parse_auth(value, behaviours);
        if (auth)
            (name == "owner_auth" ? options.owner_auth : options.srk_auth) = *auth;
        return auth.has_value();
    }
    if (name == "tpmdriver") {
        options.driver = value == "tpmfront" ? manager_options::tpm_driver::tpmfront
                                             : manager_options::tpm_driver::tpm_tis;
        return value == "tpmfront" || value == "tpm_tis";
    }
    if (name == "tpmiomem")
        return value.starts_with("0x") && parse_number(value.substr(2), options.tpm_iomem, 16);
    if (name == "tpmirq")
        return value == "probe" || parse_number(value, options.tpm_irq, 10);
    if (name == "tpmlocality")
        return parse_number(value, options.tpm_locality, 10) && options.tpm_locality <= 4;
    if (name == "tpm2")
        options.tpm2 = value == "1" || options.tpm2;
    if (name == "admin_uuid")
        return (options.admin_uuid = parse_uuid(value)).has_value();
    if (name == "labels")
        options.labels_unavailable_ok = value == "unavailable-ok";
    if (name == "autocreate")
        options.autocreate = value != "0";
    return true;
}

}  // namespace

std::variant<manager_options, std::string> parse_options(std::string_view command_line,
                                                         manager_options options,
                                                         const behaviour_set& behaviours) {
    while (!command_line.empty()) {
        const std::size_t end = std::min(command_line.find(' '), command_line.size());
        const std::string_view word = command_line.substr(0, end);
        command_line.remove_prefix(std::min(end + 1, command_line.size()));
        if (word == "accept-older-root")
            options.accept_older_root = true;
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos)
            continue;
        if (!parse_word(word.substr(0, equals), word.substr(equals + 1), options, behaviours))
            return "invalid option " + std::string(word);
    }
    return options;
}

}  // namespace vtwin::models::manager
