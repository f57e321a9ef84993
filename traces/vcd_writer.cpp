#include "traces/vcd_writer.h"

#include <unistd.h>

#include <bit>
#include <map>

#include "traces/picoseconds.h"

namespace vtwin::trace {
namespace {

constexpr std::size_t spill_at = std::size_t{1} << 20;

// Printable ASCII from '!' on, least significant digit first.
std::string identifier(std::size_t number) {
    std::string id;
    do {
        id += static_cast<char>('!' + number % 94);
        number /= 94;
    } while (number-- > 0);
    return id;
}

void append_decimal(std::string& text, std::uint64_t value) {
    char digits[20];
    std::size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        text += digits[--count];
}

void append_binary(std::string& text, std::uint64_t value) {
    for (int bit = value == 0 ? 0 : std::bit_width(value) - 1; bit >= 0; --bit)
        text += (value >> bit & 1) != 0 ? '1' : '0';
}

// GTKWave's reader separates by blanks, so an empty word needs a character too.
void append_word(std::string& text, std::string_view word) {
    if (word.empty())
        text += '-';
    for (const char c : word)
        text += c > ' ' && c <= '~' ? c : '_';
}

// The scopes that dotted paths make, children in the order of their first mention.
struct scope {
    std::string name;
    std::vector<scope> scopes;
    std::vector<std::pair<std::string, std::size_t>> variables;  // leaf name, signal

