#include "scenarios/live/listen_spec.h"

#include <fmt/format.h>

#include <array>
#include <asio/ip/address.hpp>
#include <charconv>
#include <set>

#include "scenarios/schema/problem.h"

namespace vtwin::scenario::live {
namespace {

constexpr const char* loopback = "127.0.0.1";
constexpr unsigned most_mode = 0777, most_port = 65535;
constexpr std::size_t longest_socket_path = 107 - 5;  // sun_path, with ".ctrl"

const std::vector<std::string> kinds = {"raw", "swtpm", "mssim", "attest", "pty"};
const std::vector<std::string> options = {"device", "mode", "open"};
const std::vector<std::string> devices = {"tpm0", "tpmrm0"};
const std::vector<std::string> ways_to_open = {"shared", "exclusive"};

struct spec_reader {
    const std::string& text;
    listen_spec spec;

    [[noreturn]] void refuse(const std::string& why) const {
        throw user_error({"--listen " + text}, "", why);
    }

    std::size_t choose(const std::string& word, const std::vector<std::string>& from,
                       const std::string& what) const {
        for (std::size_t i = 0; i < from.size(); ++i)
            if (from[i] == word)
                return i;
        refuse(fmt::format("there is no {} '{}'; there are {}{}", what, word, fmt::join(from, ", "),
                           suggestion(word, from)));
    }

    std::uint32_t number(const std::string& digits, int base, std::uint32_t most, const char* what) const {
        std::uint32_t value = 0;
        const auto* end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
        if (error != std::errc{} || stop != end || value > most)
            refuse(fmt::format("'{}' is no {}", digits, what));
        return value;
    }

    void read_path(const std::string& path) {
        if (path.empty())
            refuse("the path is missing");
        if (path.size() > longest_socket_path)
            refuse(fmt::format("the path is longer than {} characters", longest_socket_path));
        spec.path = path;
    }

    void read_tcp(const std::string& address, bool remote) {
        const std::size_t colon = address.rfind(':');
        spec.host = colon == std::string::npos ? loopback : address.substr(0, colon);
        if (spec.host.size() > 2 && spec.host.front() == '[' && spec.host.back() == ']')
            spec.host = spec.host.substr(1, spec.host.size() - 2);
        if (spec.host == "localhost")
            spec.host = loopback;
        asio::error_code error;
        const auto parsed = asio::ip::make_address(spec.host, error);
        if (error)
            refuse(fmt::format("'{}' is no numeric address", spec.host));
        if (!parsed.is_loopback() && !remote)
            refuse(
                fmt::format("{} can be reached from other machines: --allow-remote permits that", spec.host));
        const std::string port = colon == std::string::npos ? address : address.substr(colon + 1);
        // The second channel has the next port.
        const bool two = spec.kind == door_kind::swtpm || spec.kind == door_kind::mssim;
        spec.port = static_cast<std::uint16_t>(number(port, 10, most_port - (two ? 1 : 0), "port"));
        if (spec.port == 0)
            refuse("port 0 is no place that a client could know");
    }

    void read_option(const std::string& option) {
        const std::size_t equal = option.find('=');
        const std::string value = equal == std::string::npos ? "" : option.substr(equal + 1);
        const std::size_t which = choose(option.substr(0, equal), options, "option");
        if (which == 0)
            spec.resource_manager = choose(value, devices, "device") == 1;
        else if (which == 2)
            spec.exclusive = choose(value, ways_to_open, "way to open it") == 1;
        else if (!spec.path.empty() && spec.kind != door_kind::pty)
            spec.mode = number(value, 8, most_mode, "octal mode of a file");
        else
            refuse("mode is for Unix sockets");
    }
};

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts(1);
    for (const char each : text) {
        if (each == at)
            parts.emplace_back();
        else
            parts.back() += each;
    }
    return parts;
}

}  // namespace

listen_spec parse_listen_spec(const std::string& text, bool remote) {
    spec_reader reader{text, {}};
    reader.spec.text = text;
    const auto parts = split(text, ',');
    const std::size_t colon = parts[0].find(':');
    const std::string kind = parts[0].substr(0, colon);
    reader.spec.kind = static_cast<door_kind>(reader.choose(kind, kinds, "kind of door"));
    const std::string place = colon == std::string::npos ? "" : parts[0].substr(colon + 1);
    if (reader.spec.kind == door_kind::pty) {
        reader.read_path(place);
    } else if (place.starts_with("unix:")) {
        reader.read_path(place.substr(5));
    } else if (place.starts_with("tcp:")) {
        reader.read_tcp(place.substr(4), remote);
    } else {
        reader.refuse(fmt::format("expected {0}:unix:PATH or {0}:tcp:[HOST:]PORT", kind));
    }
    for (std::size_t i = 1; i < parts.size(); ++i)
        reader.read_option(parts[i]);
    if (reader.spec.resource_manager && reader.spec.kind == door_kind::attest)
        reader.refuse("behind an attest door is no device, but the guest's agent");
    const bool is_file = reader.spec.kind == door_kind::raw || reader.spec.kind == door_kind::pty;
    if (reader.spec.exclusive && (!is_file || reader.spec.resource_manager))
        reader.refuse("open=exclusive is for tpm0 at raw and pty doors, where a connection is an open file");
    // swtpm's clients open a connection for every command: nothing says when one of them has ended.
    if (reader.spec.resource_manager && reader.spec.kind == door_kind::swtpm)
        reader.refuse(
            "a swtpm door cannot offer tpmrm0, as its clients connect anew for every command; "
            "raw, mssim and pty can");
    return reader.spec;
}

std::vector<listen_spec> parse_listen_specs(const std::vector<std::string>& texts, bool remote) {
    std::vector<listen_spec> specs;
    std::set<std::string> places;
    for (const auto& text : texts) {
        specs.push_back(parse_listen_spec(text, remote));
        const auto& spec = specs.back();
        const bool two = spec.kind == door_kind::swtpm || spec.kind == door_kind::mssim;
        std::vector<std::string> taken;
        if (!spec.path.empty()) {
            taken.push_back(spec.path);
            if (two)
                taken.push_back(spec.path + ".ctrl");
        } else {
            for (int i = 0; i < (two ? 2 : 1); ++i)
                taken.push_back(fmt::format("port {} of {}", spec.port + i, spec.host));
        }
        for (const auto& place : taken)
            if (!places.insert(place).second)
                throw user_error({"--listen " + text}, "", place + " is taken by another door");
    }
    return specs;
}

}  // namespace vtwin::scenario::live
