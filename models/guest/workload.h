// Load that a guest's user space puts on its TPM: the same operation again and again, in a closed or an open
// loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "models/chance.h"
#include "models/guest/guest_agent.h"
#include "models/platform/config.h"
#include "models/ports.h"

namespace vtwin::models {

/// A TPM that remembers what went wrong since it was last asked.
class transport_watch final : public tpm_transport_if {
  public:
    explicit transport_watch(tpm_transport_if& inner) : m_inner(inner) {}
    transport_result transmit(byte_view command) override;

    /// The first failure since the last call, if any; nothing to do with the commands after this.
    struct failure {
        transport_error error = transport_error::none;
        std::uint32_t result = 0;  ///< TPM return code when there was a response
    };
    failure take_failure();

  private:
    tpm_transport_if& m_inner;
    failure m_failure;
};

/// One operation of a load; `started - arrived` is its wait in the guest's own queue.
struct load_operation {
    std::uint64_t number = 0;  ///< from 0
    sc_core::sc_time arrived, started, ended;
    transport_watch::failure failure;
    bool ok() const { return failure.error == transport_error::none && failure.result == 0; }
};

/// The time of the next interval: `mean` itself, or a draw from the exponential distribution with that mean
/// (8 bytes of `chance`, integer arithmetic).
sc_core::sc_time next_interval(const sc_core::sc_time& mean, bool exponential, chance_stream& chance);

/// Runs in the guest's main thread. In the open loop the times of arrival follow from the start and the
/// draws alone; what arrives while the TPM is busy waits in the guest, first come, first served. All that
/// arrived within `duration` is served.
class workload {
  public:
    /// `version`: the family of the guest's vTPM, whose form of each operation is sent.
    workload(const load_config& config, transport_watch& device, guest_agent_if& agent,
             stubdom_services_if& services, chance_stream chance, tpm::family version = tpm::family::tpm12);

    std::function<void(const load_operation&)> on_operation = [](const load_operation&) {};
    std::function<void()> on_begun = [] {};

    /// False with `problem` when the load cannot begin: quotes need an identity, and that was refused.
    bool run(std::string& problem);

  private:
    bool prepare(std::string& problem);
    void wait_for_start();
    void run_closed();
    void run_open();
    bool over(std::uint64_t number, const sc_core::sc_time& at) const;
    void operate(std::uint64_t number, const sc_core::sc_time& arrived);
    void send();

    const load_config& m_config;
    transport_watch& m_device;
    guest_agent_if& m_agent;
    stubdom_services_if& m_services;
    chance_stream m_chance;
    tpm::family m_version;
    bytes m_command;
    challenge_reply m_challenge;
    sc_core::sc_time m_begin;
};

}  // namespace vtwin::models
