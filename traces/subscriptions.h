// What somebody listens to: functions on observation ports, until it goes.
#pragma once

#include <functional>
#include <memory>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

namespace vtwin::trace {

/// Bind during elaboration; destroy before the ports.
class subscriptions {
  public:
    subscriptions() = default;
    ~subscriptions() {
        for (const auto& unbind : m_unbind)
            unbind();
    }
    subscriptions(const subscriptions&) = delete;
    subscriptions& operator=(const subscriptions&) = delete;

    /// `hear(const Observation&)` is called with everything that `port` tells.
    template <typename Observation, typename Function>
    void listen(tlm::tlm_analysis_port<Observation>& port, Function&& hear) {
        using listener_type = listener<Observation, std::decay_t<Function>>;
        auto made = std::make_unique<listener_type>(std::forward<Function>(hear));
        port.bind(*made);
        m_unbind.emplace_back([&port, bound = made.get()] { port.unbind(*bound); });
        m_listeners.push_back(std::move(made));
    }

  private:
    template <typename Observation, typename Function>
    class listener final : public tlm::tlm_analysis_if<Observation> {
      public:
        explicit listener(Function hear) : m_hear(std::move(hear)) {}
        void write(const Observation& what) override { m_hear(what); }

      private:
        Function m_hear;
    };

    std::vector<std::unique_ptr<sc_core::sc_interface>> m_listeners;
    std::vector<std::function<void()>> m_unbind;
};

}  // namespace vtwin::trace
