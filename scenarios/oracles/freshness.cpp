// Freshness: nothing that was acknowledged comes back older than it was.
#include <map>
#include <set>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/state_ledger.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t uuid_octets = 16;

class no_older_state final : public oracle,
                             public hears<seen::state_taken>,
                             public hears<seen::answer>,
                             public hears<seen::state_given>,
                             public hears<seen::tpm_power> {
  public:
    explicit no_older_state(const scene& who) : m_ledger(who) {}
    void hear(const seen::state_taken& what) override { m_ledger.taken(what); }
    void hear(const seen::answer& what) override { m_ledger.answered(what); }
    void hear(const seen::state_given& what) override {
        if (!what.accepted)
            return;
        const auto at = m_ledger.position_of(what);
        const auto* of = m_ledger.find(what.vtpm);
        if (at && of != nullptr && *at + 1 < of->acknowledged)
            violated(what.at, what.vtpm,
                     fmt::format("{} loaded a state that is {} changes older than what its guest was told",
                                 what.vtpm, of->acknowledged - *at - 1));
        m_ledger.restored(what);
    }
    void hear(const seen::tpm_power& what) override {
        if (what.now == seen::tpm_power::what::erased)
            m_ledger.erased(what.tpm);
    }

  private:
    state_ledger m_ledger;
};

class newest_record final : public oracle, public hears<seen::answer> {
  public:
    explicit newest_record(const scene& who) : m_who(who) {}
    void hear(const seen::answer& what) override {
        if (what.back != m_who.manager || tag_of(what.request) != tag_vtpm || !succeeded(what.response))
            return;
        const bool saved = code_of(what.request) == ordinal::save_hash_key;
        const auto body = body_of(saved ? what.request : what.response);
        if (body.size() < record_hash)
            return;
        auto hash = text_of_octets(body.first(record_hash));
        if (saved) {
            m_newest[std::string(what.ring)] = std::move(hash);
            return;
        }
        const auto known = m_newest.find(what.ring);
        if (code_of(what.request) == ordinal::load_hash_key && known != m_newest.end() &&
            known->second != hash)
            violated(what.at, what.ring,
                     fmt::format("{} was given another record than the last that the manager acknowledged",
                                 what.ring));
    }

  private:
    const scene& m_who;
    std::map<std::string, std::string, std::less<>> m_newest;
};

/// TPM_COUNTER_VALUE in the answer of TPM_IncrementCounter or TPM_ReadCounter.
struct counter_seen {
    std::uint32_t id = 0, value = 0;
    bool incremented = false;
};
std::optional<counter_seen> counter_in(tpm::byte_view command, tpm::byte_view response) {
    constexpr std::size_t id_at = 10, value_at = 10 + 6, least = 20;
    const auto code = code_of(command);
    if ((code != ordinal::increment_counter && code != ordinal::read_counter) || !succeeded(response) ||
        response.size() < least)
        return std::nullopt;
    return counter_seen{static_cast<std::uint32_t>(number_at(command, id_at, 4)),
                        static_cast<std::uint32_t>(number_at(response, value_at, 4)),
                        code == ordinal::increment_counter};
}

class hardware_counters final : public oracle, public hears<seen::execution>, public hears<seen::tpm_power> {
  public:
    explicit hardware_counters(const scene&) {}
    void hear(const seen::execution& what) override {
        const auto count = counter_in(what.command, what.response);
        if (!count || what.tpm != "tpm")
            return;
        const auto [last, fresh] = m_values.try_emplace(count->id, count->value);
        if (!fresh && (count->value < last->second || (count->incremented && count->value == last->second)))
            violated(what.at, what.tpm,
                     fmt::format("counter {} of the hardware TPM was {} and is {}", count->id, last->second,
                                 count->value));
        last->second = count->value;
    }
    void hear(const seen::tpm_power& what) override {
        if (what.now == seen::tpm_power::what::erased && what.tpm == "tpm")
            m_values.clear();
    }

  private:
    std::map<std::uint32_t, std::uint32_t> m_values;
};

