// Changes of inputs that depend on a seed alone, so that a finding can be made again anywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "tpm/ports.h"

namespace vtwin::fuzz {

class mutator {
  public:
    mutator(std::uint64_t seed, std::vector<tpm::bytes> pieces)
        : m_state(seed), m_pieces(std::move(pieces)) {}

    /// One input of `corpus`, which is not empty, with one to eight changes.
    tpm::bytes next(const std::vector<tpm::bytes>& corpus);

  private:
    std::uint64_t number();
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(number() % limit); }
    void change(tpm::bytes& input, const std::vector<tpm::bytes>& corpus);
    void put_number(tpm::bytes& input);
    void insert(tpm::bytes& input, tpm::byte_view what);

    std::uint64_t m_state;
    std::vector<tpm::bytes> m_pieces;
};

}  // namespace vtwin::fuzz
