#include "tpm/engine/shared_memo.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <systemc>

namespace vtwin::tpm {

struct shared_memo::header {
    std::atomic<std::uint64_t> used;  ///< octets from the base that are given away
    std::atomic<std::uint64_t> entries, hits, misses;
};

struct shared_memo::entry {
    memo_digest key;
    std::uint64_t size;
    std::byte value[1];  ///< `size` of them
};

namespace {

constexpr std::size_t smallest = 64 * 1024;
constexpr std::size_t octets_per_slot = 256;  // entries are larger, so slots do not run out before memory
constexpr std::size_t longest_probe = 64;
constexpr std::size_t alignment = 8;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

std::size_t aligned(std::size_t size) {
    return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

shared_memo::shared_memo(std::size_t bytes)
    : m_size(std::max(bytes, smallest)), m_slot_count(std::bit_floor(m_size / octets_per_slot)) {
    void* const mapped =
        mmap(nullptr, m_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    sc_assert(mapped != MAP_FAILED);
    m_base = static_cast<std::byte*>(mapped);
    m_header = new (m_base) header{};
    // Fresh pages are zero, which is what free slots are: they are not touched before they are needed.
    m_slots = reinterpret_cast<slot*>(m_base + aligned(sizeof(header)));
    m_header->used = aligned(sizeof(header)) + m_slot_count * sizeof(slot);
}

shared_memo::~shared_memo() {
    munmap(m_base, m_size);
}

const shared_memo::entry* shared_memo::at(std::uint64_t offset) const {
    return reinterpret_cast<const entry*>(m_base + offset);
}

// The key is a digest: its first octets are as good a hash as any.
std::size_t shared_memo::first_slot(const memo_digest& key) const {
    std::uint64_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof hash);
    return hash & (m_slot_count - 1);
}

std::optional<bytes> shared_memo::find(const memo_digest& key) const {
    for (std::size_t i = 0, place = first_slot(key); i < longest_probe; ++i, ++place) {
        const auto offset = m_slots[place & (m_slot_count - 1)].load(std::memory_order_acquire);
        if (offset == 0)
            break;
        if (const auto* found = at(offset); found->key == key) {
            m_header->hits.fetch_add(1, std::memory_order_relaxed);
            return bytes(found->value, found->value + found->size);
        }
    }
    m_header->misses.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
}

bool shared_memo::insert(const memo_digest& key, byte_view value) {
    const std::uint64_t size = aligned(offsetof(entry, value) + value.size());
    std::uint64_t offset = m_header->used.load(std::memory_order_relaxed);
    do {
        if (size > m_size || offset > m_size - size)
            return false;
    } while (!m_header->used.compare_exchange_weak(offset, offset + size, std::memory_order_relaxed));
    auto* const made = reinterpret_cast<entry*>(m_base + offset);
    made->key = key;
    made->size = value.size();
    std::ranges::copy(value, made->value);
    for (std::size_t i = 0, place = first_slot(key); i < longest_probe; ++i, ++place) {
        auto& here = m_slots[place & (m_slot_count - 1)];
        std::uint64_t occupant = 0;
        if (here.compare_exchange_strong(occupant, offset, std::memory_order_acq_rel)) {
            m_header->entries.fetch_add(1, std::memory_order_relaxed);
            return true;
        }
        if (at(occupant)->key == key)
            return false;
    }
    return false;
}

std::uint64_t shared_memo::entries() const {
    return m_header->entries;
}
std::uint64_t shared_memo::hits() const {
    return m_header->hits;
}
std::uint64_t shared_memo::misses() const {
    return m_header->misses;
}

}  // namespace vtwin::tpm
