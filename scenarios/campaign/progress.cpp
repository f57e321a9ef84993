#include "scenarios/campaign/progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace vtwin::scenario {
namespace {

using namespace std::chrono_literals;

std::string in_words(std::uint64_t seconds) {
    if (seconds < 60)
        return fmt::format("{} s", seconds);
    if (seconds < 3600)
        return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace

progress::progress(std::ostream& out, bool on_terminal, std::uint64_t total, clock now, std::string unit)
    : m_out(out),
      m_on_terminal(on_terminal),
      m_total(total),
      m_now(std::move(now)),
      m_unit(std::move(unit)),
      m_start(m_now()),
      m_last(m_start) {}

progress::~progress() {
    if (m_on_terminal)
        m_out << "\r\033[K" << std::flush;
}

std::chrono::milliseconds progress::elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(m_now() - m_start);
}

std::string progress::line(std::chrono::steady_clock::duration since) const {
    constexpr std::uint64_t wide = 30;
    const double seconds = std::chrono::duration<double>(since).count();
    const double rate = seconds > 0 ? static_cast<double>(m_done) / seconds : 0;
    std::string text;
    if (m_on_terminal) {
        const auto full = m_total == 0 ? wide : std::min(wide, m_done * wide / m_total);
        text = '[' + std::string(full, '#') + std::string(wide - full, ' ') + "] ";
    }
    text += fmt::format("{}/{} {}, {:.1f}/s", m_done, m_total, m_unit, rate);
    if (rate > 0 && m_done < m_total)
        text += ", " + in_words(static_cast<std::uint64_t>(static_cast<double>(m_total - m_done) / rate)) +
                " to go";
    return m_note.empty() ? text : text + "; " + m_note;
}

void progress::one_more() {
    ++m_done;
    show();
}

void progress::reach(std::uint64_t done, const std::string& note) {
    const bool news = done != m_done;
    m_done = done;
    m_note = note;
    if (news || m_done != m_total)
        show();
}

void progress::say(const std::string& text) {
    m_out << (m_on_terminal ? "\r\033[K" : "") << text << std::endl;
}

void progress::show() {
    const auto now = m_now();
    if (now - m_last < (m_on_terminal ? std::chrono::steady_clock::duration(100ms) : 10s) &&
        m_done != m_total)
        return;
    m_last = now;
    if (m_on_terminal)
        m_out << "\r\033[K" << line(now - m_start) << std::flush;
    else
        m_out << line(now - m_start) << std::endl;
}

}  // namespace vtwin::scenario