class no_fork final : public oracle,
                      public hears<seen::state_taken>,
                      public hears<seen::state_given>,
                      public hears<seen::domain_life> {
  public:
    explicit no_fork(const scene&) {}
    void hear(const seen::state_taken& what) override { claim(what.digest, what.vtpm); }
    void hear(const seen::state_given& what) override {
        const auto holder = m_holder.find(what.digest);
        if (what.accepted && holder != m_holder.end() && holder->second != what.vtpm)
            violated(what.at, what.vtpm,
                     fmt::format("{} goes on from a state of {}, which still runs: there are two of it now",
                                 what.vtpm, holder->second));
        if (what.accepted)
            claim(what.digest, what.vtpm);
    }
    void hear(const seen::domain_life& what) override {
        if (what.now != seen::domain_life::what::created)
            std::erase_if(m_holder, [&](const auto& each) { return each.second == what.domain; });
    }

  private:
    void claim(std::uint64_t digest, std::string_view vtpm) { m_holder.try_emplace(digest, vtpm); }
    std::map<std::uint64_t, std::string> m_holder;  ///< of live domains
};

class guest_sees_no_going_back final : public oracle, public hears<seen::guest_command> {
  public:
    explicit guest_sees_no_going_back(const scene&) {}
    void hear(const seen::guest_command& what) override {
        if (what.result < 0)
            return;
        if (const auto count = counter_in(what.command, what.response))
            compare(what, fmt::format("counter {}", count->id), count->value);
        constexpr std::size_t ticks_at = 10 + 2, nonce_at = 10 + 12, end = 10 + 32;
        if (code_of(what.command) == ordinal::get_ticks && succeeded(what.response) &&
            what.response.size() >= end)
            compare(what, fmt::format("tick count {:x}", digest_of(what.response.subspan(nonce_at, 20))),
                    number_at(what.response, ticks_at, 8));
    }

  private:
    void compare(const seen::guest_command& what, const std::string& quantity, std::uint64_t value) {
        const auto [last, fresh] = m_values.try_emplace({std::string(what.domain), quantity}, value);
        if (!fresh && value < last->second)
            violated(
                what.at, what.domain,
                fmt::format("{} saw {} go back from {} to {}", what.domain, quantity, last->second, value));
        last->second = value;
    }
    std::map<std::pair<std::string, std::string>, std::uint64_t> m_values;
};

class deleted_stays_deleted final : public oracle, public hears<seen::answer> {
  public:
    explicit deleted_stays_deleted(const scene& who) : m_who(who) {}
    void hear(const seen::answer& what) override {
        if (what.back != m_who.manager || !succeeded(what.response))
            return;
        const auto body = body_of(what.request);
        const auto code = code_of(what.request);
        if (tag_of(what.request) == tag_management && code == ordinal::vtpm_delete &&
            body.size() >= uuid_octets)
            m_deleted.insert(text_of_octets(body.first(uuid_octets)));
        const auto vtpm = m_who.vtpms.find(what.ring);
        if (tag_of(what.request) != tag_vtpm || vtpm == m_who.vtpms.end())
            return;
        if (code == ordinal::save_hash_key)
            m_deleted.erase(vtpm->second.uuid);  // made anew
        else if (code == ordinal::load_hash_key && m_deleted.contains(vtpm->second.uuid))
            violated(what.at, what.ring, fmt::format("the deleted vTPM {} is there again", what.ring));
    }

  private:
    const scene& m_who;
    std::set<std::string> m_deleted;
};

}  // namespace

std::vector<invariant> freshness_invariants() {
    constexpr std::string_view part = "freshness";
    using enum outcome_class;
    return {
        {"I-F1", part, "The state that a vTPM loads is not older than what its guest was told of.",
         security_violation, make_oracle<no_older_state>},
        {"I-F2", part, "The manager gives out the last record that it acknowledged, restarts or not.",
         security_violation, make_oracle<newest_record>},
        {"I-F3", part, "A counter of the hardware TPM never goes back, and an increment always moves it.",
         security_violation, make_oracle<hardware_counters>},
        {"I-F4", part, "No two live vTPMs go on from the same state.", security_violation,
         make_oracle<no_fork>},
        {"I-F5", part, "Counters and tick counts that a guest reads never go back.", security_violation,
         make_oracle<guest_sees_no_going_back>},
        {"I-F6", part, "A vTPM that the administrator deleted cannot be loaded again.", security_violation,
         make_oracle<deleted_stays_deleted>},
    };
}

}  // namespace vtwin::scenario
