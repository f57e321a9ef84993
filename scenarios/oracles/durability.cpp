// Durability and crash consistency: what is acknowledged is stored, and what is stored is not thrown away.
#include <map>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/state_ledger.h"

namespace vtwin::scenario {
namespace {

bool save_call(const scene& who, const seen::answer& what) {
    return what.back == who.manager && tag_of(what.request) == tag_vtpm &&
           code_of(what.request) == ordinal::save_hash_key;
}

class acknowledged_is_stored final : public oracle,
                                     public hears<seen::state_taken>,
                                     public hears<seen::disk_done>,
                                     public hears<seen::submission>,
                                     public hears<seen::answer>,
                                     public hears<seen::domain_life> {
  public:
    explicit acknowledged_is_stored(const scene& who) : m_who(who) {}
    void hear(const seen::state_taken& what) override { of(what.vtpm) = {.unsaved = true}; }
    void hear(const seen::disk_done& what) override {
        if (what.status == 0 || !(what.write || what.flush))
            return;
        if (what.domain == m_who.manager)
            m_manager_failed = true;
        else
            of(what.domain).failed_write = true;
    }
    void hear(const seen::submission& what) override {
        if (what.back == m_who.manager)
            m_manager_failed = false;
    }
    void hear(const seen::answer& what) override {
        if (what.back == m_who.manager)
            manager_answers(what);
        else if (succeeded(what.response))
            vtpm_answers(what);
    }
    void hear(const seen::domain_life& what) override {
        if (what.now == seen::domain_life::what::created)
            of(what.domain) = {};
    }

  private:
    struct save {
        bool unsaved = false, failed_write = false;
    };
    save& of(std::string_view vtpm) { return m_saves[std::string(vtpm)]; }

    void manager_answers(const seen::answer& what) {
        constexpr std::uint32_t unknown = 3;  // TPM_BAD_PARAMETER: no such record
        if (save_call(m_who, what) && succeeded(what.response)) {
            of(what.ring).unsaved = false;
            m_recorded[std::string(what.ring)] = true;
            if (m_manager_failed)
                violated(what.at, m_who.manager,
                         fmt::format("{} acknowledged the record of {} although a write for it had failed",
                                     m_who.manager, what.ring));
        }
        if (tag_of(what.request) == tag_vtpm && code_of(what.request) == ordinal::load_hash_key &&
            code_of(what.response) == unknown && m_recorded[std::string(what.ring)])
            violated(what.at, m_who.manager,
                     fmt::format("{} does not know {} any more, whose record it had acknowledged",
                                 m_who.manager, what.ring));
    }
    void vtpm_answers(const seen::answer& what) {
        auto& last = of(what.back);
        if (last.unsaved)
            violated(what.at, what.back,
                     fmt::format("{} told {} that command 0x{:X} succeeded, but the new state was not stored",
                                 what.back, what.ring, code_of(what.request)));
        else if (last.failed_write)
            violated(what.at, what.back,
                     fmt::format("{} told {} that command 0x{:X} succeeded although a write of the new state "
                                 "had failed",
                                 what.back, what.ring, code_of(what.request)));
        last = {};
    }

    const scene& m_who;
    std::map<std::string, save> m_saves;
    std::map<std::string, bool> m_recorded;
    bool m_manager_failed = false;
};

class state_of_the_history final : public oracle,
                                   public hears<seen::state_taken>,
                                   public hears<seen::state_given>,
                                   public hears<seen::tpm_power> {
  public:
    explicit state_of_the_history(const scene& who) : m_ledger(who) {}
    void hear(const seen::state_taken& what) override { m_ledger.taken(what); }
    void hear(const seen::state_given& what) override {
        const auto* of = m_ledger.find(what.vtpm);
        const bool known = m_ledger.position_of(what).has_value() || (of != nullptr && of->older_state);
        if (what.accepted && !known)
            violated(what.at, what.vtpm, fmt::format("{} loaded a state that it never had", what.vtpm));
        if (what.accepted)
            m_ledger.restored(what);
    }
    void hear(const seen::tpm_power& what) override {
        if (what.now == seen::tpm_power::what::erased)
            m_ledger.erased(what.tpm);
    }

  private:
    state_ledger m_ledger;
};

/// Once a stored state could not be loaded, the disk with it must stay as it is.
class refuse_not_reset final : public oracle,
                               public hears<seen::state_taken>,
                               public hears<seen::tpm_power>,
                               public hears<seen::disk_done>,
                               public hears<seen::domain_life>,
                               public hears<seen::log_line> {
  public:
    explicit refuse_not_reset(const scene& who)
        : m_who(who), m_ledger(who), m_manager_known(who.manager_has_state) {}
    void hear(const seen::state_taken& what) override { m_ledger.taken(what); }
    void hear(const seen::tpm_power& what) override {
        if (what.now != seen::tpm_power::what::erased)
            return;
        if (const auto* of = m_ledger.find(what.tpm); of != nullptr && of->any())
            m_given_up[std::string(what.tpm)] = true;
        m_ledger.erased(what.tpm);
    }
    void hear(const seen::log_line& what) override {
        if (what.domain == m_who.manager && m_manager_known &&
            what.text.find("Assuming first time initialization") != std::string_view::npos)
            m_given_up[m_who.manager] = true;
    }
    void hear(const seen::domain_life& what) override {
        if (what.domain == m_who.manager && what.now != seen::domain_life::what::created)
            m_manager_known = m_manager_known || m_wrote;
    }
    void hear(const seen::disk_done& what) override {
        if (!what.write || what.status != 0)
            return;
        m_wrote = m_wrote || what.domain == m_who.manager;
        if (const auto found = m_given_up.find(what.domain); found != m_given_up.end())
            violated(what.at, what.domain,
                     fmt::format("{} could not load what its disk held and overwrites it", what.domain));
    }

  private:
    const scene& m_who;
    state_ledger m_ledger;
    std::map<std::string, bool, std::less<>> m_given_up;
    bool m_manager_known, m_wrote = false;
};

class live_copy_untouched final : public oracle, public hears<seen::disk_done>, public hears<seen::answer> {
  public:
    explicit live_copy_untouched(const scene& who) : m_who(who) {}
    void hear(const seen::disk_done& what) override {
        const auto vtpm = m_who.vtpms.find(what.domain);
        if (!what.write || what.sectors == 0 || vtpm == m_who.vtpms.end())
            return;
        const int slot = what.sector < vtpm->second.sectors / 2 ? 0 : 1;
        auto& mine = m_slots.try_emplace(std::string(what.domain)).first->second;
        mine.written = slot;
        if (mine.live == slot)
            violated(what.at, what.domain,
                     fmt::format("{} overwrites slot {}, which holds the only state that the manager would "
                                 "accept",
                                 what.domain, slot));
    }
    void hear(const seen::answer& what) override {
        if (!save_call(m_who, what) || !succeeded(what.response))
            return;
        auto& mine = m_slots.try_emplace(std::string(what.ring)).first->second;
        mine.live = mine.written;
    }

