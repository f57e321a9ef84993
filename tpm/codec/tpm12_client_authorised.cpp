// The commands of tpm12::client that need an authorisation.
#include <systemc>

#include "tpm/codec/tpm12_client.h"
#include "tpm/codec/tpm12_crypto.h"

namespace vtwin::tpm::tpm12 {

namespace {

constexpr std::uint16_t protocol_owner = 5;  // TPM_PID_OWNER

bytes handle_bytes(std::uint32_t handle) {
    return wire_writer().u32(handle).take();
}

}  // namespace

answer<key> client::take_ownership(const public_key& ek, const secret& owner_auth, const secret& srk_auth,
                                   auth_session& session, const key& srk_template) {
    const bytes encrypted_owner = oaep_encrypt(ek.modulus, owner_auth, m_entropy);
    const bytes encrypted_srk = oaep_encrypt(ek.modulus, srk_auth, m_entropy);
    if (encrypted_owner.empty() || encrypted_srk.empty())
        return {rc::bad_parameter, {}};
    wire_writer parameters;
    parameters.u16(protocol_owner).sized32(encrypted_owner).sized32(encrypted_srk).raw(srk_template.encode());
    answer<key> result;
    call request{ord::take_ownership, {}, parameters.take(), {{session, owner_auth, true}}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = key::read(in); };
    result.code = exchange(request);
    return result;
}

std::uint32_t client::owner_clear(const authorisation& owner) {
    return exchange({ord::owner_clear, {}, {}, {owner}, 0, {}});
}

std::uint32_t client::disable_pubek_read(const authorisation& owner) {
    return exchange({ord::disable_pubek_read, {}, {}, {owner}, 0, {}});
}

answer<public_key> client::owner_read_internal_pub(std::uint32_t key_handle, const authorisation& owner) {
    answer<public_key> result;
    call request{ord::owner_read_internal_pub, {}, handle_bytes(key_handle), {owner}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = public_key::read(in); };
    result.code = exchange(request);
    return result;
}

answer<identity> client::make_identity(const secret& identity_auth, const digest& label_digest,
                                       const authorisation& srk, const authorisation& owner,
                                       const key& identity_template) {
    answer<identity> result;
    call request{ord::make_identity, {}, {}, {srk, owner}, 0, {}};
    begin(request.sessions);
    wire_writer parameters;
    parameters.raw(owner.session.mask_with_even(identity_auth))
        .raw(label_digest)
        .raw(identity_template.encode());
    request.parameters = parameters.take();
    request.parse = [&](wire_reader& in) {
        result.value.key = key::read(in);
        result.value.binding = in.sized32();
    };
    result.code = exchange(request, true);
    return result;
}

answer<symmetric_key> client::activate_identity(std::uint32_t identity_handle, byte_view blob,
                                                const authorisation& identity, const authorisation& owner) {
    answer<symmetric_key> result;
    call request{ord::activate_identity,
                 handle_bytes(identity_handle),
                 wire_writer().sized32(blob).take(),
                 {identity, owner},
                 0,
                 {}};
    request.parse = [&](wire_reader& in) { result.value = symmetric_key::read(in); };
    result.code = exchange(request);
    return result;
}

answer<key> client::create_wrap_key(std::uint32_t parent_handle, const secret& usage_auth,
                                    const secret& migration_auth, const key& key_template,
                                    const authorisation& parent) {
    answer<key> result;
    call request{ord::create_wrap_key, handle_bytes(parent_handle), {}, {parent}, 0, {}};
    begin(request.sessions);
    wire_writer parameters;
    parameters.raw(parent.session.mask_with_even(usage_auth))
        .raw(parent.session.mask_with_odd(migration_auth));
    request.parameters = parameters.raw(key_template.encode()).take();
    request.parse = [&](wire_reader& in) { result.value = key::read(in); };
    result.code = exchange(request, true);
    return result;
}

answer<std::uint32_t> client::load_key(std::uint32_t parent_handle, const key& wrapped,
                                       const authorisation& parent) {
    answer<std::uint32_t> result;
    call request{ord::load_key, handle_bytes(parent_handle), wrapped.encode(), {parent}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = in.u32(); };
    result.code = exchange(request);
    return result;
}

answer<std::uint32_t> client::load_key2(std::uint32_t parent_handle, const key& wrapped,
                                        const authorisation& parent) {
    answer<std::uint32_t> result;
    call request{ord::load_key2, handle_bytes(parent_handle), wrapped.encode(), {parent}, 4, {}};
    request.parse = [&](wire_reader& in) { result.value = in.u32(); };
    result.code = exchange(request);
    return result;
}

answer<stored_data> client::seal(std::uint32_t parent_handle, const secret& data_auth,
                                 const pcr_info_long& info, byte_view data, const authorisation& parent) {
    answer<stored_data> result;
    call request{ord::seal, handle_bytes(parent_handle), {}, {parent}, 0, {}};
    begin(request.sessions);
    wire_writer parameters;
    parameters.raw(parent.session.mask_with_even(data_auth)).sized32(info.encode()).sized32(data);
    request.parameters = parameters.take();
    request.parse = [&](wire_reader& in) { result.value = stored_data::read(in); };
    result.code = exchange(request, true);
    return result;
}

answer<bytes> client::unseal(std::uint32_t parent_handle, const stored_data& blob,
                             const authorisation& parent, const authorisation& data) {
    answer<bytes> result;
    call request{ord::unseal, handle_bytes(parent_handle), blob.encode(), {parent, data}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = in.sized32(); };
    result.code = exchange(request);
    return result;
}

answer<quotation> client::quote(std::uint32_t key_handle, const digest& external_data,
                                const pcr_selection& selection, const authorisation& key) {
    wire_writer parameters;
    parameters.raw(external_data);
    selection.write(parameters);
    answer<quotation> result;
    call request{ord::quote, handle_bytes(key_handle), parameters.take(), {key}, 0, {}};
    request.parse = [&](wire_reader& in) {
        wire_writer composite;
        composite.sized16(in.sized16()).sized32(in.sized32());
        result.value.composite = composite.take();
        result.value.signature = in.sized32();
    };
    result.code = exchange(request);
    return result;
}

answer<quotation2> client::quote2(std::uint32_t key_handle, const digest& external_data,
                                  const pcr_selection& selection, const authorisation& key) {
    wire_writer parameters;
    parameters.raw(external_data);
    selection.write(parameters);
    parameters.u8(0);  // addVersion
    answer<quotation2> result;
    call request{ord::quote2, handle_bytes(key_handle), parameters.take(), {key}, 0, {}};
    request.parse = [&](wire_reader& in) {
        result.value.pcr_info = pcr_info_short::read(in).encode();
        if (in.u32() != 0)
            in.fail();
        result.value.signature = in.sized32();
    };
    result.code = exchange(request);
    return result;
}

answer<bytes> client::deep_quote(const digest& external_data, const pcr_selection& vtpm_pcrs,
                                 const pcr_selection& hardware_pcrs, std::uint32_t flags,
                                 const authorisation& owner) {
    wire_writer parameters;
    parameters.raw(external_data);
    vtpm_pcrs.write(parameters);
    hardware_pcrs.write(parameters);
    answer<bytes> result;
    call request{ord::deep_quote, {}, parameters.u32(flags).take(), {owner}, 0, {}};
    // The body's size follows from flags and PCRs; what lies before the authorisation block is the body.
    request.parse = [&](wire_reader& in) {
        if (in.remaining() < auth_response_size)
            return in.fail();
        result.value = in.raw(in.remaining() - auth_response_size);
    };
    result.code = exchange(request);
    return result;
}

}  // namespace vtwin::tpm::tpm12
