// The latency table against itself and against the sums of the result file.
#include <algorithm>
#include <set>
#include <sstream>

#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

using row = std::map<std::string, std::string>;
const std::vector<std::string> hops{"queue", "ring", "backend", "save", "manager", "bus", "chip", "return"};

std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> list;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');)
        list.push_back(cell);
    return list;
}

std::vector<row> read_table(const std::string& text) {
    std::istringstream in(text);
    std::string line;
    std::getline(in, line);
    const std::vector<std::string> names = cells(line);
    std::vector<row> rows;
    while (std::getline(in, line)) {
        const std::vector<std::string> values = cells(line);
        REQUIRE(values.size() == names.size());
        row each;
        for (std::size_t i = 0; i < names.size(); ++i)
            each[names[i]] = values[i];
        rows.push_back(each);
    }
    return rows;
}

}  // namespace

TEST_CASE("every row of the latency table sums to its total and the guests' rows to where the time went") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run";
    REQUIRE(
        run_program({"run", library_scenario("deep_attestation"), "--no-vcd", "--out", out.string()}).code ==
        0);
    const std::vector<row> rows = read_table(content_of(out / "latency.csv"));
    std::map<std::string, std::uint64_t> sums;
    std::map<std::string, int> commands;
    std::set<std::string> of_guest;
    for (const row& each : rows) {
        std::uint64_t sum = 0;
        for (const std::string& hop : hops)
            sum += std::stoull(each.at(hop));
        INFO(each.at("time_ns") << ' ' << each.at("origin") << ' ' << each.at("ordinal"));
        CHECK(sum == std::stoull(each.at("total")));
        ++commands[each.at("origin")];
        if (!each.at("origin").starts_with("guest"))
            continue;
        of_guest.insert(each.at("ordinal"));
        for (const std::string& hop : hops)
            sums[hop] += std::stoull(each.at(hop));
    }
    for (const char* origin : {"guest1", "guest2", "dom0", "vtpm1", "vtpm2", "vtpmmgr", "platform"})
        CHECK(commands[origin] > 0);
    for (const char* ordinal : {"TPM_Extend", "TPM_Quote", "TPM_GetRandom", "TPM_TakeOwnership"})
        CHECK(of_guest.contains(ordinal));
    const auto shares = result_of(out)["where_time_went_ps"];
    CHECK(shares.size() == hops.size());
    for (const std::string& hop : hops) {
        INFO(hop);
        CHECK(shares[hop].get<std::uint64_t>() == sums[hop] * 1000);
        CHECK(sums[hop] > 0);
    }
}

TEST_CASE("a run without a waveform measures the same times") {
    temporary_directory folder;
    const fs::path with = folder.path() / "with", without = folder.path() / "without";
    const std::string scenario = library_scenario("deep_attestation");
    REQUIRE(run_program({"run", scenario, "--quiet", "--out", with.string()}).code == 0);
    REQUIRE(run_program({"run", scenario, "--quiet", "--no-vcd", "--out", without.string()}).code == 0);
    std::vector<std::string> differ = differences(with, without);
    std::sort(differ.begin(), differ.end());
    // The fingerprint covers the waveform, and result.json holds the fingerprint.
    CHECK(differ == std::vector<std::string>{"result.json", "trace.gtkw", "trace.vcd"});
    CHECK(result_of(with)["where_time_went_ps"] == result_of(without)["where_time_went_ps"]);
    CHECK(result_of(with)["simulated_ps"] == result_of(without)["simulated_ps"]);
}
