#include "scenarios/campaign/keys.h"

#include <algorithm>

#include "scenarios/schema/key.h"

namespace vtwin::scenario {
namespace {

/// Keys of a fault: the same below [strata.<name>], [[strata.<name>.faults]] and [noise.<name>].
void add_fault_keys(std::vector<campaign_key>& all, const std::string& prefix) {
    auto add = [&](std::string_view name, std::string_view form, std::string_view standard,
                   std::string_view doc) {
        all.push_back({prefix + std::string(name), form, standard, doc});
    };
    add("kind", "string", "required", "kind of fault, see `vtwin list faults`");
    add("target", "string or list", "required",
        "wires or domains that it is done to; a pattern with * and ? is one target");
    add("on", "string or list", "the target", "wire whose crossings are counted, for kinds that act at once");
    add("where.<field>", "value, list or range", "any",
        "condition on a field of the crossing; \"a|b\" is one condition, [\"a\", \"b\"] are two points");
    add("with.<parameter>", "value, list or range", "the kind's",
        "parameter of the kind; a range is { from = 0, to = 7, step = 1 }");
    add("nth", "number, list, range or \"all\"", "1",
        "matching crossing that it begins with; \"all\": each that a run without faults has");
    add("at", "time, list or range", "none",
        "nothing happens before; a range is { from = \"0 s\", to = \"30 s\", step = \"10 ms\" }");
    add("count", "number", "1", "crossings that it acts on; 0 for ever");
    add("duration", "time", "none", "it acts on all crossings until so long after it began");
    add("probability", "0 to 1", "1", "chance of each counted crossing to be acted on");
}

std::vector<campaign_key> declare() {
    std::vector<campaign_key> all = {
        {"name", "string", "name of the file", "names the store and the report"},
        {"description", "string", "\"\"", "what is to be found out"},
        {"scenario", "string", "required", "path of a scenario file, or the name of one in the library"},
        {"seeds", "number or list", "1", "seeds of the runs; a number n means 1 to n"},
        {"seed", "number", "1", "from it follows which points are drawn"},
        {"null", "number", "0", "so many runs without faults in seeds of their own, 1 to n"},
        {"allowed", "list of outcome classes", "all but O8", "any other outcome ends with exit code 1"},
        {"confidence", "0 to 1", "0.95", "of intervals and bounds in the report"},
        {"limits.cpu", "time", "60 s", "processor time of one run; more is a hang"},
        {"limits.memory", "size", "4 GiB", "memory of one run; more is a failure"},
        {"limits.simulated", "time", "the scenario's time_limit", "simulated time of one run"},
        {"variants.<name>.\"<key>\"", "as in a scenario", "none",
         "a setting of this variant; the first variant is the one that others are compared with"},
        {"variants.<name>.allowed", "list of outcome classes", "the campaign's", "for runs of this variant"},
        {"strata.<name>.description", "string", "\"\"", "what these faults have in common"},
        {"strata.<name>.sample", "see right", "\"exhaustive\"",
         "\"exhaustive\", { n = 200 }, { margin = 0.05, confidence = 0.95 }, or \"every crash point\": at "
         "each "
         "write and flush of the disk that 'on' names"},
        {"strata.<name>.weight", "number", "share of all points", "in the estimate over all strata"},
        {"strata.<name>.allowed", "list of outcome classes", "the variant's", "for runs of this stratum"},
    };
    add_fault_keys(all, "strata.<name>.");
    all.push_back(
        {"strata.<name>.faults", "list of tables", "none",
         "instead of one fault: several at once, every point of one with every point of the others"});
    add_fault_keys(all, "strata.<name>.faults.");
    all.push_back({"noise.<name>.share", "0 to 1", "1", "share of the runs that get this fault as well"});
    add_fault_keys(all, "noise.<name>.");
    return all;
}

/// True when one path begins with the other; a wildcard of the declaration stands for one segment, as its
/// last one for all that follows.
bool covers(const std::string& declared, std::string_view asked) {
    const auto wanted = split_path(asked), given = split_path(declared);
    for (std::size_t i = 0; i < std::min(wanted.size(), given.size()); ++i)
        if (given[i] != wanted[i] && given[i].front() != '<' && given[i].front() != '"')
            return false;
    return true;
}

}  // namespace

const std::vector<campaign_key>& campaign_keys() {
    static const auto all = declare();
    return all;
}

bool is_declared(std::string_view pattern) {
    return std::ranges::any_of(campaign_keys(),
                               [&](const campaign_key& key) { return covers(key.pattern, pattern); });
}

}  // namespace vtwin::scenario
