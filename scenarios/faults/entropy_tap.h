// What stands between a consumer of random numbers and its source: wire "<consumer>.entropy".
#pragma once

#include <span>

#include "scenarios/faults/wire.h"
#include "tpm/ports.h"

namespace vtwin::scenario {

/// One draw while effects may change it; the source has moved on by as much as without them.
struct entropy_draw {
    std::span<std::byte> out;
    bool works = true;  ///< false: the source reports failure
};

class entropy_effect : public fault_effect {
  public:
    virtual void act(entropy_draw& draw) = 0;
};

class entropy_tap final : public tpm::entropy_if {
  public:
    entropy_tap(wire& on, tpm::entropy_if& inner) : m_wire(on), m_inner(inner) {}

    void fill(std::span<std::byte> out) override {
        m_inner.fill(out);
        crossing what("draw");
        what.put(field::length, out.size());
        entropy_draw draw{.out = out};
        for (auto* each : m_wire.cross(what))
            static_cast<entropy_effect*>(each)->act(draw);
        m_works = draw.works;
    }
    bool works() const override { return m_works && m_inner.works(); }

  private:
    wire& m_wire;
    tpm::entropy_if& m_inner;
    bool m_works = true;  ///< at the last draw
};

}  // namespace vtwin::scenario
