// The one class that wires a machine together: hardware TPM, hypervisor with its services, stub domains,
// guests, and the parties outside. All topology is in its constructor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <systemc>
#include <vector>

#include "hypervisor/block/blkback.h"
#include "hypervisor/block/memory_disk.h"
#include "hypervisor/machine.h"
#include "hypervisor/toolstack/toolstack.h"
#include "hypervisor/xenstore/xenstored.h"
#include "models/live/served_chip.h"
#include "models/live/served_guest.h"
#include "models/platform/config.h"
#include "models/platform/linux_domain.h"
#include "models/platform/manager_domain.h"
#include "models/platform/run_context.h"
#include "models/platform/tpm_hardware.h"
#include "models/platform/vtpm_domain.h"
#include "models/platform/wires.h"
#include "models/remote/remote_parties.h"

namespace vtwin::models {

class platform final : public sc_core::sc_module {
  public:
    /// `config` must outlive the platform. `timeline` hears what happens, in order of simulated time.
    /// `wires` is asked what stands on each wire; without it all are direct.
    platform(sc_core::sc_module_name name, const run_config& config, timeline_sink timeline,
             wire_inserter* wires = nullptr);

    /// Runs until every guest has attested as configured or stopped, something failed for good, or the time
    /// limit.
    struct outcome {
        bool finished = false;  ///< all guests came to their end
        std::string problem;    ///< why the machine did not get so far
        std::vector<attestation_outcome> attestations;
    };
    const outcome& run();

    // ---- for operators: what somebody at dom0's shell does beside the configured run
    /// Called in the operator's thread once every configured domain was created; the run is not over before
    /// it returns.
    std::function<void()> operation;
    /// xl create of a configured domain that is off; xl destroy. From a thread. False: xl failed.
    bool create(const std::string& domain);
    bool destroy(const std::string& domain);
    /// xl shutdown -w; a domain that does not stop in time runs on.
    bool shutdown(const std::string& domain, const sc_core::sc_time& timeout);
    /// xl destroy of a domain that is on, and xl create when it has been off for this long. Does not wait;
    /// the run is not over before both are done.
    void restart(const std::string& domain, const sc_core::sc_time& off_for);
    /// The same for a guest together with its vTPM, at once: what a reset of the machine is to a guest whose
    /// TPM has to be reset with it.
    void restart_with_vtpm(const guest_config& guest);
    /// Before the run: the user space of that guest (a name of the configuration) does what `work` says.
    std::unique_ptr<live::served_tpm> serve(const std::string& guest, live::work_if& work,
                                            live::start_mode start);
    /// Before the run: dom0's user space uses the hardware TPM as `work` says; the configuration gives dom0 a
    /// driver for it. With `start` init or clear the machine runs dom0 and nothing else.
    std::unique_ptr<live::served_tpm> serve_chip(live::work_if& work, live::start_mode start);
    /// The mains fail: no domain runs any more, and the run is over.
    void power_cut();

    /// What the run is doing, in one word, whenever that changes: "firmware", "manager", "administrator", the
    /// name of the guest that is being started, "attestation" from a guest's first challenge on; after the
    /// first restart of the stack "restart.2", "guest1.2", "attestation.2".
    std::function<void(const std::string&)> on_stage = [](const std::string&) {};

    /// Called whenever the simulation stands still: somebody paused it, or a stretch of the run is over,
    /// which is a second of simulated time at most. Says up to which point of simulated time the run may go
    /// on; what it throws ends the run. Without it the run goes on to its time limit.
    std::function<sc_core::sc_time()> on_pause;

    /// For an observer: each line of the timeline, after the sink.
    std::function<void(const timeline_entry&)> on_line = [](const timeline_entry&) {};

