// Test doubles around the manager: a disk in memory, services without time, scripted chance.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <systemc>
#include <vector>

#include "models/chance.h"
#include "models/hex.h"
#include "models/ports.h"
#include "models/vtpmmgr/seal.h"

namespace vtwin::test {

using models::byte_view;
using models::bytes;
namespace manager = models::manager;

/// `count` bytes first, first + 1, ... modulo 256.
inline bytes seq(unsigned first, std::size_t count) {
    bytes result(count);
    for (std::size_t i = 0; i < count; ++i)
        result[i] = std::byte(first + i);
    return result;
}
template <std::size_t N>
std::array<std::byte, N> seq(unsigned first) {
    std::array<std::byte, N> result;
    for (std::size_t i = 0; i < N; ++i)
        result[i] = std::byte(first + i);
    return result;
}
inline std::string hex(byte_view data) {
    return models::to_hex(data);
}
inline bytes unhex(std::string_view text) {
    return models::from_hex(text).value();
}
template <std::size_t N>
std::array<std::byte, N> unhex(std::string_view text) {
    const bytes data = unhex(text);
    std::array<std::byte, N> result;
    std::copy_n(data.begin(), N, result.begin());
    return result;
}

/// A disk that remembers the order of its writes and can lose power after the n-th.
struct memory_disk final : models::block_file_if {
    bytes content;
    std::vector<std::uint32_t> written;  ///< sector numbers (4096 bytes) in order
    std::size_t writes_left = SIZE_MAX;  ///< later ones are lost
    bool fail_writes = false;
    unsigned flushes = 0;

    explicit memory_disk(std::size_t size = 2 << 20) : content(size) {}
    std::uint64_t size() const override { return content.size(); }
    std::uint32_t sector_size() const override { return 512; }
    bool read(std::uint64_t offset, std::span<std::byte> out) override {
        std::copy_n(content.begin() + static_cast<long>(offset), out.size(), out.begin());
        return true;
    }
    bool write(std::uint64_t offset, byte_view data) override {
        if (fail_writes)
            return false;
        written.push_back(static_cast<std::uint32_t>(offset / 4096));
        if (writes_left == 0)
            return true;
        --writes_left;
        std::copy(data.begin(), data.end(), content.begin() + static_cast<long>(offset));
        return true;
    }
    bool flush() override {
        ++flushes;
        return true;
    }
    byte_view sector(std::uint32_t number) const { return byte_view(content).subspan(number * 4096, 4096); }
};

struct quiet_services final : models::stubdom_services_if {
    sc_core::sc_time spent;
    std::vector<std::string> lines;
    void charge(const sc_core::sc_time& cpu_time) override { spent += cpu_time; }
    void sleep(const sc_core::sc_time& duration) override { spent += duration; }
    void yield() override {}
    sc_core::sc_time now() const override { return spent; }
    void log(level, const std::string& text) override { lines.push_back(text); }
    bool said(std::string_view part) const {
        return std::any_of(lines.begin(), lines.end(),
                           [&](const std::string& line) { return line.find(part) != std::string::npos; });
    }
};

/// Gives the listed values in order, then seeded bytes.
struct scripted_entropy final : tpm::entropy_if {
    std::deque<bytes> values;
    models::chance_stream rest{7, "test"};
    void fill(std::span<std::byte> out) override {
        if (values.empty())
            return rest.fill(out);
        std::copy_n(values.front().begin(), out.size(), out.begin());
        values.pop_front();
    }
};

/// A TPM that seals by remembering. Root and group blobs may be given fixed patterns (vector K10).
struct stub_seals final : manager::seal_if {
    manager::pcr_values pcrs{};
    std::map<bytes, bytes> vault;
    bytes root_blob, group_blob;
    unsigned sealed = 0, unsealed = 0;
    bool refuse_seal = false;

    manager::sha1_digest composite(std::uint32_t mask) override { return manager::pcr_composite(mask, pcrs); }
    bool seal(manager::seal_entry& entry, byte_view data) override {
        ++sealed;
        if (refuse_seal)
            return false;
        entry.digest_at_seal = composite(entry.pcr_mask);
        bytes blob = data.size() == 84 ? root_blob : group_blob;
        if (blob.empty()) {
            blob.resize(256);
            const manager::be32 number = sealed;
            std::memcpy(blob.data(), &number, sizeof number);
        }
        std::copy(blob.begin(), blob.end(), entry.blob.begin());
        vault[blob] = bytes(data.begin(), data.end());
        return true;
    }
    std::optional<bytes> unseal(const manager::seal_entry& entry) override {
        ++unsealed;
        const auto found = vault.find(bytes(entry.blob.begin(), entry.blob.end()));
        if (found == vault.end())
            return std::nullopt;
        return found->second;
    }
};

}  // namespace vtwin::test
