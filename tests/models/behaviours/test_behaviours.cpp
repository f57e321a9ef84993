#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "models/behaviours/behaviours.h"

using namespace vtwin::models;
namespace fs = std::filesystem;

namespace {

std::string underscored(std::string_view name) {
    std::string text(name);
    std::ranges::replace(text, '.', '_');
    return text;
}

/// Enumerators that the models' sources ask a behaviour_set about.
std::set<std::string> asked_in_sources() {
    static const std::string scope = "behaviour::", letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(VTWIN_SOURCE_DIR) / "models")) {
        const auto extension = entry.path().extension();
        if ((extension != ".cpp" && extension != ".h") ||
            entry.path().parent_path().filename() == "behaviours") {
            continue;
        }
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        const std::string source = text.str();
        for (std::size_t at = source.find(scope); at != std::string::npos; at = source.find(scope, at)) {
            at += scope.size();
            names.insert(source.substr(at, source.find_first_not_of(letters, at) - at));
        }
    }
    names.erase("count");
    return names;
}

}  // namespace

TEST_CASE("every behaviour is found by its name and by no other") {
    CHECK(all_behaviours().size() == static_cast<std::size_t>(behaviour::count));
    for (const auto& info : all_behaviours()) {
        CHECK(find_behaviour(info.name) == info.id);
        CHECK(info.faithful.size() > 0);
        CHECK(info.hardened.size() > 0);
    }
    CHECK_FALSE(find_behaviour("tpmback.no_such_thing"));
    CHECK_FALSE(find_behaviour("tpmback_page_read_without_acquire"));
}

TEST_CASE("modelled behaviours are exactly those that the sources ask for") {
    std::set<std::string> declared;
    for (const auto& info : all_behaviours()) {
        if (info.modelled) {
            declared.insert(underscored(info.name));
        }
    }
    CHECK(declared == asked_in_sources());
}

TEST_CASE("behaviour set is faithful until hardened one by one") {
    behaviour_set set;
    CHECK(set.faithful(behaviour::tpmback_bad_length_never_cleared));
    set.set(behaviour::tpmback_bad_length_never_cleared, true);
    CHECK(set.hardened(behaviour::tpmback_bad_length_never_cleared));
    CHECK(set.faithful(behaviour::tpmback_length_check_wraps));
    set.set_all(true);
    CHECK(set.hardened(behaviour::tpmback_length_check_wraps));
}