  private:
    struct slots {
        int live = -1, written = -1;
    };
    const scene& m_who;
    std::map<std::string, slots> m_slots;
};

class stored_before_acknowledged final : public oracle,
                                         public hears<seen::submission>,
                                         public hears<seen::disk_done>,
                                         public hears<seen::answer>,
                                         public hears<seen::domain_life> {
  public:
    explicit stored_before_acknowledged(const scene& who) : m_who(who) {}
    void hear(const seen::submission& what) override {
        if (what.back == m_who.manager)
            m_asked[std::string(what.ring)] = m_writes;
    }
    void hear(const seen::disk_done& what) override {
        m_writes += what.domain == m_who.manager && what.write;
    }
    void hear(const seen::answer& what) override {
        const auto asked = m_asked.find(what.ring);
        if (!save_call(m_who, what) || !succeeded(what.response) || asked == m_asked.end())
            return;
        // A manager that has never written is not provisioned yet and has nothing to write to.
        if (m_writes != 0 && m_writes == asked->second)
            violated(what.at, m_who.manager,
                     fmt::format("{} acknowledged a record of {} without writing anything", m_who.manager,
                                 what.ring));
    }
    void hear(const seen::domain_life& what) override {
        if (what.domain == m_who.manager && what.now == seen::domain_life::what::created)
            m_writes = 0;
    }

  private:
    const scene& m_who;
    std::map<std::string, std::uint64_t, std::less<>> m_asked;
    std::uint64_t m_writes = 0;
};

}  // namespace

std::vector<invariant> durability_invariants() {
    constexpr std::string_view part = "durability and crash consistency";
    using enum outcome_class;
    return {
        {"I-D1", part,
         "What is acknowledged is stored: no success after a failed save, no acknowledged record lost.",
         silent_corruption, make_oracle<acknowledged_is_stored>},
        {"I-D2", part, "A vTPM loads only a state that it once had, as a whole.", silent_corruption,
         make_oracle<state_of_the_history>},
        {"I-D3", part, "When a stored state cannot be loaded, the disk stays as it is.", silent_corruption,
         make_oracle<refuse_not_reset>},
        {"I-D4", part, "A save never overwrites the copy that a load would choose at that time.",
         silent_corruption, make_oracle<live_copy_untouched>},
        {"I-D6", part, "The manager writes a record to its disk before it acknowledges it.",
         silent_corruption, make_oracle<stored_before_acknowledged>},
    };
}

}  // namespace vtwin::scenario
