// Faults of the hardware TPM's non-volatile memory and of its random numbers.
#include <algorithm>

#include "scenarios/faults/entropy_tap.h"
#include "scenarios/faults/hardware_effects.h"
#include "scenarios/faults/nv_tap.h"

namespace vtwin::scenario {
namespace {

using models::tpm_hardware;
using tpm::bytes;
using type = parameter_declaration::type;

/// The first octets are new; behind them is what was there, or nothing when the blob was shorter.
class torn final : public nv_effect {
  public:
    torn(const fault_parameters& with, tpm_hardware&) : m_kept(with.number("octets")) {}
    void act(nv_access& access) override {
        auto mixed = access.memory.load(access.name).value_or(bytes{});
        const auto& blob = *access.blob;
        const auto count = std::min<std::size_t>(m_kept, blob.size());
        mixed.resize(std::max(mixed.size(), count));
        std::copy_n(blob.begin(), count, mixed.begin());
        access.blob = std::move(mixed);
    }

  private:
    std::uint64_t m_kept;
};

class nv_lost final : public nv_effect {
  public:
    nv_lost(const fault_parameters& with, tpm_hardware&) : m_reported(with.word("reported") == "yes") {}
    void act(nv_access& access) override {
        access.lost = true;
        access.answer = !m_reported;
    }

  private:
    bool m_reported;
};

class nv_bit_flip final : public nv_effect {
  public:
    nv_bit_flip(const fault_parameters& with, tpm_hardware&)
        : m_at(with.number("octet")), m_mask(std::byte(with.number("mask"))) {}
    void act(nv_access& access) override {
        if (access.blob && !access.blob->empty())
            (*access.blob)[m_at % access.blob->size()] ^= m_mask;
    }

  private:
    std::uint64_t m_at;
    std::byte m_mask;
};

class rolled_back final : public nv_effect {
  public:
    rolled_back(const fault_parameters&, tpm_hardware&) {}
    void act(nv_access& access) override {
        if (access.older)
            access.blob = access.older;
    }
};

class unreadable final : public nv_effect {
  public:
    unreadable(const fault_parameters&, tpm_hardware&) {}
    void act(nv_access& access) override { access.blob.reset(); }
};

class constant final : public entropy_effect {
  public:
    constant(const fault_parameters& with, tpm_hardware&) : m_value(std::byte(with.number("octet"))) {}
    void act(entropy_draw& draw) override { std::ranges::fill(draw.out, m_value); }

  private:
    std::byte m_value;
};

/// What came first comes again, `period` octets long.
class repeating final : public entropy_effect {
  public:
    repeating(const fault_parameters& with, tpm_hardware&) : m_period(with.number("period")) {}
    void act(entropy_draw& draw) override {
        for (auto& octet : draw.out) {
            if (m_seen.size() < m_period)
                m_seen.push_back(octet);
            else
                octet = m_seen[m_next++ % m_period];
        }
    }

  private:
    std::size_t m_period, m_next = 0;
    bytes m_seen;
};

class failing final : public entropy_effect {
  public:
    failing(const fault_parameters&, tpm_hardware&) {}
    void act(entropy_draw& draw) override {
        std::ranges::fill(draw.out, std::byte{0});
        draw.works = false;
    }
};

}  // namespace

std::vector<hardware_kind> nv_kinds() {
    const auto nv = wire_class::chip_nv;
    return {
        {{.name = "chip_nv.torn_store",
          .target = nv,
          .rows = "TPM-09",
          .doc = "a store stops in the middle: the rest stays as it was",
          .parameters = {{.name = "octets", .standard = "256", .doc = "that are written"}},
          .operations = "store"},
         made<torn>},
        {{.name = "chip_nv.lost_store",
          .target = nv,
          .rows = "TPM-09 TPM-10",
          .doc = "a store is not made",
          .parameters = {{.name = "reported",
                          .kind = type::choice,
                          .standard = "no",
                          .doc = "whether the memory says so",
                          .choices = {"no", "yes"}}},
          .operations = "store"},
         made<nv_lost>},
        {{.name = "chip_nv.bit_flip",
          .target = nv,
          .rows = "TPM-09",
          .doc = "bits change on the way to the memory, or back with operation = load",
          .parameters = {{.name = "octet", .standard = "0", .doc = "from 0; counted round when too large"},
                         {.name = "mask", .standard = "0x01", .doc = "bits", .min = 1, .max = 0xFF}},
          .operations = "store"},
         made<nv_bit_flip>},
        {{.name = "chip_nv.rolled_back",
          .target = nv,
          .rows = "TPM-10 TPM-11",
          .doc = "a load gives what was there before the last store",
          .operations = "load"},
         made<rolled_back>},
        {{.name = "chip_nv.unreadable",
          .target = nv,
          .rows = "TPM-09",
          .doc = "a load finds nothing: the chip takes itself for new",
          .operations = "load"},
         made<unreadable>}};
}

std::vector<hardware_kind> entropy_kinds() {
    const auto wires = wire_class::entropy;
    return {
        {{.name = "entropy.constant",
          .target = wires,
          .rows = "TPM-12 CRY-03 AC-09",
          .doc = "every octet is the same",
          .parameters = {{.name = "octet", .standard = "0", .doc = "its value", .max = 0xFF}}},
         made<constant>},
        {{.name = "entropy.repeating",
          .target = wires,
          .rows = "TPM-12 CRY-03",
          .doc = "the numbers repeat with a period",
          .parameters = {{.name = "period", .standard = "32", .doc = "octets", .min = 1, .max = 0x10000}}},
         made<repeating>},
        {{.name = "entropy.failing",
          .target = wires,
          .rows = "TPM-12",
          .doc = "the generator reports failure",
          .parameters = {}},
         made<failing>}};
}

}  // namespace vtwin::scenario
