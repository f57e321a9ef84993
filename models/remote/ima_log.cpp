#include "models/remote/ima_log.h"

#include <algorithm>

namespace vtwin::models::remote {
namespace {

std::string_view take_word(std::string_view& rest) {
    const std::size_t end = rest.find(' ');
    if (end == std::string_view::npos)
        return {};
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return word;
}

}  // namespace

bool ima_entry::violation() const {
    return std::ranges::all_of(template_hash, [](std::byte octet) { return octet == std::byte{0}; });
}

bytes ima_entry::template_data() const {
    const std::size_t digest_length = algorithm.size() + 2 + file_digest.size();
    octet_writer data;
    data.u32_little(static_cast<std::uint32_t>(digest_length))
        .text(algorithm)
        .text(std::string_view(":\0", 2))
        .raw(file_digest)
        .u32_little(static_cast<std::uint32_t>(path.size() + 1))
        .text(path)
        .u8(0);
    if (signature)
        data.u32_little(static_cast<std::uint32_t>(signature->size())).raw(*signature);
    return data.take();
}

bytes ima_entry::extended_digest(pcr_hash bank) const {
    if (violation())
        return bytes(size_of(bank), std::byte{0xFF});
    return bank == pcr_hash::sha1 ? template_hash : digest_of(bank, template_data());
}

std::optional<ima_entry> parse_ima_line(std::string_view line) {
    ima_entry entry;
    const std::string_view pcr = take_word(line);
    const auto template_hash = from_hex(take_word(line));
    const std::string_view name = take_word(line);
    std::string_view digest = take_word(line);
    const std::size_t colon = digest.find(':');
    if (pcr != "10" || !template_hash || template_hash->size() != digest_size ||
        (name != "ima-ng" && name != "ima-sig") || colon == std::string_view::npos || colon == 0 ||
        line.empty())
        return std::nullopt;
    const auto file_digest = from_hex(digest.substr(colon + 1));
    if (!file_digest || file_digest->empty())
        return std::nullopt;
    entry.pcr = 10;
    entry.template_hash = *template_hash;
    entry.algorithm = digest.substr(0, colon);
    entry.file_digest = *file_digest;
    if (name == "ima-sig") {
        const std::size_t blank = line.rfind(' ');
        if (blank == std::string_view::npos || blank == 0)
            return std::nullopt;
        auto signature = from_hex(line.substr(blank + 1));
        if (!signature)
            return std::nullopt;
        entry.signature = std::move(*signature);
        line = line.substr(0, blank);
    }
    entry.path = line;
    return entry;
}

ima_list parse_ima_log(std::string_view text) {
    ima_list list;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        auto entry = parse_ima_line(text.substr(0, end));
        if (!entry) {
            list.bad_line = number;
            return list;
        }
        list.entries.push_back(std::move(*entry));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return list;
}

}  // namespace vtwin::models::remote
