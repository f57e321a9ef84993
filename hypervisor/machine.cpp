#include "hypervisor/machine.h"

#include <algorithm>
#include <utility>

#include "hypervisor/domain_instance.h"
#include "hypervisor/event/event_fabric.h"
#include "hypervisor/grant/grant_broker.h"
#include "hypervisor/sched/pcpu_pool.h"

namespace vtwin::xen {

namespace {
// Pages of the start of day; the rest of the memory is the kernel's.
constexpr gfn_t start_info_gfn{0}, shared_info_gfn{1}, store_gfn{2}, console_gfn{3}, first_free_gfn{4};
}  // namespace

machine::machine(sc_core::sc_module_name name, machine_params params)
    : sc_module(name),
      mmio_socket("mmio_socket"),
      pending("pending"),
      vcpu_states("vcpu_states"),
      grants("grants"),
      m_params(std::move(params)),
      m_cpus(std::make_unique<pcpu_pool>(make_scheduler(m_params.scheduler, m_params.costs, m_params.pcpus),
                                         m_params.pcpus, m_params.costs)),
      m_events(std::make_unique<event_fabric>(*this)),
      m_grants(std::make_unique<grant_broker>(*this)) {
    sc_core::sc_spawn_options method;
    method.spawn_method();
    method.dont_initialize();
    method.set_sensitivity(&m_events->service_event());
    sc_core::sc_spawn([this] { m_events->dispatch_services(); }, "services", &method);
}

machine::~machine() = default;

domain& machine::add_domain(const std::string& name, domain_params params) {
    sc_assert(params.nr_pages > to_underlying(first_free_gfn));
    // Its place in the hierarchy is below us, whoever calls.
    simcontext()->hierarchy_push(this);
    m_domains.push_back(std::make_unique<domain>(name.c_str(), *this, std::move(params)));
    simcontext()->hierarchy_pop();
    return *m_domains.back();
}

void machine::set_memory(domain& which, std::uint32_t nr_pages) {
    sc_assert(nr_pages > to_underlying(first_free_gfn));
    which.m_params.nr_pages = nr_pages;
}

domid_t machine::create(domain& which, std::string command_line) {
    if (which.m_state == domain::state::shut_down)
        destroy(which);
    sc_assert(which.m_state == domain::state::off);
    const bool first = which.m_params.privileged && instance(dom0) == nullptr;
    const auto id = first ? dom0 : domid_t{m_next_domid++};
    sc_assert(id < domid_self);
    if (m_instances.size() <= to_underlying(id))
        m_instances.resize(to_underlying(id) + 1u);
    auto& life = *(m_instances[to_underlying(id)] = std::make_unique<domain_instance>(m_memory, which, id));
    which.m_domid = id;
    which.m_life = &life;
    which.m_state = domain::state::paused;
    which.m_pauses = 1;
    which.m_booted = false;
    build(which, life, std::move(command_line));
    return id;
}

void machine::build(domain& which, domain_instance& life, std::string command_line) {
    const auto shared_info = *life.space.own_frame(shared_info_gfn);
    life.events.attach(m_memory.page(shared_info));
    if (pending.observed())
        life.shared_info_watch =
            m_memory.watch(shared_info, [this, &life](const frame_write&) { m_events->changed(life); });
    which.m_cpu->power_on(life.domid, m_memory.page(shared_info));

    life.grants.grow(1);
    life.grants.set_entry(grant_ref_console, gtf::permit_access, dom0, console_gfn);
    life.grants.set_entry(grant_ref_xenstore, gtf::permit_access, dom0, store_gfn);

    auto& info = which.m_info = {};
    info.domid = life.domid;
    info.shared_info = address_of(shared_info_gfn);
    info.store_page = address_of(store_gfn);
    info.nr_pages = which.m_params.nr_pages;
    info.first_free = first_free_gfn;
    info.command_line = std::move(command_line);
    const int bound = m_events->alloc_unbound(life, domid_self, dom0, info.store_port);
    sc_assert(bound == 0);
}

bool machine::pause(domain& which) {
    if (which.m_state != domain::state::running && which.m_state != domain::state::paused)
        return false;
    ++which.m_pauses;
    if (which.m_state == domain::state::running)
        which.m_cpu->hold();
    which.m_state = domain::state::paused;
    return true;
}

void machine::unpause(domain& which) {
    if (which.m_state != domain::state::paused || --which.m_pauses != 0)
        return;
    which.m_state = domain::state::running;
    if (std::exchange(which.m_booted, true)) {
        which.m_cpu->resume();
        return;
    }
    if (!which.m_boot)
        return;
    which.m_cpu->start();
    which.m_boot(which.m_info);
}

domid_t machine::start(domain& which, std::string command_line) {
    const auto id = create(which, std::move(command_line));
    unpause(which);
    return id;
}

void machine::shutdown(domain& which, shutdown_reason reason) {
    if (which.m_state != domain::state::running && which.m_state != domain::state::paused)
        return;
    which.m_state = domain::state::shut_down;
    which.m_cpu->stop();
    raise_dom_exc();
    for (const auto& callback : m_on_stopped)
        callback(which, reason);
}

// The order matters to the peers: mappings, vCPU, channels, memory.
void machine::destroy(domain& which) {
    if (which.m_state == domain::state::off)
        return;
    auto& life = *which.m_life;
    which.m_cpu->stop();
    m_grants->release_all(life);
    m_events->close_all(life);
    if (life.shared_info_watch != 0)
        m_memory.unwatch(life.shared_info_watch);
    which.m_cpu->power_off();
    which.m_state = domain::state::off;
    which.m_life = nullptr;
    life.dying = true;
    life.space.relinquish();
    const auto id = std::exchange(which.m_domid, domid_invalid);
    raise_dom_exc();
    reap(id);
    for (const auto& callback : m_on_stopped)
        callback(which, shutdown_reason::destroyed);
}

void machine::reap(domid_t id) {
    auto* const life = instance(id);
    if (life == nullptr || !life->dying || life->grants.total_pins() > 0)
        return;
    life->grants.relinquish();
    m_instances[to_underlying(id)].reset();
    raise_dom_exc();
}

void machine::raise_dom_exc() {
    if (auto* const home = instance(dom0); home != nullptr && !home->dying)
        m_events->raise_virq(*home, virq::dom_exc);
}

void machine::on_stopped(std::function<void(domain&, shutdown_reason)> callback) {
    m_on_stopped.push_back(std::move(callback));
}

domain* machine::find(domid_t id) const {
    auto* const life = instance(id);
    return life != nullptr && !life->dying ? &life->slot : nullptr;
}

bool machine::is_zombie(domid_t id) const {
    const auto* const life = instance(id);
    return life != nullptr && life->dying;
}

domain_instance* machine::instance(domid_t id) const {
    const std::size_t index = to_underlying(id);
    return index < m_instances.size() ? m_instances[index].get() : nullptr;
}

}  // namespace vtwin::xen
