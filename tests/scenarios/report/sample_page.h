// A page with every kind of block, for tests of how pages are shown, and what they look for there.
#pragma once

#include <cmath>

#include "scenarios/report/page.h"

namespace vtwin::scenario::report::test {

inline std::size_t occurrences(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++count;
    return count;
}

inline page sample_page() {
    const std::vector<std::string> classes = {
        "not activated", "masked", "corrected",         "detected safe",
        "degraded",      "hang",   "silent corruption", "security violation"};
    const std::vector<severity> meanings = {severity::none,   severity::good,    severity::good,
                                            severity::notice, severity::warning, severity::warning,
                                            severity::bad,    severity::bad};
    heat_map matrix{"Outcomes by kind of fault", {}, classes, meanings, {}};
    const std::vector<std::string> kinds = {
        "disk.bit_flip",     "disk.torn_write",           "disk.lost_flush",
        "ring.double_fetch", "tis.burst_count_too_large", "domain.kill",
        "memory.bit_flip",   "xenstore.lost_watch",       "hypercall.refused",
        "chip.power_loss"};
    for (std::size_t row = 0; row < kinds.size(); ++row) {
        matrix.rows.push_back(kinds[row]);
        std::vector<std::uint64_t> counts;
        for (std::size_t place = 0; place < classes.size(); ++place)
            counts.push_back(
                (row * 7 + place * place * 5) % 11 < 4 ? 0 : (row * 31 + place * 17) % 97 * (place + 1));
        matrix.counts.push_back(counts);
    }

    interval_plot ratios{"Silent corruption or worse", {"ratio of runs", ""}, {}, 0.05, "allowed"};
    ratios.intervals = {{"disk.bit_flip / faithful", 0.12, 0.08, 0.17, "24 of 200", severity::bad},
                        {"disk.bit_flip / hardened", 0.005, 0.0009, 0.028, "1 of 200", severity::warning},
                        {"disk.torn_write / faithful", 0.02, 0.0078, 0.05, "4 of 200", severity::warning},
                        {"disk.torn_write / hardened", 0, 0, 0.0188, "0 of 200", severity::good}};

    line_chart cdf{"Latency of a PCR read", {"latency", "ms", true}, {"share of commands", ""}, {}, {}};
    for (std::size_t guests : {1, 8, 64}) {
        std::vector<double> values;
        for (std::size_t index = 1; index <= 1000; ++index)
            values.push_back(static_cast<double>(guests) *
                             (1.2 - 0.5 * std::log(1.0 - double(index) / 1001.0)));
        cdf.curves.push_back(distribution(std::to_string(guests) + " guests", values));
    }
    cdf.marks = {{"time limit", 200, true}};

    line_chart load{"Utilisation", {"guests", "", true}, {"busy", "%"}, {}, {{"capacity", 100, false}}};
    series chip{"chip", {}, line_style::line}, formula{"formula", {}, line_style::dashed};
    for (double guests = 1; guests <= 64; guests *= 2) {
        const double busy = 100 * std::min(1.0, guests / 20);
        chip.points.push_back({guests, busy * 0.97, busy * 0.93, std::min(100.0, busy * 1.01)});
        formula.points.push_back({guests, busy});
    }
    load.curves = {chip, formula};

    const stacked_bars hops{"Where the time goes",
                            {"time", "ms"},
                            {"vtpm_pcr_read", "vtpm_extend", "chip_pcr_read", "deep_quote"},
                            {{"guest driver", {0.1, 0.1, 0.1, 0.2}},
                             {"ring and wake-up", {0.3, 0.3, 0.6, 0.9}},
                             {"vTPM", {0.2, 1.1, 0.1, 0.4}},
                             {"manager", {0, 0.4, 0.3, 1.4}},
                             {"chip", {0, 0, 4.1, 9.2}}}};

    const histogram sizes{"Queue length at the manager",
                          {"waiting", "commands"},
                          {{0, 1, 120}, {1, 2, 60}, {2, 3, 20}, {3, 4, 5}}};

    const table worst{
        "Worst runs",
        {{"run", alignment::right}, {"class"}, {"invariant"}, {"what happened"}},
        {{{"17"}, {"security violation", severity::bad}, {"I-A3"}, {"guest web read the key of guest db"}},
         {{"4"}, {"hang", severity::warning}, {"L-1"}, {"the manager waited for a lost watch"}},
         {{"23456"}, {"masked", severity::good}, {""}, {"nothing to see"}}}};

    return {"Campaign disk_faults",
            {"scenario deep_attestation, 2000 runs, 2 variants", "plan 3f1b…, results 77a0…"},
            {{"Outcomes",
              {paragraph{"Every run had one fault. The class is the worst that applies."}, matrix, ratios}},
             {"Times", {cdf, load, hops, sizes}},
             {"Worst runs",
              {worst, code_line{"Run 17 again:", "vtwin campaign replay out/campaigns/disk.sqlite 17"}}}}};
}

}  // namespace vtwin::scenario::report::test
