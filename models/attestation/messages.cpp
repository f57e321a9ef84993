#include "models/attestation/messages.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "models/attestation/json_gate.h"
#include "models/hex.h"

namespace vtwin::models {
namespace {

using json = nlohmann::ordered_json;

// ---- the fields of each message, named once for both directions

template <typename V>
void fields(V& v, ek_certificate_request& m) {
    v("ek_public", m.ek_public);
}
template <typename V>
void fields(V& v, ek_certificate_reply& m) {
    v("certificate", m.certificate);
}
template <typename V>
void fields(V&, ca_key_request&) {}
template <typename V>
void fields(V& v, ca_key_reply& m) {
    v("public_key", m.public_key);
}
template <typename V>
void fields(V& v, enrol_request& m) {
    v("subject", m.subject);
    v("label", m.label);
    v("ek_public", m.ek_public);
    v("ek_certificate", m.ek_certificate);
    v("aik_public", m.aik_public);
    v("identity_binding", m.identity_binding);
}
template <typename V>
void fields(V& v, enrol_reply& m) {
    v("accepted", m.accepted);
    v("reason", m.reason);
    v("asym_blob", m.asym_blob);
    v("sym_blob", m.sym_blob);
}
template <typename V>
void fields(V& v, enrol_tpm20_request& m) {
    v("subject", m.subject);
    v("ek_public", m.ek_public);
    v("ak_public", m.ak_public);
}
template <typename V>
void fields(V& v, enrol_tpm20_reply& m) {
    v("accepted", m.accepted);
    v("reason", m.reason);
    v("credential_blob", m.credential_blob);
    v("secret", m.secret);
    v("sym_blob", m.sym_blob);
}
template <typename V>
void fields(V&, saa_key_request&) {}
template <typename V>
void fields(V& v, saa_key_reply& m) {
    v("modulus", m.modulus);
}
template <typename V>
void fields(V& v, saa_config_request& m) {
    v("sequence", m.sequence);
    v("hardware_pcrs", m.hardware_pcrs);
    v("vtpm_labels", m.vtpm_labels);
}
template <typename V>
void fields(V& v, saa_config_reply& m) {
    v("accepted", m.accepted);
    v("reason", m.reason);
    v("signature", m.signature);
    v("cfg_list", m.cfg_list);
    v("selections", m.selections);
}
template <typename V>
void fields(V& v, challenge_request& m) {
    v("guest", m.guest);
}
template <typename V>
void fields(V& v, challenge_reply& m) {
    v("nonce", m.nonce);
    v("vtpm_pcr_mask", m.vtpm_pcr_mask);
    v("hardware_pcr_mask", m.hardware_pcr_mask);
    v("deep_quote_flags", m.deep_quote_flags);
}
template <typename V>
void fields(V& v, measurement& m) {
    v("pcr", m.pcr);
    v("digest", m.digest);
    v("description", m.description);
    v.unless_empty("sha256", m.sha256);
}
template <typename V>
void fields(V& v, tpm20_evidence& m) {
    v("ak_public", m.ak_public);
    v("attest", m.attest);
    v("signature", m.signature);
}
template <typename V>
void fields(V& v, evidence& m) {
    v("guest", m.guest);
    v("nonce", m.nonce);
    v("aik_certificate", m.aik_certificate);
    v("quote_composite", m.quote_composite);
    v("quote_signature", m.quote_signature);
    v.unless_empty("quote2_pcr_info", m.quote2_pcr_info);
    v.unless_absent("tpm20", m.tpm20);
    v("deep_quote", m.deep_quote);
    v("deep_quote_locality", m.deep_quote_locality);
    v("vtpm_pcrs", m.vtpm_pcrs);
    v("boot_log", m.boot_log);
    v.unless_empty("firmware_log", m.firmware_log);
    v("ima_log", m.ima_log);
    v("vtpm_attached_late", m.vtpm_attached_late);
}
template <typename V>
void fields(V& v, attest_request& m) {
    v.unless_empty("firmware_log", m.firmware_log);
    v("ima_log", m.ima_log);
}
template <typename V>
void fields(V& v, verdict_reason& m) {
    v("check", m.check);
    v("passed", m.passed);
    v("text", m.text);
}
template <typename V>
void fields(V& v, verdict& m) {
    v("guest", m.guest);
    v("trusted", m.trusted);
    v("reasons", m.reasons);
}

// ---- writing -------------------------------------------------------------------------------------------

template <typename Message>
json write_message(const Message& message);

json write_value(bool value) {
    return value;
}
json write_value(const std::string& value) {
    return value;
}
json write_value(const bytes& value) {
    return to_hex(value);
}
template <typename Integer>
requires std::is_unsigned_v<Integer> json write_value(Integer value) {
    return static_cast<std::uint64_t>(value);
}
json write_value(const measurement& value) {
    return write_message(value);
}
json write_value(const verdict_reason& value) {
    return write_message(value);
}
json write_value(const tpm20_evidence& value) {
    return write_message(value);
}
template <typename Item>
json write_value(const std::vector<Item>& items) {
    json array = json::array();
    for (const Item& item : items)
        array.push_back(write_value(item));
    return array;
}

struct writer {
    json object = json::object();
    template <typename Field>
    void operator()(const char* name, const Field& field) {
        object[name] = write_value(field);
    }
    void unless_empty(const char* name, const bytes& field) {
        if (!field.empty())
            (*this)(name, field);
    }
    template <typename Field>
    void unless_absent(const char* name, const std::optional<Field>& field) {
        if (field)
            (*this)(name, *field);
    }
};

template <typename Message>
json write_message(const Message& message) {
    writer out;
    fields(out, const_cast<Message&>(message));  // the writer takes every field by const reference
    return std::move(out.object);
}

// Text that guests sent may hold anything: bytes that are not UTF-8 come out as replacement characters.
template <typename Message>
std::string write_text(const Message& message) {
    return write_message(message).dump(-1, ' ', false, json::error_handler_t::replace);
}

// ---- reading -------------------------------------------------------------------------------------------

int nibble(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

template <typename Message>
bool read_message(const json& object, Message& message);

bool read_value(const json& value, bool& out) {
    if (!value.is_boolean())
        return false;
    out = value.get<bool>();
    return true;
}
bool read_value(const json& value, std::string& out) {
    if (!value.is_string())
        return false;
    out = value.get<std::string>();
    return true;
}
bool read_value(const json& value, bytes& out) {
    if (!value.is_string())
        return false;
    const std::string& text = value.get_ref<const std::string&>();
    if (text.size() % 2 != 0)
        return false;
    out.clear();
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = nibble(text[i]), low = nibble(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out.push_back(static_cast<std::byte>(high << 4 | low));
    }
    return true;
}
template <typename Integer>
requires std::is_unsigned_v<Integer>
bool read_value(const json& value, Integer& out) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<Integer>::max())
        return false;
    out = static_cast<Integer>(value.get<std::uint64_t>());
    return true;
}
bool read_value(const json& value, measurement& out) {
    return read_message(value, out);
}
bool read_value(const json& value, verdict_reason& out) {
    return read_message(value, out);
}
bool read_value(const json& value, tpm20_evidence& out) {
    return read_message(value, out);
}
template <typename Item>
bool read_value(const json& value, std::vector<Item>& out) {
    if (!value.is_array())
        return false;
    out.clear();
    out.reserve(value.size());
    for (const json& item : value) {
        out.emplace_back();
        if (!read_value(item, out.back()))
            return false;
    }
    return true;
}

struct reader {
    const json& object;
    std::size_t taken = 0;
    bool good = true;
    template <typename Field>
    void operator()(const char* name, Field& field) {
        const auto found = object.find(name);
        good = good && found != object.end() && read_value(*found, field);
        ++taken;
    }
    /// There is one way to say that there is nothing: to leave it out.
    void unless_empty(const char* name, bytes& field) {
        field.clear();
        if (!object.contains(name))
            return;
        (*this)(name, field);
        good = good && !field.empty();
    }
    template <typename Field>
    void unless_absent(const char* name, std::optional<Field>& field) {
        field.reset();
        if (object.contains(name))
            (*this)(name, field.emplace());
    }
};

template <typename Message>
bool read_message(const json& object, Message& message) {
    if (!object.is_object())
        return false;
    reader in{object};
    fields(in, message);
    return in.good && in.taken == object.size();
}

// Null when the text is no JSON, or none that a message can be: with a member named twice, two readers could
// see different values.
json parse(const std::string& text) {
    json_gate gate;
    if (!json::sax_parse(text, &gate))
        return {};
    json document = json::parse(text, nullptr, false);
    return document.is_discarded() ? json() : document;
}

}  // namespace

