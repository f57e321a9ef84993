// Fuzzers: fuzz TARGET [--iterations N | --minutes N] [--seed N] [--trace FILE]. What is found is said with
// its input; a sanitizer that ends the program is asked again with --trace, which keeps the last input in a
// file.
#include <CLI/CLI.hpp>
#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <set>
#include <systemc>

#include "models/hex.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutation.h"

namespace {

using namespace vtwin;

struct order {
    std::string target, trace;
    std::uint64_t iterations = 20'000, seed = 1, minutes = 0;
};

std::vector<fuzz::fuzz_target> all_targets() {
    return {fuzz::raw_frames(),  fuzz::mssim_requests(), fuzz::swtpm_control(),     fuzz::swtpm_data(),
            fuzz::swtpm_files(), fuzz::swtpm_state(),    fuzz::terminal_commands(), fuzz::attest_lines(),
            fuzz::recordings(),  fuzz::listen_specs(),   fuzz::firmware_logs(),     fuzz::attest_requests()};
}

class campaign {
  public:
    campaign(const fuzz::fuzz_target& target, const order& asked)
        : m_target(target), m_asked(asked), m_mutator(asked.seed, target.pieces), m_corpus(target.seeds) {}

    int run() {
        for (const auto& seed : m_target.seeds)
            if (!try_one(seed))
                return 1;
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(m_asked.minutes);
        const auto more = [&] {
            return m_asked.minutes == 0 ? m_tried < m_asked.iterations
                                        : std::chrono::steady_clock::now() < end;
        };
        while (more()) {
            tpm::bytes input = m_mutator.next(m_corpus);
            const std::size_t outcomes = m_outcomes.size();
            if (!try_one(input))
                return 1;
            if (m_outcomes.size() > outcomes)
                m_corpus.push_back(std::move(input));
        }
        std::cout << m_target.name << ": " << m_tried << " inputs, " << m_outcomes.size() << " outcomes\n";
        return 0;
    }

  private:
    bool try_one(const tpm::bytes& input) {
        ++m_tried;
        if (!m_asked.trace.empty())
            std::ofstream(m_asked.trace) << models::to_hex(input) << '\n';
        try {
            m_outcomes.insert(m_target.run(input));
            return true;
        } catch (const std::exception& error) {
            std::cout << m_target.name << ", input " << m_tried << " of seed " << m_asked.seed << ": "
                      << error.what() << '\n'
                      << models::to_hex(input) << '\n';
            return false;
        }
    }

    const fuzz::fuzz_target& m_target;
    const order& m_asked;
    fuzz::mutator m_mutator;
    std::vector<tpm::bytes> m_corpus;
    std::set<std::uint64_t> m_outcomes;
    std::uint64_t m_tried = 0;
};

}  // namespace

int sc_main(int argc, char** argv) {
    order asked;
    CLI::App app("feeds what reads octets from outside with octets that nobody meant");
    app.add_option("target", asked.target)->required();
    app.add_option("--iterations", asked.iterations, "how many inputs");
    app.add_option("--minutes", asked.minutes, "how long, instead");
    app.add_option("--seed", asked.seed);
    app.add_option("--trace", asked.trace, "a file that always has the input that is being tried");
    CLI11_PARSE(app, argc, argv);
    for (const auto& target : all_targets())
        if (target.name == asked.target)
            return campaign(target, asked).run();
    std::cerr << "there is no target " << asked.target << '\n';
    return 2;
}
