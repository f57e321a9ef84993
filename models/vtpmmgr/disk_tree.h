// The manager's state in memory: groups, pages of 48 records, records, and where each was last stored on
// disk. Source: stubdom/vtpmmgr/vtpm_disk.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/vtpmmgr/disk_format.h"

namespace vtwin::models::manager {

/// One vTPM. Connections share ownership: a record deleted under a connection lives on for it alone.
struct vtpm_record {
    static constexpr std::uint32_t admin = 1, disk_mask = 0xFFFF, open = 0x80000000;
    octets<16> uuid{};
    std::uint32_t flags = 0;
    octets<64> data{};
    std::size_t index = 0;  ///< position in its group; its page is index / 48
};

/// 48 records that share a sector. Location 0: not on disk as it is now.
struct vtpm_page {
    std::uint32_t location = 0;
    sha256_digest hash{};
    std::vector<std::shared_ptr<vtpm_record>> records;
};

/// Keys of an open group.
struct group_keys {
    octets<20> aik_auth{};
    aes_key group_key{}, rollback_mac_key{};
};

struct vtpm_group {
    static constexpr std::byte rollback_detected{1};
    octets<16> uuid{};
    octets<256> saa_modulus{}, aik_modulus{}, aik_private{};
    octets<32> rollback_pubkey_hash{};
    std::uint64_t sequence = 0, cfg_sequence = 0;
    octets<8> flags{};
    octets<256> recovery_data{};
    std::vector<seal_entry> configs;   ///< the live list of platform configurations, at most 5
    std::uint32_t sealed_configs = 0;  ///< length of the list that was last sealed
    std::vector<sha1_digest> kernels;  ///< label hashes, at most 16
    std::optional<group_keys> keys;    ///< absent: closed
    bool seals_valid = false;          ///< the blobs in `configs` are current
    bool first_boot = false;           ///< created since the manager started
    bool freed = false;                ///< upstream has released this memory but still points to it
    std::uint32_t nr_vtpms = 0;
    std::vector<vtpm_page> pages;
    std::uint32_t location = 0;
    sha256_digest hash{};
    std::vector<std::uint32_t>
        stored_below;  ///< pages and inner nodes that the sector at `location` refers to

    bool is_open() const { return keys.has_value(); }
    bool is_flagged() const { return (flags[0] & rollback_detected) != std::byte{0}; }
    void set_keys(const group_keys& value);
    /// Cipher under the group key; only while open.
    const sector_cipher& group_cipher() const;
    /// MAC over a root's core area; only while open.
    aes_block rollback_mac(byte_view root_core) const;

    std::shared_ptr<vtpm_record> find(const octets<16>& uuid) const;
    /// Page that upstream takes for the record's: computed from its index. Null when there is none.
    vtpm_page* page_of(const vtpm_record& record);
    /// True when a record can be appended: the last page holds what the count says.
    bool can_append() const;
    void append(std::shared_ptr<vtpm_record> record);
    /// The group's last record moves into the hole. False when pages and count disagree.
    [[nodiscard]] bool remove(const std::shared_ptr<vtpm_record>& record);

  private:
    std::optional<sector_cipher> m_group_cipher, m_rollback_cipher;
};

struct manager_tree {
    root_sealed_data root{};  ///< keys and identity; stored sealed
    std::uint64_t sequence = 0;
    std::uint32_t tpm_counter_value = 0;
    unsigned slot = 0;  ///< slot of the authoritative root
    std::array<bool, 2> root_seals_valid{};
    std::vector<std::shared_ptr<vtpm_group>> groups;
};

}  // namespace vtwin::models::manager
