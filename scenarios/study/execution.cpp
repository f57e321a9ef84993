#include "scenarios/study/execution.h"

#include <fmt/format.h>
#include <poll.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "scenarios/campaign/database.h"
#include "scenarios/config/scenario.h"
#include "scenarios/report/page.h"
#include "scenarios/study/child_process.h"

namespace vtwin::scenario::study {
namespace {

using nlohmann::json;

constexpr std::size_t quantile_steps = 200;

loaded_scenario load_setting(const study& what, const setting& which, std::uint64_t seed) {
    std::vector<override_text> overrides = which.overrides;
    overrides.push_back({"seed", std::to_string(seed), "first_seed"});
    loaded_scenario loaded = load_scenario(what.scenario, overrides);
    for (auto& guest : loaded.config.machine.guests)
        if (guest.load && !guest.load->deadline)
            guest.load->deadline = what.deadline;
    return loaded;
}

/// What the child sends. Figures as the bits of a double, so that they arrive as they left.
std::string encode(const point_result& result) {
    json text;
    text["problem"] = result.problem;
    text["values"] = result.values;
    text["quantiles"] = quantiles_of(result.latencies);
    return text.dump(-1, ' ', false, json::error_handler_t::replace);
}

void decode(const std::string& text, stored_point& into) {
    const json parsed = json::parse(text);
    into.problem = parsed.at("problem").get<std::string>();
    into.values = parsed.at("values").get<metrics>();
    into.quantiles = parsed.at("quantiles").get<std::vector<double>>();
}

struct job {
    stored_point point;
    child_process child;
};

class executor {
  public:
    executor(const study& what, const execution_options& options, const simulate_point& simulate,
             std::ostream& out)
        : m_study(what),
          m_options(options),
          m_simulate(simulate),
          m_out(out),
          m_settings(settings_of(what)),
          m_alone(options.out / "study.db"),
          m_results(options.out / "study.db", what, true) {}

    execution_summary run() {
        find_work();
        std::vector<job> running;
        while (!m_waiting.empty() || !running.empty()) {
            while (!m_waiting.empty() && running.size() < m_options.jobs)
                running.push_back(start());
            wait_for_one(running);
        }
        report::write_file(m_options.out / "points.csv", csv_of(m_study, m_results.all()));
        return m_summary;
    }

  private:
    /// Long points first would end sooner; but what the user waits for comes in the order of the study.
    void find_work() {
        std::set<std::pair<std::size_t, std::uint64_t>> there;
        for (const stored_point& point : m_results.all())
            there.insert({point.setting, point.seed});
        for (std::uint64_t number = 0; number < points_of(m_study); ++number) {
            const auto place = place_of(m_study, number);
            if (!m_options.part.has(number))
                continue;
            if (there.contains({place.setting, place.seed}))
                ++m_summary.skipped;
            else
                m_waiting.emplace_back(place.setting, place.seed);
        }
        m_total = m_waiting.size();
    }

    job start() {
        const auto [index, seed] = m_waiting.front();
        m_waiting.pop_front();
        stored_point point;
        point.setting = index;
        point.seed = seed;
        return {point, child_process([this, index = index, seed = seed] {
                    return encode(m_simulate(load_setting(m_study, m_settings[index], seed).config));
                })};
    }

    void wait_for_one(std::vector<job>& running) {
        std::vector<pollfd> waiting;
        waiting.reserve(running.size());
        for (const job& each : running)
            waiting.push_back({each.child.readable(), POLLIN, 0});
        if (::poll(waiting.data(), waiting.size(), -1) <= 0)
            return;
        for (std::size_t i = running.size(); i-- > 0;) {
            if (waiting[i].revents == 0 || running[i].child.read_some())
                continue;
            job ended = std::move(running[i]);
            std::vector<job> others;
            for (std::size_t k = 0; k < running.size(); ++k)
                if (k != i)
                    others.push_back(std::move(running[k]));
            running.swap(others);
            keep(ended);
        }
    }

    void keep(job& ended) {
        std::string text;
        if (ended.child.finish(text))
            decode(text, ended.point);
        else
            ended.point.problem = text;
        const std::string label = label_of(m_study, m_settings[ended.point.setting]);
        m_results.add(ended.point, label);
        ++m_summary.done;
        m_summary.failed += ended.point.problem.empty() ? 0 : 1;
        if (m_options.progress)
            m_out << fmt::format("[{}/{}] {}, seed {}{}\n", m_summary.done, m_total, label, ended.point.seed,
                                 ended.point.problem.empty() ? "" : ": " + ended.point.problem)
                  << std::flush;
    }

    const study& m_study;
    const execution_options& m_options;
    const simulate_point& m_simulate;
    std::ostream& m_out;
    std::vector<setting> m_settings;
    writer_lock m_alone;
    results m_results;
    std::deque<std::pair<std::size_t, std::uint64_t>> m_waiting;
    std::size_t m_total = 0;
    execution_summary m_summary;
};

}  // namespace

std::vector<double> quantiles_of(const std::vector<std::uint64_t>& sorted) {
    std::vector<double> values;
    for (std::size_t step = 0; step <= quantile_steps && !sorted.empty(); ++step)
        values.push_back(static_cast<double>(sorted[(sorted.size() - 1) * step / quantile_steps]));
    return values;
}

void check_settings(const study& what) {
    for (const setting& each : settings_of(what))
        (void)load_setting(what, each, what.first_seed);
}

execution_summary execute(const study& what, const execution_options& options, const simulate_point& simulate,
                          std::ostream& out) {
    check_settings(what);
    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    if (error)
        throw user_error({options.out.string(), 0}, "", "cannot be made: " + error.message());
    return executor(what, options, simulate, out).run();
}

}  // namespace vtwin::scenario::study
