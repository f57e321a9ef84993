// What clients did, written down as it happens: commands.csv and, when asked for, a recording.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "models/live/operation.h"
#include "tpm/ports.h"

namespace vtwin::scenario::live {

/// A file that grows line by line. Each is handed to the system at once: what ends the program leaves those
/// that were added.
class line_file {
  public:
    /// Replaces what is there. Throws std::system_error.
    explicit line_file(const std::filesystem::path& file);
    ~line_file();
    line_file(const line_file&) = delete;
    line_file& operator=(const line_file&) = delete;

    /// False, and nothing more is added: the file can take no more.
    bool add(const std::string& line);
    /// Why; "" while it can.
    const std::string& problem() const { return m_problem; }

  private:
    int m_file;
    std::string m_problem;
};

class journal {
  public:
    /// `table`: the file commands.csv. `recording` is a file too, "" for none, and begins with `header`.
    /// Throws user_error that names the option when that one cannot be written, std::system_error when the
    /// table cannot be opened.
    journal(const std::filesystem::path& table, const std::string& recording, const std::string& header);

    /// The guest begins to serve.
    void begin(const sc_core::sc_time& now) { m_idle_since = now; }
    /// `asked_for`: where the guest's sleep before the operation ended, if it slept. False: it is the first
    /// one that the recording does not hold.
    bool note(const models::live::operation& what, const models::live::answer& result,
              const sc_core::sc_time& asked_for);

    /// Why one of them is not complete; "" when it is.
    const std::string& table_problem() const { return m_table.problem(); }
    std::string recording_problem() const { return m_recording ? m_recording->problem() : ""; }

  private:
    line_file m_table;
    std::optional<line_file> m_recording;
    std::uint64_t m_operations = 0;
    sc_core::sc_time m_idle_since;  ///< when the guest had last done what was asked
};

}  // namespace vtwin::scenario::live
