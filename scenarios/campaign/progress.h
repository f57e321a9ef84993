// How far a campaign is: one line that is overwritten on a terminal, a line every ten seconds elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace vtwin::scenario {

class progress {
  public:
    using clock = std::function<std::chrono::steady_clock::time_point()>;
    /// `total` runs, or whatever `unit` says, are to be done.
    progress(std::ostream& out, bool on_terminal, std::uint64_t total,
             clock now = std::chrono::steady_clock::now, std::string unit = "runs");
    /// Clears the line of a terminal.
    ~progress();
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    void one_more();
    /// So many are done now, which somebody else counts; `note` is added to the line.
    void reach(std::uint64_t done, const std::string& note);
    /// A line that stays.
    void say(const std::string& text);
    std::uint64_t done() const { return m_done; }
    std::chrono::milliseconds elapsed() const;

  private:
    std::string line(std::chrono::steady_clock::duration since) const;
    void show();

    std::ostream& m_out;
    bool m_on_terminal;
    std::uint64_t m_total, m_done = 0;
    clock m_now;
    std::string m_unit, m_note;
    std::chrono::steady_clock::time_point m_start, m_last;
};

}  // namespace vtwin::scenario
