#include "models/remote/evidence_files.h"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "models/remote/certificates.h"
#include "models/remote/evidence_readme.h"
#include "models/remote/firmware_log.h"
#include "models/remote/ima_log.h"
#include "models/remote/policy_file.h"
#include "models/remote/tpm12_files.h"
#include "models/remote/tpm20_files.h"
#include "models/remote/tpm20_structures.h"
#include "models/remote/verify_script.h"

namespace vtwin::models {
namespace {

using remote::octet_writer;

constexpr const char* evidence_name = "evidence.json";

bytes text(std::string_view characters) {
    const byte_view octets = remote::as_octets(characters);
    return {octets.begin(), octets.end()};
}

// Guest names come from evidence: they must not climb out of the directory, nor mean something to a shell.
std::string safe_name(std::string_view name) {
    std::string safe(name);
    std::ranges::replace_if(
        safe,
        [](char c) {
            return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-';
        },
        '_');
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

// What guests say may hold line ends and control sequences: nothing of it may look like a line of ours.
std::string one_line(std::string_view said) {
    std::string line;
    for (const char c : said)
        line += c >= ' ' && c <= '~' ? std::string(1, c)
                                     : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return line;
}

std::string boot_log_listing(const std::vector<measurement>& log) {
    std::string listing;
    for (const measurement& step : log)
        listing +=
            fmt::format("{} {}{}{} {}\n", step.pcr, to_hex(step.digest), step.sha256.empty() ? "" : " ",
                        to_hex(step.sha256), one_line(step.description));
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
    std::string listing =
        fmt::format("{}: {}\n", one_line(outcome.guest), outcome.trusted ? "trusted" : "not trusted");
    for (const verdict_reason& reason : outcome.reasons)
        listing +=
            fmt::format("{} {}: {}\n", reason.passed ? "ok  " : "FAIL", reason.check, one_line(reason.text));
    return listing;
}

/// What a deep quote's layout depends on; a line per number.
std::string deep_quote_numbers(const evidence& shown, const verifier_config& policy) {
    const nlohmann::ordered_json numbers = {{"flags", policy.deep_quote_flags},
                                            {"vtpm_pcr_mask", policy.vtpm_pcr_mask},
                                            {"hardware_pcr_mask", policy.hardware_pcr_mask},
                                            {"locality", shown.deep_quote_locality}};
    return numbers.dump(2) + '\n';
}

// For the platform's key: openssl dgst -sha1 -verify with the public key of platform-aik-N.pem.
void add_deep_quote(std::map<std::string, bytes>& files, const std::string& folder, const evidence& shown,
                    const verifier_config& policy, const remote::public_directory& directory) {
    const guest_reference unused{};
    remote::appraisal rebuilt{shown, unused, policy, directory, {}, {}};
    if (const auto aik = remote::parse_certificate(shown.aik_certificate))
        rebuilt.aik_modulus = aik->modulus;
    files[folder + "deep-quote.json"] = text(deep_quote_numbers(shown, policy));
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
    files[folder + evidence_name] = text(to_json(shown));
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

/// Files that stand beside every run's evidence.
std::map<std::string, bytes> constant_files() {
    return {{"verify.sh", text(remote::verify_script)}, {"README", text(remote::evidence_readme)}};
}

checked_evidence unreadable(const std::string& name, std::string problem) {
    checked_evidence checked;
    checked.folder = name;
    checked.problem = std::move(problem);
    return checked;
}

/// `used`: nonces of the folders before this one, each with its folder.
checked_evidence check_folder(const std::map<std::string, bytes>& files, const std::string& name,
                              const verifier_config& policy, const remote::public_directory& directory,
                              std::map<bytes, std::string>& used) {
    const std::string folder = name + '/';
    const auto shown = from_json<evidence>(as_text(files.at(folder + evidence_name)));
    if (!shown)
        return unreadable(name, "evidence.json is not the evidence of a guest");
    if (const std::string guest = safe_name(shown->guest);
        !name.starts_with(guest + '-') || name.find('-', guest.size() + 1) != std::string::npos)
        return unreadable(name, "evidence.json is of another guest: " + guest);
    std::map<std::string, bytes> expected = constant_files();
    add_evidence(expected, folder, *shown);
    add_deep_quote(expected, folder, *shown, policy, directory);
    checked_evidence checked;
    checked.folder = name;
    for (const auto& [path, content] : expected) {
        const auto file = files.find(path);
        if (file == files.end() || file->second != content)
            checked.altered.push_back(path);
    }
    checked.outcome = remote::appraise(*shown, directory, policy, [&](remote::appraisal& a) {
        const auto [first, fresh] = used.emplace(shown->nonce, name);
        const std::string nonce = to_hex(shown->nonce);
        if (fresh)
            a.pass("nonce", fmt::format("nonce {}; files cannot tell whether it was fresh", nonce));
        else
            a.fail("nonce", fmt::format("nonce {} was used before, for {}", nonce, first->second));
        return fresh;
    });
    return checked;
}

/// The folders of evidence: those expected and those that are there.
std::set<std::string> folders_of(const std::map<std::string, bytes>& files,
                                 const std::vector<std::string>& expected) {
    std::set<std::string> folders(expected.begin(), expected.end());
    for (const auto& [path, content] : files)
        if (const auto slash = path.find('/'); slash != std::string::npos)
            folders.insert(path.substr(0, slash));
    return folders;
}

}  // namespace

std::vector<checked_evidence> check_evidence_files(const std::map<std::string, bytes>& files,
                                                   const verifier_config& policy,
                                                   const std::vector<std::string>& expected) {
    const remote::public_directory directory = directory_of(files);
    std::map<bytes, std::string> used;
    std::vector<checked_evidence> checked;
    for (const std::string& folder : folders_of(files, expected))
        checked.push_back(files.contains(folder + '/' + evidence_name)
                              ? check_folder(files, folder, policy, directory, used)
                              : unreadable(folder, "there is no evidence.json"));
    return checked;
}

std::map<std::string, bytes> evidence_files(const remote_parties& parties) {
    std::map<std::string, bytes> files = constant_files();
    const remote::public_directory directory = parties.directory();
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
    policy_file known{parties.policy(), {}};
    for (const remote_parties::assessment& done : parties.assessments()) {
        const std::string name = safe_name(done.shown.guest);
        known.judged.push_back(fmt::format("{}-{}", name, ++rounds[name]));
        const std::string folder = known.judged.back() + '/';
        add_evidence(files, folder, done.shown);
        files[folder + "verdict.json"] = text(to_json(done.outcome));
        files[folder + "verdict.txt"] = text(verdict_listing(done.outcome));
        add_deep_quote(files, folder, done.shown, parties.policy(), directory);
    }
    files["policy.json"] = text(to_json(known));
    return files;
}

}  // namespace vtwin::models
