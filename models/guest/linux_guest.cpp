#include "models/guest/linux_guest.h"

#include <fmt/format.h>

namespace vtwin::models {
namespace {

constexpr std::uint32_t ima_pcr = 10, aggregate_pcrs = 8, aggregate20_pcrs = 10;
constexpr std::size_t sha256_size = 32;

}  // namespace

measurement_list::measurement_list(tpm_transport_if* device, tpm::entropy_if& entropy,
                                   std::optional<std::vector<std::uint16_t>> banks20)
    : m_device(device),
      m_tpm([this](byte_view command) { return m_device->transmit(command).response; }, entropy),
      m_tpm20([this](byte_view command) { return m_device->transmit(command).response; }),
      m_banks20(std::move(banks20)) {}

void measurement_list::begin() {
    add(m_banks20 && m_device != nullptr ? boot_aggregate20() : boot_aggregate());
}

ima_entry measurement_list::boot_aggregate20() {
    std::vector<bytes> pcrs;
    for (std::uint32_t pcr = 0; pcr < aggregate20_pcrs; ++pcr) {
        auto read = m_tpm20.pcr_read(tpm::tpm20::alg::sha256, pcr);
        pcrs.push_back(read ? std::move(read.value) : bytes(sha256_size));
    }
    return make_boot_aggregate20(pcrs);
}

ima_entry measurement_list::boot_aggregate() {
    std::vector<bytes> pcrs;
    for (std::uint32_t pcr = 0; pcr < aggregate_pcrs; ++pcr) {
        bytes value(tpm::tpm12::digest_size);
        if (m_device != nullptr) {
            if (const auto read = m_tpm.pcr_read(pcr))
                value.assign(read.value.begin(), read.value.end());
        }
        pcrs.push_back(std::move(value));
    }
    // Without a TPM the aggregate is all zeros instead of a digest of zeros.
    return m_device != nullptr ? make_boot_aggregate(pcrs)
                               : make_ima_entry("sha1", bytes(tpm::tpm12::digest_size), "boot_aggregate");
}

void measurement_list::measure(const measured_file& file) {
    add(make_ima_entry("sha256", file.sha256, file.path));
}

void measurement_list::add(ima_entry entry) {
    if (m_device != nullptr)
        extend(entry);  // a refused extend leaves the list ahead of PCR 10
    m_entries.push_back(std::move(entry));
}

void measurement_list::extend(const ima_entry& entry) {
    if (!m_banks20) {
        m_tpm.extend(ima_pcr, entry.template_hash);
        return;
    }
    std::vector<tpm::tpm20::bank_digest> digests;
    for (const std::uint16_t bank : *m_banks20) {
        if (bank == tpm::tpm20::alg::sha1)
            digests.push_back({bank, {entry.template_hash.begin(), entry.template_hash.end()}});
        else if (bank == tpm::tpm20::alg::sha256)
            digests.push_back({bank, entry.template_sha256});
    }
    m_tpm20.pcr_extend(ima_pcr, digests);
}

void run_workload(const guest_config& guest, measurement_list& list, stubdom_services_if& services) {
    for (const auto& file : guest.ima_files) {
        list.measure(file);
        services.sleep(guest.ima_interval);
    }
    services.log(stubdom_services_if::level::info,
                 fmt::format("{} files measured by IMA", guest.ima_files.size()));
}

attestation_outcome attest_once(const guest_config& guest, guest_agent_if& agent, evidence claims,
                                stubdom_services_if& services) {
    attestation_outcome outcome;
    outcome.guest = guest.name;
    outcome.asked = services.now();
    auto result = agent.attest(std::move(claims), outcome.problem);
    outcome.answered = services.now();
    outcome.completed = result.has_value();
    outcome.sent = agent.last_evidence();
    if (result)
        outcome.result = std::move(*result);
    return outcome;
}

void run_attestations(const guest_config& guest, guest_agent_if& agent, const evidence& claims,
                      stubdom_services_if& services, const std::function<void(attestation_outcome)>& report) {
    attestation_outcome refused;
    refused.guest = guest.name;
    refused.asked = services.now();
    if (!agent.enrol(refused.problem)) {
        refused.answered = services.now();
        report(std::move(refused));
        return;
    }
    services.sleep(guest.attest_after);
    for (std::uint32_t i = 0; i < guest.attestations; ++i) {
        if (i != 0)
            services.sleep(guest.attestation_interval);
        report(attest_once(guest, agent, claims, services));
    }
}

}  // namespace vtwin::models
