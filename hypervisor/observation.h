// Observation ports: analysis ports that know whether anybody listens, so that unobserved runs pay one test.
#pragma once

#include <systemc>
#include <tlm>

namespace vtwin::xen {

template <typename T>
class observation_port : public tlm::tlm_analysis_port<T> {
  public:
    explicit observation_port(const char* name) : tlm::tlm_analysis_port<T>(name) {}
    void bind(tlm::tlm_analysis_if<T>& subscriber) override {
        m_observed = true;
        tlm::tlm_analysis_port<T>::bind(subscriber);
    }
    bool observed() const { return m_observed; }
    void publish(const T& what) {
        if (m_observed)
            this->write(what);
    }

  private:
    bool m_observed = false;
};

}  // namespace vtwin::xen
