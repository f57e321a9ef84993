// The TIS interface, the TPM behind it, and what the verifier may conclude from quotes.
#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>

#include <fmt/format.h>

#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/shadow_pcrs.h"

namespace vtwin::scenario {
namespace {

constexpr std::string_view chip = "tpm";

class tis_transitions final : public oracle, public hears<seen::tis_change> {
  public:
    explicit tis_transitions(const scene&) {}
    void hear(const seen::tis_change& what) override {
        const auto to = static_cast<unsigned>(what.state);
        if (to != m_last && (after[m_last] >> to & 1) == 0)
            violated(what.at, chip,
                     fmt::format("the TIS interface went from {} to {}", names[m_last], names[to]));
        m_last = to;
    }

  private:
    enum : unsigned { idle, ready, reception, received, execution, completion, read_out };
    static constexpr std::array<std::string_view, 7> names = {
        "Idle", "Ready", "Reception", "Reception complete", "Execution", "Completion", "Completion read"};
    /// By state: the states that may follow, as bits. Idle follows any, by losing the locality.
    static constexpr std::array<unsigned, 7> after = {
        1u << ready,
        1u << reception | 1u << received | 1u << idle,
        1u << received | 1u << idle | 1u << ready,
        1u << execution | 1u << reception | 1u << idle | 1u << ready,
        1u << completion | 1u << idle | 1u << ready,
        1u << read_out | 1u << idle | 1u << ready,
        1u << completion | 1u << idle | 1u << ready};
    unsigned m_last = idle;
};

class one_locality final : public oracle, public hears<seen::tis_change> {
  public:
    explicit one_locality(const scene&) {}
    void hear(const seen::tis_change& what) override {
        constexpr unsigned active_locality = 0x20;
        int active = -1;
        bool several = false;
        for (int each = 0; each < 5; ++each)
            if ((what.access[each] & active_locality) != 0) {
                several = several || active >= 0;
                active = each;
            }
        if (several || active != what.active_locality)
            violated(what.at, chip,
                     several ? "two localities of the hardware TPM are active at once"
                             : fmt::format("locality {} is active and locality {} is shown",
                                           what.active_locality, active));
    }
};

/// Collects what the host wrote to the FIFO and compares it with what the TPM executes.
class executes_what_came final : public oracle, public hears<seen::bus_byte>, public hears<seen::execution> {
  public:
    explicit executes_what_came(const scene&) {}
    void hear(const seen::bus_byte& what) override {
        constexpr unsigned sts = 0x018, fifo = 0x024, extended_fifo = 0x080, command_ready = 0x40;
        if (!what.write)
            return;
        const unsigned reg = what.address & 0xFFFu;
        if (reg == sts && (what.data & command_ready) != 0)
            m_written.clear();
        else if ((reg >= fifo && reg < fifo + 4) || (reg >= extended_fifo && reg < extended_fifo + 4))
            m_written.push_back(static_cast<std::byte>(what.data));
    }
    void hear(const seen::execution& what) override {
        if (what.tpm != chip || m_written.empty())
            return;
        const auto size = size_of(m_written);
        if (size < m_written.size())
            m_written.resize(size);  // what comes after the last octet is dropped
        if (succeeded(what.response) && !std::ranges::equal(m_written, what.command))
            violated(
                what.at, chip,
                fmt::format("the hardware TPM executed command 0x{:X} of {} octets, not the {} that came "
                            "over the bus",
                            code_of(what.command), what.command.size(), m_written.size()));
        m_written.clear();
    }

