// TPM 2.0 commands as functions: what a guest's software calls for its attestation. Password and policy
// sessions only, so the one state is the TPM's.
#pragma once

#include <functional>
#include <vector>

#include "tpm/codec/tpm20.h"

namespace vtwin::tpm::tpm20 {

/// One command out, one response back; an empty response is a transport failure.
using transmit_fn = std::function<bytes(byte_view)>;

/// A command's response code and, when it is 0, what the TPM returned.
template <typename T>
struct answer {
    std::uint32_t code = rc::failure;
    T value{};
    explicit operator bool() const { return code == rc::success; }
};

/// EK of the TCG EK Credential Profile, template L-1: restricted RSA-2048 decryption key, used under
/// PolicySecret(endorsement). TPMT_PUBLIC.
bytes endorsement_key_template();
/// Restricted RSA-2048 signing key, RSASSA with SHA-256. TPMT_PUBLIC. It stands outside dictionary-attack
/// protection: its password is random.
bytes attestation_key_template();

struct primary_key {
    std::uint32_t handle = 0;
    bytes public_area;  ///< TPMT_PUBLIC
};
struct quotation {
    bytes attest;     ///< TPMS_ATTEST
    bytes signature;  ///< TPMT_SIGNATURE
};
/// What the vendor command DeepQuote returns.
struct deep_quotation {
    quotation quote;
    bytes manager_body;  ///< the manager's GET_QUOTE body: signature, digests, hardware PCRs
};
/// PCRs of one bank; bit n of `mask` is PCR n.
struct pcr_choice {
    std::uint16_t bank = alg::sha256;
    std::uint32_t mask = 0;
};

/// Speaks to one TPM. Checks of each response: transport failure or malformed response TPM_RC_FAILURE,
/// another code that code.
class client {
  public:
    explicit client(transmit_fn transmit) : m_transmit(std::move(transmit)) {}

    std::uint32_t startup(std::uint16_t type) { return send(tpm20::startup(type)).code; }
    std::uint32_t self_test(bool full) { return send(tpm20::self_test(full)).code; }
    answer<bytes> get_random(std::uint16_t count);
    answer<std::vector<std::uint16_t>> pcr_banks();
    answer<bytes> pcr_read(std::uint16_t bank, unsigned pcr);
    std::uint32_t pcr_extend(unsigned pcr, const std::vector<bank_digest>& digests);
    /// All 24 PCRs of a bank, eight at a time as tpm2_pcrread asks. An answer with fewer values is a failure.
    answer<std::vector<bytes>> read_bank(std::uint16_t bank);

    /// The hierarchy's own password is the empty one.
    answer<primary_key> create_primary(std::uint32_t hierarchy, byte_view key_password,
                                       byte_view public_template);
    /// Makes a loaded key persistent at a handle of the owner (0x81000000 to 0x817FFFFF), or removes it from
    /// there when both are the same.
    std::uint32_t evict_control(std::uint32_t object, std::uint32_t persistent);
    answer<bytes> read_public(std::uint32_t object);  ///< TPMT_PUBLIC
    std::uint32_t flush_context(std::uint32_t object) { return send(tpm20::flush_context(object)).code; }

    /// Opens a credential that MakeCredential made for this EK and the AK's Name. The EK is authorised by
    /// PolicySecret(endorsement) in a session of its own; `nonce` (16 to 32 octets) begins it.
    answer<bytes> activate_credential(std::uint32_t ak, byte_view ak_password, std::uint32_t ek,
                                      byte_view credential_blob, byte_view secret, byte_view nonce);
    answer<quotation> quote(std::uint32_t key, byte_view password, byte_view qualifying_data,
                            const pcr_choice& pcrs);
    answer<deep_quotation> deep_quote(std::uint32_t key, byte_view password, byte_view qualifying_data,
                                      const pcr_choice& pcrs, std::uint32_t hardware_mask,
                                      std::uint32_t flags);

  private:
    response send(byte_view command);
    answer<std::uint32_t> endorsement_policy(byte_view nonce);

    transmit_fn m_transmit;
};

/// PolicyA of the EK profile and of endorsement_key_template().
bytes endorsement_policy_digest();
/// The command bytes of a quote (or, with the tail, of a deep quote), for loads that send the same again and
/// again.
bytes quote_command(std::uint32_t key, byte_view password, byte_view qualifying_data, const pcr_choice& pcrs);

}  // namespace vtwin::tpm::tpm20
