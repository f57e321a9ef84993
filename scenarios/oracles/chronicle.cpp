#include "scenarios/oracles/chronicle.h"

#include <fmt/format.h>

#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {

enum class chronicle::kind : std::uint8_t {
    page,
    state,
    submission,
    answer,
    execution,
    power,
    taken,
    given,
    command,
    asks,
    grant,
    event,
    store,
    disk,
    life,
    line,
    chip,
    appraisal,
    attested,
    end
};

running_digest& chronicle::note(kind what, const sc_core::sc_time& at, std::string_view who) {
    return m_exact.add(static_cast<std::uint8_t>(what)).add(at).add(who);
}

void chronicle::say(const sc_core::sc_time& at, std::string_view who, std::string text, bool error) {
    m_history.push_back({at, std::string(who), std::move(text), error});
}

// ---- rings and TPMs

void chronicle::hear(const seen::ring_page& what) {
    note(kind::page, what.at, what.ring).add(what.back).add(what.mapped).add(what.ref);
    say(what.at, what.back,
        fmt::format("{} {}", what.mapped ? "connected to" : "disconnected from", what.ring));
}

void chronicle::hear(const seen::page_state& what) {
    note(kind::state, what.at, what.ring).add(what.by).add(what.from).add(what.to);
    constexpr std::uint8_t cancel = 3;
    if (what.to == cancel)
        say(what.at, what.ring, "cancelled its command", true);
}

void chronicle::hear(const seen::submission& what) {
    note(kind::submission, what.at, what.ring)
        .add(digest_of(what.command))
        .add(what.length)
        .add(what.locality);
}

void chronicle::hear(const seen::answer& what) {
    note(kind::answer, what.at, what.ring).add(digest_of(what.response)).add(what.length);
    if (what.back != m_who.manager || tag_of(what.request) < tag_vtpm)
        return;
    const auto code = code_of(what.request);
    if (!succeeded(what.response)) {
        constexpr std::uint32_t unknown = 3;
        const bool first_time = code == ordinal::load_hash_key && code_of(what.response) == unknown;
        say(what.at, m_who.manager,
            fmt::format("answered {} to command 0x{:X} of {}", code_of(what.response), code, what.ring),
            !first_time);
    } else if (tag_of(what.request) == tag_vtpm && code == ordinal::save_hash_key) {
        m_recorded[std::string(what.ring)] = true;
    }
}

void chronicle::hear(const seen::execution& what) {
    note(kind::execution, what.at, what.tpm)
        .add(digest_of(what.command))
        .add(what.locality)
        .add(digest_of(what.response));
    const auto code = code_of(what.command);
    const bool endorsement = code == ordinal::create_ek || code == ordinal::create_revocable_ek ||
                             code == ordinal::create_primary20;
    if (endorsement && succeeded(what.response) && m_who.is_vtpm(what.tpm))
        m_identity[std::string(what.tpm)] = fmt::format("{:016x}", digest_of(body_of(what.response)));
}

void chronicle::hear(const seen::tpm_power& what) {
    note(kind::power, what.at, what.tpm).add(what.now);
    if (what.now != seen::tpm_power::what::erased || !m_who.is_vtpm(what.tpm))
        return;
    ++m_made[std::string(what.tpm)];
    say(what.at, what.tpm, "makes a new TPM with a new endorsement key");
}

void chronicle::hear(const seen::state_taken& what) {
    note(kind::taken, what.at, what.vtpm).add(what.digest);
}

void chronicle::hear(const seen::state_given& what) {
    note(kind::given, what.at, what.vtpm).add(what.digest).add(what.accepted);
    say(what.at, what.vtpm, what.accepted ? "loaded its stored state" : "could not use its stored state",
        !what.accepted);
}

void chronicle::hear(const seen::guest_command& what) {
    const auto ordinal = code_of(what.command);
    note(kind::command, what.at, what.domain)
        .add(what.asked)
        .add(digest_of(what.command))
        .add(what.result)
        .add(digest_of(what.response));
    const std::int64_t code = what.result < 0 ? what.result : code_of(what.response);
    if (code != 0)
        say(what.at, what.domain,
            what.result < 0 ? fmt::format("command 0x{:X} failed with errno {}", ordinal, -what.result)
                            : fmt::format("command 0x{:X} was answered with code 0x{:X}", ordinal, code),
            true);
    if (ordinal == ordinal::get_random ||
        ordinal == ordinal::get_random20)  // the kernel asks now and then, as long as it runs
        return;
    auto& all = m_commands[std::string(what.domain)];
    if (!all.empty() && all.back().ordinal == ordinal && all.back().code != 0)
        all.back().code = code;
    else
        all.push_back({ordinal, code});
}

