#include "scenarios/live/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "models/live/operation_names.h"
#include "scenarios/live/recording_file.h"
#include "scenarios/schema/problem.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario::live {

using models::live::answer;
using models::live::operation;

namespace {

constexpr const char* table_head = "number,operation,device,locality,code,begun_ns,latency_ns,result\n";

/// Ordinal or return code of a frame in hexadecimal; "" when it is too short for one.
std::string code_of(const models::bytes& frame) {
    constexpr std::size_t code_at = 6, header_size = 10;
    return frame.size() >= header_size
               ? fmt::format("{:08x}", tpm::load_be32(models::byte_view(frame).subspan(code_at, 4)))
               : std::string();
}

std::string table_line(std::uint64_t number, const operation& what, const answer& result) {
    const auto ns = [](const sc_core::sc_time& time) { return time.value() / 1000; };
    const bool command = what.what == operation::kind::command;
    const std::string came = !result.ok() ? fmt::format("{} {}", name_of(result.what), result.error)
                             : command    ? code_of(result.data)
                                          : "done";
    return fmt::format("{},{},{},{},{},{},{},{}\n", number, name_of(what.what),
                       what.file == 0 ? "tpm0" : fmt::format("tpmrm0/{}", what.file), what.locality,
                       command ? code_of(what.data) : "", ns(result.begun), ns(result.ended - result.begun),
                       came);
}

}  // namespace

line_file::line_file(const std::filesystem::path& file)
    : m_file(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (m_file < 0)
        throw std::system_error(errno, std::generic_category(), file.string());
}

line_file::~line_file() {
    ::close(m_file);
}

bool line_file::add(const std::string& line) {
    std::size_t done = 0;
    while (m_problem.empty() && done < line.size()) {
        const auto wrote = ::write(m_file, line.data() + done, line.size() - done);
        if (wrote >= 0)
            done += static_cast<std::size_t>(wrote);
        else if (errno != EINTR)
            m_problem = std::strerror(errno);
    }
    return m_problem.empty();
}

journal::journal(const std::filesystem::path& table, const std::string& recording, const std::string& header)
    : m_table(table) {
    m_table.add(table_head);
    if (recording.empty())
        return;
    std::string problem;
    try {
        if (!m_recording.emplace(recording).add(header))
            problem = m_recording->problem();
    } catch (const std::system_error& error) {
        problem = error.code().message();
    }
    if (!problem.empty())
        throw user_error({"--record " + recording}, "", "cannot be written: " + problem);
}

/// Who does the recording again sleeps as long as the guest was told to, and wakes up as late as it did.
bool journal::note(const operation& what, const answer& result, const sc_core::sc_time& asked_for) {
    m_table.add(table_line(m_operations++, what, result));
    bool first_missing = false;
    if (m_recording && m_recording->problem().empty()) {
        const auto think = asked_for > m_idle_since ? asked_for - m_idle_since : sc_core::SC_ZERO_TIME;
        first_missing = !m_recording->add(print_operation({what, think, result.what, result.data}));
    }
    m_idle_since = result.ended;
    return !first_missing;
}

}  // namespace vtwin::scenario::live
