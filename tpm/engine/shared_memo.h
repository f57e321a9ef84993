// A table from digests to octets that a process and all its forked children fill and read together.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tpm/ports.h"

namespace vtwin::tpm {

using memo_digest = std::array<std::byte, 32>;

/// Entries are written once and never change or go. An entry is published with one atomic store after it has
/// been written; a process that dies before that leaves unused memory behind and nothing else. No locks.
/// Memory is committed by the kernel when it is touched.
class shared_memo {
  public:
    /// A mapping of this size (at least 64 KiB), inherited by every later fork(). Asserts that there is
    /// memory.
    explicit shared_memo(std::size_t bytes);
    ~shared_memo();
    shared_memo(const shared_memo&) = delete;
    shared_memo& operator=(const shared_memo&) = delete;

    std::optional<bytes> find(const memo_digest& key) const;
    /// The first value of a key stays. False: there is no room any more, or another was first.
    bool insert(const memo_digest& key, byte_view value);

    /// Over all processes.
    std::uint64_t entries() const;
    std::uint64_t hits() const;
    std::uint64_t misses() const;
    std::size_t capacity() const { return m_size; }

  private:
    struct header;
    struct entry;
    using slot = std::atomic<std::uint64_t>;

    const entry* at(std::uint64_t offset) const;
    std::size_t first_slot(const memo_digest& key) const;

    std::size_t m_size;
    std::size_t m_slot_count;  ///< a power of two
    std::byte* m_base;
    header* m_header;
    slot* m_slots;  ///< offset of the entry from the base; 0: free
};

}  // namespace vtwin::tpm
