#include "tests/models/remote/attested_guest.h"

#include <fmt/format.h>
#include <stdexcept>

namespace vtwin::test {

bytes hex(std::string_view text) {
    return *from_hex(text);
}
bytes ascii(std::string_view text) {
    const auto octets = std::as_bytes(std::span(text.data(), text.size()));
    return {octets.begin(), octets.end()};
}
bytes join(std::initializer_list<bytes> parts) {
    bytes all;
    for (const bytes& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}
bytes h1(std::initializer_list<bytes> parts) {
    return remote::sha1(join(parts));
}

remote::rsa_key make_key(const char* name) {
    chance_stream entropy(7, name);
    return remote::rsa_key(entropy);
}
bytes tpm_pubkey(const char* schemes, const bytes& modulus) {
    return join({hex("00000001"), hex(schemes), hex("0000000c00000800000000020000000000000100"), modulus});
}
bytes ek_public(const bytes& modulus) {
    return tpm_pubkey("00030001", modulus);
}
bytes aik_public(const bytes& modulus) {
    return tpm_pubkey("00010002", modulus);
}
bytes aik_public(const remote::rsa_key& key) {
    return aik_public(key.modulus());
}
bytes some_modulus(int first) {
    bytes modulus;
    for (int i = 0; i < 255; ++i)
        modulus.push_back(static_cast<std::byte>(first + i));
    modulus.push_back(std::byte{1});
    return modulus;
}

namespace {

const char* const uuid_text = "ac0a5b9e-cbe2-4c07-b43b-1d69e46fb839";
const char* const label = "system_u:system_r:vtpm_t";
const bytes kernel = ascii("kernel image"), initrd = ascii("initrd image");

bytes extended(const bytes& old_value, const bytes& digest) {
    return h1({old_value, digest});
}

// TPM_PCR_SELECTION and TPM_PCR_COMPOSITE for up to 24 PCRs.
bytes selection(std::uint32_t mask) {
    return join({hex("0003"), {std::byte(mask), std::byte(mask >> 8), std::byte(mask >> 16)}});
}
bytes selected(std::uint32_t mask, const std::vector<bytes>& pcrs) {
    bytes values;
    for (std::size_t i = 0; i < pcrs.size(); ++i)
        if ((mask >> i & 1) != 0)
            values = join({values, pcrs[i]});
    return values;
}
bytes composite(std::uint32_t mask, const std::vector<bytes>& pcrs) {
    const bytes values = selected(mask, pcrs);
    return join({selection(mask), hex(fmt::format("{:08x}", values.size())), values});
}

bytes quote_info(const bytes& digest, const bytes& external) {
    return join({hex("01010000"), ascii("QUOT"), digest, external});
}

bytes digests(const machine_state& s) {
    const std::uint32_t flags = s.challenge.deep_quote_flags;
    bytes all;
    if ((flags & 1) != 0)
        all = join({all, remote::sha1(s.uuid.octets)});
    if ((flags & 2) != 0)
        all = join({all, remote::sha1(s.kern_hash)});
    if ((flags & 4) != 0)
        all = join({all, h1({s.saa_modulus, s.cfg_list})});
    if ((flags & 8) != 0)
        all = join({all, remote::sha1(s.saa_modulus)});
    return all;
}

}  // namespace

attested_guest::attested_guest(const std::function<void(verifier_config&)>& change) {
    config.name = "verifier";
    config.platform = {{0, "BIOS", remote::sha1(ascii("bios"))},
                       {4, "boot loader", remote::sha1(ascii("loader"))},
                       {4, "hypervisor", remote::sha1(ascii("xen"))}};
    config.vtpm_pcr_mask = 0x0004FF;
    config.hardware_pcr_mask = 0x0000FF;
    config.deep_quote_flags = 15;
    guest_reference reference;
    reference.kernel_sha1 = remote::sha1(kernel);
    reference.initrd_sha1 = remote::sha1(initrd);
    reference.command_line = "root=/dev/xvda ro";
    reference.ima_files = {{"/sbin/init", {"sha256:" + to_hex(remote::sha256(ascii("init")))}},
                           {"/bin/a b", {"sha256:" + to_hex(remote::sha256(ascii("ab")))}}};
    reference.vtpm_uuid = *parse_uuid(uuid_text);
    reference.vtpm_label = label;
    config.guests = {{"guest1", reference}, {"guest2", reference}};
    change(config);
    parties = std::make_unique<remote_parties>(
        config, [](std::string_view consumer) { return std::make_unique<chance_stream>(1, consumer); });

    parties->certify_chip(ek_public(chip_ek));
    const auto platform =
        from_json<enrol_reply>(parties->handle("ca/enrol-platform", to_json(platform_request())));
    const auto guest = from_json<enrol_reply>(parties->handle("ca/enrol-guest", to_json(guest_request())));
    const auto group =
        from_json<saa_config_reply>(parties->handle("saa/configuration", to_json(config_request())));
    if (!platform->accepted || !guest->accepted || !group->accepted)
        throw std::logic_error(platform->reason + guest->reason + group->reason);
    guest_certificate = parties->ca().certificates().back().certificate;
    cfg_list = group->cfg_list;
}

enrol_request attested_guest::platform_request() const {
    enrol_request request;
    request.subject = "machine1";
    request.ek_public = ek_public(chip_ek);
    request.ek_certificate = parties->manufacturer().find(request.ek_public);
    request.aik_public = aik_public(group_aik);
    request.identity_binding =
        group_aik.sign_sha1(join({hex("0101000000000079"), bytes(20), request.aik_public}));
    return request;
}

enrol_request attested_guest::guest_request() const {
    enrol_request request;
    request.subject = "guest1";
    request.label = "guest1 identity";
    request.ek_public = ek_public(guest_ek);
    request.aik_public = aik_public(guest_aik);
    const bytes chosen_id = h1({ascii(request.label), parties->ca().public_key()});
    request.identity_binding =
        guest_aik.sign_sha1(join({hex("0101000000000079"), chosen_id, request.aik_public}));
    return request;
}

saa_config_request attested_guest::config_request() const {
    saa_config_request request;
    request.sequence = 5;
    request.vtpm_labels = {label};
    request.hardware_pcrs.assign(24, bytes(20));
    for (std::size_t pcr = 17; pcr <= 22; ++pcr)
        request.hardware_pcrs[pcr].assign(20, std::byte{0xFF});
    request.hardware_pcrs[0] = extended(bytes(20), remote::sha1(ascii("bios")));
    request.hardware_pcrs[4] =
        extended(extended(bytes(20), remote::sha1(ascii("loader"))), remote::sha1(ascii("xen")));
    return request;
}

machine_state attested_guest::honest_state() {
    machine_state s;
    s.challenge = *from_json<challenge_reply>(
        parties->handle("verifier/challenge", to_json(challenge_request{"guest1"})));
    s.hardware_pcrs = config_request().hardware_pcrs;
    s.uuid = *parse_uuid(uuid_text);
    s.kern_hash = remote::sha1(ascii(label));
    s.cfg_list = cfg_list;
    s.saa_modulus = parties->authority().modulus();
    s.boot_log = {{4, remote::sha1(kernel), "kernel /boot/vmlinuz"},
                  {5, remote::sha1(ascii("root=/dev/xvda ro")), "command line"},
                  {5, remote::sha1(initrd), "initrd /boot/initrd"}};
    s.vtpm_pcrs.assign(24, bytes(20));
    for (const measurement& step : s.boot_log)
        s.vtpm_pcrs[step.pcr] = extended(s.vtpm_pcrs[step.pcr], step.digest);
    restart_ima(s);
    measure_file(s, "sha256", remote::sha256(ascii("init")), "/sbin/init");
    measure_file(s, "sha256", remote::sha256(ascii("ab")), "/bin/a b");
    return s;
}

evidence attested_guest::sign(const machine_state& s) const {
    evidence e;
    e.guest = "guest1";
    e.nonce = s.challenge.nonce;
    e.aik_certificate = guest_certificate;
    const bytes quoted = composite(s.challenge.vtpm_pcr_mask, s.vtpm_pcrs);
    const bytes vtpm_digest = remote::sha1(quoted);
    if (s.quote2) {
        e.quote2_pcr_info =
            join({selection(s.challenge.vtpm_pcr_mask), {std::byte(s.quote_locality)}, vtpm_digest});
        e.quote_signature =
            guest_aik.sign_sha1(join({hex("0036"), ascii("QUT2"), e.nonce, e.quote2_pcr_info}));
    } else {
        e.quote_composite = quoted;
        e.quote_signature = guest_aik.sign_sha1(quote_info(vtpm_digest, e.nonce));
    }

    const bytes extern_data = h1({e.nonce, remote::sha1(aik_public(guest_aik))});
    const bytes locality{static_cast<std::byte>(1u << s.locality)};
    const bytes inner = h1({hex("00000000"), ascii("DQUT"), extern_data, selection(s.challenge.vtpm_pcr_mask),
                            locality, vtpm_digest});
    const bytes flags{static_cast<std::byte>(s.challenge.deep_quote_flags), {}, {}, {}};
    const bytes external = h1({flags, inner, digests(s)});
    const std::uint32_t mask = s.challenge.hardware_pcr_mask;
    const bytes signature =
        group_aik.sign_sha1(quote_info(remote::sha1(composite(mask, s.hardware_pcrs)), external));
    e.deep_quote = join({signature, digests(s), selected(mask, s.hardware_pcrs)});
    e.deep_quote_locality = s.locality;
    e.vtpm_pcrs = s.vtpm_pcrs;
    e.boot_log = s.boot_log;
    e.ima_log = s.ima_log;
    return e;
}

verdict attested_guest::judge(const evidence& shown) {
    return *from_json<verdict>(parties->handle("verifier/evidence", to_json(shown)));
}

verdict attested_guest::with_state(const std::function<void(machine_state&)>& change) {
    machine_state state = honest_state();
    change(state);
    return judge(sign(state));
}

verdict attested_guest::with_evidence(const std::function<void(evidence&)>& change) {
    evidence shown = honest();
    change(shown);
    return judge(shown);
}

void measure_file(machine_state& state, const std::string& algorithm, const bytes& digest,
                  const std::string& path) {
    const auto size = [](std::size_t n) { return bytes{static_cast<std::byte>(n), {}, {}, {}}; };
    const bytes hash = h1({size(algorithm.size() + 2 + digest.size()), ascii(algorithm + ":"), hex("00"),
                           digest, size(path.size() + 1), ascii(path), hex("00")});
    state.ima_log += fmt::format("10 {} ima-ng {}:{} {}\n", to_hex(hash), algorithm, to_hex(digest), path);
    state.vtpm_pcrs[10] = extended(state.vtpm_pcrs[10], hash);
}

void restart_ima(machine_state& state) {
    state.ima_log.clear();
    state.vtpm_pcrs[10] = bytes(20);
    bytes first_eight;
    for (std::size_t pcr = 0; pcr < 8; ++pcr)
        first_eight = join({first_eight, state.vtpm_pcrs[pcr]});
    measure_file(state, "sha1", remote::sha1(first_eight), "boot_aggregate");
}

const verdict_reason* find_reason(const verdict& outcome, std::string_view check) {
    for (const verdict_reason& reason : outcome.reasons)
        if (reason.check == check)
            return &reason;
    return nullptr;
}

std::string failures(const verdict& outcome) {
    std::string names;
    for (const verdict_reason& reason : outcome.reasons)
        if (!reason.passed)
            names += (names.empty() ? "" : " ") + reason.check;
    return names;
}

std::string text_of(const verdict& outcome, std::string_view check) {
    const verdict_reason* reason = find_reason(outcome, check);
    return reason == nullptr ? "no such check" : reason->text;
}

void flip(bytes& octets, std::size_t at) {
    octets.at(at) ^= std::byte{1};
}

}  // namespace vtwin::test
