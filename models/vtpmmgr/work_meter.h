// What the manager's computations cost in simulated time.
#pragma once

#include "models/costs.h"
#include "models/ports.h"

namespace vtwin::models::manager {

/// Turns amounts of work into CPU time charged to the domain's vCPU.
class work_meter {
  public:
    work_meter(const software_costs& costs, stubdom_services_if& services)
        : m_costs(costs), m_services(services) {}

    void dispatch() { m_services.charge(m_costs.command_dispatch); }
    void sha1(std::size_t bytes) { per_byte(m_costs.sha1_per_byte, bytes); }
    void sha256(std::size_t bytes) { per_byte(m_costs.sha256_per_byte, bytes); }
    void aes(std::size_t bytes) { per_byte(m_costs.aes_per_byte, bytes); }
    void cmac(std::size_t bytes) { per_byte(m_costs.cmac_per_byte, bytes); }
    void rsa_public() { m_services.charge(m_costs.rsa_public); }
    /// A 2048-bit exponentiation with a long exponent (Diffie-Hellman) costs what a private RSA operation
    /// does.
    void long_exponentiation() { m_services.charge(m_costs.rsa_private); }

  private:
    void per_byte(const sc_core::sc_time& cost, std::size_t bytes) {
        m_services.charge(cost * static_cast<double>(bytes));
    }

    software_costs m_costs;
    stubdom_services_if& m_services;
};

}  // namespace vtwin::models::manager
