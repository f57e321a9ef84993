// The vTPM's persistent image: two slots on its own disk, encrypted with a fresh key for every save; the
// manager keeps hash and key, and its hash is what says which slot is current. Source:
// stubdom/vtpm/vtpmblk.c.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/behaviours/behaviours.h"
#include "models/costs.h"
#include "models/ports.h"

namespace vtwin::models {

/// What the manager keeps for a vTPM: hash of the blob and its AES-256 key. Xen's vTPM uses SHA-1, 52 bytes
/// on the wire; the manager stores up to 64, and a vTPM 2.0 uses all of them with SHA-256.
enum class record_form : std::uint8_t { sha1, sha256 };
struct image_key {
    bytes hash;  ///< 20 or 32 octets
    std::array<std::byte, 32> key{};
};

/// Encrypts an image: IV (12 random bytes, u32 BE length), then AES-256-CBC of the zero-padded cleartext.
bytes encrypt_image(byte_view cleartext, std::span<const std::byte, 32> key,
                    std::span<const std::byte, 12> random);
/// Decrypts a blob made by encrypt_image; nullopt when its length field does not fit its size.
std::optional<bytes> decrypt_image(byte_view blob, std::span<const std::byte, 32> key);

/// Why an image could not be had or stored.
enum class image_error : std::uint8_t {
    none,
    manager_unknown_uuid,  ///< LOADHASHKEY: TPM_BAD_PARAMETER, nothing was ever saved
    manager_refused,       ///< any other status, or no usable answer
    bad_slot,              ///< slot 0's length is impossible (faithful: the end of the search)
    hash_mismatch,         ///< neither slot has the hash that the manager keeps
    disk,                  ///< the disk reported an error
    too_large,             ///< the image does not fit its slot
};
std::string_view to_string(image_error error);

class vtpmblk {
  public:
    vtpmblk(block_file_if& disk, tpm_transport_if& manager, tpm::entropy_if& random,
            const behaviour_set& behaviours, const software_costs& costs, stubdom_services_if& services,
            record_form form = record_form::sha1);

    /// LOADHASHKEY, then the slot whose hash matches. On error the caller starts with a fresh TPM (faithful).
    image_error load(bytes& cleartext);
    /// Writes the image into the other slot, then SAVEHASHKEY.
    image_error save(byte_view cleartext);

    int active_slot() const { return m_active_slot; }  ///< -1: no valid state

  private:
    std::uint64_t slot_size() const { return m_disk.size() / 2; }
    image_error read_slot(int slot, bytes& blob);
    image_error find_current(const image_key& key, bytes& blob);
    image_error fetch_key(image_key& key);
    image_error write_slot(int slot, byte_view blob);
    image_error commit_key(const image_key& key);
    bytes hash(byte_view blob) const;
    const sc_core::sc_time& hash_cost() const;  ///< per byte
    void draw_key(image_key& record);

    block_file_if& m_disk;
    tpm_transport_if& m_manager;
    tpm::entropy_if& m_random;
    const behaviour_set& m_behaviours;
    const software_costs& m_costs;
    stubdom_services_if& m_services;
    const record_form m_form;
    int m_active_slot = -1;
};

}  // namespace vtwin::models
