#include "models/remote/tpm20_files.h"

#include <openssl/evp.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/remote/crypto.h"

namespace vtwin::models::remote {
namespace {

constexpr std::uint32_t sha1_bank = 0x0004, sha256_bank = 0x000B, ev_no_action = 3, ev_compact_hash = 0x0C;

// TCG_EfiSpecIDEvent, in a TCG_PCR_EVENT of the old form.
void write_header(octet_writer& out) {
    static constexpr std::uint32_t algorithms = 2;
    octet_writer event;
    event.text("Spec ID Event03").u8(0).u32_little(0);  // signature, platformClass
    event.u8(0).u8(2).u8(0).u8(2);                      // minor, major, errata, uintnSize
    event.u32_little(algorithms);
    event.u16_little(sha1_bank).u16_little(static_cast<std::uint32_t>(size_of(pcr_hash::sha1)));
    event.u16_little(sha256_bank).u16_little(static_cast<std::uint32_t>(size_of(pcr_hash::sha256)));
    event.u8(0);  // vendorInfoSize
    const bytes data = event.take();
    out.u32_little(0).u32_little(ev_no_action).raw(zeros(size_of(pcr_hash::sha1)));
    out.u32_little(static_cast<std::uint32_t>(data.size())).raw(data);
}

}  // namespace

bytes serialized_pcrs(std::uint32_t mask, const std::vector<bytes>& pcrs) {
    static constexpr std::size_t banks = 16, select_octets = 4, digests_in_list = 8, digest_room = 64;
    octet_writer out;
    out.u32_little(1).u16_little(sha256_bank).u8(3);
    for (std::size_t octet = 0; octet < select_octets; ++octet)
        out.u8(static_cast<std::uint8_t>(octet < 3 ? mask >> 8 * octet : 0));
    out.u8(0).raw(zeros((banks - 1) * 8));  // padding, the other 15 selections
    std::vector<bytes> values;
    for (std::size_t pcr = 0; pcr < std::min(pcrs.size(), pcr_count); ++pcr)
        if ((mask >> pcr & 1) != 0)
            values.emplace_back(pcrs[pcr].begin(), pcrs[pcr].begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                           digest_room, pcrs[pcr].size())));
    const std::size_t lists = (values.size() + digests_in_list - 1) / digests_in_list;
    out.u32_little(static_cast<std::uint32_t>(lists));
    for (std::size_t first = 0; first < values.size(); first += digests_in_list) {
        const std::size_t count = std::min(digests_in_list, values.size() - first);
        out.u32_little(static_cast<std::uint32_t>(count));
        for (std::size_t i = 0; i < digests_in_list; ++i) {
            const bytes value = i < count ? values[first + i] : bytes{};
            out.u16_little(static_cast<std::uint32_t>(value.size())).raw(value);
            out.raw(zeros(digest_room - value.size()));
        }
    }
    return out.take();
}

bytes crypto_agile_log(const std::vector<measurement>& log) {
    octet_writer out;
    write_header(out);
    for (const measurement& step : log) {
        if (step.digest.size() != size_of(pcr_hash::sha1) || step.sha256.size() != size_of(pcr_hash::sha256))
            return {};
        out.u32_little(step.pcr).u32_little(ev_compact_hash).u32_little(2);
        out.u16_little(sha1_bank).raw(step.digest).u16_little(sha256_bank).raw(step.sha256);
        out.u32_little(static_cast<std::uint32_t>(step.description.size())).text(step.description);
    }
    return out.take();
}

bytes sha1_log(const std::vector<measurement>& log) {
    octet_writer out;
    for (const measurement& step : log) {
        if (step.digest.size() != size_of(pcr_hash::sha1))
            return {};
        out.u32_little(step.pcr).u32_little(ev_compact_hash).raw(step.digest);
        out.u32_little(static_cast<std::uint32_t>(step.description.size())).text(step.description);
    }
    return out.take();
}

namespace {

std::string base64(byte_view octets) {
    std::string text(4 * ((octets.size() + 2) / 3) + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                       reinterpret_cast<const unsigned char*>(octets.data()),
                                       static_cast<int>(octets.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

}  // namespace

std::string keylime_quote(const evidence& shown, byte_view pcrs, byte_view boot_log) {
    using json = nlohmann::ordered_json;
    octet_writer key;
    key.u16(static_cast<std::uint16_t>(shown.tpm20->ak_public.size())).raw(shown.tpm20->ak_public);
    const json results = {{"quote", "r" + base64(shown.tpm20->attest) + ':' + base64(shown.tpm20->signature) +
                                        ':' + base64(pcrs)},
                          {"hash_alg", "sha256"},
                          {"enc_alg", "rsa"},
                          {"sign_alg", "rsassa"},
                          {"ak_tpm", base64(key.take())},
                          {"ima_measurement_list", shown.ima_log},
                          {"ima_measurement_list_entry", 0},
                          {"mb_measurement_list", base64(boot_log)}};
    const json answer = {{"code", 200}, {"status", "Success"}, {"results", results}};
    return answer.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace vtwin::models::remote
