// What the manager does with its TPM 1.2: start-up, ownership, sealing, attestation keys and quotes.
// Source: stubdom/vtpmmgr/init.c, disk_tpm.c, mgmt_authority.c, tpm.c.
#pragma once

#include <functional>
#include <string>

#include "models/vtpmmgr/disk_tree.h"
#include "models/vtpmmgr/options.h"
#include "models/vtpmmgr/seal.h"
#include "models/vtpmmgr/tpm_link.h"

namespace vtwin::models::manager {

/// What MakeIdentity gives.
struct made_identity {
    octets<256> modulus{}, enc_data{}, binding{};
};

/// What Quote gives: the signature, and the selected PCR values in ascending order.
struct made_quote {
    octets<256> signature{};
    bytes pcr_values;
};

class hardware_tpm final : public seal_if {
  public:
    using log_fn = std::function<void(const std::string&)>;

    hardware_tpm(tpm_link& link, tpm::entropy_if& entropy, const manager_options& options,
                 const behaviour_set& behaviours, log_fn log);

    // ---- start-up, in this order; status codes are those of tpm_link::execute
    std::uint32_t read_version();
    /// FlushSpecific for every handle in the chip, type by type, until the first error.
    void flush_handles();
    std::uint32_t open_srk_session();
    /// PCR 0..23, kept for the rest of the run; a value that cannot be read stays zero.
    void cache_pcrs();
    /// The disk gave nothing: makes sure that the TPM has an EK and an owner.
    std::uint32_t prepare_first_time();
    /// The SRK session's end at shutdown.
    void close();

    // ---- seal_if
    sha1_digest composite(std::uint32_t mask) override { return pcr_composite(mask, m_pcrs); }
    bool seal(seal_entry& entry, byte_view data) override;
    std::optional<bytes> unseal(const seal_entry& entry) override;

    // ---- monotonic counter against rollback; upstream's calls are stubs, only the hardened manager makes
    // these
    std::uint32_t create_counter(const octets<20>& auth, std::uint32_t& id, std::uint32_t& value);
    std::uint32_t read_counter(std::uint32_t id, std::uint32_t& value);
    std::uint32_t increment_counter(std::uint32_t id, const octets<20>& auth, std::uint32_t& value);

    // ---- attestation keys
    std::uint32_t make_identity(byte_view label_digest, const octets<20>& aik_auth, made_identity& out);
    /// Quotes `selection` (mask bytes as given, any length) with the group's AIK.
    std::uint32_t quote(const vtpm_group& group, const sha1_digest& external_data, byte_view selection,
                        made_quote& out);
    /// ActivateIdentity with PCR 20..23 showing the group. `symmetric_key` receives the TPM_SYMMETRIC_KEY.
    std::uint32_t activate_identity(const vtpm_group& group, byte_view group_configuration, byte_view blob,
                                    bytes& symmetric_key);

    tpm_link& link() { return m_link; }

  private:
    std::uint32_t read_pcr(std::uint32_t index, sha1_digest& out);
    std::uint32_t read_endorsement_key(std::uint32_t ordinal, byte_view more, bytes& modulus);
    std::uint32_t take_ownership(byte_view ek_modulus);
    std::uint32_t load_aik(const vtpm_group& group, std::uint32_t& handle);
    void terminate(tpm_session& session);
    void flush_key(std::uint32_t handle);
    /// OIAP or OSAP for the seal code: a refusal kills the domain or is an error.
    bool opened(std::uint32_t status) const;
    void reopen_srk_session(behaviour which);
    /// The PCR info of an entry, as sealed or to be sealed.
    bytes pcr_info(const seal_entry& entry) const;

    tpm_link& m_link;
    tpm::entropy_if& m_entropy;
    const manager_options& m_options;
    const behaviour_set& m_behaviours;
    log_fn m_log;
    tpm_session m_srk;  ///< the global OIAP session of all SRK-authorised commands
    pcr_values m_pcrs{};
};

}  // namespace vtwin::models::manager