  private:
    seen::bytes m_written;
};

class pcrs_fold final : public oracle,
                        public hears<seen::execution>,
                        public hears<seen::tpm_power>,
                        public hears<seen::launch>,
                        public hears<seen::state_given> {
  public:
    explicit pcrs_fold(const scene&) {}
    void hear(const seen::execution& what) override {
        if (const auto difference = m_pcrs[std::string(what.tpm)].follow(what); !difference.empty())
            violated(what.at, what.tpm, fmt::format("{}: {}", what.tpm, difference));
    }
    void hear(const seen::tpm_power& what) override { m_pcrs[std::string(what.tpm)].forget(); }
    void hear(const seen::launch& what) override { m_pcrs[std::string(what.tpm)].launched(); }
    void hear(const seen::state_given& what) override { m_pcrs[std::string(what.vtpm)].forget(); }

  private:
    std::map<std::string, shadow_pcrs> m_pcrs;
};

class failed_stays_failed final : public oracle,
                                  public hears<seen::execution>,
                                  public hears<seen::tpm_power> {
  public:
    explicit failed_stays_failed(const scene&) {}
    void hear(const seen::execution& what) override {
        constexpr std::uint32_t failed_self_test = 0x1C;
        if (code_of(what.response) == failed_self_test)
            m_failed.insert(std::string(what.tpm));
        const auto code = code_of(what.command);
        if (succeeded(what.response) && m_failed.contains(std::string(what.tpm)) &&
            code != ordinal::get_test_result && code != ordinal::get_capability)
            violated(
                what.at, what.tpm,
                fmt::format("{} executed command 0x{:X} after its self-test had failed", what.tpm, code));
    }
    void hear(const seen::tpm_power& what) override { m_failed.erase(std::string(what.tpm)); }

  private:
    std::set<std::string> m_failed;
};

class random_is_random final : public oracle, public hears<seen::execution> {
  public:
    explicit random_is_random(const scene&) {}
    void hear(const seen::execution& what) override {
        constexpr std::size_t least = 8;  // so many octets do not repeat by accident
        const auto code = code_of(what.command);
        if ((code != ordinal::get_random && code != ordinal::get_random20) || !succeeded(what.response))
            return;
        const std::size_t first = code == ordinal::get_random ? 4 : 2;  // behind the size
        const auto body = body_of(what.response);
        if (body.size() < first + least)
            return;
        const auto octets = body.subspan(first, least);
        const bool constant =
            std::ranges::all_of(octets, [&](std::byte octet) { return octet == octets.front(); });
        if (!m_seen.insert({std::string(what.tpm), digest_of(octets)}).second || constant)
            violated(what.at, what.tpm,
                     fmt::format("the random numbers of {} {}", what.tpm,
                                 constant ? "are all the same octet" : "repeat"));
    }

  private:
    std::set<std::pair<std::string, std::uint64_t>> m_seen;
};

class authorised_once final : public oracle, public hears<seen::execution> {
  public:
    explicit authorised_once(const scene&) {}
    void hear(const seen::execution& what) override {
        constexpr std::uint16_t one_session = 0xC2, two_sessions = 0xC3;
        const auto tag = tag_of(what.command);
        if ((tag != one_session && tag != two_sessions) || !succeeded(what.response))
            return;
        if (!m_done.insert({std::string(what.tpm), digest_of(what.command)}).second)
            violated(what.at, what.tpm,
                     fmt::format("{} executed the same authorised command 0x{:X} a second time", what.tpm,
                                 code_of(what.command)));
    }

  private:
    std::set<std::pair<std::string, std::uint64_t>> m_done;
};

// ---- attestation: the PCRs of each TPM at each of its quotes

class quote_truth : public oracle,
                    public hears<seen::execution>,
                    public hears<seen::tpm_power>,
                    public hears<seen::launch>,
                    public hears<seen::state_given>,
                    public hears<seen::appraisal> {
  public:
    void hear(const seen::execution& what) override {
        auto& pcrs = m_pcrs[std::string(what.tpm)];
        pcrs.follow(what);
        if (const auto nonce = shadow_pcrs::quoted_nonce(what); !nonce.empty())
            m_quotes.push_back({std::string(what.tpm), text_of_octets(nonce), pcrs});
    }
    void hear(const seen::tpm_power& what) override { m_pcrs[std::string(what.tpm)].forget(); }
    void hear(const seen::launch& what) override { m_pcrs[std::string(what.tpm)].launched(); }
    void hear(const seen::state_given& what) override { m_pcrs[std::string(what.vtpm)].forget(); }

  protected:
    struct quote {
        std::string tpm, external;
        shadow_pcrs pcrs;
    };
    const std::vector<quote>& quotes() const { return m_quotes; }
    static bool matches(const shadow_pcrs& truth, std::size_t pcr, tpm::byte_view claimed) {
        return !truth[pcr] || std::ranges::equal(*truth[pcr], claimed);
    }

  private:
    std::map<std::string, shadow_pcrs> m_pcrs;
    std::vector<quote> m_quotes;
};

class vtpm_quotes_are_true final : public quote_truth {
  public:
    explicit vtpm_quotes_are_true(const scene& who) : m_who(who) {}
    using quote_truth::hear;
    void hear(const seen::appraisal& what) override {
        const auto guest = m_who.guests.find(what.guest);
        if (!what.trusted || guest == m_who.guests.end())
            return;
        const auto nonce = text_of_octets(what.nonce);
        for (const auto& each : quotes())
            if (each.tpm == guest->second.vtpm && each.external == nonce && same(each.pcrs, what))
                return;
        violated(what.at, what.guest,
                 fmt::format("the verifier trusts {} on a quote that its vTPM {} never made over these PCRs",
                             what.guest, guest->second.vtpm));
    }

