#include "tpm/codec/tpm20_client.h"

#include "tpm/codec/tpm20_frame.h"

namespace vtwin::tpm::tpm20 {

namespace {

constexpr std::size_t pcr_count = 24, select_octets = 3, rsa_octets = 256;
constexpr std::uint8_t policy_session = 1;
// TCG EK Credential Profile 2.x, B.3.3: PolicyA = PolicySecret(TPM_RH_ENDORSEMENT)
constexpr std::uint8_t policy_a[] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC,
                                     0x8D, 0x46, 0xA5, 0xD7, 0x24, 0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52,
                                     0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};

wire_writer& selection(wire_writer& out, const pcr_choice& pcrs) {
    out.u32(1).u16(pcrs.bank).u8(select_octets);
    for (std::size_t i = 0; i < select_octets; ++i)
        out.u8(static_cast<std::uint8_t>(pcrs.mask >> 8 * i));
    return out;
}

wire_writer quote_body(byte_view qualifying_data, const pcr_choice& pcrs) {
    wire_writer body;
    body.sized16(qualifying_data).u16(alg::null);
    selection(body, pcrs);
    return body;
}

/// TPMT_SIGNATURE of an RSASSA key with SHA-256, as it stands in a response.
bytes read_signature(wire_reader& in) {
    wire_writer out;
    const std::uint16_t scheme = in.u16();
    if (scheme != alg::rsassa)
        in.fail();
    const std::uint16_t hash = in.u16();
    out.u16(scheme).u16(hash).sized16(in.sized16());
    return out.take();
}

/// The parameters of a response with sessions; `in` keeps what stands behind them.
wire_reader parameters_of(wire_reader& in) {
    const std::uint32_t size = in.u32();
    return wire_reader(in.view(size));
}

}  // namespace

bytes endorsement_policy_digest() {
    const auto octets = std::as_bytes(std::span(policy_a));
    return {octets.begin(), octets.end()};
}

bytes endorsement_key_template() {
    wire_writer area;
    area.u16(alg::rsa).u16(alg::sha256);
    area.u32(attribute::fixed_tpm | attribute::fixed_parent | attribute::sensitive_data_origin |
             attribute::admin_with_policy | attribute::restricted | attribute::decrypt);
    area.sized16(endorsement_policy_digest());
    area.u16(alg::aes).u16(aes_bits).u16(alg::cfb).u16(alg::null).u16(rsa_bits).u32(0);
    return area.sized16(bytes(rsa_octets)).take();
}

bytes attestation_key_template() {
    wire_writer area;
    area.u16(alg::rsa).u16(alg::sha256);
    area.u32(attribute::fixed_tpm | attribute::fixed_parent | attribute::sensitive_data_origin |
             attribute::user_with_auth | attribute::no_da | attribute::restricted | attribute::sign);
    area.u16(0).u16(alg::null).u16(alg::rsassa).u16(alg::sha256).u16(rsa_bits).u32(0);
    return area.u16(0).take();
}

bytes quote_command(std::uint32_t key, byte_view password, byte_view qualifying_data,
                    const pcr_choice& pcrs) {
    return with_password(cc::quote, one_handle(key), password, quote_body(qualifying_data, pcrs));
}

response client::send(byte_view command) {
    auto parsed = parse_response(m_transmit(command));
    return parsed ? std::move(*parsed) : response{rc::failure, {}};
}

answer<bytes> client::get_random(std::uint16_t count) {
    const response got = send(tpm20::get_random(count));
    if (got.code != rc::success)
        return {got.code, {}};
    auto value = random_of(got);
    return value ? answer<bytes>{rc::success, std::move(*value)} : answer<bytes>{};
}

answer<std::vector<std::uint16_t>> client::pcr_banks() {
    const response got = send(get_capability(cap::pcrs, 0, 1));
    if (got.code != rc::success)
        return {got.code, {}};
    auto value = banks_of(got);
    return value ? answer<std::vector<std::uint16_t>>{rc::success, std::move(*value)}
                 : answer<std::vector<std::uint16_t>>{};
}

answer<bytes> client::pcr_read(std::uint16_t bank, unsigned pcr) {
    const response got = send(tpm20::pcr_read(bank, pcr));
    if (got.code != rc::success)
        return {got.code, {}};
    auto value = digest_of_pcr_read(got);
    if (!value || value->size() != digest_size(bank))
        return {};
    return {rc::success, std::move(*value)};
}

std::uint32_t client::pcr_extend(unsigned pcr, const std::vector<bank_digest>& digests) {
    return send(tpm20::pcr_extend(pcr, digests)).code;
}

answer<std::vector<bytes>> client::read_bank(std::uint16_t bank) {
    constexpr std::uint32_t at_once = 8;
    std::vector<bytes> values;
    for (std::uint32_t first = 0; first < pcr_count; first += at_once) {
        wire_writer parameters;
        selection(parameters, {bank, 0xFFu << first});
        const response got = send(plain(cc::pcr_read, parameters));
        if (got.code != rc::success)
            return {got.code, {}};
        wire_reader in(got.handle_and_parameters);
        in.u32();                            // update counter
        in.view(4 + 2 + 1 + select_octets);  // what was read, counted below
        if (in.u32() != at_once)
            return {};
        for (std::uint32_t i = 0; i < at_once; ++i)
            values.push_back(in.sized16());
        if (!in.ok() || !in.at_end())
            return {};
    }
    return {rc::success, std::move(values)};
}

