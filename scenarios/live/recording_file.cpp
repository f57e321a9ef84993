#include "scenarios/live/recording_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/hex.h"
#include "models/live/operation_names.h"
#include "scenarios/live/pace.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario::live {

using json = nlohmann::ordered_json;
using models::live::answer;
using models::live::place;
using models::live::recorded_operation;
using models::live::start_mode;

namespace {

constexpr int format_version = 1;
const std::vector<std::string> families = {"1.2", "2.0"};
const std::vector<std::string> starts = {"guest", "init", "clear", "dom0"};
const std::vector<std::string> places = {"guest", "hardware"};
const std::vector<std::string> keys = {"operation", "think_ns", "locality", "file",
                                       "data",      "status",   "answer"};
constexpr std::array statuses = {answer::status::done, answer::status::no_power, answer::status::failed,
                                 answer::status::closed};

/// One line, with complaints that name it.
class line_reader {
  public:
    line_reader(const std::string& text, const std::string& file, std::uint32_t line)
        : m_where{file, line}, m_object(json::parse(text, nullptr, false)) {
        if (!m_object.is_object())
            refuse("", "not a line of a recording: expected a JSON object");
    }
    [[noreturn]] void refuse(const std::string& key, const std::string& why) const {
        throw user_error(m_where, key, why);
    }
    void only(const std::vector<std::string>& known) const {
        for (const auto& [key, value] : m_object.items())
            if (std::ranges::count(known, key) == 0)
                refuse(key, "unknown key" + suggestion(key, known));
    }
    std::uint64_t number(const char* key, std::uint64_t most) const {
        if (!m_object.contains(key))
            return 0;
        const auto& value = m_object[key];
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
            refuse(key, fmt::format("expected a number from 0 to {}", most));
        return value.get<std::uint64_t>();
    }
    std::string word(const char* key, const std::string& otherwise) const {
        if (!m_object.contains(key))
            return otherwise;
        if (!m_object[key].is_string())
            refuse(key, "expected a text");
        return m_object[key].get<std::string>();
    }
    std::size_t choice(const char* key, const std::vector<std::string>& from) const {
        const std::string given = word(key, "");
        const auto found = std::ranges::find(from, given);
        if (found == from.end())
            refuse(key, fmt::format("'{}' is none of {}{}", given, fmt::join(from, ", "),
                                    suggestion(given, from)));
        return static_cast<std::size_t>(found - from.begin());
    }
    models::bytes octets(const char* key) const {
        auto parsed = models::from_hex(word(key, ""));
        if (!parsed)
            refuse(key, "expected hexadecimal octets");
        return std::move(*parsed);
    }

  private:
    origin m_where;
    json m_object;
};

std::vector<std::string> status_names() {
    std::vector<std::string> names;
    names.reserve(statuses.size());
    for (const auto each : statuses)
        names.emplace_back(models::live::name_of(each));
    return names;
}

recorded_operation parse_operation(const line_reader& line) {
    const std::uint64_t longest_think = paced_clock::horizon().value() / ps_per_ns;
    line.only(keys);
    recorded_operation parsed;
    const std::string name = line.word("operation", "");
    const auto kind = models::live::operation_named(name);
    if (!kind)
        line.refuse("operation", fmt::format("there is no operation '{}'", name));
    parsed.what.what = *kind;
    parsed.what.locality = static_cast<std::uint8_t>(line.number("locality", 255));
    parsed.what.file = static_cast<std::uint32_t>(line.number("file", UINT32_MAX));
    parsed.what.data = line.octets("data");
    parsed.think = sc_core::sc_time::from_value(line.number("think_ns", longest_think) * ps_per_ns);
    parsed.status = statuses.at(line.choice("status", status_names()));
    parsed.answered = line.octets("answer");
    return parsed;
}

}  // namespace

std::string print_header(tpm::family version, start_mode start, place at) {
    json header = {{"vtwin_recording", format_version},
                   {"tpm", families.at(version == tpm::family::tpm20 ? 1 : 0)},
                   {"start", starts.at(static_cast<std::size_t>(start))}};
    if (at == place::hardware)
        header["at"] = places.at(1);
    return header.dump() + '\n';
}

std::string print_operation(const recorded_operation& what) {
    json line = {{"operation", models::live::name_of(what.what.what)},
                 {"think_ns", what.think.value() / ps_per_ns}};
    if (what.what.locality != 0)
        line["locality"] = what.what.locality;
    if (what.what.file != 0)
        line["file"] = what.what.file;
    if (!what.what.data.empty())
        line["data"] = models::to_hex(what.what.data);
    line["status"] = models::live::name_of(what.status);
    if (!what.answered.empty())
        line["answer"] = models::to_hex(what.answered);
    return line.dump() + '\n';
}

namespace {

void parse_header(const line_reader& line, models::live::recording& into) {
    line.only({"vtwin_recording", "tpm", "start", "at"});
    if (line.number("vtwin_recording", UINT32_MAX) != format_version)
        line.refuse(
            "vtwin_recording",
            fmt::format("expected {}: a recording by another version, or no recording", format_version));
    into.version = line.choice("tpm", families) == 1 ? tpm::family::tpm20 : tpm::family::tpm12;
    into.start = static_cast<start_mode>(line.choice("start", starts));
    if (!line.word("at", "").empty())
        into.at = static_cast<place>(line.choice("at", places));
    if (into.start == start_mode::dom0 && into.at != place::hardware)
        line.refuse("start", "dom0 is a start at the hardware: expected \"at\":\"hardware\"");
}

}  // namespace

models::live::recording parse_recording(const std::string& text, const std::string& name) {
    std::istringstream in(text);
    std::string line;
    models::live::recording parsed;
    for (std::uint32_t number = 1; std::getline(in, line); ++number) {
        // The end of a disk or of a program may have cut off what was being written.
        if (in.eof() && number > 1 && !json::accept(line))
            break;
        const line_reader reader(line, name, number);
        if (number == 1)
            parse_header(reader, parsed);
        else
            parsed.operations.push_back(parse_operation(reader));
    }
    if (text.empty())
        throw user_error({name, 1}, "", "an empty file is no recording");
    return parsed;
}

}  // namespace vtwin::scenario::live
