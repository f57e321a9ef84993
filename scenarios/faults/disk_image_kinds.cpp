#include "scenarios/faults/disk_image_kinds.h"

#include <algorithm>
#include <array>
#include <map>

#include "scenarios/faults/disk_tap.h"
#include "scenarios/faults/targets.h"

namespace vtwin::scenario {
namespace {

using xen::sector_size;
using type = parameter_declaration::type;
using sector_data = std::array<std::byte, sector_size>;

constexpr std::uint64_t drawn_bit = sector_size * 8;  // one more than a sector has

/// What the disks' images are until `begin` changes them.
class image_effect : public fault_effect {
  public:
    image_effect(const fault& what, const fault_services& services) : m_fault(what), m_services(services) {}

  protected:
    const fault& what() const { return m_fault; }
    const fault_services& services() const { return m_services; }
    /// The images that the fault is for. Every one has a tap, because the fault names its wire.
    std::vector<journaled_disk*> images() const {
        std::vector<journaled_disk*> all;
        for (const auto& domain : target_domains(m_fault, m_services.config, wire_class::disk))
            if (auto* tap = tap_of_disk(m_services.machine, domain))
                all.push_back(&tap->medium());
        return all;
    }

  private:
    fault m_fault;
    fault_services m_services;
};

bool is_blank(const sector_data& data) {
    return std::ranges::all_of(data, [](std::byte each) { return each == std::byte{}; });
}

/// Flips bits of sectors that hold something.
class bit_rot final : public image_effect {
  public:
    bit_rot(const fault& what, const fault_services& services)
        : image_effect(what, services), m_chance(effect_chance(what, services.config)) {}
    void begin() override {
        for (auto* image : images())
            rot(*image);
    }

  private:
    void rot(journaled_disk& image) {
        const fault_parameters given(what());
        const auto last = std::min(given.number("last"), image.sectors() - 1);
        std::vector<std::uint64_t> used;
        sector_data data{};
        for (auto sector = given.number("first"); sector <= last; ++sector)
            if (image.read(sector, data) && !is_blank(data))
                used.push_back(sector);
        for (std::uint64_t i = 0; i < given.number("bits") && !used.empty(); ++i) {
            const auto sector = used[m_chance.below(used.size())];
            const auto chosen = given.number("bit");
            const auto bit = chosen == drawn_bit ? m_chance.below(drawn_bit) : chosen;
            (void)image.read(sector, data);
            data[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
            (void)image.write(sector, data);
        }
    }
    models::chance_stream m_chance;
};

class erased final : public image_effect {
  public:
    using image_effect::image_effect;
    void begin() override {
        const sector_data zeros{};
        sector_data data{};
        for (auto* image : images())
            for (auto sector = fault_parameters(what()).number("first"); sector < image->sectors(); ++sector)
                if (image->read(sector, data) && !is_blank(data))
                    (void)image->write(sector, zeros);
    }
};

class rollback final : public image_effect {
  public:
    using image_effect::image_effect;
    void begin() override {
        const fault_parameters given(what());
        const auto now = sc_core::sc_time_stamp();
        const auto age = std::min(given.duration("age"), now);
        for (auto* image : images())
            image->roll_back(given.number("writes"), now - age);
    }
};

/// Exchanges the content of the target and of another disk, as far as both reach.
class swapped final : public image_effect {
  public:
    using image_effect::image_effect;
    void begin() override {
        const auto other = fault_parameters(what()).word("other");
        auto* tap = tap_of_disk(services().machine, other.substr(0, other.rfind('.')));
        auto* back_end = services().machine.block_backend().find(other.substr(0, other.rfind('.')));
        if (back_end == nullptr)
            return;
        xen::disk_if& second = tap != nullptr ? tap->medium() : back_end->disk();
        for (auto* first : images())
            exchange(*first, second);
    }

  private:
    static void exchange(xen::disk_if& first, xen::disk_if& second) {
        sector_data one{}, two{};
        for (std::uint64_t sector = 0; sector < std::min(first.sectors(), second.sectors()); ++sector) {
            if (!first.read(sector, one) || !second.read(sector, two) || one == two)
                continue;
            (void)first.write(sector, two);
            (void)second.write(sector, one);
        }
    }
};

kind_declaration at_once(std::string_view name, std::string_view rows, std::string_view doc) {
    kind_declaration kind;
    kind.name = name;
    kind.target = wire_class::disk;
    kind.rows = rows;
    kind.doc = doc;
    kind.at_once = true;
    return kind;
}

}  // namespace

std::vector<kind_declaration> disk_image_kinds() {
    std::vector<kind_declaration> all;

    auto rot =
        at_once("disk.bit_rot", "BLK-04", "bits on the medium turn over, in sectors that hold something");
    rot.parameters = {{"first", type::number, "0", "first sector that may be hit"},
                      {"last", type::number, "18446744073709551615", "last one"},
                      {"bits", type::number, "1", "how many bits turn over", 1, 4096},
                      {"bit", type::number, "4096", "bit within the sector; 4096: drawn", 0, drawn_bit}};
    rot.make = make_with_services<bit_rot>;
    all.push_back(std::move(rot));

    auto blank = at_once("disk.erased", "BLK-15", "the image ends early: zeros from a sector on");
    blank.parameters = {{"first", type::number, "0", "first sector that is gone"}};
    blank.make = make_with_services<erased>;
    all.push_back(std::move(blank));

    auto back = at_once("disk.rolled_back", "BLK-07",
                        "the image is what it was before; target \"*.disk\": all images of the same age");
    back.parameters = {{"writes", type::number, "0", "how many writes ago"},
                       {"age", type::time, "0 s", "how long ago; the further of the two counts"}};
    back.make = make_with_services<rollback>;
    all.push_back(std::move(back));

    auto swap = at_once("disk.swapped", "BLK-08", "the images of two domains are exchanged");
    swap.parameters = {{"other", type::word, "", "the second disk, such as \"v2.disk\""}};
    swap.make = make_with_services<swapped>;
    all.push_back(std::move(swap));
    return all;
}

}  // namespace vtwin::scenario
