// A domain with a Linux kernel and its vTPM driver: a guest that attests, or dom0 with its administrator.
#pragma once

#include <functional>
#include <memory>
#include <systemc>

#include "models/chance.h"
#include "models/dom0/administrator.h"
#include "models/drivers/linux_tpm_tis.h"
#include "models/drivers/linux_tpmfront.h"
#include "models/drivers/linux_xenbus.h"
#include "models/guest/attestation_agent.h"
#include "models/guest/attestation_agent20.h"
#include "models/guest/linux_guest.h"
#include "models/guest/workload.h"
#include "models/kernel/kernel.h"
#include "models/platform/config.h"
#include "models/platform/network_link.h"
#include "models/platform/run_context.h"

namespace vtwin::models {

/// The kernel of a Linux domain with XenBus and xen-tpmfront, made anew at every boot.
class linux_domain : public sc_core::sc_module {
  public:
    linux_domain(sc_core::sc_module_name name, std::string label, const run_context& context);

    kernel os;  ///< its ports are bound in platform

    /// The vTPM driver; valid once the kernel has booted.
    linux_tpmfront& tpm() { return *m_tpm; }

    /// For an observer: each command that the vTPM's driver is given and gives back.
    void on_command(linux_tpm_chip::command_hook hook) { m_command_hook = std::move(hook); }
    /// For an observer: what came of each.
    void on_answer(linux_tpm_chip::answer_hook hook) { m_answer_hook = std::move(hook); }

  protected:
    /// User space, in thread "main" with XenBus up.
    virtual void user_space() = 0;
    /// Before the kernel: what the boot loader does. False stops the boot.
    virtual bool boot_loader() { return true; }
    /// What this kernel's drivers were configured with.
    virtual driver_params drivers() const { return m_context.drivers; }

    const run_context& m_context;
    const std::string m_name;

  private:
    void main_thread();
    std::unique_ptr<linux_xenbus> m_bus;
    std::unique_ptr<linux_tpmfront> m_tpm;
    linux_tpm_chip::command_hook m_command_hook;
    linux_tpm_chip::answer_hook m_answer_hook;
};

class guest_domain final : public linux_domain {
  public:
    guest_domain(sc_core::sc_module_name name, const guest_config& config, const run_context& context,
                 remote_parties& parties);

    /// Called for every attestation that ended, and once more with the number of them when all are done.
    std::function<void(attestation_outcome)> on_outcome = [](const attestation_outcome&) {};
    std::function<void()> on_finished = [] {};
    /// Called when user space is about to be challenged.
    std::function<void()> on_attestation = [] {};
    /// A workload of the guest's user space, after its attestations.
    std::function<void(guest_domain&)> user_program = [](guest_domain&) {};
    /// From the next boot on: nothing is measured and nobody uses the TPM before `user_program` does, which
    /// stands for the machine's firmware as well.
    void boot_for_client(bool on) { m_for_client = on; }
    /// An operation of the guest's load has ended; the load as a whole has begun or ended.
    std::function<void(const load_operation&)> on_load_operation = [](const load_operation&) {};
    std::function<void(bool begun)> on_load = [](bool) {};
    const guest_config& config() const { return m_config; }
    /// One attestation now, besides those that are configured; enrols when no attestation did. The guest's
    /// own logs stand in for those that `claims` lacks. on_outcome hears of it too.
    attestation_outcome attest(evidence claims);

  private:
    void user_space() override;
    bool boot_loader() override;
    driver_params drivers() const override;
    evidence own_claims() const;
    void make_agent();
    void carry_load();

    const guest_config& m_config;
    bool m_for_client = false;
    chance_stream m_entropy;
    network_link m_network;
    std::vector<measurement> m_boot_log;
    std::unique_ptr<measurement_list> m_measurements;
    agent_files m_files;                        ///< on its disk
    agent20_files m_files20;                    ///< likewise, with a vTPM 2.0
    std::unique_ptr<transport_watch> m_device;  ///< the vTPM, as user space uses it
    std::unique_ptr<guest_agent_if> m_agent;
};

class dom0_domain final : public linux_domain {
  public:
    /// `tpm_locality`: where its kernel drives the hardware TPM, page by page of iomem; absent: it has no
    /// driver.
    dom0_domain(sc_core::sc_module_name name, const run_context& context, remote_parties& parties,
                std::optional<std::uint32_t> tpm_locality = {});

    /// What to provision once dom0's own vTPM is there; without a plan dom0 only runs.
    void set_plan(provisioning_plan plan) { m_plan = std::move(plan); }
    /// Called with the problem, empty when the manager is provisioned.
    std::function<void(const std::string& problem)> on_provisioned = [](const std::string&) {};

    /// What somebody does at its shell, after the provisioning.
    std::function<void(dom0_domain&)> user_program;
    /// For that program: blocks until `condition` holds, and looks again at every VIRQ_CONSOLE.
    void wait_for(const std::function<bool()>& condition) { m_console.wait_for(condition); }
    /// For an observer: as on_command, at the hardware TPM's driver.
    void on_hardware_command(linux_tpm_chip::command_hook hook) { m_hardware_hook = std::move(hook); }
    /// The core of the hardware TPM's driver; nullptr: there is no driver, or it found no chip.
    linux_tpm_chip* hardware_tpm() { return m_chip_found ? &m_tis->chip() : nullptr; }

  private:
    void user_space() override;
    void start_tis_driver();
    void provision();
    void listen_to_console();

    std::optional<std::uint32_t> m_tpm_locality;
    std::optional<provisioning_plan> m_plan;
    network_link m_network;
    std::unique_ptr<linux_tpm_tis> m_tis;
    bool m_chip_found = false;
    linux_tpm_chip::command_hook m_hardware_hook;
    wait_queue m_console;
};

}  // namespace vtwin::models
