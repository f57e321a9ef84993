// What can go wrong on the way to a disk. Source: the fault catalogue's rows on block devices and media.
#include <algorithm>
#include <map>

#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/disk_image_kinds.h"
#include "scenarios/faults/disk_tap.h"
#include "scenarios/faults/targets.h"

namespace vtwin::scenario {
namespace {

using bytes = std::vector<std::byte>;
using xen::disk_operation;
using xen::sector_size;
using type = parameter_declaration::type;

/// Part of the data reaches the medium, the rest keeps what was there.
class torn_write final : public disk_effect {
  public:
    torn_write(const fault& what, const fault_services& services)
        : m_chance(effect_chance(what, services.config)) {
        const fault_parameters given(what);
        m_part = given.word("part");
        m_keep = given.number("keep");
        m_unit = given.word("unit") == "sector" ? sector_size : 1;
    }
    bool write(disk_below& disk, std::uint64_t sector, std::span<const std::byte> data) override {
        bytes merged(data.size());
        if (!disk.read(sector, merged))
            return disk.write(sector, data);
        const auto units = data.size() / m_unit;
        for (std::size_t i = 0; i < units; ++i)
            if (stored(i, units))
                std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(i * m_unit), m_unit,
                            merged.begin() + static_cast<std::ptrdiff_t>(i * m_unit));
        return disk.write(sector, merged);
    }

  private:
    bool stored(std::size_t unit, std::size_t units) {
        if (m_part == "prefix")
            return unit < m_keep;
        if (m_part == "suffix")
            return unit + std::min<std::uint64_t>(m_keep, units) >= units;
        return m_chance.below(2) == 0;
    }
    models::chance_stream m_chance;
    std::string m_part;
    std::uint64_t m_keep = 0;
    std::size_t m_unit = 1;
};

class lost_write final : public disk_effect {
  public:
    bool write(disk_below&, std::uint64_t, std::span<const std::byte>) override { return true; }
};

/// The access goes to another place of the disk, which wraps around at its end.
class misdirected final : public disk_effect {
  public:
    explicit misdirected(std::uint64_t by) : m_by(by) {}
    bool read(disk_below& disk, std::uint64_t sector, std::span<std::byte> out) override {
        return disk.read(elsewhere(disk, sector, out.size()), out);
    }
    bool write(disk_below& disk, std::uint64_t sector, std::span<const std::byte> data) override {
        return disk.write(elsewhere(disk, sector, data.size()), data);
    }

  private:
    std::uint64_t elsewhere(const disk_below& disk, std::uint64_t sector, std::size_t length) const {
        const auto places = disk.sectors() - length / sector_size + 1;
        return (sector + m_by % places) % places;
    }
    std::uint64_t m_by;
};

/// Bits of what is read are wrong; the medium is not.
class read_rot final : public disk_effect {
  public:
    read_rot(const fault& what, const fault_services& services)
        : m_chance(effect_chance(what, services.config)), m_bits(fault_parameters(what).number("bits")) {}
    bool read(disk_below& disk, std::uint64_t sector, std::span<std::byte> out) override {
        if (!disk.read(sector, out))
            return false;
        for (std::uint64_t i = 0; i < m_bits && !out.empty(); ++i) {
            const auto bit = m_chance.below(out.size() * 8);
            out[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
        }
        return true;
    }

  private:
    models::chance_stream m_chance;
    std::uint64_t m_bits;
};

/// Acknowledged at once, stored later: what is written meanwhile is overtaken.
class reordered_write final : public disk_effect {
  public:
    explicit reordered_write(const sc_core::sc_time& delay) : m_delay(delay) {}
    bool write(disk_below& disk, std::uint64_t sector, std::span<const std::byte> data) override {
        sc_core::sc_spawn(
            [&medium = disk.medium(), delay = m_delay, sector, late = bytes(data.begin(), data.end())] {
                sc_core::wait(delay);
                (void)medium.write(sector, late);
            });
        return true;
    }

  private:
    sc_core::sc_time m_delay;
};

/// A write cache without a battery. What is only in it when the fault ends is lost, but for sectors that had
/// happened to be written out by then.
class volatile_cache final : public disk_effect {
  public:
    volatile_cache(const fault& what, const fault_services& services, bool flush_lies)
        : m_chance(effect_chance(what, services.config)),
          m_survives(fault_parameters(what).number("survives")),
          m_flush_lies(flush_lies) {}