template <typename Message>
std::optional<Message> from_json(const std::string& text) {
    Message message;
    if (!read_message(parse(text), message))
        return std::nullopt;
    return message;
}

#define VTWIN_MESSAGE(type)                    \
    std::string to_json(const type& message) { \
        return write_text(message);            \
    }                                          \
    template std::optional<type> from_json<type>(const std::string&);
VTWIN_MESSAGE(ek_certificate_request)
VTWIN_MESSAGE(ek_certificate_reply)
VTWIN_MESSAGE(ca_key_request)
VTWIN_MESSAGE(ca_key_reply)
VTWIN_MESSAGE(enrol_request)
VTWIN_MESSAGE(enrol_reply)
VTWIN_MESSAGE(enrol_tpm20_request)
VTWIN_MESSAGE(enrol_tpm20_reply)
VTWIN_MESSAGE(saa_key_request)
VTWIN_MESSAGE(saa_key_reply)
VTWIN_MESSAGE(saa_config_request)
VTWIN_MESSAGE(saa_config_reply)
VTWIN_MESSAGE(challenge_request)
VTWIN_MESSAGE(challenge_reply)
VTWIN_MESSAGE(evidence)
VTWIN_MESSAGE(attest_request)
VTWIN_MESSAGE(verdict)
#undef VTWIN_MESSAGE

}  // namespace vtwin::models
