#include "scenarios/runner/result.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "models/hex.h"
#include "scenarios/config/files.h"
#include "scenarios/schema/reader.h"

namespace vtwin::scenario {
namespace {

using nlohmann::ordered_json;

constexpr const char* result_file = "result.json";

std::string hash_line(models::byte_view hash, const std::string& path) {
    return models::to_hex(hash) + "  " + path + '\n';
}

/// `path` is what the line calls it.
std::string hash_line_of_file(const std::filesystem::path& file, const std::string& path) {
    const auto hash = sha256_of_file(file);
    if (!hash)
        throw user_error({file.string(), 0}, "", "cannot be read");
    return hash_line(*hash, path);
}

std::string failed_checks(const models::verdict& verdict) {
    std::string names;
    for (const models::verdict_reason& reason : verdict.reasons) {
        if (!reason.passed)
            names += (names.empty() ? "" : ", ") + reason.check;
    }
    return names;
}

std::string in_words(const models::verdict& verdict) {
    std::string failed = failed_checks(verdict);
    return std::string(verdict.trusted ? "trusted" : "untrusted") +
           (failed.empty() ? "" : ", failed: " + failed);
}

bool meets(const models::verdict& verdict, const expectation& expected) {
    auto failed = [&](const std::string& check) {
        return std::any_of(verdict.reasons.begin(), verdict.reasons.end(),
                           [&](const auto& reason) { return !reason.passed && reason.check == check; });
    };
    return verdict.trusted == expected.trusted &&
           std::all_of(expected.failed_checks.begin(), expected.failed_checks.end(), failed);
}

expectation_result check_one(const expectation& expected, const std::vector<models::verdict>& verdicts) {
    expectation_result result{expected, true, ""};
    for (const models::verdict& verdict : verdicts) {
        if (verdict.guest != expected.guest)
            continue;
        bool met = meets(verdict, expected);
        if (result.seen.empty() || (result.held && !met))
            result.seen = in_words(verdict);
        result.held = result.held && met;
    }
    if (result.seen.empty())
        return {expected, false, "no verdict"};
    return result;
}

ordered_json as_json(const models::verdict& verdict) {
    ordered_json reasons = ordered_json::array();
    for (const models::verdict_reason& reason : verdict.reasons)
        reasons.push_back({{"check", reason.check}, {"passed", reason.passed}, {"text", reason.text}});
    return {{"guest", verdict.guest}, {"trusted", verdict.trusted}, {"reasons", reasons}};
}

ordered_json as_json(const expectation_result& result) {
    return {{"guest", result.expected.guest},
            {"verdict", result.expected.trusted ? "trusted" : "untrusted"},
            {"failed_checks", result.expected.failed_checks},
            {"held", result.held},
            {"seen", result.seen}};
}

ordered_json as_json(const outcome_result& result) {
    return {{"expected", result.expected}, {"held", result.held}, {"seen", result.seen}};
}

ordered_json as_json(const std::vector<violation>& violations) {
    ordered_json list = ordered_json::array();
    for (const violation& each : violations)
        list.push_back({{"invariant", each.invariant},
                        {"class", code_of(each.worst)},
                        {"at_ps", each.at.value()},
                        {"subject", each.subject},
                        {"text", each.text}});
    return list;
}

std::string invariants_of(const std::vector<violation>& violations) {
    std::set<std::string> names;
    for (const violation& each : violations)
        names.insert(each.invariant);
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::vector<outcome_result> check_outcome(const loaded_scenario& ran, const simulation_outputs& outputs) {
    std::vector<outcome_result> results;
    const auto broken = [&](const std::vector<violation>& seen) {
        for (const auto& invariant : ran.outcome.violates)
            results.push_back({invariant + " broken", invariants_of(seen),
                               std::ranges::count(seen, invariant, &violation::invariant) != 0});
    };
    if (!outputs.injection) {
        const auto& seen = outputs.violations;
        broken(seen);
        if (!std::ranges::all_of(seen, [&](const violation& each) {
                return std::ranges::count(ran.outcome.violates, each.invariant) != 0;
            }))
            results.push_back(
                {ran.outcome.violates.empty() ? "no invariant broken" : "no other invariant broken",
                 invariants_of(seen), false});
        return results;
    }
    const auto& seen = outputs.injection->result;
    const std::string code(code_of(seen.worst));
    const auto& allowed = ran.outcome.allowed;
    if (!allowed.empty())
        results.push_back({fmt::format("outcome {}", fmt::join(allowed, " or ")), code,
                           std::ranges::count(allowed, code) != 0});
    broken(seen.violations);
    return results;
}

std::vector<expectation_result> check_expectations(const std::vector<expectation>& expectations,
                                                   const std::vector<models::verdict>& verdicts) {
    std::vector<expectation_result> results;
    results.reserve(expectations.size());
    for (const expectation& each : expectations)
        results.push_back(check_one(each, verdicts));
    return results;
}

namespace {

std::string fingerprint_of(std::string lines, const std::string& result_body) {
    const auto hash_of = [](const std::string& text) { return sha256(std::as_bytes(std::span(text))); };
    lines += hash_line(hash_of(result_body), result_file);
    return models::to_hex(hash_of(lines));
}

// Texts from guests may be no UTF-8: shown with replacement characters, never a reason to fail.
std::string print(const ordered_json& result) {
    return result.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string fingerprint(const output_directory& files, const std::string& result_body) {
    std::string lines;
    for (const std::string& path : files.files())
        lines += hash_line_of_file(files.working_place() / path, path);
    return fingerprint_of(std::move(lines), result_body);
}

std::string check_fingerprint(const std::filesystem::path& directory) {
    auto files = files_below(directory);
    files.erase(std::string(incomplete_mark));
    const auto result = files.extract(result_file);
    if (result.empty())
        return "result.json is missing";
    auto body =
        ordered_json::parse(read_text_file(result.mapped(), result.mapped().string()), nullptr, false);
    const auto stated = body.is_object() ? body.find("fingerprint") : body.end();
    if (stated == body.end() || !stated->is_string())
        return "result.json states no fingerprint";
    const std::string expected = stated->get<std::string>();
    body.erase(stated);
    std::string lines;
    for (const auto& [path, file] : files)
        lines += hash_line_of_file(file, path);
    const std::string seen = fingerprint_of(std::move(lines), print(body));
    return seen == expected ? ""
                            : "a file was changed, added or removed since the run: its fingerprint was " +
                                  expected + " and is " + seen;
}

std::string result_json(const loaded_scenario& ran, const simulation_outputs& outputs,
                        const std::vector<expectation_result>& expectations,
                        const std::vector<outcome_result>& about_outcome, const std::string& fingerprint) {
    ordered_json json;
    json["scenario"] = ran.name;
    json["description"] = ran.description;
    json["seed"] = ran.config.seed;
    json["finished"] = outputs.finished;
    json["simulated_ps"] = outputs.simulated.value();
    json["verdicts"] = ordered_json::array();
    for (const models::verdict& verdict : outputs.verdicts)
        json["verdicts"].push_back(as_json(verdict));
    json["expectations"] = ordered_json::array();
    for (const expectation_result& result : expectations)
        json["expectations"].push_back(as_json(result));
    if (outputs.injection) {
        const auto& injection = *outputs.injection;
        json["outcome"] = {{"class", code_of(injection.result.worst)},
                           {"name", name_of(injection.result.worst)},
                           {"summary", injection.result.summary},
                           {"faults_begun", injection.faults_begun},
                           {"violations", as_json(injection.result.violations)},
                           {"fingerprint", injection.fingerprint}};
    } else if (!outputs.violations.empty()) {
        json["violations"] = as_json(outputs.violations);
    }
    json["outcome_expectations"] = ordered_json::array();
    for (const outcome_result& result : about_outcome)
        json["outcome_expectations"].push_back(as_json(result));
    json["where_time_went_ps"] = ordered_json::object();
    for (const time_share& share : outputs.where_time_went)
        json["where_time_went_ps"][share.where] = share.total.value();
    json["versions"] = ordered_json::object();
    for (const component_version& each : component_versions())
        json["versions"][each.name] = each.version;
    if (!fingerprint.empty())
        json["fingerprint"] = fingerprint;
    return print(json);
}

std::vector<component_version> component_versions() {
    return {{"vtwin", VTWIN_VERSION},
            {"systemc", sc_core::sc_release()},
            {"libtpms", VTWIN_TPMS_VERSION},
            {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)}};
}

std::string print_seconds(const sc_core::sc_time& time) {
    constexpr std::uint64_t second = 1'000'000'000'000;
    return fmt::format("{}.{:012} s", time.value() / second, time.value() % second);
}

}  // namespace vtwin::scenario
