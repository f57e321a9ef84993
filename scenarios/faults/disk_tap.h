// Faults between a domain's block back end and its disk.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "hypervisor/block/disk.h"
#include "models/platform/platform.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// Passes on to a disk and remembers what writes replaced, so that it can be put back to an earlier state.
class journaled_disk final : public xen::disk_if {
  public:
    explicit journaled_disk(xen::disk_if& inner) : m_inner(inner) {}

    std::uint64_t sectors() const override { return m_inner.sectors(); }
    bool read(std::uint64_t sector, std::span<std::byte> out) override { return m_inner.read(sector, out); }
    bool write(std::uint64_t sector, std::span<const std::byte> data) override;
    bool flush() override { return m_inner.flush(); }
    sc_core::sc_time service_time(xen::disk_operation what, std::uint32_t sectors) const override {
        return m_inner.service_time(what, sectors);
    }

    /// Undoes the youngest writes, from the youngest on: `writes` of them, and all that are younger than
    /// `since`.
    void roll_back(std::uint64_t writes, const sc_core::sc_time& since);
    std::size_t writes() const { return m_entries.size(); }  ///< that can be undone

  private:
    struct entry {
        sc_core::sc_time at;
        std::uint64_t sector = 0;
        std::vector<std::byte> before;
    };
    xen::disk_if& m_inner;
    std::vector<entry> m_entries;
};

class disk_effect;

/// The disk below an effect: the next effect that acts on the same call, or the disk itself.
class disk_below final : public xen::disk_if {
  public:
    disk_below(std::span<fault_effect* const> effects, journaled_disk& medium)
        : m_effects(effects), m_medium(medium) {}

    std::uint64_t sectors() const override;
    bool read(std::uint64_t sector, std::span<std::byte> out) override;
    bool write(std::uint64_t sector, std::span<const std::byte> data) override;
    bool flush() override;
    sc_core::sc_time service_time(xen::disk_operation what, std::uint32_t sectors) const override;

    /// The disk itself, past all effects; outlives the call.
    journaled_disk& medium() const { return m_medium; }

  private:
    disk_effect& top() const;
    disk_below rest() const { return {m_effects.subspan(1), m_medium}; }

    std::span<fault_effect* const> m_effects;
    journaled_disk& m_medium;
};

/// What a fault makes of a call; what it does not change it passes on.
class disk_effect : public fault_effect {
  public:
    virtual bool read(disk_below& disk, std::uint64_t sector, std::span<std::byte> out) {
        return disk.read(sector, out);
    }
    virtual bool write(disk_below& disk, std::uint64_t sector, std::span<const std::byte> data) {
        return disk.write(sector, data);
    }
    virtual bool flush(disk_below& disk) { return disk.flush(); }
    virtual std::uint64_t sectors(const disk_below& disk) { return disk.sectors(); }
    virtual sc_core::sc_time service_time(const disk_below& disk, xen::disk_operation what,
                                          std::uint32_t sectors) {
        return disk.service_time(what, sectors);
    }
};

/// Crossings: "read", "write", "flush" when the disk does them; "read_time", "write_time", "flush_time" when
/// the back end takes a request up and asks how long the disk will need; "size" when it asks for the number
/// of sectors. `sector` is the first one, `length` is in bytes.
class disk_tap final : public xen::disk_if {
  public:
    disk_tap(wire& on, xen::disk_if& inner) : m_wire(on), m_medium(inner) {}

    std::uint64_t sectors() const override;
    bool read(std::uint64_t sector, std::span<std::byte> out) override;
    bool write(std::uint64_t sector, std::span<const std::byte> data) override;
    bool flush() override;
    sc_core::sc_time service_time(xen::disk_operation what, std::uint32_t sectors) const override;

    /// The disk itself, past all effects.
    journaled_disk& medium() { return m_medium; }

  private:
    wire& m_wire;
    mutable journaled_disk m_medium;  // an effect may read it to answer a question
};

/// The tap on a domain's disk; nullptr when the disk is bound directly or the domain has none.
disk_tap* tap_of_disk(models::platform& machine, const std::string& domain);

}  // namespace vtwin::scenario
