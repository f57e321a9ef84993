#include "traces/trace_event_writer.h"

#include <fmt/format.h>

#include <iterator>

namespace vtwin::trace {
namespace {

constexpr std::size_t spill_events_at = std::size_t{1} << 16;

}  // namespace

trace_event_writer::trace_event_writer(std::ostream& out) : m_out(out) {
    m_pending = "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"application\":\"vtwin\"},\"traceEvents\":[";
}

void trace_event_writer::name_process(std::uint32_t pid, std::string_view name, std::uint32_t sort_index) {
    metadata("process_name", {pid, pid}, {{"name", std::string(name)}});
    metadata("process_sort_index", {pid, pid}, {{"sort_index", std::uint64_t{sort_index}}});
}

void trace_event_writer::name_thread(trace_track where, std::string_view name, std::uint32_t sort_index) {
    metadata("thread_name", where, {{"name", std::string(name)}});
    metadata("thread_sort_index", where, {{"sort_index", std::uint64_t{sort_index}}});
}

void trace_event_writer::metadata(const char* kind, trace_track where, const trace_arguments& list) {
    begin_event('M', where);
    name(kind);
    arguments(list);
    end_event();
}

void trace_event_writer::slice(trace_track where, std::uint64_t begin_ps, std::uint64_t end_ps,
                               std::string_view category, std::string_view called,
                               const trace_arguments& list) {
    begin_event('B', where);
    name(called);
    m_pending += ",\"cat\":";
    text(category);
    time_stamp(begin_ps);
    arguments(list);
    end_event();
    begin_event('E', where);
    time_stamp(end_ps);
    end_event();
}

void trace_event_writer::flow(flow_phase phase, std::uint64_t id, trace_track where, std::uint64_t at_ps,
                              std::string_view called) {
    begin_event(static_cast<char>(phase), where);
    name(called);
    m_pending += ",\"cat\":\"command\",\"id\":";
    number(id);
    if (phase != flow_phase::start)
        m_pending += ",\"bp\":\"e\"";
    time_stamp(at_ps);
    end_event();
}

void trace_event_writer::begin_event(char phase, trace_track where) {
    m_pending += m_first ? "\n" : ",\n";
    m_first = false;
    m_pending += "{\"ph\":\"";
    m_pending += phase;
    m_pending += "\",\"pid\":";
    number(where.pid);
    m_pending += ",\"tid\":";
    number(where.tid);
}

void trace_event_writer::name(std::string_view value) {
    m_pending += ",\"name\":";
    text(value);
}

// Octets beyond ASCII are taken for Latin-1: whatever a name holds, the file is valid JSON.
void trace_event_writer::text(std::string_view value) {
    const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; };
    m_pending += '"';
    for (const char c : value)
        if (is_plain(c))
            m_pending += c;
        else if (c == '"' || c == '\\')
            (m_pending += '\\') += c;
        else
            fmt::format_to(std::back_inserter(m_pending), "\\u{:04x}", static_cast<unsigned char>(c));
    m_pending += '"';
}

void trace_event_writer::number(std::uint64_t value) {
    const fmt::format_int digits(value);
    m_pending.append(digits.data(), digits.size());
}

void trace_event_writer::time_stamp(std::uint64_t ps) {
    m_pending += ",\"ts\":";
    number(ps / 1'000'000);
    const fmt::format_int fraction(1'000'000 + ps % 1'000'000);  // the leading 1 gives way to the point
    (m_pending += '.').append(fraction.data() + 1, fraction.size() - 1);
}

void trace_event_writer::arguments(const trace_arguments& list) {
    if (list.empty())
        return;
    m_pending += ",\"args\":{";
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (i != 0)
            m_pending += ',';
        text(list[i].first);
        m_pending += ':';
        if (const auto* count = std::get_if<std::uint64_t>(&list[i].second))
            number(*count);
        else
            text(std::get<std::string>(list[i].second));
    }
    m_pending += '}';
}

void trace_event_writer::end_event() {
    m_pending += '}';
    if (m_pending.size() < spill_events_at)
        return;
    m_out.write(m_pending.data(), static_cast<std::streamsize>(m_pending.size()));
    m_pending.clear();
}

bool trace_event_writer::finish() {
    m_pending += "\n]}\n";
    m_out.write(m_pending.data(), static_cast<std::streamsize>(m_pending.size()));
    m_pending.clear();
    return m_out.good();
}

}  // namespace vtwin::trace
