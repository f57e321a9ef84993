#include "models/vtpmmgr/hardware_tpm.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/domain_crash.h"
#include "tpm/codec/tpm12_crypto.h"
#include "tpm/codec/tpm12_structures.h"

namespace vtwin::models::manager {

namespace {

using tpm::wire_reader;
using tpm::wire_writer;

constexpr std::uint32_t ordinal_create_counter = 220, ordinal_increment_counter = 221,
                        ordinal_read_counter = 222;

}  // namespace

hardware_tpm::hardware_tpm(tpm_link& link, tpm::entropy_if& entropy, const manager_options& options,
                           const behaviour_set& behaviours, log_fn log)
    : m_link(link), m_entropy(entropy), m_options(options), m_behaviours(behaviours), m_log(std::move(log)) {}

std::uint32_t hardware_tpm::read_version() {
    const bytes parameters = wire_writer().u32(tpm12::cap::version_val).u32(0).take();
    return m_link.execute(tpm12::ord::get_capability, parameters, [&](wire_reader& in) {
        const bytes info = in.sized32();
        if (info.size() >= 6)
            m_log(fmt::format("hardware TPM version {}.{}.{}.{}", int(info[2]), int(info[3]), int(info[4]),
                              int(info[5])));
    });
}

void hardware_tpm::flush_handles() {
    using namespace tpm12::resource;
    // The hardened manager cannot know which handles a former run left behind, so it flushes none.
    if (m_behaviours.hardened(behaviour::vtpmmgr_boot_flushes_foreign_handles))
        return;
    for (const std::uint32_t type :
         {std::uint32_t{key}, std::uint32_t{auth}, std::uint32_t{trans}, std::uint32_t{counter},
          std::uint32_t{daa_tpm}, std::uint32_t{context}}) {
        if (type == counter && m_behaviours.hardened(behaviour::vtpmmgr_rollback_counter_is_stub))
            continue;  // one of them may be the manager's own
        std::vector<std::uint32_t> handles;
        const bytes parameters = wire_writer().u32(tpm12::cap::handle).u32(4).u32(type).take();
        std::uint32_t status = m_link.execute(tpm12::ord::get_capability, parameters, [&](wire_reader& in) {
            in.u32();
            const std::size_t count = in.u16();
            for (std::size_t i = 0; i < count && in.ok(); ++i)
                handles.push_back(in.u32());
        });
        for (std::size_t i = 0; status == status::success && i < handles.size(); ++i)
            if (handles[i] != 0)
                status = m_link.execute(tpm12::ord::flush_specific,
                                        wire_writer().u32(handles[i]).u32(type).take());
        if (status != status::success) {
            m_log(fmt::format("flushing handles of type {} failed: {}", type, status));
            return;
        }
    }
}

std::uint32_t hardware_tpm::open_srk_session() {
    return m_link.oiap(m_srk);
}

std::uint32_t hardware_tpm::read_pcr(std::uint32_t index, sha1_digest& out) {
    return m_link.execute(tpm12::ord::pcr_read, number(index),
                          [&](wire_reader& in) { out = in.fixed<20>(); });
}

void hardware_tpm::cache_pcrs() {
    for (std::uint32_t i = 0; i < pcr_count; ++i)
        read_pcr(i, m_pcrs[i]);
}

std::uint32_t hardware_tpm::read_endorsement_key(std::uint32_t ordinal, byte_view more, bytes& modulus) {
    tpm12::nonce anti_replay;
    m_entropy.fill(anti_replay);
    bytes key;
    tpm12::digest checksum{};
    const std::uint32_t status =
        m_link.execute(ordinal, tpm::concat({anti_replay, more}), [&](wire_reader& in) {
            const auto parsed = tpm12::public_key::read(in);
            modulus = parsed.modulus;
            key = parsed.encode();
            checksum = in.fixed<20>();
        });
    if (status == status::success && checksum != tpm12::sha1({key, anti_replay}))
        return status::fail;
    return status;
}

std::uint32_t hardware_tpm::take_ownership(byte_view ek_modulus) {
    const auto encrypted = [&](const octets<20>& auth) {
        return tpm12::oaep_encrypt(ek_modulus, auth, m_entropy);
    };
    const bytes owner = encrypted(m_options.owner_auth);
    const bytes srk = encrypted(m_options.srk_auth);
    if (owner.empty() || srk.empty())
        return status::fail;
    const bytes parameters = wire_writer()
                                 .u16(5)  // TPM_PID_OWNER
                                 .sized32(owner)
                                 .sized32(srk)
                                 .raw(tpm12::key::storage_template().encode())
                                 .take();
    const authorisation auth[] = {{m_srk, m_options.owner_auth}};
    return m_link.execute(tpm12::ord::take_ownership, {}, parameters, auth,
                          [](wire_reader& in) { tpm12::key::read(in); });
}

std::uint32_t hardware_tpm::prepare_first_time() {
    if (m_srk.handle == 0)
        if (const std::uint32_t status = open_srk_session(); status != status::success)
            return status;
    bytes ek;
    std::uint32_t status = read_endorsement_key(tpm12::ord::read_pubek, {}, ek);
    if (status == tpm12::rc::no_endorsement) {
        m_log("hardware TPM has no endorsement key, creating one");
        wire_writer parms;
        tpm12::key_parms{.enc_scheme = tpm12::enc::rsaes_oaep_sha1_mgf1}.write(parms);
        status = read_endorsement_key(tpm12::ord::create_endorsement_key_pair, parms.data(), ek);
    }
    if (status == status::success) {
        status = take_ownership(ek);
        if (status != status::success)
            return status;
        const authorisation owner[] = {{m_srk, m_options.owner_auth}};
        status = m_link.execute(tpm12::ord::disable_pubek_read, {}, {}, owner);
        if (status != status::success)
            return status;
    } else if (status != status::disabled_cmd) {  // TPM_DISABLED_CMD: somebody owns it already, use its SRK
        return status;
    }
    tpm_session unused;
    status = m_link.osap(unused, tpm12::entity::keyhandle, tpm12::handle::srk, m_options.srk_auth);
    if (status != status::success)
        return status;
    status = m_link.execute(tpm12::ord::save_state, {});
    terminate(unused);
    return status;
}

void hardware_tpm::close() {
    terminate(m_srk);
}

void hardware_tpm::terminate(tpm_session& session) {
    if (session.handle != 0)
        m_link.execute(tpm12::ord::terminate_handle, number(session.handle));
    session.handle = 0;
}

bool hardware_tpm::opened(std::uint32_t status) const {
    if (status == status::success)
        return true;
    if (m_behaviours.faithful(behaviour::vtpmmgr_session_open_failure_aborts))
        throw domain_crash(
            fmt::format("vtpmmgr: no authorisation session for sealing, TPM status {}", status));
    return false;
}

void hardware_tpm::reopen_srk_session(behaviour which) {
    if (m_srk.handle == 0 && m_behaviours.hardened(which))
        open_srk_session();
}

bytes hardware_tpm::pcr_info(const seal_entry& entry) const {
    const auto locality = static_cast<std::uint8_t>(1u << m_options.hw_locality());
    const auto selection = tpm12::pcr_selection::of(entry.pcr_mask & 0xFFFFFF);
    return tpm12::pcr_info_long{.locality_at_creation = locality,
                                .locality_at_release = locality,
                                .creation_selection = selection,
                                .release_selection = selection,
                                .digest_at_creation = entry.digest_at_seal,
                                .digest_at_release = entry.digest_at_release}
        .encode();
}

bool hardware_tpm::seal(seal_entry& entry, byte_view data) {
    const bool verify = m_behaviours.hardened(behaviour::vtpmmgr_stale_pcr_cache_seals_unopenable_blob);
    if ((entry.pcr_mask & 0xFFFFFF) == 0 &&
        m_behaviours.hardened(behaviour::vtpmmgr_empty_pcr_mask_never_unseals))
        return false;
    if (verify)
        cache_pcrs();
    entry.digest_at_seal = composite(entry.pcr_mask);
    tpm_session session;
    if (!opened(m_link.osap(session, tpm12::entity::keyhandle, tpm12::handle::srk, m_options.srk_auth)))
        return false;
    // The data's own secret is 20 zero bytes, so its encryption is the pad itself.
    const auto enc_auth = tpm12::sha1({session.shared, session.nonce_even});
    const bytes parameters = wire_writer().raw(enc_auth).sized32(pcr_info(entry)).sized32(data).take();
    const authorisation auth[] = {{session, session.shared}};
    bytes blob;
    const std::uint32_t status =
        m_link.execute(tpm12::ord::seal, number(tpm12::handle::srk), parameters, auth,
                       [&](wire_reader& in) { blob = tpm12::stored_data::read(in).enc_data; });
    if (status != status::success || blob.size() != entry.blob.size()) {
        m_log(fmt::format("sealing failed: {}", status));
        return false;
    }
    std::copy(blob.begin(), blob.end(), entry.blob.begin());
    if (verify && composite(entry.pcr_mask) == entry.digest_at_release) {
        const auto back = unseal(entry);
        return back && std::equal(back->begin(), back->end(), data.begin(), data.end());
    }
    return true;
}

std::optional<bytes> hardware_tpm::unseal(const seal_entry& entry) {
    reopen_srk_session(behaviour::vtpmmgr_failed_unseal_loses_both_slots);
    tpm_session data_session;
    if (!opened(m_link.oiap(data_session)))
        return std::nullopt;
    tpm12::stored_data stored;
    stored.seal_info = pcr_info(entry);
    stored.enc_data.assign(entry.blob.begin(), entry.blob.end());
    const authorisation auth[] = {{m_srk, m_options.srk_auth}, {data_session, {}}};
    bytes data;
    const std::uint32_t status =
        m_link.execute(tpm12::ord::unseal, number(tpm12::handle::srk), stored.encode(), auth,
                       [&](wire_reader& in) { data = in.sized32(); });
    if (status != status::success) {
        m_log(fmt::format("unsealing failed: {}", status));
        return std::nullopt;
    }
    terminate(data_session);
    return data;
}

namespace {

/// TPM_COUNTER_VALUE: tag, label, value.
std::uint32_t read_counter_value(wire_reader& in) {
    in.u16();
    in.u32();
    return in.u32();
}

}  // namespace

std::uint32_t hardware_tpm::create_counter(const octets<20>& auth, std::uint32_t& id, std::uint32_t& value) {
    constexpr std::uint32_t label = 0x76746D6D;  // "vtmm"
    tpm_session owner;
    const std::uint32_t status = m_link.osap(owner, tpm12::entity::owner, 0, m_options.owner_auth);
    if (status != status::success)
        return status;
    auto enc_auth = tpm12::sha1({owner.shared, owner.nonce_even});
    for (std::size_t i = 0; i < enc_auth.size(); ++i)
        enc_auth[i] ^= auth[i];
    const authorisation sessions[] = {{owner, owner.shared}};
    return m_link.execute(ordinal_create_counter, {}, wire_writer().raw(enc_auth).u32(label).take(), sessions,
                          [&](wire_reader& in) {
                              id = in.u32();
                              value = read_counter_value(in);
                          });
}

std::uint32_t hardware_tpm::read_counter(std::uint32_t id, std::uint32_t& value) {
    return m_link.execute(ordinal_read_counter, number(id),
                          [&](wire_reader& in) { value = read_counter_value(in); });
}

std::uint32_t hardware_tpm::increment_counter(std::uint32_t id, const octets<20>& auth,
                                              std::uint32_t& value) {
    tpm_session session;
    if (const std::uint32_t status = m_link.oiap(session); status != status::success)
        return status;
    session.continued = false;
    const authorisation sessions[] = {{session, auth}};
    return m_link.execute(ordinal_increment_counter, {}, number(id), sessions,
                          [&](wire_reader& in) { value = read_counter_value(in); });
}

std::uint32_t hardware_tpm::make_identity(byte_view label_digest, const octets<20>& aik_auth,
                                          made_identity& out) {
    tpm_session owner, srk;
    std::uint32_t status = m_link.osap(owner, tpm12::entity::owner, 0, m_options.owner_auth);
    if (status != status::success)
        return status;
    status = m_link.oiap(srk);
    if (status != status::success) {
        terminate(owner);
        return status;
    }
    auto enc_auth = tpm12::sha1({owner.shared, owner.nonce_even});
    for (std::size_t i = 0; i < enc_auth.size(); ++i)
        enc_auth[i] ^= aik_auth[i];
    const bytes parameters =
        wire_writer().raw(enc_auth).raw(label_digest).raw(tpm12::key::identity_template().encode()).take();
    const authorisation auth[] = {{srk, m_options.srk_auth}, {owner, owner.shared}};
    tpm12::key key;
    bytes binding;
    status = m_link.execute(tpm12::ord::make_identity, {}, parameters, auth, [&](wire_reader& in) {
        key = tpm12::key::read(in);
        binding = in.sized32();
    });
    terminate(srk);
    if (status != status::success)
        return status;
    if (key.modulus.size() != 256 || key.enc_data.size() != 256 || binding.size() != 256)
        return status::fail;
    std::copy(key.modulus.begin(), key.modulus.end(), out.modulus.begin());
    std::copy(key.enc_data.begin(), key.enc_data.end(), out.enc_data.begin());
    std::copy(binding.begin(), binding.end(), out.binding.begin());
    return status;
}

std::uint32_t hardware_tpm::load_aik(const vtpm_group& group, std::uint32_t& handle) {
    reopen_srk_session(behaviour::vtpmmgr_srk_session_never_reopened);
    tpm12::key key = tpm12::key::identity_template();
    key.modulus.assign(group.aik_modulus.begin(), group.aik_modulus.end());
    key.enc_data.assign(group.aik_private.begin(), group.aik_private.end());
    const authorisation auth[] = {{m_srk, m_options.srk_auth}};
    return m_link.execute(tpm12::ord::load_key, number(tpm12::handle::srk), key.encode(), auth,
                          [&](wire_reader& in) { handle = in.u32(); });
}

void hardware_tpm::flush_key(std::uint32_t handle) {
    m_link.execute(tpm12::ord::flush_specific, wire_writer().u32(handle).u32(tpm12::resource::key).take());
}

std::uint32_t hardware_tpm::quote(const vtpm_group& group, const sha1_digest& external_data,
                                  byte_view selection, made_quote& out) {
    std::uint32_t key = 0;
    std::uint32_t status = load_aik(group, key);
    if (status != status::success)
        return status;
    tpm_session session;
    status = m_link.oiap(session);
    if (status != status::success) {
        // Upstream leaves with the key still loaded (W-06).
        if (m_behaviours.hardened(behaviour::vtpmmgr_aik_released_with_wrong_command))
            flush_key(key);
        return status;
    }
    const bytes parameters = wire_writer().raw(external_data).sized16(selection).take();
    const authorisation auth[] = {{session, group.keys->aik_auth}};
    bytes signature;
    status = m_link.execute(tpm12::ord::quote, number(key), parameters, auth, [&](wire_reader& in) {
        tpm12::pcr_selection::read(in);
        out.pcr_values = in.sized32();
        signature = in.sized32();
    });
    terminate(session);
    flush_key(key);
    if (status != status::success)
        return status;  // what was parsed before the refusal may have any size
    if (signature.size() != out.signature.size())
        return status::fail;
    std::copy(signature.begin(), signature.end(), out.signature.begin());
    return status;
}

std::uint32_t hardware_tpm::activate_identity(const vtpm_group& group, byte_view group_configuration,
                                              byte_view blob, bytes& symmetric_key) {
    const auto extend = [&](std::uint32_t pcr, byte_view digest) {
        return m_link.execute(tpm12::ord::extend, wire_writer().u32(pcr).raw(digest).take(),
                              [](wire_reader& in) { in.fixed<20>(); });
    };
    bytes reset_mask(3);
    reset_mask[2] = std::byte{0xF0};
    const octets<4> padding{};
    std::uint32_t status = m_link.execute(tpm12::ord::pcr_reset, wire_writer().sized16(reset_mask).take());
    if (status == status::success)
        status = extend(20, sha1(group.saa_modulus));
    if (status == status::success)
        status = extend(21, sha1(group_configuration));
    if (status == status::success)
        status = extend(23, tpm::concat({group.uuid, padding}));
    std::uint32_t key = 0;
    if (status == status::success)
        status = load_aik(group, key);
    if (status != status::success)
        return status;
    tpm_session aik, owner;
    status = m_link.oiap(aik);
    if (status == status::success)
        status = m_link.oiap(owner);
    if (status == status::success) {
        const authorisation auth[] = {{aik, group.keys->aik_auth}, {owner, m_options.owner_auth}};
        status = m_link.execute(
            tpm12::ord::activate_identity, number(key), wire_writer().sized32(blob).take(), auth,
            [&](wire_reader& in) { symmetric_key = tpm12::symmetric_key::read(in).encode(); });
    }
    terminate(aik);
    terminate(owner);
    if (m_behaviours.hardened(behaviour::vtpmmgr_aik_released_with_wrong_command))
        flush_key(key);
    else  // the key handle is taken for a session and stays loaded (W-06)
        m_link.execute(tpm12::ord::terminate_handle, number(key));
    return status;
}

}  // namespace vtwin::models::manager
