#include "models/remote/configuration_authority.h"

#include <fmt/format.h>
#include <algorithm>

namespace vtwin::models::remote {
namespace {

constexpr std::uint32_t resettable_pcrs = 1u << 16 | 0xFu << 20;

// The manager compares label hashes, so naming a label twice would only use up its list.
std::vector<bytes> kernel_hashes(const std::vector<std::string>& labels) {
    std::vector<bytes> hashes;
    for (const std::string& label : labels) {
        const bytes hash = sha1(as_octets(label));
        if (std::ranges::find(hashes, hash) == hashes.end())
            hashes.push_back(hash);
    }
    return hashes;
}

}  // namespace

std::string describe_difference(std::uint32_t pcr, const std::vector<firmware_measurement>& approved_boot,
                                byte_view expected, byte_view seen) {
    std::string steps;
    for (const firmware_measurement& step : approved_boot)
        if (step.pcr == pcr)
            steps += (steps.empty() ? "" : ", ") + step.description;
    return fmt::format("PCR {} differs from the approved boot ({}): expected {}, seen {}", pcr,
                       steps.empty() ? "nothing is measured there" : steps, to_hex(expected), to_hex(seen));
}

configuration_authority::configuration_authority(tpm::entropy_if& entropy,
                                                 std::vector<firmware_measurement> approved_boot,
                                                 std::uint32_t pcr_mask)
    : m_key(entropy), m_approved_boot(std::move(approved_boot)), m_pcr_mask(pcr_mask & 0xFFFFFF) {}

saa_config_reply configuration_authority::configure(const saa_config_request& request) {
    saa_config_reply reply;
    reply.reason = refuse(request);
    if (!reply.reason.empty())
        return reply;
    reply.accepted = true;
    reply.cfg_list = cfg_list(request);
    reply.signature = m_key.sign_sha1(reply.cfg_list);
    reply.selections = pcr_selection(m_pcr_mask);
    m_last_sequence = request.sequence;
    m_signed.push_back(reply.cfg_list);
    return reply;
}

std::string configuration_authority::refuse(const saa_config_request& request) const {
    if (request.sequence < m_last_sequence)
        return fmt::format("sequence {} is older than {} which was signed before", request.sequence,
                           m_last_sequence);
    if (m_pcr_mask == 0)
        return "the policy ties configurations to no PCR";
    if (kernel_hashes(request.vtpm_labels).size() > most_kernels)
        return fmt::format("{} different labels are more than the {} that a group holds",
                           kernel_hashes(request.vtpm_labels).size(), most_kernels);
    if (request.hardware_pcrs.size() != pcr_count)
        return fmt::format("{} PCR values shown instead of {}", request.hardware_pcrs.size(), pcr_count);
    const std::vector<bytes> expected = replay(m_approved_boot);
    for (std::uint32_t pcr = 0; pcr < pcr_count; ++pcr)
        if (((~resettable_pcrs | m_pcr_mask) >> pcr & 1) != 0 && request.hardware_pcrs[pcr] != expected[pcr])
            return describe_difference(pcr, m_approved_boot, expected[pcr], request.hardware_pcrs[pcr]);
    return {};
}

bytes configuration_authority::cfg_list(const saa_config_request& request) const {
    pcr_values selected;
    for (std::uint32_t pcr = 0; pcr < pcr_count; ++pcr)
        if ((m_pcr_mask >> pcr & 1) != 0)
            selected[pcr] = request.hardware_pcrs[pcr];
    const std::vector<bytes> kernels = kernel_hashes(request.vtpm_labels);
    octet_writer out;
    out.u64(request.sequence).u32(1).raw(composite_hash(selected));
    out.u32(static_cast<std::uint32_t>(kernels.size()));
    for (const bytes& kernel : kernels)
        out.raw(kernel);
    return out.take();
}

}  // namespace vtwin::models::remote
