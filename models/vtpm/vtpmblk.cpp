#include "models/vtpm/vtpmblk.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <memory>

#include "models/vtpm/packet_numbers.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {
namespace {

constexpr std::size_t iv_size = 16, random_size = 12, block = 16;
constexpr std::size_t key_size = 32, length_prefix = 4;
// The manager gives back 52 octets when the other 12 are zero.
constexpr std::size_t short_record = 52, long_record = 64;

struct cipher_free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

unsigned char* raw(std::byte* data) {
    return reinterpret_cast<unsigned char*>(data);
}
const unsigned char* raw(const std::byte* data) {
    return reinterpret_cast<const unsigned char*>(data);
}

void aes_cbc(bool encrypt, std::span<const std::byte, 32> key, const std::byte* iv, byte_view in,
             std::byte* out) {
    const std::unique_ptr<EVP_CIPHER_CTX, cipher_free> context(EVP_CIPHER_CTX_new());
    int written = 0;
    const bool done =
        context &&
        EVP_CipherInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, raw(key.data()), raw(iv), encrypt) &&
        EVP_CIPHER_CTX_set_padding(context.get(), 0) &&
        EVP_CipherUpdate(context.get(), raw(out), &written, raw(in.data()), static_cast<int>(in.size()));
    sc_assert(done && static_cast<std::size_t>(written) == in.size());
}

}  // namespace

bytes encrypt_image(byte_view cleartext, std::span<const std::byte, 32> key,
                    std::span<const std::byte, 12> random) {
    const std::size_t padded = (cleartext.size() + block - 1) / block * block;
    bytes blob(iv_size + padded);
    std::ranges::copy(random, blob.begin());
    tpm::store_be32(std::span(blob).subspan(random_size, 4), static_cast<std::uint32_t>(cleartext.size()));
    std::ranges::copy(cleartext, blob.begin() + iv_size);
    aes_cbc(true, key, blob.data(), byte_view(blob).subspan(iv_size), blob.data() + iv_size);
    return blob;
}

std::optional<bytes> decrypt_image(byte_view blob, std::span<const std::byte, 32> key) {
    if (blob.size() < iv_size || blob.size() % block != 0)
        return std::nullopt;
    const std::size_t length = tpm::load_be32(blob.subspan(random_size, 4));
    if (length > blob.size() - iv_size)
        return std::nullopt;
    bytes cleartext(blob.size() - iv_size);
    aes_cbc(false, key, blob.data(), blob.subspan(iv_size), cleartext.data());
    cleartext.resize(length);
    return cleartext;
}

std::string_view to_string(image_error error) {
    switch (error) {
        case image_error::none:
            return "no error";
        case image_error::manager_unknown_uuid:
            return "the manager does not know this UUID";
        case image_error::manager_refused:
            return "the manager refused";
        case image_error::bad_slot:
            return "the length in slot 0 is impossible";
        case image_error::hash_mismatch:
            return "no slot has the manager's hash";
        case image_error::disk:
            return "the disk reported an error";
        case image_error::too_large:
            return "the image does not fit its slot";
    }
    return "";
}

vtpmblk::vtpmblk(block_file_if& disk, tpm_transport_if& manager, tpm::entropy_if& random,
                 const behaviour_set& behaviours, const software_costs& costs, stubdom_services_if& services,
                 record_form form)
    : m_disk(disk),
      m_manager(manager),
      m_random(random),
      m_behaviours(behaviours),
      m_costs(costs),
      m_services(services),
      m_form(form) {}

bytes vtpmblk::hash(byte_view blob) const {
    bytes digest(m_form == record_form::sha1 ? SHA_DIGEST_LENGTH : SHA256_DIGEST_LENGTH);
    if (m_form == record_form::sha1)
        SHA1(raw(blob.data()), blob.size(), raw(digest.data()));
    else
        SHA256(raw(blob.data()), blob.size(), raw(digest.data()));
    return digest;
}

const sc_core::sc_time& vtpmblk::hash_cost() const {
    return m_form == record_form::sha1 ? m_costs.sha1_per_byte : m_costs.sha256_per_byte;
}

/// A long record must not end in the zeros by which the manager knows a short one.
void vtpmblk::draw_key(image_key& record) {
    const auto tail = std::span(record.key).last(long_record - short_record);
    do
        m_random.fill(record.key);
    while (m_form == record_form::sha256 &&
           std::ranges::all_of(tail, [](std::byte octet) { return octet == std::byte{0}; }) &&
           m_random.works());
}

