// The manager's disk, byte for byte: the structures of its sectors as they are before encryption, and the
// container that encrypts them. All structures have alignment 1 and are copied in and out of sectors as a
// whole. Source: stubdom/vtpmmgr/disk_format.h and disk_io.c (layout on x86-64).
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>

#include "models/vtpmmgr/crypto.h"

namespace vtwin::models::manager {

/// Integer stored in a fixed byte order.
template <typename T, std::endian Order>
class stored {
  public:
    constexpr stored() = default;
    constexpr stored(T value) { *this = value; }
    constexpr stored& operator=(T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            m_octets[place(i)] = std::byte(value >> (8 * i));
        return *this;
    }
    constexpr operator T() const {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value |= static_cast<T>(static_cast<T>(m_octets[place(i)]) << (8 * i));
        return value;
    }

  private:
    static constexpr std::size_t place(std::size_t significance) {
        return Order == std::endian::little ? significance : sizeof(T) - 1 - significance;
    }
    octets<sizeof(T)> m_octets{};
};
using be32 = stored<std::uint32_t, std::endian::big>;
using be64 = stored<std::uint64_t, std::endian::big>;
using le32 = stored<std::uint32_t, std::endian::little>;

inline constexpr std::size_t sector_size = 4096;
inline constexpr std::uint32_t max_sector = 512, first_dynamic_sector = 4;
constexpr std::uint32_t seal_list_sector_of(unsigned slot) {
    return slot;
}
constexpr std::uint32_t root_sector_of(unsigned slot) {
    return 2 + slot;
}

inline constexpr std::size_t max_root_seals = 13, max_group_seals = 5, max_kernels = 16,
                             max_rollback_macs = 128;
inline constexpr std::size_t root_children = 16, group_children = 16, itree_children = 112,
                             vtpms_per_page = 48;

inline constexpr octets<12> seal_list_magic{
    std::byte{0x54}, std::byte{0x50}, std::byte{0x4D}, std::byte{0xFE}, std::byte{0x4D}, std::byte{0x47},
    std::byte{0x52}, std::byte{0xDD}, std::byte{0x44}, std::byte{0x4F}, std::byte{0x4D}, std::byte{0x00}};
inline constexpr octets<4> root_magic{std::byte{'R'}, std::byte{'o'}, std::byte{'o'}, std::byte{'t'}};
inline constexpr octets<4> group_magic{std::byte{'T'}, std::byte{'G'}, std::byte{'r'}, std::byte{'p'}};

/// A sealed blob and the PCR state it opens in.
struct seal_entry {
    le32 pcr_mask;
    sha1_digest digest_at_seal, digest_at_release;
    octets<256> blob;
};
static_assert(sizeof(seal_entry) == 300 && offsetof(seal_entry, blob) == 44);

/// Sectors 0 and 1, in the clear.
struct seal_list_sector {
    octets<12> magic;
    be32 version, count, next;
    std::array<seal_entry, max_root_seals> entries;
};
static_assert(sizeof(seal_list_sector) == 3924 && offsetof(seal_list_sector, entries) == 24);

/// What a root seal protects.
struct root_sealed_data {
    octets<4> magic;
    octets<16> manager_uuid;
    be32 nvram_slot;
    octets<20> nvram_auth;
    be32 counter_index;
    octets<20> counter_auth;
    aes_key tm_key;
};
static_assert(sizeof(root_sealed_data) == 84 && offsetof(root_sealed_data, tm_key) == 68);

/// What a group seal protects.
struct group_sealed_data {
    octets<4> magic;
    octets<16> manager_uuid;
    octets<20> aik_auth;
    aes_key group_key, rollback_mac_key;
};
static_assert(sizeof(group_sealed_data) == 72 && offsetof(group_sealed_data, rollback_mac_key) == 56);

struct rollback_mac {
    be32 group;
    aes_block mac;
};

struct root_sector {
    static constexpr std::size_t core_size = 528;  ///< what the rollback MACs cover
    be64 sequence;
    be32 tpm_counter_value, nr_groups;
    std::array<sha256_digest, root_children> hash;
    std::array<be32, root_children> location;
    octets<8> pad;
    be32 nr_rb_macs, rb_next;
    sha256_digest rb_next_hash;
    std::array<rollback_mac, max_rollback_macs> rb_macs;
};
static_assert(sizeof(root_sector) == 3200 && offsetof(root_sector, location) == root_sector::core_size &&
              offsetof(root_sector, nr_rb_macs) == 600 && offsetof(root_sector, rb_macs) == 640);

/// Inner node of the trees below a root or a group.
struct itree_sector {
    std::array<be32, itree_children> location;
    std::array<sha256_digest, itree_children> hash;
};
static_assert(sizeof(itree_sector) == 4032 && offsetof(itree_sector, hash) == 448);

struct group_sector {
    static constexpr std::size_t maced_size = 3472, hashed_size = 3488;
    octets<16> uuid;
    octets<256> saa_modulus, aik_modulus, aik_private;
    octets<32> rollback_pubkey_hash;
    be64 sequence, cfg_sequence;
    octets<8> flags;  ///< first byte 01: rollback detected (a host word, ORed on x86)
    octets<256> recovery_data;
    be32 nr_cfgs;
    std::array<seal_entry, max_group_seals> cfgs;
    be32 nr_kerns;
    std::array<sha1_digest, max_kernels> kernels;
    octets<32> next;
    be32 nr_vtpms;
    std::array<sha256_digest, group_children> hash;
    aes_block mac;
    std::array<be32, group_children> location;
    be32 boot_configs_next;
    octets<4> pad;
};
static_assert(sizeof(group_sector) == 3560 && offsetof(group_sector, sequence) == 816 &&
              offsetof(group_sector, nr_cfgs) == 1096 && offsetof(group_sector, nr_kerns) == 2600 &&
              offsetof(group_sector, nr_vtpms) == 2956 &&
              offsetof(group_sector, mac) == group_sector::maced_size &&
              offsetof(group_sector, location) == group_sector::hashed_size &&
              offsetof(group_sector, boot_configs_next) == 3552);

struct vtpm_header {
    octets<16> uuid;
    be32 flags;
};
struct vtpm_sector {
    std::array<vtpm_header, vtpms_per_page> header;
    aes_block iv;
    std::array<octets<64>, vtpms_per_page> secrets;  ///< AES-CTR under the group key
};
static_assert(sizeof(vtpm_sector) == 4048 && offsetof(vtpm_sector, iv) == 960 &&
              offsetof(vtpm_sector, secrets) == 976);

using sector = octets<sector_size>;

/// Copies a structure out of plain sector bytes.
template <typename Structure>
Structure parse_sector(byte_view data) {
    static_assert(std::is_trivially_copyable_v<Structure> && alignof(Structure) == 1);
    Structure result;
    std::memcpy(&result, data.data(), sizeof result);
    return result;
}

/// How sectors are protected. The default is upstream's; each flag is one hardening and changes the format.
struct container_policy {
    bool authenticate_iv = false;  ///< MAC over the counter block too
    bool bind_address = false;     ///< MAC over the sector number too
    bool separate_keys = false;    ///< cipher and MAC keys derived from the sector key
    bool operator==(const container_policy&) const = default;
};

/// The encrypted container of every sector from 2 on: MAC[16], counter block[16], ciphertext[4064].
class sector_container {
  public:
    static constexpr std::size_t mac_offset = 0, iv_offset = 16, body_offset = 32, capacity = 4064;

    explicit sector_container(const aes_key& key, container_policy policy = {});

    /// `plain` is zero-extended to the capacity before it is encrypted.
    void encrypt(std::uint32_t number, byte_view plain, const aes_block& iv, sector& out) const;
    /// Decrypts in place; the plain bytes begin at body_offset. False: MAC mismatch, contents then undefined.
    [[nodiscard]] bool decrypt(std::uint32_t number, sector& data) const;

  private:
    aes_block mac_of(std::uint32_t number, const sector& data) const;

    container_policy m_policy;
    sector_cipher m_cipher, m_mac;
};

}  // namespace vtwin::models::manager
