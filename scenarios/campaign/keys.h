// The keys of a campaign file, one declaration each: `vtwin campaign keys` prints them, and the reader reads
// no other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vtwin::scenario {

struct campaign_key {
    std::string pattern;        ///< segments with dots; <name>, <field>, <parameter> and <key> stand for any
    std::string_view form;      ///< what is written
    std::string_view standard;  ///< what holds when it is left out
    std::string_view doc;
};

/// Every key, in the order of the documentation.
const std::vector<campaign_key>& campaign_keys();
/// True when a key or table with this pattern is declared.
bool is_declared(std::string_view pattern);

}  // namespace vtwin::scenario