image_error vtpmblk::load(bytes& cleartext) {
    m_active_slot = -1;
    image_key record;
    if (const auto error = fetch_key(record); error != image_error::none)
        return error;
    // A record made by VTPM_NEW holds zeros: nothing was saved yet. Upstream finds that out by failing to
    // load.
    const auto zero = [](std::byte octet) { return octet == std::byte{0}; };
    if (m_behaviours.hardened(behaviour::vtpm_load_error_becomes_fresh_tpm) &&
        std::ranges::all_of(record.hash, zero) && std::ranges::all_of(record.key, zero))
        return image_error::manager_unknown_uuid;
    bytes blob;
    const auto error = find_current(record, blob);
    if (error != image_error::none) {
        m_active_slot = -1;
        return error;
    }
    m_services.charge(m_costs.aes_per_byte * static_cast<double>(blob.size()));
    auto image = decrypt_image(blob, record.key);
    if (!image) {
        m_active_slot = -1;
        return image_error::hash_mismatch;
    }
    cleartext = std::move(*image);
    return image_error::none;
}

image_error vtpmblk::fetch_key(image_key& record) {
    tpm::wire_writer request;
    request.u16(vtpm_tag_req).u32(header_size).u32(vtpm_ord_loadhashkey);
    const auto reply = m_manager.transmit(request.data());
    if (!reply)
        return image_error::manager_refused;
    tpm::wire_reader in(reply.response);
    in.u16();
    const std::uint32_t size = in.u32(), status = in.u32();
    if (!in.ok())
        return image_error::manager_refused;
    if (status != tpm_success)
        return status == tpm_bad_parameter ? image_error::manager_unknown_uuid : image_error::manager_refused;
    // Upstream believes the size field; here the received bytes must hold what it promises as well.
    const bool expected = m_form == record_form::sha256 && size == header_size + long_record;
    if ((!expected && size != header_size + short_record) || reply.response.size() < size)
        return image_error::manager_refused;
    record.hash = in.raw(size - header_size - key_size);
    std::ranges::copy(in.view(record.key.size()), record.key.begin());
    return image_error::none;
}

image_error vtpmblk::read_slot(int slot, bytes& blob) {
    const std::uint64_t start = static_cast<std::uint64_t>(slot) * slot_size();
    std::array<std::byte, length_prefix> prefix;
    if (!m_disk.read(start, prefix))
        return image_error::disk;
    const std::uint32_t length = tpm::load_be32(prefix);
    if (length == 0 || length > slot_size() - length_prefix)
        return image_error::bad_slot;
    blob.resize(length);
    return m_disk.read(start + length_prefix, blob) ? image_error::none : image_error::disk;
}

image_error vtpmblk::find_current(const image_key& record, bytes& blob) {
    image_error last = image_error::hash_mismatch;
    for (m_active_slot = 0; m_active_slot < 2; ++m_active_slot) {
        last = read_slot(m_active_slot, blob);
        if (last == image_error::none) {
            m_services.charge(hash_cost() * static_cast<double>(blob.size()));
            if (hash(blob) == record.hash)
                return image_error::none;
            last = image_error::hash_mismatch;
        } else if (m_behaviours.faithful(behaviour::vtpm_slot0_bad_length_hides_slot1)) {
            return last;
        }
    }
    return last;
}

image_error vtpmblk::save(byte_view cleartext) {
    const int previous = m_active_slot;
    const int target = previous == 0 ? 1 : 0;
    if (m_behaviours.faithful(behaviour::vtpm_active_slot_flips_before_commit))
        m_active_slot = target;

    image_key record;
    std::array<std::byte, random_size> random;
    draw_key(record);
    m_random.fill(random);
    m_services.charge((m_costs.aes_per_byte + hash_cost()) * static_cast<double>(cleartext.size()));
    const bytes blob = encrypt_image(cleartext, record.key, random);
    record.hash = hash(blob);

    if (const auto error = write_slot(target, blob); error != image_error::none)
        return error;
    if (m_behaviours.hardened(behaviour::vtpm_no_flush_before_savehashkey) && !m_disk.flush())
        return image_error::disk;
    if (const auto error = commit_key(record); error != image_error::none)
        return error;
    m_active_slot = target;
    return image_error::none;
}

image_error vtpmblk::write_slot(int slot, byte_view blob) {
    if (blob.size() > slot_size() - length_prefix)
        return image_error::too_large;
    const std::uint64_t start = static_cast<std::uint64_t>(slot) * slot_size();
    std::array<std::byte, length_prefix> prefix;
    tpm::store_be32(prefix, static_cast<std::uint32_t>(blob.size()));
    // Two writes, as upstream: the first sector of the slot is written twice.
    if (!m_disk.write(start, prefix) || !m_disk.write(start + length_prefix, blob))
        return image_error::disk;
    return image_error::none;
}

image_error vtpmblk::commit_key(const image_key& record) {
    tpm::wire_writer request;
    request.u16(vtpm_tag_req);
    request.u32(static_cast<std::uint32_t>(header_size + record.hash.size() + key_size))
        .u32(vtpm_ord_savehashkey);
    request.raw(record.hash).raw(record.key);
    const auto reply = m_manager.transmit(request.data());
    if (!reply)
        return image_error::manager_refused;
    tpm::wire_reader in(reply.response);
    in.u16();
    in.u32();
    const std::uint32_t status = in.u32();
    return in.ok() && status == tpm_success ? image_error::none : image_error::manager_refused;
}

}  // namespace vtwin::models
