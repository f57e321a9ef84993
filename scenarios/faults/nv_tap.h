// What stands between the hardware TPM and its non-volatile memory: wire "tpm.nv".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "scenarios/faults/wire.h"
#include "tpm/ports.h"

namespace vtwin::scenario {

/// One load or store of a blob while effects may change it.
struct nv_access {
    bool write = false;
    std::string_view name;
    std::optional<tpm::bytes> blob;  ///< what is to be stored; what was loaded, if there was any
    bool lost = false;               ///< a store that is not made
    bool answer = true;              ///< what a store reports: false is failure
    /// What the memory held under this name before the last store that was made; nullopt without one.
    const std::optional<tpm::bytes>& older;
    tpm::nv_if& memory;
};

class nv_effect : public fault_effect {
  public:
    /// Before a store is made; after a load was made.
    virtual void act(nv_access& access) = 0;
};

class nv_tap final : public tpm::nv_if {
  public:
    nv_tap(wire& on, tpm::nv_if& inner) : m_wire(on), m_inner(inner) {}

    std::optional<tpm::bytes> load(std::string_view name) override;
    bool store(std::string_view name, tpm::byte_view blob) override;
    bool remove(std::string_view name) override { return m_inner.remove(name); }

  private:
    void cross(nv_access& access);

    wire& m_wire;
    tpm::nv_if& m_inner;
    std::map<std::string, std::optional<tpm::bytes>, std::less<>> m_older;
};

}  // namespace vtwin::scenario