void chronicle::hear(const seen::guest_asks& what) {
    note(kind::asks, what.at, what.domain).add(what.ordinal);
}

void chronicle::hear(const seen::chip_answer& what) {
    note(kind::chip, what.done, "tpm").add(what.go).add(what.ordinal).add(what.result).add(what.locality);
    if (what.result != 0)
        say(what.done, "tpm", fmt::format("answered 0x{:X} to command 0x{:X}", what.result, what.ordinal),
            true);
}

// ---- plumbing

void chronicle::hear(const seen::grant_mapping& what) {
    note(kind::grant, what.at, what.mapper).add(what.granter).add(what.ref).add(what.mapped);
}

void chronicle::hear(const seen::event_bit& what) {
    note(kind::event, what.at, what.domain).add(what.port).add(what.pending);
}

void chronicle::hear(const seen::store_message& what) {
    note(kind::store, what.at, what.connection)
        .add(what.out)
        .add(what.type)
        .add(what.request)
        .add(what.transaction)
        .add(what.payload);
}

void chronicle::hear(const seen::disk_done& what) {
    note(kind::disk, what.at, what.domain)
        .add(what.submitted)
        .add(what.write)
        .add(what.flush)
        .add(what.sector)
        .add(what.sectors)
        .add(what.status);
    if (what.status != 0)
        say(what.at, what.domain,
            fmt::format("its disk refused a {} at sector {}",
                        what.flush   ? "flush"
                        : what.write ? "write"
                                     : "read",
                        what.sector),
            true);
}

void chronicle::hear(const seen::domain_life& what) {
    constexpr std::string_view words[] = {"created", "shut down", "crashed", "destroyed"};
    const auto now = words[static_cast<std::size_t>(what.now)];
    note(kind::life, what.at, what.domain).add(what.now);
    const bool unplanned = what.now == seen::domain_life::what::crashed;
    say(what.at, what.domain, fmt::format("was {}", now), unplanned);
    auto& life = m_life[std::string(what.domain)];
    // Its end is what counts; destroying what lies there already changes nothing.
    if (what.now != seen::domain_life::what::destroyed || life == "created")
        life = now;
}

void chronicle::hear(const seen::log_line& what) {
    note(kind::line, what.at, what.domain).add(what.text).add(what.warning).add(what.error);
    say(what.at, what.domain, std::string(what.text), what.warning || what.error);
}

// ---- verdicts

void chronicle::hear(const seen::appraisal& what) {
    note(kind::appraisal, what.at, what.guest).add(what.trusted).add(what.nonce);
    say(what.at, "verifier", fmt::format("{} {}", what.trusted ? "trusts" : "does not trust", what.guest),
        !what.trusted);
}

void chronicle::attested(std::string_view guest, bool completed, bool trusted, const std::string& detail) {
    const auto at = sc_core::sc_time_stamp();
    const auto word = !completed ? "none" : trusted ? "trusted" : "not trusted";
    note(kind::attested, at, guest).add(std::string_view(word)).add(detail);
    auto& verdicts = m_verdicts[std::string(guest)];
    verdicts +=
        fmt::format("{}{}{}", verdicts.empty() ? "" : ", ", word, detail.empty() ? "" : " (" + detail + ")");
    if (!completed)
        say(at, guest, "attestation came to nothing: " + detail, true);
}

void chronicle::hear(const seen::run_end& what) {
    note(kind::end, what.at, "").add(what.finished);
}

// ---- results

std::map<std::string, std::string> chronicle::facts() const {
    std::map<std::string, std::string> facts;
    for (const auto& [name, each] : m_who.guests)
        facts[name + ".verdicts"] = "";
    for (const auto& [name, each] : m_verdicts)
        facts[name + ".verdicts"] = each;
    for (const auto& [name, all] : m_commands) {
        running_digest digest;
        std::size_t errors = 0;
        for (const auto& each : all) {
            digest.add(each.ordinal).add(static_cast<std::uint64_t>(each.code));
            errors += each.code != 0;
        }
        facts[name + ".commands"] = fmt::format("{} with {} errors, {}", all.size(), errors, digest.text());
    }
    for (const auto& [name, life] : m_life)
        facts[name + ".life"] = life;
    for (const auto& [name, made] : m_made)
        facts[name + ".made"] = std::to_string(made);
    for (const auto& [name, identity] : m_identity)
        facts[name + ".ek"] = identity;
    facts[m_who.manager + ".records"] = std::to_string(m_recorded.size());
    return facts;
}

std::string chronicle::results_of(const std::map<std::string, std::string>& facts) {
    running_digest digest;
    for (const auto& [name, value] : facts)
        if (!name.ends_with(".ek"))
            digest.add(name).add(value);
    return digest.text();
}

}  // namespace vtwin::scenario
