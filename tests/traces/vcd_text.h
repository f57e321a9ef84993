// A reader of value change dumps for tests, written from the format's definition and sharing nothing with the
// writer: paths to lists of (time, value).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace vtwin::test {

struct vcd_text {
    bool good = false;
    std::map<std::string, std::vector<std::pair<std::uint64_t, std::string>>> signals;

    std::string history(const std::string& path) const {
        std::string text;
        for (const auto& [time, value] : signals.at(path))
            text += (text.empty() ? "" : " ") + std::to_string(time) + "=" + value;
        return text;
    }
    std::size_t changes(const std::string& path) const { return signals.at(path).size(); }
    std::string at(const std::string& path, std::uint64_t time) const {
        std::string last;
        for (const auto& [when, value] : signals.at(path))
            if (when <= time)
                last = value;
        return last;
    }
};

inline vcd_text parse_vcd(const std::string& file) {
    struct variable {
        std::string path;
        std::size_t width = 0;
    };
    vcd_text text;
    std::map<std::string, variable> by_id;
    std::vector<std::string> scopes;
    std::istringstream in(file);
    std::string word;
    const auto skip_to_end = [&] {
        while (in >> word && word != "$end") {
        }
    };
    while (in >> word && word != "$enddefinitions") {
        if (word == "$scope") {
            in >> word >> word;
            scopes.push_back(word);
        } else if (word == "$upscope") {
            if (scopes.empty())
                return text;
            scopes.pop_back();
        } else if (word == "$var") {
            std::string type, id, name;
            std::size_t width = 0;
            in >> type >> width >> id >> name;
            std::string path;
            for (const std::string& scope : scopes)
                path += scope + ".";
            const bool fresh = by_id.emplace(id, variable{path + name, type == "string" ? 0 : width}).second;
            if (!fresh || text.signals.contains(path + name))
                return text;
            text.signals[path + name];
        } else if (word != "$version" && word != "$timescale") {
            return text;
        }
        skip_to_end();
    }
    in >> word;
    std::uint64_t time = 0;
    while (in >> word) {
        if (word == "$dumpvars" || word == "$end")
            continue;
        if (word[0] == '#') {
            const std::uint64_t next = std::stoull(word.substr(1));
            if (next < time)
                return text;
            time = next;
            continue;
        }
        std::string id, value;
        if (word[0] == 'b' || word[0] == 's') {
            value = word.substr(1);
            in >> id;
        } else {
            value = word.substr(0, 1);
            id = word.substr(1);
        }
        const auto found = by_id.find(id);
        if (found == by_id.end())
            return text;
        const std::size_t width = found->second.width;
        if (value.size() > width && width > 0)
            return text;
        if (width > 1 && value[0] != 'x' && value[0] != 'z')
            value.insert(0, width - value.size(), '0');
        text.signals[found->second.path].emplace_back(time, value);
    }
    text.good = scopes.empty();
    return text;
}

}  // namespace vtwin::test
