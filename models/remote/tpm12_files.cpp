#include "models/remote/tpm12_files.h"

#include <fmt/format.h>

#include "models/remote/tpm12_structures.h"

namespace vtwin::models::remote {
namespace {

constexpr std::uint8_t locality_0 = 1;

pcr_values chosen(std::uint32_t mask, const std::vector<bytes>& pcrs) {
    pcr_values values;
    for (std::uint32_t pcr = 0; pcr < pcrs.size() && pcr < pcr_count; ++pcr)
        if ((mask >> pcr & 1) != 0)
            values[pcr] = pcrs[pcr];
    return values;
}

/// A DER element whose content needs a length of two octets.
bytes der_long(std::uint8_t tag, byte_view content) {
    return octet_writer()
        .u8(tag)
        .u8(0x82)
        .u16(static_cast<std::uint16_t>(content.size()))
        .raw(content)
        .take();
}

}  // namespace

bytes tss_public_key(byte_view aik_modulus) {
    constexpr std::uint8_t integer = 2, octet_string = 4, sequence = 0x30;
    constexpr std::uint8_t version = 1, public_key_blob = 2;
    const bytes blob = aik_pubkey(aik_modulus);
    octet_writer content;
    content.u8(integer).u8(1).u8(version);
    content.u8(integer).u8(1).u8(public_key_blob);
    content.u8(integer).u8(2).u16(static_cast<std::uint16_t>(blob.size()));
    return der_long(sequence, content.raw(der_long(octet_string, blob)).take());
}

bytes pcr_hash_file(std::uint32_t mask, const std::vector<bytes>& pcrs) {
    const pcr_values values = chosen(mask, pcrs);
    const bytes info =
        octet_writer().raw(pcr_selection(mask_of(values))).u8(locality_0).raw(composite_hash(values)).take();
    return quote_info2(info, zeros(digest_size));
}

std::string pcr_value_file(std::uint32_t mask, const std::vector<bytes>& pcrs) {
    std::string lines;
    for (const auto& [pcr, value] : chosen(mask, pcrs)) {
        lines += fmt::format("{}=", pcr);
        for (const std::byte octet : value)
            lines += fmt::format("{:02X}", std::to_integer<unsigned>(octet));
        lines += '\n';
    }
    return lines;
}

}  // namespace vtwin::models::remote
