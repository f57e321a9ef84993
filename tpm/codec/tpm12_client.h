// TPM 1.2 commands as functions: what software on top of a TPM driver calls. Used by the manager and by
// guests.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tpm/codec/tpm12_constants.h"
#include "tpm/codec/tpm12_session.h"
#include "tpm/codec/tpm12_structures.h"

namespace vtwin::tpm::tpm12 {

/// One command out, one response back; an empty response is a transport failure.
using transmit_fn = std::function<bytes(byte_view)>;

/// A command's result code and, when it is 0, what the TPM returned.
template <typename T>
struct answer {
    std::uint32_t code = rc::fail;
    T value{};
    explicit operator bool() const { return code == rc::success; }
};

/// One command to be exchanged, for commands that the client has no function for.
struct call {
    std::uint32_t ordinal = 0;
    bytes handles;  ///< stand before the parameters, outside the request digest
    bytes parameters;
    std::vector<authorisation> sessions;  ///< 0 to 2
    std::size_t response_handles =
        0;  ///< bytes of handles before the response parameters, outside its digest
    std::function<void(wire_reader&)> parse;  ///< reads the response parameters, handles included
};

/// A new key handle, with or without what else the command returns.
struct identity {
    tpm12::key key;
    bytes binding;  ///< signature over identity_contents()
};
struct quotation {
    bytes composite;  ///< TPM_PCR_COMPOSITE as received
    bytes signature;  ///< over quote_info(sha1(composite), external data)
};
struct quotation2 {
    bytes pcr_info;   ///< TPM_PCR_INFO_SHORT as received
    bytes signature;  ///< over quote_info2(pcr_info, external data)
};

/// Speaks to one TPM through `transmit`. Draws nonces and OAEP seeds from `entropy`, one nonceOdd per session
/// and command. Checks of each response, in this order: transport failure TPM_IOERROR; non-zero status, that
/// status; tag or size field wrong TPM_FAIL; fields beyond the end TPM_SIZE; HMAC wrong TPM_AUTHFAIL; bytes
/// left over TPM_SIZE. On any failure the command's sessions are forgotten (handle 0): the TPM has closed
/// them, or its nonces are unknown.
class client {
  public:
    client(transmit_fn transmit, entropy_if& entropy);

    // ---- without authorisation
    std::uint32_t startup(std::uint16_t type);
    std::uint32_t self_test_full();
    std::uint32_t continue_self_test();
    std::uint32_t save_state();
    std::uint32_t tsc_physical_presence(std::uint16_t presence);
    std::uint32_t physical_enable();
    std::uint32_t physical_set_deactivated(bool deactivated);
    answer<bytes> get_capability(std::uint32_t area, byte_view sub_capability);
    answer<bytes> get_capability(std::uint32_t area, std::uint32_t sub_capability);
    /// TPM_CAP_HANDLE: the handles of one resource type.
    answer<std::vector<std::uint32_t>> get_handles(std::uint32_t resource_type);
    answer<bytes> get_random(std::uint32_t count);  ///< may return fewer bytes
    answer<digest> pcr_read(std::uint32_t pcr);
    answer<digest> extend(std::uint32_t pcr, const digest& measurement);
    std::uint32_t pcr_reset(const pcr_selection& selection);
    std::uint32_t flush_specific(std::uint32_t handle, std::uint32_t resource_type);
    std::uint32_t terminate_handle(std::uint32_t session_handle);
    /// Ends an open session and forgets it; a session without handle costs no command.
    std::uint32_t terminate(auth_session& session);
    /// Public EK; a wrong checksum is TPM_FAIL.
    answer<public_key> read_pubek();
    answer<public_key> create_endorsement_key_pair();
    answer<auth_session> oiap();
    answer<auth_session> osap(std::uint16_t entity_type, std::uint32_t entity_value,
                              const secret& entity_secret);

    // ---- owner
    answer<key> take_ownership(const public_key& ek, const secret& owner_auth, const secret& srk_auth,
                               auth_session& session, const key& srk_template = key::storage_template());
    std::uint32_t owner_clear(const authorisation& owner);
    std::uint32_t disable_pubek_read(const authorisation& owner);
    /// Public part of the EK (handle::ek) or the SRK (handle::srk).
    answer<public_key> owner_read_internal_pub(std::uint32_t key_handle, const authorisation& owner);
    /// `owner` must be an OSAP session for the owner: it carries the new identity's secret.
    answer<identity> make_identity(const secret& identity_auth, const digest& label_digest,
                                   const authorisation& srk, const authorisation& owner,
                                   const key& identity_template = key::identity_template());
    answer<symmetric_key> activate_identity(std::uint32_t identity_handle, byte_view blob,
                                            const authorisation& identity, const authorisation& owner);

    // ---- keys
    /// `parent` must be an OSAP session for the parent: it carries the new key's secrets.
    answer<key> create_wrap_key(std::uint32_t parent_handle, const secret& usage_auth,
                                const secret& migration_auth, const key& key_template,
                                const authorisation& parent);
    /// TPM_LoadKey (TPM 1.1): the handle returned is inside the response digest.
    answer<std::uint32_t> load_key(std::uint32_t parent_handle, const key& wrapped,
                                   const authorisation& parent);
    answer<std::uint32_t> load_key2(std::uint32_t parent_handle, const key& wrapped,
                                    const authorisation& parent);

    // ---- data and quotes
    /// `parent` must be an OSAP session for the parent: it carries the data's secret.
    answer<stored_data> seal(std::uint32_t parent_handle, const secret& data_auth, const pcr_info_long& info,
                             byte_view data, const authorisation& parent);
    answer<bytes> unseal(std::uint32_t parent_handle, const stored_data& blob, const authorisation& parent,
                         const authorisation& data);
    answer<quotation> quote(std::uint32_t key_handle, const digest& external_data,
                            const pcr_selection& selection, const authorisation& key);
    /// TPM_Quote2 without the version information; a response that brings one all the same is TPM_SIZE.
    answer<quotation2> quote2(std::uint32_t key_handle, const digest& external_data,
                              const pcr_selection& selection, const authorisation& key);
    /// Vendor command of Xen's vTPM. The body is the manager's GET_QUOTE body: signature, digests, hardware
    /// PCRs.
    answer<bytes> deep_quote(const digest& external_data, const pcr_selection& vtpm_pcrs,
                             const pcr_selection& hardware_pcrs, std::uint32_t flags,
                             const authorisation& owner);

    /// Sends `request` and applies all checks. Sessions must have drawn their nonceOdd when `nonces_drawn`.
    std::uint32_t exchange(const call& request, bool nonces_drawn = false);

  private:
    void begin(const std::vector<authorisation>& sessions);
    std::uint32_t send_and_check(const call& request);
    answer<public_key> endorsement_key(std::uint32_t ordinal, const bytes& parameters_behind_nonce);
    std::uint32_t simple(std::uint32_t ordinal, bytes parameters = {});

    transmit_fn m_transmit;
    entropy_if& m_entropy;
};

/// The bytes of a command without sessions.
bytes plain_command(std::uint32_t ordinal, byte_view parameters = {});
/// The bytes of `request` as sent, with nonces drawn before.
bytes encode(const call& request);

}  // namespace vtwin::tpm::tpm12
