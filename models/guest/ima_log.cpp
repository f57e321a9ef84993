#include "models/guest/ima_log.h"

#include <fmt/format.h>

#include "models/digests.h"
#include "models/hex.h"

namespace vtwin::models {
namespace {

constexpr std::string_view boot_aggregate_name = "boot_aggregate";
constexpr unsigned boot_aggregate_pcrs = 8, boot_aggregate20_pcrs = 10;

bytes first_of(const std::vector<bytes>& pcrs, unsigned count) {
    bytes values;
    for (unsigned pcr = 0; pcr < count && pcr < pcrs.size(); ++pcr)
        values.insert(values.end(), pcrs[pcr].begin(), pcrs[pcr].end());
    return values;
}

void append_text(bytes& out, std::string_view text) {
    for (const char character : text)
        out.push_back(static_cast<std::byte>(character));
}

void append_field(bytes& out, const bytes& field) {
    const auto size = static_cast<std::uint32_t>(field.size());
    for (unsigned shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<std::byte>(size >> shift));
    out.insert(out.end(), field.begin(), field.end());
}

}  // namespace

ima_entry make_ima_entry(std::string_view algorithm, byte_view file_digest, std::string_view path) {
    bytes digest_field, name_field, data;
    append_text(digest_field, algorithm);
    append_text(digest_field, std::string_view(":\0", 2));
    digest_field.insert(digest_field.end(), file_digest.begin(), file_digest.end());
    append_text(name_field, path);
    name_field.push_back(std::byte{0});
    append_field(data, digest_field);
    append_field(data, name_field);
    const auto template_sha256 = sha256_of(data);
    return {std::string(algorithm),
            {file_digest.begin(), file_digest.end()},
            std::string(path),
            sha1_of(data),
            {template_sha256.begin(), template_sha256.end()}};
}

ima_entry make_boot_aggregate(const std::vector<bytes>& pcrs) {
    return make_ima_entry("sha1", sha1_of(first_of(pcrs, boot_aggregate_pcrs)), boot_aggregate_name);
}

ima_entry make_boot_aggregate20(const std::vector<bytes>& pcrs) {
    return make_ima_entry("sha256", sha256_of(first_of(pcrs, boot_aggregate20_pcrs)), boot_aggregate_name);
}

std::string ascii_runtime_measurements(const std::vector<ima_entry>& entries) {
    std::string text;
    for (const auto& entry : entries)
        text += fmt::format("10 {} ima-ng {}:{} {}\n", to_hex(entry.template_hash), entry.algorithm,
                            to_hex(entry.file_digest), entry.path);
    return text;
}

}  // namespace vtwin::models
