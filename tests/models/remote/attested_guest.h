// Test double of everything inside the machine: keys made by OpenSSL, and evidence signed with them.
// Structures are put together here by hand, so that the code under test is not its own reference.
#pragma once

#include <functional>
#include <string>

#include "models/chance.h"
#include "models/hex.h"
#include "models/remote/remote_parties.h"

namespace vtwin::test {

using namespace vtwin::models;

bytes hex(std::string_view text);
bytes ascii(std::string_view text);
bytes join(std::initializer_list<bytes> parts);
bytes h1(std::initializer_list<bytes> parts);  ///< SHA-1 of the parts joined
remote::rsa_key make_key(const char* name);
bytes ek_public(const bytes& modulus);  ///< TPM_PUBKEY
bytes aik_public(const bytes& modulus);
bytes aik_public(const remote::rsa_key& key);
/// An odd number of 2048 bits that stands for a key which only has to be encrypted to.
bytes some_modulus(int first);

/// What the machine holds when it answers a challenge; tests change one thing before or after signing.
struct machine_state {
    challenge_reply challenge;
    std::vector<bytes> vtpm_pcrs, hardware_pcrs;
    std::vector<measurement> boot_log;
    std::string ima_log;
    uuid_t uuid;
    bytes kern_hash, cfg_list, saa_modulus;
    std::uint8_t locality = 0;
    bool quote2 = false;  ///< TPM_Quote2, at `quote_locality` (bit n: locality n)
    std::uint8_t quote_locality = 1;
};

class attested_guest {
  public:
    /// `change`: of what the verifier expects.
    explicit attested_guest(const std::function<void(verifier_config&)>& change = [](verifier_config&) {});

    machine_state honest_state();
    evidence sign(const machine_state& state) const;
    evidence honest() { return sign(honest_state()); }
    verdict judge(const evidence& shown);
    /// State changed before signing, then judged: a machine that really is different.
    verdict with_state(const std::function<void(machine_state&)>& change);
    /// Evidence changed after signing, then judged: a forgery.
    verdict with_evidence(const std::function<void(evidence&)>& change);

    enrol_request platform_request() const;
    enrol_request guest_request() const;
    saa_config_request config_request() const;

    verifier_config config;
    remote::rsa_key group_aik = make_key("group_aik"), guest_aik = make_key("guest_aik");
    bytes chip_ek = some_modulus(0xC1), guest_ek = some_modulus(0xD1);  ///< modulus
    std::unique_ptr<remote_parties> parties;
    bytes guest_certificate, cfg_list;
};

/// Appends an ima-ng line with its right template hash and extends PCR 10 with it.
void measure_file(machine_state& state, const std::string& algorithm, const bytes& digest,
                  const std::string& path);
/// The PCR 10 that a list of such lines leads to is kept by measure_file; this starts again with
/// boot_aggregate.
void restart_ima(machine_state& state);

const verdict_reason* find_reason(const verdict& outcome, std::string_view check);
/// The checks that failed, in order, separated by blanks.
std::string failures(const verdict& outcome);
/// What a check said of it.
std::string text_of(const verdict& outcome, std::string_view check);
/// Changes one bit of an octet.
void flip(bytes& octets, std::size_t at = 0);

}  // namespace vtwin::test