  private:
    static bool same(const shadow_pcrs& truth, const seen::appraisal& what) {
        for (std::size_t pcr = 0; pcr < std::min(shadow_pcrs::count, what.vtpm_pcrs.size()); ++pcr)
            if ((what.vtpm_mask >> pcr & 1) != 0 && !matches(truth, pcr, what.vtpm_pcrs[pcr]))
                return false;
        return true;
    }
    const scene& m_who;
};

class deep_quotes_are_true final : public quote_truth {
  public:
    explicit deep_quotes_are_true(const scene&) {}
    using quote_truth::hear;
    void hear(const seen::appraisal& what) override {
        constexpr std::size_t octets = 20;
        const auto wanted = static_cast<std::size_t>(std::popcount(what.hardware_mask)) * octets;
        if (!what.trusted || wanted == 0)
            return;
        if (what.deep_quote.size() >= wanted)
            for (const auto& each : quotes())
                if (each.tpm == chip && same(each.pcrs, what.hardware_mask, what.deep_quote.last(wanted)))
                    return;
        violated(what.at, what.guest,
                 fmt::format("the verifier trusts {} on PCRs that the hardware TPM had at none of its quotes",
                             what.guest));
    }

  private:
    static bool same(const shadow_pcrs& truth, std::uint32_t mask, tpm::byte_view values) {
        constexpr std::size_t octets = 20;
        for (std::size_t pcr = 0; pcr < shadow_pcrs::count; ++pcr) {
            if ((mask >> pcr & 1) == 0)
                continue;
            if (!matches(truth, pcr, values.first(octets)))
                return false;
            values = values.subspan(octets);
        }
        return true;
    }
};

class nonces_count_once final : public oracle, public hears<seen::appraisal> {
  public:
    explicit nonces_count_once(const scene&) {}
    void hear(const seen::appraisal& what) override {
        if (what.trusted && !m_accepted.insert(text_of_octets(what.nonce)).second)
            violated(what.at, what.guest,
                     fmt::format("the verifier accepted a nonce a second time, from {}", what.guest));
    }

  private:
    std::set<std::string> m_accepted;
};

class late_guests_are_not_clean final : public oracle, public hears<seen::appraisal> {
  public:
    explicit late_guests_are_not_clean(const scene& who) : m_who(who) {}
    void hear(const seen::appraisal& what) override {
        const auto guest = m_who.guests.find(what.guest);
        if (what.trusted && guest != m_who.guests.end() && guest->second.attached_late)
            violated(what.at, what.guest,
                     fmt::format("the verifier takes the boot of {} for measured, but its vTPM came later",
                                 what.guest));
    }

  private:
    const scene& m_who;
};

}  // namespace

std::vector<invariant> tis_and_attestation_invariants() {
    constexpr std::string_view part = "TIS, TPM, attestation";
    using enum outcome_class;
    return {
        {"I-T1", part, "The TIS interface makes only the transitions of its specification.",
         silent_corruption, make_oracle<tis_transitions>},
        {"I-T2", part, "At most one locality of the TIS interface is active.", security_violation,
         make_oracle<one_locality>},
        {"I-T3", part, "The hardware TPM executes successfully only the octets that came over its bus.",
         silent_corruption, make_oracle<executes_what_came>},
        {"I-T4", part, "A PCR is what its extends since the last legal reset make of it.", security_violation,
         make_oracle<pcrs_fold>},
        {"I-T5", part, "After a failed self-test a TPM answers only TPM_GetTestResult and TPM_GetCapability.",
         security_violation, make_oracle<failed_stays_failed>},
        {"I-T8", part, "The random numbers of a TPM do not repeat.", security_violation,
         make_oracle<random_is_random>},
        {"I-T9", part, "No authorised command succeeds twice with the same octets.", security_violation,
         make_oracle<authorised_once>},
        {"I-Q1", part,
         "An accepted quote was made by the guest's own vTPM, for this nonce, over the PCRs it had.",
         security_violation, make_oracle<vtpm_quotes_are_true>},
        {"I-Q2", part, "An accepted deep quote shows PCRs that the hardware TPM had at one of its quotes.",
         security_violation, make_oracle<deep_quotes_are_true>},
        {"I-Q3", part, "No nonce is accepted twice.", security_violation, make_oracle<nonces_count_once>},
        {"I-Q4", part, "A guest whose vTPM was attached after its boot is not accepted as booted clean.",
         security_violation, make_oracle<late_guests_are_not_clean>},
    };
}

}  // namespace vtwin::scenario
