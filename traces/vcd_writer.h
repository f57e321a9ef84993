// Value change dump (IEEE 1364-2001, section 18) as GTKWave reads it. Deterministic: no date, identifiers in
// the order of declaration, only values that changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <ostream>
#include <queue>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

namespace vtwin::trace {

/// Signals may be declared at any time; the header is written last. Time scale 1 ps.
///
/// Observers may report changes that lie ahead of the kernel's time (temporal decoupling): they are held back
/// until `advance` has promised that nothing earlier can come. A change reported late is moved to that
/// promise.
class vcd_writer {
  public:
    enum class signal : std::uint32_t {};

    vcd_writer();

    /// `path` is hierarchical, separated by dots; `width` 1 to 64 bits. Starts as x, a text as "-".
    signal add_wire(std::string_view path, unsigned width);
    /// A signal whose values are words (GTKWave's extension): blanks and unprintable characters become '_'.
    signal add_text(std::string_view path);

    void set(const sc_core::sc_time& at, signal which, std::uint64_t value);
    void set(const sc_core::sc_time& at, signal which, std::string_view word);
    /// No value: z for a wire, "-" for a text.
    void clear(const sc_core::sc_time& at, signal which);
    /// From now on nothing earlier than `now` will be set.
    void advance(const sc_core::sc_time& now);

    struct declaration {
        std::string path;
        unsigned width = 0;  ///< 0: text
    };
    const std::vector<declaration>& declarations() const { return m_declarations; }

    /// Time of the last change or promise so far, in picoseconds.
    std::uint64_t end_ps() const { return std::max(m_now_ps, m_written_ps); }

    /// Releases what is held back and writes the file; it ends at the last change or promise. False when a
    /// write failed. Once only.
    bool finish(std::ostream& out);

  private:
    struct change {
        std::uint64_t at_ps = 0, order = 0;
        std::uint32_t which = 0;
        bool cleared = false;
        std::uint64_t value = 0;
        std::string word;
    };
    struct later {
        bool operator()(const change& a, const change& b) const {
            return a.at_ps != b.at_ps ? a.at_ps > b.at_ps : a.order > b.order;
        }
    };
    struct last_value {
        bool known = false, cleared = false;
        std::uint64_t value = 0;
        std::string word;
    };
    struct close_file {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    signal add(std::string_view path, unsigned width);
    void accept(change&& what);
    void emit(const change& what);
    void emit_value(const change& what);
    void spill();
    void write_header(std::ostream& out) const;

    std::vector<declaration> m_declarations;
    std::vector<std::string> m_ids;
    std::vector<last_value> m_last;
    std::priority_queue<change, std::vector<change>, later> m_ahead;
    std::uint64_t m_now_ps = 0, m_written_ps = 0, m_order = 0;
    std::string m_body;
    std::unique_ptr<std::FILE, close_file> m_spool;  ///< what no longer fits in memory
    /// A copy of this process shares the spool's position: it keeps nothing.
    int m_owner;
    bool m_good = true;
};

}  // namespace vtwin::trace
