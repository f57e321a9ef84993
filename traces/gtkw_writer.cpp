#include "traces/gtkw_writer.h"

#include <algorithm>
#include <bit>

namespace vtwin::trace {
namespace {

// Trace flags of GTKWave's save format (analyzer.h there): 0x2 hexadecimal, 0x8 binary, 0x20 right-justified,
// 0x800000 group begins, 0x1000000 group ends, 0x200 is a line of text, 0x400000 closed group.
constexpr const char* no_markers =
    " -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1";
constexpr const char* hexadecimal = "@22";
constexpr const char* binary = "@28";
constexpr const char* group_open = "@800200";
constexpr const char* group_closed = "@c00200";
constexpr const char* group_end_open = "@1000200";
constexpr const char* group_end_closed = "@1401200";

std::string scope_of(const std::string& path) {
    const std::size_t dot = path.rfind('.');
    return dot == std::string::npos ? std::string() : path.substr(0, dot);
}

bool folded(const std::string& scope, const std::vector<std::string>& collapsed) {
    return std::ranges::any_of(collapsed, [&](const std::string& prefix) {
        return scope == prefix || scope.starts_with(prefix + ".");
    });
}

std::size_t rank(const std::string& scope, const std::vector<std::string>& order) {
    return static_cast<std::size_t>(std::ranges::find(order, scope.substr(0, scope.find('.'))) -
                                    order.begin());
}

/// GTKWave's zoom is a power of two: 2^n time units in 200 pixels. At least four such frames are in view.
constexpr int frames_in_view_log2 = 2;
int fitting_zoom(std::uint64_t end_ps) {
    return std::max(0, static_cast<int>(std::bit_width(end_ps)) - frames_in_view_log2);
}

}  // namespace

void write_gtkw(std::ostream& out, const std::string& vcd_name,
                const std::vector<vcd_writer::declaration>& declarations, const gtkw_layout& layout) {
    out << "[*]\n[*] vtpm-twin\n[*]\n[dumpfile] \"" << vcd_name << "\"\n[timestart] 0\n[size] 1600 1000\n"
        << "[pos] -1 -1\n*-" << fitting_zoom(layout.end_ps) << ".000000 0" << std::string(no_markers)
        << "\n[sst_expanded] 1\n[signals_width] 320\n";
    std::vector<std::string> scopes;
    for (const auto& signal : declarations)
        if (const std::string scope = scope_of(signal.path); std::ranges::find(scopes, scope) == scopes.end())
            scopes.push_back(scope);
    std::ranges::stable_sort(scopes, {}, [&](const std::string& scope) { return rank(scope, layout.order); });
    for (const std::string& scope : scopes) {
        const bool closed = folded(scope, layout.collapsed);
        out << (closed ? group_closed : group_open) << "\n-" << scope << '\n';
        for (const auto& signal : declarations) {
            if (scope_of(signal.path) != scope)
                continue;
            out << (signal.width > 1 ? hexadecimal : binary) << '\n' << signal.path;
            if (signal.width > 1)
                out << '[' << signal.width - 1 << ":0]";
            out << '\n';
        }
        out << (closed ? group_end_closed : group_end_open) << "\n-" << scope << '\n';
    }
}

}  // namespace vtwin::trace
