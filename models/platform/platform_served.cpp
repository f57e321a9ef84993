// TPMs of the machine in the hands of others: programs outside, and recordings of them.
#include <fmt/format.h>

#include <algorithm>

#include "hypervisor/event/event_fabric.h"
#include "models/platform/platform.h"

namespace vtwin::models {

using level = stubdom_services_if::level;

// ---- a guest's

std::unique_ptr<live::served_tpm> platform::serve(const std::string& guest, live::work_if& work,
                                                  live::start_mode start) {
    const auto served =
        std::ranges::find_if(m_guests, [&](const auto& each) { return each->config().name == guest; });
    sc_assert(served != m_guests.end());
    const auto& config = (*served)->config();
    const auto vtpm =
        std::ranges::find_if(m_vtpms, [&](const auto& each) { return each->config().name == config.vtpm; });
    sc_assert(vtpm != m_vtpms.end());
    return std::make_unique<live::served_guest>(
        **served, **vtpm, [this, &config] { restart_with_vtpm(config); }, work, start);
}

void platform::restart_with_vtpm(const guest_config& guest) {
    ++m_restarts;
    sc_core::sc_spawn([this, &guest] {
        // The vTPM's state is on its disk after every command: nothing is lost by pulling the plug.
        if (destroy(guest.name) && destroy(guest.vtpm) && create(guest.vtpm))
            create(guest.name);
        --m_restarts;
        m_progress.notify(sc_core::SC_ZERO_TIME);
    });
}

// ---- the machine's

std::unique_ptr<live::served_tpm> platform::serve_chip(live::work_if& work, live::start_mode start) {
    sc_assert(m_config.machine.dom0_tpm_locality && !m_chip_start);
    m_chip_start = start;
    auto chip = std::make_unique<live::served_chip>(m_hardware, *m_config.machine.dom0_tpm_locality, work);
    chip->on_power_off = [this] {
        m_power_wanted_off = true;
        m_progress.notify(sc_core::SC_ZERO_TIME);
        m_dom0.wait_for([this] { return m_power_off; });
    };
    m_dom0.user_program = [this, start, served = chip.get()](dom0_domain& dom0) {
        dom0.wait_for([this] { return m_dom0_called; });
        served->run(dom0.os, dom0.hardware_tpm(), start);
        guest_is_done("dom0");
    };
    return chip;
}

/// When this is the moment that the user of the hardware TPM has chosen: it may begin, and the run is not
/// over before it has ended.
void platform::call_dom0(live::start_mode moment) {
    if (m_chip_start != moment)
        return;
    m_guests_running.insert("dom0");
    m_dom0_called = true;
    tell_dom0();
}

/// Something has happened that somebody at dom0's shell would see.
void platform::tell_dom0() {
    if (auto* const life = m_machine.instance(xen::dom0))
        m_machine.events().raise_virq(*life, xen::virq::console);
}

/// In the operator's thread: no xl is at work then.
void platform::take_power() {
    m_context.say("machine", "power off; dom0 stands for what is started next");
    for (const auto& [name, domain] : m_domains)
        if (name != "dom0")
            m_machine.shutdown(*domain, xen::shutdown_reason::poweroff);
    m_power_off = true;
    tell_dom0();
}

bool platform::run_dom0_alone() {
    if (!make_chip())
        return false;
    m_power_wanted_off = m_power_off = true;  // there is nothing above the hypervisor
    if (!m_toolstack.boot_dom0(*m_domains["dom0"]))
        return fail("dom0 does not boot");
    call_dom0(*m_chip_start);
    wait_for_guests();
    return true;
}

// ---- recordings

std::unique_ptr<live::recorded_work> platform::replayed(const std::string& domain,
                                                        const live::recording& recording) {
    const kernel& os = *m_kernels.at(domain);
    auto made = std::make_unique<live::recorded_work>(recording, [&os] { return os.now(); });
    made->on_end = [this, domain, &work = *made] {
        const bool same = work.different() == 0;
        m_context.say(
            domain,
            fmt::format("{} recorded operations done again, {} answers differ{}", work.performed(),
                        work.different(),
                        same ? "" : fmt::format(", first that of number {}", work.first_different())),
            same ? level::info : level::warning);
    };
    return made;
}

/// The guest's user space does what a recording says.
void platform::replay(const guest_config& guest) {
    auto& work = *m_recordings.emplace_back(replayed(guest.name, *guest.recording));
    m_replaying.push_back(serve(guest.name, work, guest.recording->start));
}

/// The same for dom0 and the hardware TPM.
void platform::replay_at_chip() {
    const auto& recording = *m_config.machine.dom0_recording;
    auto& work = *m_recordings.emplace_back(replayed("dom0", recording));
    m_replaying.push_back(serve_chip(work, recording.start));
}

}  // namespace vtwin::models
