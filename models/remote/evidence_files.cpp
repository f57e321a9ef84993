#include "models/remote/evidence_files.h"

#include <fmt/format.h>
#include <algorithm>

#include "models/remote/certificates.h"
#include "models/remote/firmware_log.h"
#include "models/remote/ima_log.h"
#include "models/remote/tpm12_files.h"
#include "models/remote/tpm20_files.h"
#include "models/remote/tpm20_structures.h"
#include "models/remote/verify_script.h"

namespace vtwin::models {
namespace {

using remote::octet_writer;

bytes text(std::string_view characters) {
    const byte_view octets = remote::as_octets(characters);
    return {octets.begin(), octets.end()};
}

// Guest names come from evidence: they must not climb out of the directory.
std::string safe_name(std::string_view name) {
    std::string safe(name);
    std::ranges::replace_if(
        safe, [](char c) { return c <= ' ' || c > '~' || c == '/' || c == '\\' || c == '.'; }, '_');
    return safe;
}

// The sysfs file "pcrs" of a TPM 1.2, which evmctl reads.
std::string pcr_listing(const std::vector<bytes>& pcrs) {
    std::string listing;
    for (std::size_t pcr = 0; pcr < pcrs.size(); ++pcr) {
        listing += fmt::format("PCR-{:02d}:", pcr);
        for (const std::byte octet : pcrs[pcr])
            listing += fmt::format(" {:02X}", std::to_integer<unsigned>(octet));
        listing += '\n';
    }
    return listing;
}

std::string boot_log_listing(const std::vector<measurement>& log) {
    std::string listing;
    for (const measurement& step : log)
        listing += fmt::format("{} {}{}{} {}\n", step.pcr, to_hex(step.digest),
                               step.sha256.empty() ? "" : " ", to_hex(step.sha256), step.description);
    return listing;
}

std::string firmware_log_listing(const evidence& shown) {
    const auto bank = shown.tpm20 ? remote::pcr_hash::sha256 : remote::pcr_hash::sha1;
    const auto log = remote::parse_firmware_log(shown.firmware_log, bank);
    std::string listing = log.problem.empty() ? "" : log.problem + '\n';
    for (const auto& event : log.events)
        listing += fmt::format("{} {} {}\n", event.pcr, to_hex(event.digest), remote::describe(event));
    return listing;
}

// binary_runtime_measurements, little-endian as IMA writes it on x86.
bytes binary_ima_list(std::string_view ascii) {
    octet_writer out;
    for (const remote::ima_entry& entry : remote::parse_ima_log(ascii).entries) {
        const bytes data = entry.template_data();
        const std::string_view name = entry.template_name();
        out.u32_little(entry.pcr).raw(entry.template_hash);
        out.u32_little(static_cast<std::uint32_t>(name.size())).text(name);
        out.u32_little(static_cast<std::uint32_t>(data.size())).raw(data);
    }
    return out.take();
}

std::string verdict_listing(const verdict& outcome) {
    std::string listing = fmt::format("{}: {}\n", outcome.guest, outcome.trusted ? "trusted" : "not trusted");
    for (const verdict_reason& reason : outcome.reasons)
        listing += fmt::format("{} {}: {}\n", reason.passed ? "ok  " : "FAIL", reason.check, reason.text);
    return listing;
}

// For the platform's key: openssl dgst -sha1 -verify with the public key of platform-aik-N.pem.
void add_deep_quote(std::map<std::string, bytes>& files, const std::string& folder, const evidence& shown,
                    const verifier_config& policy, const remote::public_directory& directory) {
    const guest_reference unused{};
    remote::appraisal rebuilt{shown, unused, policy, directory, {}, {}};
    if (const auto aik = remote::parse_certificate(shown.aik_certificate))
        rebuilt.aik_modulus = aik->modulus;
    files[folder + "deep-quote.bin"] = shown.deep_quote;
    files[folder + "deep-quote-info.bin"] = remote::deep_quote_info(rebuilt);
    files[folder + "deep-quote.sig"] = {
        shown.deep_quote.begin(), shown.deep_quote.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                 shown.deep_quote.size(), remote::rsa_size))};
}