    scope& child(std::string_view child_name) {
        for (scope& known : scopes)
            if (known.name == child_name)
                return known;
        scopes.push_back({std::string(child_name), {}, {}});
        return scopes.back();
    }
};

std::string as_name(std::string_view text) {
    std::string name;
    append_word(name, text);
    return name;
}

void write_scope(std::ostream& out, const scope& here,
                 const std::vector<vcd_writer::declaration>& declarations,
                 const std::vector<std::string>& ids) {
    for (const auto& [leaf, number] : here.variables) {
        const unsigned width = declarations[number].width;
        if (width == 0)
            out << "$var string 1 " << ids[number] << ' ' << leaf << " $end\n";
        else if (width == 1)
            out << "$var wire 1 " << ids[number] << ' ' << leaf << " $end\n";
        else
            out << "$var wire " << width << ' ' << ids[number] << ' ' << leaf << " [" << width - 1
                << ":0] $end\n";
    }
    for (const scope& inner : here.scopes) {
        out << "$scope module " << inner.name << " $end\n";
        write_scope(out, inner, declarations, ids);
        out << "$upscope $end\n";
    }
}

}  // namespace

vcd_writer::vcd_writer() : m_owner(::getpid()) {
    m_body.reserve(spill_at + 4096);
}

vcd_writer::signal vcd_writer::add_wire(std::string_view path, unsigned width) {
    sc_assert(width >= 1 && width <= 64);
    return add(path, width);
}

vcd_writer::signal vcd_writer::add_text(std::string_view path) {
    return add(path, 0);
}

vcd_writer::signal vcd_writer::add(std::string_view path, unsigned width) {
    sc_assert(!path.empty() && path.front() != '.' && path.back() != '.');
    const auto number = static_cast<std::uint32_t>(m_declarations.size());
    m_declarations.push_back({as_name(path), width});
    m_ids.push_back(identifier(number));
    m_last.emplace_back();
    return signal{number};
}

void vcd_writer::set(const sc_core::sc_time& at, signal which, std::uint64_t value) {
    change what{picoseconds(at), 0, static_cast<std::uint32_t>(which), false, value, {}};
    const unsigned width = m_declarations[what.which].width;
    sc_assert(width >= 1);
    if (width < 64)
        what.value &= (std::uint64_t{1} << width) - 1;
    accept(std::move(what));
}

void vcd_writer::set(const sc_core::sc_time& at, signal which, std::string_view word) {
    change what{picoseconds(at), 0, static_cast<std::uint32_t>(which), false, 0, std::string(word)};
    sc_assert(m_declarations[what.which].width == 0);
    accept(std::move(what));
}

void vcd_writer::clear(const sc_core::sc_time& at, signal which) {
    accept({picoseconds(at), 0, static_cast<std::uint32_t>(which), true, 0, {}});
}

void vcd_writer::advance(const sc_core::sc_time& now) {
    const std::uint64_t now_ps = picoseconds(now);
    if (now_ps <= m_now_ps)
        return;
    m_now_ps = now_ps;
    while (!m_ahead.empty() && m_ahead.top().at_ps < now_ps) {
        emit(m_ahead.top());
        m_ahead.pop();
    }
}

// A change for the present may be written at once unless others wait for the same moment.
void vcd_writer::accept(change&& what) {
    what.at_ps = std::max(what.at_ps, m_now_ps);
    if (what.at_ps == m_now_ps && (m_ahead.empty() || m_ahead.top().at_ps > m_now_ps))
        return emit(what);
    what.order = m_order++;
    m_ahead.push(std::move(what));
}

void vcd_writer::emit(const change& what) {
    last_value& last = m_last[what.which];
    const bool text = m_declarations[what.which].width == 0;
    if (last.known && last.cleared == what.cleared &&
        (what.cleared || (text ? last.word == what.word : last.value == what.value)))
        return;
    last.known = true;
    last.cleared = what.cleared;
    last.value = what.value;
    if (text)
        last.word = what.word;
    if (what.at_ps != m_written_ps) {
        m_body += '#';
        append_decimal(m_body, what.at_ps);
        m_body += '\n';
        m_written_ps = what.at_ps;
    }
    emit_value(what);
    if (m_body.size() >= spill_at)
        spill();
}

void vcd_writer::emit_value(const change& what) {
    const unsigned width = m_declarations[what.which].width;
    if (width == 1) {
        m_body += what.cleared ? 'z' : static_cast<char>('0' + what.value);
    } else if (width == 0) {
        m_body += 's';
        append_word(m_body, what.cleared ? std::string_view() : what.word);
        m_body += ' ';
    } else {
        m_body += 'b';
        if (what.cleared)
            m_body += 'z';
        else
            append_binary(m_body, what.value);
        m_body += ' ';
    }
    m_body += m_ids[what.which];
    m_body += '\n';
}

void vcd_writer::spill() {
    if (::getpid() != m_owner) {
        m_body.clear();
        return;
    }
    if (!m_spool)
        m_spool.reset(std::tmpfile());
    m_good =
        m_good && m_spool && std::fwrite(m_body.data(), 1, m_body.size(), m_spool.get()) == m_body.size();
    m_body.clear();
}

void vcd_writer::write_header(std::ostream& out) const {
    scope root;
    for (std::size_t number = 0; number < m_declarations.size(); ++number) {
        std::string_view rest = m_declarations[number].path;
        scope* here = &root;
        for (std::size_t dot; (dot = rest.find('.')) != std::string_view::npos; rest.remove_prefix(dot + 1))
            here = &here->child(rest.substr(0, dot));
        here->variables.emplace_back(rest, number);
    }
    out << "$version vtpm-twin $end\n$timescale 1 ps $end\n";
    write_scope(out, root, m_declarations, m_ids);
    out << "$enddefinitions $end\n#0\n$dumpvars\n";
    for (std::size_t number = 0; number < m_declarations.size(); ++number) {
        const unsigned width = m_declarations[number].width;
        out << (width == 0 ? "s- " : width == 1 ? "x" : "bx ") << m_ids[number] << '\n';
    }
    out << "$end\n";
}

bool vcd_writer::finish(std::ostream& out) {
    while (!m_ahead.empty()) {
        emit(m_ahead.top());
        m_ahead.pop();
    }
    if (m_now_ps > m_written_ps) {
        m_body += '#';
        append_decimal(m_body, m_now_ps);
        m_body += '\n';
    }
    write_header(out);
    if (m_spool) {
        std::rewind(m_spool.get());
        std::string block(spill_at, '\0');
        for (std::size_t got; (got = std::fread(block.data(), 1, block.size(), m_spool.get())) > 0;)
            out.write(block.data(), static_cast<std::streamsize>(got));
    }
    out << m_body;
    m_body.clear();
    return m_good && static_cast<bool>(out);
}

}  // namespace vtwin::trace