    // ---- for recorders and reports
    /// Name in the configuration of the domain that has this id now; "" when none has.
    std::string name_of(xen::domid_t domid) const;
    /// Slot of a domain of the configuration or of "dom0"; nullptr for another name.
    xen::domain* domain_slot(const std::string& name) const;
    /// The software in that slot; nullptr for another name.
    kernel* kernel_of(const std::string& name) const;
    /// Every domain with a Linux kernel, dom0 first.
    std::vector<linux_domain*> linux_domains();
    xen::machine& hypervisor() { return m_machine; }
    xen::xenstored& store() { return m_store; }
    xen::blkback& block_backend() { return m_blkback; }
    tpm_hardware& hardware() { return m_hardware; }
    remote_parties& parties() { return m_parties; }
    const std::vector<std::unique_ptr<guest_domain>>& guests() const { return m_guests; }
    const std::vector<std::unique_ptr<vtpm_domain>>& vtpms() const { return m_vtpms; }
    dom0_domain& dom0() { return m_dom0; }

  private:
    void wire(const std::string& name, kernel& os, xen::domain& domain);
    xen::domain& add_domain(const std::string& name, const std::string& label, std::uint32_t memory_mib,
                            std::vector<std::uint64_t> iomem = {});
    void add_disk(const std::string& domain, const disk_config& config);
    void operate();
    bool run_stack();
    bool run_dom0_alone();
    bool make_chip();
    bool switch_on();
    provisioning_plan plan() const;
    std::string administrator_word() const;
    bool start_manager();
    bool create_manager();
    bool start_administrator();
    bool start_vtpm(const vtpm_config& config);
    bool start_guest(const guest_config& config);
    void guest_is_done(const std::string& guest);
    bool start_guests();
    void wait_for_guests();
    bool restart_stack();
    void enter(const std::string& stage);
    std::unique_ptr<live::recorded_work> replayed(const std::string& domain,
                                                  const live::recording& recording);
    void replay(const guest_config& guest);
    void replay_at_chip();
    void call_dom0(live::start_mode moment);
    void tell_dom0();
    void take_power();
    void attach_late_vtpms();
    xen::domain_spec spec_of(const std::string& name, std::uint32_t memory_mib,
                             const std::string& command_line) const;
    bool xl_create(const xen::domain_spec& spec);
    bool xl_attach(const std::string& domain, const xen::vtpm_spec& vtpm);
    bool report(const xen::xl_result& result, const std::string& domain);
    bool fail(const std::string& problem);
    const vtpm_config& vtpm_of(const guest_config& guest) const;

    const run_config& m_config;
    run_context m_context;
    wire_inserter m_direct;
    wire_inserter& m_wires;
    tpm::libtpms_host m_library;
    remote_parties m_parties;
    tpm_hardware m_hardware;
    xen::machine m_machine;
    xen::xenstored m_store;
    xen::blkback m_blkback;
    xen::toolstack m_toolstack;
    dom0_domain m_dom0;
    manager_domain m_manager;
    std::vector<std::unique_ptr<vtpm_domain>> m_vtpms;
    std::vector<std::unique_ptr<guest_domain>> m_guests;
    std::map<std::string, xen::domain*> m_domains;
    std::map<std::string, kernel*> m_kernels;
    std::map<std::string, std::unique_ptr<xen::memory_disk>> m_disks;
    std::vector<std::unique_ptr<live::recorded_work>> m_recordings;
    std::vector<std::unique_ptr<live::served_tpm>> m_replaying;
    std::optional<live::start_mode> m_chip_start;  ///< when dom0's user space serves the hardware TPM
    bool m_dom0_called = false;                    ///< it may begin
    bool m_power_wanted_off = false;               ///< above the hypervisor, dom0 excepted
    bool m_power_off = false;
    std::map<std::string, sc_core::sc_time> m_guest_started;
    bytes m_ek_public, m_ek_certificate;
    std::set<std::string> m_guests_running;  ///< created, and not yet at their end
    std::uint32_t m_restarted = 0;           ///< how often the stack was, as configured
    std::uint32_t m_restarts = 0;            ///< under way
    bool m_provisioned = false;
    sc_core::sc_event m_progress;
    outcome m_outcome;
};

}  // namespace vtwin::models
