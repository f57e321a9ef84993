#include "scenarios/faults/crossing.h"

namespace vtwin::scenario {

std::string_view text_of(field which) {
    constexpr std::array<std::string_view, static_cast<std::size_t>(field::count_)> names = {
        "address", "burst", "code", "length",   "locality", "member", "operation", "ordinal", "path",
        "peer",    "port",  "ref",  "register", "sector",   "side",   "stage",     "value"};
    return names[static_cast<std::size_t>(which)];
}

}  // namespace vtwin::scenario
