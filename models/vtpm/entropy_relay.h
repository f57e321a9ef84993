// Connects a TPM engine, which exists from the start of the run, to the generator of the domain that uses it.
#pragma once

#include <algorithm>

#include "tpm/ports.h"

namespace vtwin::models {

/// Zeros until connected: a software TPM draws nothing before its domain runs.
class entropy_relay final : public tpm::entropy_if {
  public:
    void connect(tpm::entropy_if& source) { m_source = &source; }
    void disconnect() { m_source = nullptr; }
    void fill(std::span<std::byte> out) override {
        if (m_source != nullptr)
            m_source->fill(out);
        else
            std::ranges::fill(out, std::byte{0});
    }

  private:
    tpm::entropy_if* m_source = nullptr;
};

}  // namespace vtwin::models
