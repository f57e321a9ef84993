#include "models/live/operation_names.h"

#include <algorithm>
#include <array>

namespace vtwin::models::live {
namespace {

constexpr std::array<std::string_view, 17> names = {
    "command",       "close",       "power_off",         "power_on",       "hash_start",    "hash_data",
    "hash_end",      "established", "reset_established", "take_permanent", "take_volatile", "give_permanent",
    "give_volatile", "presence",    "take_saved",        "give_saved",     "attest"};

}  // namespace

std::string_view name_of(operation::kind what) {
    return names.at(static_cast<std::size_t>(what));
}

std::optional<operation::kind> operation_named(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
        return std::nullopt;
    return static_cast<operation::kind>(found - names.begin());
}

std::string_view name_of(answer::status what) {
    switch (what) {
        case answer::status::done:
            return "done";
        case answer::status::no_power:
            return "no_power";
        case answer::status::failed:
            return "failed";
        case answer::status::closed:
            break;
    }
    return "closed";
}

}  // namespace vtwin::models::live