    bool read(disk_below& disk, std::uint64_t sector, std::span<std::byte> out) override {
        if (!disk.read(sector, out))
            return false;
        const auto& cached = cache_of(disk);
        const auto end = cached.lower_bound(sector + out.size() / sector_size);
        for (auto at = cached.lower_bound(sector); at != end; ++at)
            std::ranges::copy(at->second,
                              out.begin() + static_cast<std::ptrdiff_t>((at->first - sector) * sector_size));
        return true;
    }
    bool write(disk_below& disk, std::uint64_t sector, std::span<const std::byte> data) override {
        bytes probe(data.size());
        if (!disk.read(sector, probe))
            return false;
        for (; !data.empty(); ++sector, data = data.subspan(sector_size))
            cache_of(disk)[sector].assign(data.begin(), data.begin() + sector_size);
        return true;
    }
    bool flush(disk_below& disk) override {
        if (m_flush_lies)
            return true;
        auto& cached = cache_of(disk);
        for (const auto& [sector, data] : cached)
            (void)disk.medium().write(sector, data);
        cached.clear();
        return disk.flush();
    }
    void end() override {
        for (const auto& [medium, sectors] : m_caches)
            for (const auto& [sector, data] : sectors)
                if (m_chance.below(100) < m_survives)
                    (void)medium->write(sector, data);
        m_caches.clear();
    }

  private:
    using contents = std::map<std::uint64_t, bytes>;  // by sector
    contents& cache_of(const disk_below& disk) {
        const auto same = [&](const auto& entry) { return entry.first == &disk.medium(); };
        const auto found = std::ranges::find_if(m_caches, same);
        return found != m_caches.end() ? found->second
                                       : m_caches.emplace_back(&disk.medium(), contents{}).second;
    }
    models::chance_stream m_chance;
    std::uint64_t m_survives;  // percent
    bool m_flush_lies;
    std::vector<std::pair<journaled_disk*, contents>> m_caches;  // in the order of their first use
};

class io_error final : public disk_effect {
  public:
    bool read(disk_below&, std::uint64_t, std::span<std::byte>) override { return false; }
    bool write(disk_below&, std::uint64_t, std::span<const std::byte>) override { return false; }
    bool flush(disk_below&) override { return false; }
};

/// A sparse image that cannot grow: what is blank stays blank.
class full final : public disk_effect {
  public:
    bool write(disk_below& disk, std::uint64_t sector, std::span<const std::byte> data) override {
        bytes before(data.size());
        if (!disk.read(sector, before))
            return false;
        for (std::size_t at = 0; at < before.size(); at += sector_size) {
            const auto old = std::span(before).subspan(at, sector_size);
            if (std::ranges::all_of(old, [](std::byte each) { return each == std::byte{}; }))
                return false;
        }
        return disk.write(sector, data);
    }
};

/// The disk is smaller than its user thinks.
class short_disk final : public disk_effect {
  public:
    explicit short_disk(std::uint64_t sectors) : m_sectors(sectors) {}
    std::uint64_t sectors(const disk_below& disk) override { return std::min(disk.sectors(), m_sectors); }
    bool read(disk_below& disk, std::uint64_t sector, std::span<std::byte> out) override {
        return fits(sector, out.size()) && disk.read(sector, out);
    }
    bool write(disk_below& disk, std::uint64_t sector, std::span<const std::byte> data) override {
        return fits(sector, data.size()) && disk.write(sector, data);
    }

  private:
    bool fits(std::uint64_t sector, std::size_t length) const {
        return sector <= m_sectors && length / sector_size <= m_sectors - sector;
    }
    std::uint64_t m_sectors;
};

class slow final : public disk_effect {
  public:
    explicit slow(const sc_core::sc_time& by) : m_by(by) {}
    sc_core::sc_time service_time(const disk_below& disk, disk_operation what,
                                  std::uint32_t sectors) override {
        return disk.service_time(what, sectors) + m_by;
    }

