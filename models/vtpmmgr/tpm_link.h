// One command to the hardware TPM and the checks on its response, in upstream's order.
// Source: stubdom/vtpmmgr/tpmrsa.c, tpm.c, marshal.h; TPM Main Part 1 (authorisation protocols).
#pragma once

#include <functional>
#include <span>

#include "models/behaviours/behaviours.h"
#include "models/ports.h"
#include "models/vtpmmgr/protocol.h"
#include "tpm/codec/tpm12_constants.h"
#include "tpm/codec/wire.h"

namespace vtwin::models::manager {

namespace tpm12 = tpm::tpm12;

/// An authorisation session as its user keeps it. Handle 0: none, or lost by an error; commands sent with it
/// fail.
struct tpm_session {
    std::uint32_t handle = 0;
    tpm12::nonce nonce_even{};
    tpm12::secret shared{};  ///< OSAP: the shared secret; OIAP: unused
    bool continued = true;   ///< continueAuthSession of the next command
};

/// A session's part in one command: which session, and the HMAC key.
struct authorisation {
    tpm_session& session;
    tpm12::secret key;
};

/// A handle or another number as the octets that a digest or a packet takes.
inline bytes number(std::uint32_t value) {
    return tpm::wire_writer().u32(value).take();
}

class tpm_link {
  public:
    using parser = std::function<void(tpm::wire_reader&)>;

    tpm_link(tpm_transport_if& transport, const behaviour_set& behaviours, stubdom_services_if& services);
    /// Where nonces come from; to be set before the first authorised command.
    void set_entropy(tpm::entropy_if& entropy) { m_entropy = &entropy; }

    /// Sends ordinal with handles (outside the digest) and parameters under up to two sessions. `parse` reads
    /// the response parameters. Returns 0, the TPM's status, or the manager's own code: 31 transport, 9 tag
    /// or size, 23 too short or too long, 1 response authorisation. Any error zeroes the sessions' handles.
    std::uint32_t execute(std::uint32_t ordinal, byte_view handles, byte_view parameters,
                          std::span<const authorisation> sessions, const parser& parse = {});
    std::uint32_t execute(std::uint32_t ordinal, byte_view parameters, const parser& parse = {}) {
        return execute(ordinal, {}, parameters, {}, parse);
    }
    /// Bytes through and back; an empty response stands for a transport failure.
    bytes pass_through(byte_view command);

    std::uint32_t oiap(tpm_session& session);
    std::uint32_t osap(tpm_session& session, std::uint16_t entity_type, std::uint32_t entity,
                       const tpm12::secret& secret);
    /// TPM_GetRandom; empty on any failure.
    bytes get_random(std::size_t wanted);

  private:
    std::uint32_t check(std::uint32_t ordinal, std::uint16_t request_tag, byte_view request,
                        byte_view response, std::span<const authorisation> sessions,
                        std::span<const tpm12::nonce> odd, const parser& parse);
    transport_result transmit(byte_view command);

    tpm_transport_if& m_transport;
    const behaviour_set& m_behaviours;
    stubdom_services_if& m_services;
    tpm::entropy_if* m_entropy = nullptr;
};

}  // namespace vtwin::models::manager