answer<primary_key> client::create_primary(std::uint32_t hierarchy, byte_view key_password,
                                           byte_view public_template) {
    const response got = send(with_password(cc::create_primary, one_handle(hierarchy), {},
                                            creation(key_password, public_template)));
    if (got.code != rc::success)
        return {got.code, {}};
    wire_reader in(got.handle_and_parameters);
    primary_key key;
    key.handle = in.u32();
    wire_reader body = parameters_of(in);
    key.public_area = body.sized16();
    return in.ok() && body.ok() ? answer<primary_key>{rc::success, std::move(key)} : answer<primary_key>{};
}

std::uint32_t client::evict_control(std::uint32_t object, std::uint32_t persistent) {
    wire_writer handles;
    handles.u32(handle::owner).u32(object);
    return send(with_password(cc::evict_control, handles.data(), {}, wire_writer().u32(persistent))).code;
}

answer<bytes> client::read_public(std::uint32_t object) {
    const response got = send(plain(cc::read_public, wire_writer().u32(object)));
    if (got.code != rc::success)
        return {got.code, {}};
    wire_reader in(got.handle_and_parameters);
    bytes area = in.sized16();
    return in.ok() ? answer<bytes>{rc::success, std::move(area)} : answer<bytes>{};
}

/// A policy session that satisfies PolicyA.
answer<std::uint32_t> client::endorsement_policy(byte_view nonce) {
    wire_writer start;
    start.u32(handle::null).u32(handle::null).sized16(nonce).u16(0).u8(policy_session);
    start.u16(alg::null).u16(alg::sha256);
    const response started = send(plain(cc::start_auth_session, start));
    const auto session = handle_of(started);
    if (!session)
        return {started.code == rc::success ? rc::failure : started.code, 0};
    wire_writer handles, parameters;
    handles.u32(handle::endorsement).u32(*session);
    parameters.u16(0).u16(0).u16(0).u32(0);  // no nonceTPM, cpHashA, policyRef; no expiration
    const response granted = send(with_password(cc::policy_secret, handles.data(), {}, parameters));
    if (granted.code != rc::success) {
        flush_context(*session);
        return {granted.code, 0};
    }
    return {rc::success, *session};
}

answer<bytes> client::activate_credential(std::uint32_t ak, byte_view ak_password, std::uint32_t ek,
                                          byte_view credential_blob, byte_view secret, byte_view nonce) {
    const auto session = endorsement_policy(nonce);
    if (!session)
        return {session.code, {}};
    wire_writer handles, sessions, parameters;
    handles.u32(ak).u32(ek);
    password_session(sessions, ak_password);
    sessions.u32(session.value).u16(0).u8(0).u16(0);  // ends with this command
    parameters.sized16(credential_blob).sized16(secret);
    const response got =
        send(authorised(cc::activate_credential, handles.data(), sessions.data(), parameters));
    if (got.code != rc::success) {
        flush_context(session.value);  // a failed command leaves it open
        return {got.code, {}};
    }
    wire_reader in(got.handle_and_parameters);
    wire_reader body = parameters_of(in);
    bytes credential = body.sized16();
    return in.ok() && body.ok() && body.at_end() ? answer<bytes>{rc::success, std::move(credential)}
                                                 : answer<bytes>{};
}

answer<quotation> client::quote(std::uint32_t key, byte_view password, byte_view qualifying_data,
                                const pcr_choice& pcrs) {
    const response got = send(quote_command(key, password, qualifying_data, pcrs));
    if (got.code != rc::success)
        return {got.code, {}};
    wire_reader in(got.handle_and_parameters);
    wire_reader body = parameters_of(in);
    quotation made;
    made.attest = body.sized16();
    made.signature = read_signature(body);
    return in.ok() && body.ok() && body.at_end() ? answer<quotation>{rc::success, std::move(made)}
                                                 : answer<quotation>{};
}

answer<deep_quotation> client::deep_quote(std::uint32_t key, byte_view password, byte_view qualifying_data,
                                          const pcr_choice& pcrs, std::uint32_t hardware_mask,
                                          std::uint32_t flags) {
    wire_writer parameters;
    parameters.raw(quote_body(qualifying_data, pcrs).data()).u16(select_octets);
    for (std::size_t i = 0; i < select_octets; ++i)
        parameters.u8(static_cast<std::uint8_t>(hardware_mask >> 8 * i));
    parameters.u32(flags);
    const response got = send(with_password(cc::deep_quote, one_handle(key), password, parameters));
    if (got.code != rc::success)
        return {got.code, {}};
    wire_reader in(got.handle_and_parameters);
    wire_reader body = parameters_of(in);
    deep_quotation made;
    made.quote.attest = body.sized16();
    made.quote.signature = read_signature(body);
    made.manager_body = body.sized16();
    return in.ok() && body.ok() && body.at_end() ? answer<deep_quotation>{rc::success, std::move(made)}
                                                 : answer<deep_quotation>{};
}

}  // namespace vtwin::tpm::tpm20
