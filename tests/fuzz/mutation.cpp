#include "tests/fuzz/mutation.h"

#include <algorithm>
#include <array>

namespace vtwin::fuzz {
namespace {

constexpr std::size_t longest = 8192, most_changes = 8;
/// Where lengths go wrong: nothing, one off a limit, signs, more than there can be.
constexpr std::array<std::uint32_t, 14> numbers = {0,    1,    9,      10,      11,         255,      256,
                                                   4095, 4096, 0x1001, 0x10000, 0x7FFFFFFF, 1u << 31, ~0u};

}  // namespace

/// SplitMix64.
std::uint64_t mutator::number() {
    m_state += 0x9E3779B97F4A7C15;
    std::uint64_t mixed = m_state;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
}

void mutator::insert(tpm::bytes& input, tpm::byte_view what) {
    const auto at = input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1));
    input.insert(at, what.begin(), what.end());
}

/// Big-endian, over or between what is there.
void mutator::put_number(tpm::bytes& input) {
    const std::uint32_t value = numbers.at(below(numbers.size()));
    tpm::bytes octets;
    for (int shift = 24; shift >= 0; shift -= 8)
        octets.push_back(std::byte(value >> shift & 0xFF));
    if (input.size() < octets.size() || below(4) == 0)
        return insert(input, octets);
    const std::size_t at = below(input.size() - octets.size() + 1);
    std::ranges::copy(octets, input.begin() + static_cast<std::ptrdiff_t>(at));
}

void mutator::change(tpm::bytes& input, const std::vector<tpm::bytes>& corpus) {
    const auto position = [&] { return input.begin() + static_cast<std::ptrdiff_t>(below(input.size())); };
    const std::size_t way = input.empty() ? 5 + below(3) : below(8);
    switch (way) {
        case 0:
            *position() ^= std::byte(1u << below(8));
            break;
        case 1:
            *position() = std::byte(below(256));
            break;
        case 2: {
            const auto from = position();
            input.erase(from, from + static_cast<std::ptrdiff_t>(
                                         1 + below(static_cast<std::size_t>(input.end() - from))));
            break;
        }
        case 3: {
            const auto from = position();
            const tpm::bytes copy(from, from + static_cast<std::ptrdiff_t>(
                                                   1 + below(static_cast<std::size_t>(input.end() - from))));
            insert(input, copy);
            break;
        }
        case 4:
            input.resize(below(input.size()));
            break;
        case 5:
            put_number(input);
            break;
        case 6: {
            const auto& other = corpus.at(below(corpus.size()));
            const std::size_t from = below(other.size() + 1);
            insert(input, tpm::byte_view(other).subspan(from, below(other.size() - from + 1)));
            break;
        }
        default:
            if (!m_pieces.empty())
                insert(input, m_pieces.at(below(m_pieces.size())));
            break;
    }
    if (input.size() > longest)
        input.resize(longest);
}

tpm::bytes mutator::next(const std::vector<tpm::bytes>& corpus) {
    tpm::bytes input = corpus.at(below(corpus.size()));
    for (std::size_t changes = 1 + below(most_changes); changes > 0; --changes)
        change(input, corpus);
    return input;
}

}  // namespace vtwin::fuzz
