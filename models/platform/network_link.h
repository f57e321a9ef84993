// A domain's way to the parties outside the machine: request and reply each take the network's latency.
#pragma once

#include <string>
#include <string_view>

#include "models/ports.h"
#include "models/remote/remote_parties.h"

namespace vtwin::models {

class network_link final : public remote_service_if {
  public:
    network_link(stubdom_services_if& services, remote_parties& parties, const sc_core::sc_time& latency)
        : m_services(services), m_parties(parties), m_latency(latency) {}

    std::string call(std::string_view service, const std::string& body) override {
        m_services.sleep(m_latency);
        std::string reply = m_parties.handle(service, body);
        m_services.sleep(m_latency);
        return reply;
    }

  private:
    stubdom_services_if& m_services;
    remote_parties& m_parties;
    sc_core::sc_time m_latency;
};

}  // namespace vtwin::models