  private:
    sc_core::sc_time m_by;
};

using maker = std::function<std::unique_ptr<fault_effect>(const fault&, const fault_services&)>;

kind_declaration on_wire(std::string_view name, std::string_view rows, std::string_view operations,
                         std::string_view doc, std::vector<parameter_declaration> parameters, maker make) {
    kind_declaration kind;
    kind.name = name;
    kind.target = wire_class::disk;
    kind.rows = rows;
    kind.doc = doc;
    kind.parameters = std::move(parameters);
    kind.make = std::move(make);
    kind.operations = operations;
    return kind;
}

/// For effects without parameters.
template <typename Effect>
std::unique_ptr<fault_effect> plain(const fault&, const fault_services&) {
    return std::make_unique<Effect>();
}

std::vector<kind_declaration> wrong_data_kinds() {
    const parameter_declaration by{"by", type::number, "1", "how many sectors further", 1};
    const maker elsewhere = [](const fault& what, const fault_services&) {
        return std::make_unique<misdirected>(fault_parameters(what).number("by"));
    };
    return {
        on_wire("disk.torn_write", "BLK-01 BLK-16", "write",
                "a part of the data reaches the medium, the rest keeps what was there",
                {{"part",
                  type::choice,
                  "prefix",
                  "which part; drawn: takes each unit or not",
                  0,
                  0,
                  {"prefix", "suffix", "drawn"}},
                 {"keep", type::number, "0", "units that are stored of a prefix or suffix"},
                 {"unit", type::choice, "sector", "a torn or a shorn write", 0, 0, {"sector", "byte"}}},
                [](const fault& what, const fault_services& services) {
                    return std::make_unique<torn_write>(what, services);
                }),
        on_wire("disk.lost_write", "BLK-02", "write", "acknowledged, not stored", {}, plain<lost_write>),
        on_wire("disk.misdirected_write", "BLK-03", "write", "stored at another place", {by}, elsewhere),
        on_wire("disk.misdirected_read", "BLK-03", "read", "read from another place", {by}, elsewhere),
        on_wire("disk.read_rot", "BLK-04", "read", "bits of what is read are wrong, the medium is not",
                {{"bits", type::number, "1", "how many, drawn", 1, 4096}},
                [](const fault& what, const fault_services& services) {
                    return std::make_unique<read_rot>(what, services);
                }),
    };
}

std::vector<kind_declaration> cache_kinds() {
    const parameter_declaration survives{
        "survives",
        type::number,
        "0",
        "percentage of the cached sectors that reach the medium all the same, "
        "drawn for each: in no order",
        0,
        100};
    const auto cache = [](bool lies) -> maker {
        return [lies](const fault& what, const fault_services& services) {
            return std::make_unique<volatile_cache>(what, services, lies);
        };
    };
    return {
        on_wire("disk.reordered_write", "BLK-05", "write",
                "acknowledged at once, on the medium later: later writes overtake it",
                {{"delay", type::time, "10 ms", "how much later", 1}},
                [](const fault& what, const fault_services&) {
                    return std::make_unique<reordered_write>(fault_parameters(what).duration("delay"));
                }),
        on_wire("disk.volatile_cache", "BLK-05", "read|write|flush",
                "writes stay in a cache until a flush; the power fails when the fault's duration is over",
                {survives}, cache(false)),
        on_wire("disk.lying_flush", "BLK-05", "read|write|flush",
                "the same with a flush that is acknowledged and does nothing", {survives}, cache(true)),
    };
}

std::vector<kind_declaration> refusing_kinds() {
    return {
        on_wire("disk.io_error", "BLK-06", "read|write|flush", "the access fails with an I/O error", {},
                plain<io_error>),
        on_wire("disk.read_only", "BLK-12", "write|flush", "what changes the medium fails with an I/O error",
                {}, plain<io_error>),
        on_wire("disk.full", "BLK-10", "write", "writes to sectors that hold nothing yet fail", {},
                plain<full>),
        on_wire("disk.short", "BLK-10 BLK-15", "size|read|write",
                "the disk has fewer sectors: it says so, and accesses beyond them fail",
                {{"sectors", type::number, "", "how many it has"}},
                [](const fault& what, const fault_services&) {
                    return std::make_unique<short_disk>(fault_parameters(what).number("sectors"));
                }),
        on_wire("disk.slow", "BLK-11", "read_time|write_time|flush_time",
                "the disk needs longer; a long time is a stall",
                {{"by", type::time, "", "time added to the access", 1, 86'400'000'000'000'000}},
                [](const fault& what, const fault_services&) {
                    return std::make_unique<slow>(fault_parameters(what).duration("by"));
                }),
    };
}

}  // namespace

std::vector<kind_declaration> disk_kinds() {
    std::vector<kind_declaration> all;
    for (const auto part : {wrong_data_kinds, cache_kinds, refusing_kinds, disk_image_kinds})
        for (auto& kind : part())
            all.push_back(std::move(kind));
    return all;
}

}  // namespace vtwin::scenario
