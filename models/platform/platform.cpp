#include "models/platform/platform.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/firmware/firmware.h"

namespace vtwin::models {

using level = stubdom_services_if::level;

namespace {

constexpr std::uint32_t pages_per_mib = 256;
constexpr std::uint64_t tis_frame = 0xFED40;  // machine frame of TIS locality 0

run_context context_of(const run_config& config, timeline_sink timeline) {
    run_context context;
    context.seed = config.seed;
    context.behaviours = config.machine.behaviours;
    context.costs = config.machine.costs;
    context.timeline = std::move(timeline);
    return context;
}

remote_parties::entropy_factory streams_of(std::uint64_t seed) {
    return [seed](std::string_view consumer) -> std::unique_ptr<tpm::entropy_if> {
        return std::make_unique<chance_stream>(seed, "remote." + std::string(consumer));
    };
}

}  // namespace

platform::platform(sc_core::sc_module_name name, const run_config& config, timeline_sink timeline,
                   wire_inserter* wires)
    : sc_module(name),
      m_config(config),
      m_context(context_of(config,
                           [this, sink = std::move(timeline)](const timeline_entry& entry) {
                               sink(entry);
                               on_line(entry);
                           })),
      m_wires(wires != nullptr ? *wires : m_direct),
      m_library(config.machine.rsa_keys),
      m_parties(config.verifier, streams_of(config.seed)),
      m_hardware("tpm", m_library, config.machine.chip, config.seed,
                 config.machine.hypervisor_costs.mmio_access, m_wires),
      m_machine("xen", {config.machine.pcpus, config.machine.scheduler, config.machine.hypervisor_costs,
                        config.machine.xsm}),
      m_store("xenstored", m_machine, config.machine.store_quotas),
      m_blkback("blkback", m_machine, m_store),
      m_toolstack("toolstack", m_machine, m_store),
      m_dom0("dom0", m_context, m_parties, config.machine.dom0_tpm_locality),
      m_manager(config.machine.manager.name.c_str(), config.machine.manager, m_context) {
    const auto& machine = config.machine;

    // the chip behind Xen's memory-mapped I/O
    m_machine.mmio_socket.bind(m_hardware.host());

    // dom0
    xen::domain_params dom0;
    dom0.label = "system_u:system_r:dom0_t";
    dom0.nr_pages = 256 * pages_per_mib;
    dom0.privileged = true;
    dom0.max_event_channels = 4095;  // Xen sets dom0 no limit: all ports of the two-level interface
    if (machine.dom0_tpm_locality)
        dom0.iomem = {tis_frame + *machine.dom0_tpm_locality};
    auto& dom0_slot = m_machine.add_domain("domain_dom0", dom0);
    m_domains["dom0"] = &dom0_slot;
    wire("dom0", m_dom0.os, dom0_slot);

    // the manager, the only domain that may touch the chip, unless dom0 has a driver for it
    wire(machine.manager.name, m_manager.os,
         add_domain(machine.manager.name, machine.manager.label, machine.manager.memory_mib,
                    {tis_frame + machine.manager.locality}));
    add_disk(machine.manager.name, machine.manager.disk);

    // vTPM stub domains
    for (const auto& vtpm : machine.vtpms) {
        m_vtpms.push_back(std::make_unique<vtpm_domain>(vtpm.name.c_str(), vtpm, m_context, m_library));
        wire(vtpm.name, m_vtpms.back()->os, add_domain(vtpm.name, vtpm.label, vtpm.memory_mib));
        add_disk(vtpm.name, vtpm.disk);
    }

    // guests
    for (const auto& guest : machine.guests) {
        m_guests.push_back(std::make_unique<guest_domain>(guest.name.c_str(), guest, m_context, m_parties));
        wire(guest.name, m_guests.back()->os, add_domain(guest.name, guest.label, guest.memory_mib));
        m_guests.back()->on_outcome = [this](attestation_outcome outcome) {
            m_outcome.attestations.push_back(std::move(outcome));
        };
        m_guests.back()->on_attestation = [this] { enter("attestation"); };
        m_guests.back()->on_finished = [this, name = guest.name] { guest_is_done(name); };
    }
    for (const auto& guest : machine.guests)
        if (guest.recording)
            replay(guest);
    if (machine.dom0_recording)
        replay_at_chip();
    std::vector<std::string> names;
    for (const auto& [domain, slot] : m_domains)
        names.push_back(domain);
    m_store.set_wire(m_wires.store(names, [this](xen::domid_t domid) { return name_of(domid); }));

    // A guest that crashed or was destroyed has nothing more to say.
    m_machine.on_stopped([this](xen::domain& stopped, xen::shutdown_reason) {
        for (const auto& [name, domain] : m_domains)
            if (domain == &stopped)
                guest_is_done(name);
    });
    sc_core::sc_spawn([this] { operate(); }, "operator");
}

/// The four ports of a domain's kernel.
void platform::wire(const std::string& name, kernel& os, xen::domain& domain) {
    os.ports.hypercall.bind(m_wires.hypercall(name, *domain.hypercall.operator->()));
    os.ports.memory.bind(m_wires.memory(name, *domain.memory.operator->()));
    os.ports.mmio.bind(m_wires.mmio(name, *domain.mmio.operator->()));
    os.ports.vcpu.bind(m_wires.vcpu(name, *domain.vcpu.operator->()));
    m_kernels[name] = &os;
    domain.on_boot([&os](const xen::start_info& info) { os.boot(info); });
}

xen::domain& platform::add_domain(const std::string& name, const std::string& label, std::uint32_t memory_mib,
                                  std::vector<std::uint64_t> iomem) {
    xen::domain_params params;
    params.label = label;
    params.nr_pages = memory_mib * pages_per_mib;
    params.iomem = std::move(iomem);
    auto& domain = m_machine.add_domain("domain_" + name, params);
    m_domains[name] = &domain;
    return domain;
}

void platform::add_disk(const std::string& domain, const disk_config& config) {
    auto disk = std::make_unique<xen::memory_disk>(config.size, m_config.machine.hypervisor_costs);
    sc_assert(disk->set_content(config.content));
    m_blkback.add_disk(domain, m_wires.disk(domain, *disk));
    m_disks[domain] = std::move(disk);
}

/// That a run goes in stretches changes nothing of what happens in it, nor in which order: an event at the
/// end of one is the first of the next.
const platform::outcome& platform::run() {
    const sc_core::sc_time longest_stretch(1, sc_core::SC_SEC);
    auto limit = m_config.time_limit;
    do {
        const auto left = limit - sc_core::sc_time_stamp();
        sc_core::sc_start(on_pause ? std::min(left, longest_stretch) : left);
        if (sc_core::sc_get_status() != sc_core::SC_PAUSED)
            break;
        if (on_pause)
            limit = on_pause();
    } while (sc_core::sc_time_stamp() < limit);
    if (!m_outcome.finished && m_outcome.problem.empty())
        m_outcome.problem = "the time limit was reached first";
    return m_outcome;
}

bool platform::fail(const std::string& problem) {
    m_outcome.problem = problem;
    m_context.say("dom0", problem, level::error);
    return false;
}

void platform::operate() {
    const bool alone = m_chip_start == live::start_mode::init || m_chip_start == live::start_mode::clear;
    m_outcome.finished = alone ? run_dom0_alone() : run_stack();
    sc_core::sc_stop();
}

bool platform::run_stack() {
    if (!switch_on() || !start_manager() || !start_administrator())
        return false;
    call_dom0(live::start_mode::dom0);
    if (!start_guests())
        return false;
    if (operation)
        operation();
    wait_for_guests();
    call_dom0(live::start_mode::guest);
    wait_for_guests();
    bool up = true;
    for (std::uint32_t i = 0; up && !m_power_off && i < m_config.machine.restarts; ++i)
        up = restart_stack();
    return up;
}

/// The stages after a restart are told apart from those before.
void platform::enter(const std::string& stage) {
    on_stage(m_restarted == 0 ? stage : fmt::format("{}.{}", stage, m_restarted + 1));
}

bool platform::start_guests() {
    for (const auto& guest : m_config.machine.guests) {
        if (m_power_wanted_off)
            return true;
        enter(guest.name);
        if (!start_vtpm(vtpm_of(guest)) || !start_guest(guest))
            return false;
    }
    attach_late_vtpms();
    return true;
}

void platform::wait_for_guests() {
    while (!m_guests_running.empty() || m_restarts != 0) {
        if (m_power_wanted_off && !m_power_off && m_restarts == 0)
            take_power();
        else
            sc_core::wait(m_progress);
    }
}

/// Everything above the hypervisor but dom0 is stopped and started again on its disks. The administrator has
/// done its work: its vTPM is not needed any more.
bool platform::restart_stack() {
    ++m_restarted;
    enter("restart");
    m_context.say("dom0", "the vTPM stack and its guests are restarted");
    const auto& machine = m_config.machine;
    const auto stop = [this](const std::string& name) {
        const auto& slot = *m_domains.at(name);
        return slot.power() == xen::domain::state::off || destroy(name);
    };
    bool stopped = true;
    for (const auto& guest : machine.guests)
        stopped = stop(guest.name) && stopped;
    if (std::ranges::any_of(machine.vtpms, &vtpm_config::administrator))
        report(m_toolstack.vtpm_detach(*m_domains.at("dom0"), 0), "dom0");
    for (const auto& vtpm : machine.vtpms)
        stopped = stop(vtpm.name) && stopped;
    stopped = stop(machine.manager.name) && stopped;
    if (!stopped || !create_manager() || !start_guests())
        return false;
    wait_for_guests();
    return true;
}

bool platform::make_chip() {
    std::string problem;
    m_ek_public = m_hardware.manufacture(problem);
    if (m_ek_public.empty())
        return fail(problem);
    m_ek_certificate = m_parties.certify_chip(m_ek_public);
    m_context.say("machine", fmt::format("power on, chip {}", m_config.machine.chip.name));
    return true;
}

bool platform::switch_on() {
    std::string problem;
    if (!make_chip())
        return false;
    firmware firmware(m_hardware.firmware_bus(), m_config.machine.costs.firmware_poll);
    enter("firmware");
    if (!firmware.boot(m_config.machine.firmware, problem))
        return fail(problem);
    m_context.say("machine",
                  fmt::format("firmware measured {} boot components", m_config.machine.firmware.size()));
    return true;
}

/// What dom0's administrator will do once its own vTPM is attached.
provisioning_plan platform::plan() const {
    const auto& vtpms = m_config.machine.vtpms;
    provisioning_plan plan;
    plan.platform = m_config.machine.name;
    plan.ek_public = m_ek_public;
    plan.ek_certificate = m_ek_certificate;
    for (const auto& vtpm : vtpms) {
        if (!std::ranges::count(plan.labels, vtpm.label))
            plan.labels.push_back(vtpm.label);
        if (!vtpm.administrator)
            plan.vtpms.push_back(vtpm.uuid);
    }
    return plan;
}

/// The hardened manager takes its administrator from its command line instead of from the order of first
/// saves.
std::string platform::administrator_word() const {
    const auto& vtpms = m_config.machine.vtpms;
    const auto found = std::ranges::find_if(vtpms, &vtpm_config::administrator);
    if (found == vtpms.end() ||
        m_context.behaviours.faithful(behaviour::vtpmmgr_first_autocreated_vtpm_is_admin))
        return "";
    return " admin_uuid=" + to_string(found->uuid);
}

bool platform::start_manager() {
    enter("manager");
    if (std::ranges::any_of(m_config.machine.vtpms, &vtpm_config::administrator))
        m_dom0.set_plan(plan());
    if (!m_toolstack.boot_dom0(*m_domains["dom0"]))
        return fail("dom0 does not boot");
    return create_manager();
}

bool platform::create_manager() {
    const auto& manager = m_config.machine.manager;
    auto spec = spec_of(manager.name, manager.memory_mib, manager.command_line + administrator_word());
    spec.disks.push_back({manager.name});
    return xl_create(spec);
}

xen::domain_spec platform::spec_of(const std::string& name, std::uint32_t memory_mib,
                                   const std::string& command_line) const {
    xen::domain_spec spec;
    spec.name = name;
    // The domain's own uuid is xl's invention; a digest of its name repeats from run to run.
    uuid_t uuid;
    chance_stream(m_config.seed, "domain uuid of " + name).fill(uuid.octets);
    spec.uuid = to_string(uuid);
    spec.memory_mib = memory_mib;
    spec.command_line = command_line;
    return spec;
}

bool platform::xl_create(const xen::domain_spec& spec) {
    m_context.say("dom0", "xl create " + spec.name);
    return report(m_toolstack.create(*m_domains[spec.name], spec), spec.name);
}

bool platform::xl_attach(const std::string& domain, const xen::vtpm_spec& vtpm) {
    m_context.say("dom0", fmt::format("xl vtpm-attach {} backend={}", domain, vtpm.backend));
    return report(m_toolstack.vtpm_attach(*m_domains[domain], vtpm), domain);
}

bool platform::report(const xen::xl_result& result, const std::string& domain) {
    for (const auto& message : result.messages)
        m_context.say("dom0", message, result ? level::warning : level::error);
    return result.ok || fail(fmt::format("xl failed for {}", domain));
}

/// The administrator's vTPM is the first to save its state, which makes it the manager's administrator.
bool platform::start_administrator() {
    const auto& vtpms = m_config.machine.vtpms;
    const auto found = std::ranges::find_if(vtpms, &vtpm_config::administrator);
    if (found == vtpms.end())
        return true;
    enter("administrator");
    std::string problem;
    m_dom0.on_provisioned = [&](const std::string& what) {
        problem = what;
        m_provisioned = true;
        m_progress.notify(sc_core::SC_ZERO_TIME);
    };
    if (!start_vtpm(*found))
        return false;
    if (!xl_attach("dom0", {found->name, to_string(found->uuid)}))
        return false;
    while (!m_provisioned)
        sc_core::wait(m_progress);
    return problem.empty() || fail("provisioning: " + problem);
}

bool platform::start_vtpm(const vtpm_config& config) {
    auto spec = spec_of(config.name, config.memory_mib, config.command_line);
    spec.disks.push_back({config.name});
    spec.vtpms.push_back({config.backend, to_string(config.uuid)});
    return xl_create(spec);
}

bool platform::start_guest(const guest_config& config) {
    auto spec = spec_of(config.name, config.memory_mib, config.command_line);
    spec.kernel = config.kernel.path;
    spec.ramdisk = config.initrd.path;
    if (!config.attach_after)
        spec.vtpms.push_back({config.vtpm, to_string(vtpm_of(config).uuid)});
    if (!xl_create(spec))
        return false;
    m_guests_running.insert(config.name);
    m_guest_started[config.name] = sc_core::sc_time_stamp();
    return true;
}

void platform::guest_is_done(const std::string& guest) {
    if (m_guests_running.erase(guest) != 0)
        m_progress.notify(sc_core::SC_ZERO_TIME);
}

bool platform::create(const std::string& domain) {
    const auto& machine = m_config.machine;
    if (domain == machine.manager.name)
        return create_manager();
    if (const auto vtpm = std::ranges::find(machine.vtpms, domain, &vtpm_config::name);
        vtpm != machine.vtpms.end())
        return start_vtpm(*vtpm);
    const auto guest = std::ranges::find(machine.guests, domain, &guest_config::name);
    return guest != machine.guests.end() && start_guest(*guest);
}

bool platform::destroy(const std::string& domain) {
    const auto found = m_domains.find(domain);
    m_context.say("dom0", "xl destroy " + domain);
    return found != m_domains.end() && report(m_toolstack.destroy(*found->second), domain);
}

bool platform::shutdown(const std::string& domain, const sc_core::sc_time& timeout) {
    const auto found = m_domains.find(domain);
    m_context.say("dom0", "xl shutdown " + domain);
    return found != m_domains.end() && report(m_toolstack.shutdown(*found->second, timeout), domain);
}

void platform::restart(const std::string& domain, const sc_core::sc_time& off_for) {
    const auto* slot = domain_slot(domain);
    if (slot == nullptr || slot->power() == xen::domain::state::off)
        return;
    ++m_restarts;
    sc_core::sc_spawn([this, domain, off_for] {
        if (destroy(domain)) {
            sc_core::wait(off_for);
            create(domain);
        }
        --m_restarts;
        m_progress.notify(sc_core::SC_ZERO_TIME);
    });
}

void platform::power_cut() {
    m_context.say("machine", "power cut", level::error);
    m_outcome.problem = "power cut";
    for (const auto& domain : m_machine.domains())
        m_machine.shutdown(*domain, xen::shutdown_reason::poweroff);
    sc_core::sc_stop();
}

void platform::attach_late_vtpms() {
    std::vector<const guest_config*> late;
    for (const auto& guest : m_config.machine.guests)
        if (guest.attach_after)
            late.push_back(&guest);
    const auto due = [this](const guest_config* guest) {
        return m_guest_started[guest->name] + *guest->attach_after;
    };
    std::ranges::stable_sort(late, {}, due);
    for (const auto* guest : late) {
        if (m_power_wanted_off)
            return;
        if (due(guest) > sc_core::sc_time_stamp())
            sc_core::wait(due(guest) - sc_core::sc_time_stamp());
        xl_attach(guest->name, {guest->vtpm, to_string(vtpm_of(*guest).uuid)});
    }
}

std::string platform::name_of(xen::domid_t domid) const {
    const auto found = std::ranges::find_if(
        m_domains, [domid](const auto& entry) { return entry.second->domid() == domid; });
    return found == m_domains.end() ? "" : found->first;
}

xen::domain* platform::domain_slot(const std::string& name) const {
    const auto found = m_domains.find(name);
    return found == m_domains.end() ? nullptr : found->second;
}

kernel* platform::kernel_of(const std::string& name) const {
    const auto found = m_kernels.find(name);
    return found == m_kernels.end() ? nullptr : found->second;
}

std::vector<linux_domain*> platform::linux_domains() {
    std::vector<linux_domain*> domains{&m_dom0};
    for (const auto& guest : m_guests)
        domains.push_back(guest.get());
    return domains;
}

const vtpm_config& platform::vtpm_of(const guest_config& guest) const {
    const auto& vtpms = m_config.machine.vtpms;
    const auto found = std::ranges::find(vtpms, guest.vtpm, &vtpm_config::name);
    sc_assert(found != vtpms.end());
    return *found;
}

}  // namespace vtwin::models