void add_quote20(std::map<std::string, bytes>& files, const std::string& folder, const evidence& shown) {
    std::string reason;
    const auto quote = remote::parse_quote(shown.tpm20->attest, reason);
    files[folder + "ak.pub.pem"] = text(remote::public_key_pem(shown.aik_certificate));
    files[folder + "quote.msg"] = shown.tpm20->attest;
    files[folder + "quote.sig"] = shown.tpm20->signature;
    const bytes pcrs = remote::serialized_pcrs(quote ? quote->pcr_mask : 0, shown.vtpm_pcrs);
    const bytes log =
        shown.firmware_log.empty() ? remote::crypto_agile_log(shown.boot_log) : shown.firmware_log;
    files[folder + "quote.pcrs"] = pcrs;
    files[folder + "binary_bios_measurements"] = log;
    octet_writer key;
    key.u16(static_cast<std::uint16_t>(shown.tpm20->ak_public.size())).raw(shown.tpm20->ak_public);
    files[folder + "ak.tss"] = key.take();
    files[folder + "keylime-quote.json"] = text(remote::keylime_quote(shown, pcrs, log));
}

void add_quote12(std::map<std::string, bytes>& files, const std::string& folder, const evidence& shown) {
    if (const auto aik = remote::parse_certificate(shown.aik_certificate))
        files[folder + "aik.pub"] = remote::tss_public_key(aik->modulus);
    files[folder + "quote.sig"] = shown.quote_signature;
    files[folder + "binary_bios_measurements"] =
        shown.firmware_log.empty() ? remote::sha1_log(shown.boot_log) : shown.firmware_log;
    if (shown.quote2_pcr_info.empty()) {
        files[folder + "quote-info.bin"] =
            remote::quote_info(remote::sha1(shown.quote_composite), shown.nonce);
        return;
    }
    files[folder + "quote-info.bin"] = remote::quote_info2(shown.quote2_pcr_info, shown.nonce);
    const auto info = remote::parse_pcr_info_short(shown.quote2_pcr_info);
    const std::uint32_t mask = info ? info->mask : 0;
    files[folder + "quote.hash"] = remote::pcr_hash_file(mask, shown.vtpm_pcrs);
    files[folder + "quote.values"] = text(remote::pcr_value_file(mask, shown.vtpm_pcrs));
}

/// Everything that follows from the evidence alone.
void add_evidence(std::map<std::string, bytes>& files, const std::string& folder, const evidence& shown) {
    files[folder + "nonce.bin"] = shown.nonce;
    files[folder + "aik.pem"] = text(remote::to_pem(shown.aik_certificate));
    if (shown.tpm20)
        add_quote20(files, folder, shown);
    else
        add_quote12(files, folder, shown);
    files[folder + "pcrs.txt"] = text(pcr_listing(shown.vtpm_pcrs));
    files[folder + "boot-log.txt"] =
        text(shown.firmware_log.empty() ? boot_log_listing(shown.boot_log) : firmware_log_listing(shown));
    files[folder + "ascii_runtime_measurements"] = text(shown.ima_log);
    files[folder + "binary_runtime_measurements"] = binary_ima_list(shown.ima_log);
    files[folder + "evidence.json"] = text(to_json(shown));
}

std::string as_text(const bytes& octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// The numbered files "<stem>-1<end>", "<stem>-2<end>" and so on.
std::vector<bytes> numbered(const std::map<std::string, bytes>& files, const std::string& stem,
                            const std::string& end) {
    std::vector<bytes> found;
    for (std::size_t i = 1;; ++i) {
        const auto file = files.find(fmt::format("{}-{}{}", stem, i, end));
        if (file == files.end())
            return found;
        found.push_back(file->second);
    }
}

remote::public_directory directory_of(const std::map<std::string, bytes>& files) {
    const auto content = [&](const std::string& name) {
        const auto file = files.find(name);
        return file == files.end() ? bytes{} : file->second;
    };
    remote::public_directory directory;
    directory.privacy_ca_root = remote::from_pem(as_text(content("privacy-ca.pem")));
    directory.saa_modulus = content("saa-modulus.bin");
    directory.signed_configurations = numbered(files, "configuration", ".bin");
    for (const bytes& certificate : numbered(files, "platform-aik", ".pem"))
        directory.platform_certificates.push_back(remote::from_pem(as_text(certificate)));
    return directory;
}

checked_evidence check_folder(const std::map<std::string, bytes>& files, const std::string& folder,
                              const verifier_config& policy, const remote::public_directory& directory) {
    checked_evidence checked;
    checked.folder = folder.substr(0, folder.size() - 1);
    const auto shown = from_json<evidence>(as_text(files.at(folder + "evidence.json")));
    if (!shown) {
        checked.problem = "evidence.json is not the evidence of a guest";
        return checked;
    }
    if (const std::string name = safe_name(shown->guest);
        !checked.folder.starts_with(name + '-') ||
        checked.folder.find('-', name.size() + 1) != std::string::npos) {
        checked.problem = "evidence.json is of another guest: " + name;
        return checked;
    }
    std::map<std::string, bytes> expected{{"verify.sh", text(remote::verify_script)}};
    add_evidence(expected, folder, *shown);
    add_deep_quote(expected, folder, *shown, policy, directory);
    for (const auto& [name, content] : expected) {
        const auto file = files.find(name);
        if (file == files.end() || file->second != content)
            checked.altered.push_back(name);
    }
    checked.outcome = remote::appraise(*shown, directory, policy, [](remote::appraisal& a) {
        a.pass("nonce",
               fmt::format("nonce {}; files cannot tell whether it was fresh", to_hex(a.shown.nonce)));
        return true;
    });
    return checked;
}

}  // namespace

std::vector<checked_evidence> check_evidence_files(const std::map<std::string, bytes>& files,
                                                   const verifier_config& policy) {
    static constexpr std::string_view name = "evidence.json";
    const remote::public_directory directory = directory_of(files);
    std::vector<checked_evidence> checked;
    for (const auto& [path, content] : files)
        if (path.ends_with(name) && path.size() > name.size())
            checked.push_back(
                check_folder(files, path.substr(0, path.size() - name.size()), policy, directory));
    return checked;
}

std::map<std::string, bytes> evidence_files(const remote_parties& parties) {
    std::map<std::string, bytes> files;
    const remote::public_directory directory = parties.directory();
    files["verify.sh"] = text(remote::verify_script);
    files["manufacturer.pem"] = text(remote::to_pem(parties.manufacturer().root()));
    const auto chips = parties.manufacturer().certificates();
    for (std::size_t i = 0; i < chips.size(); ++i)
        files[fmt::format("chip-ek-{}.pem", i + 1)] = text(remote::to_pem(chips[i]));
    files["privacy-ca.pem"] = text(remote::to_pem(directory.privacy_ca_root));
    files["saa-modulus.bin"] = directory.saa_modulus;
    for (std::size_t i = 0; i < directory.signed_configurations.size(); ++i)
        files[fmt::format("configuration-{}.bin", i + 1)] = directory.signed_configurations[i];
    for (std::size_t i = 0; i < directory.platform_certificates.size(); ++i)
        files[fmt::format("platform-aik-{}.pem", i + 1)] =
            text(remote::to_pem(directory.platform_certificates[i]));
    std::map<std::string, int> rounds;
    for (const remote_parties::assessment& done : parties.assessments()) {
        const std::string name = safe_name(done.shown.guest);
        const std::string folder = fmt::format("{}-{}/", name, ++rounds[name]);
        add_evidence(files, folder, done.shown);
        files[folder + "verdict.json"] = text(to_json(done.outcome));
        files[folder + "verdict.txt"] = text(verdict_listing(done.outcome));
        add_deep_quote(files, folder, done.shown, parties.policy(), directory);
    }
    return files;
}

}  // namespace vtwin::models
