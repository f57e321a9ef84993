#include "hypervisor/toolstack/toolstack.h"

#include <algorithm>

namespace vtwin::xen {

namespace {

constexpr std::uint64_t store_ring_gfn = 2, console_ring_gfn = 3;  // frame numbers shown in the store
constexpr std::uint32_t console_port = 2;                          // number shown in the store

std::string decimal(std::uint64_t number) {
    return std::to_string(number);
}

}  // namespace

toolstack::toolstack(sc_core::sc_module_name name, machine& host, xenstored& store)
    : sc_module(name), m_host(host), m_store(store) {
    m_host.on_stopped([this](domain& which, shutdown_reason reason) {
        const bool own = m_running.contains(&which) && !m_dying.contains(&which) && which.domid() != dom0;
        if (m_destroys_stopped && own && reason != shutdown_reason::destroyed) {
            sc_core::sc_spawn([this, &which] { destroy(which); });
        }
    });
}

std::optional<domid_t> toolstack::resolve(const std::string& name_or_id) const {
    for (const auto& [slot, spec] : m_running) {
        if (spec.name == name_or_id) {
            return slot->domid();
        }
    }
    const auto number = parse_decimal(name_or_id, to_underlying(domid_self) - 1u);
    if (number && m_host.find(static_cast<domid_t>(*number)) != nullptr) {
        return static_cast<domid_t>(*number);
    }
    return std::nullopt;
}

std::string toolstack::name_of(const domain& slot) const {
    const auto at = m_running.find(&slot);
    return at == m_running.end() ? std::string{} : at->second.name;
}

xl_result toolstack::finish(const xl_process& xl, bool ok, domid_t id) const {
    return {ok, id, xl.messages()};
}

// ---- creation

xl_result toolstack::boot_dom0(domain& home) {
    xl_process init(m_store);
    const auto id = m_host.create(home, "");
    sc_assert(id == dom0);
    m_running[&home].name = "Domain-0";
    auto& store = init.store();
    for (const auto* key : {"feature-poweroff", "feature-reboot", "feature-suspend"}) {
        store.write(domain_path(dom0) + "/control/" + key, "1");
    }
    store.write(domain_path(dom0) + "/domid", "0");
    store.write(domain_path(dom0) + "/name", "Domain-0");
    store.write("/local/pool/0/name", "Pool-0");
    store.mkdir("/vm");
    store.mkdir("/libxl");
    const bool served = introduce(init, home);
    m_host.unpause(home);
    return finish(init, served, dom0);
}

std::optional<std::string> toolstack::missing_backend(const domain_spec& spec) const {
    for (const auto& vtpm : spec.vtpms) {
        if (!resolve(vtpm.backend)) {
            return vtpm.backend;
        }
    }
    return std::nullopt;
}

xl_result toolstack::create(domain& slot, const domain_spec& spec) {
    xl_process xl(m_store);
    if (slot.power() != domain::state::off || resolve(spec.name)) {
        xl.complain("libxl: error: Domain with name \"" + spec.name + "\" already exists.");
        return finish(xl, false, slot.domid());
    }
    if (const auto missing = missing_backend(spec)) {
        xl.complain("libxl: error: Could not resolve backend domain \"" + *missing + "\"");
        return finish(xl, false, domid_invalid);
    }
    const auto id = m_host.create(slot, spec.command_line);
    m_running[&slot] = spec;
    make_home(xl, id, spec);
    sc_core::wait(m_host.costs().domain_create);
    write_built(xl, slot, spec);
    const bool served = introduce(xl, slot);
    if (!served || !attach_devices(xl, slot, spec)) {
        xl.complain("libxl: error: Domain " + text_of(id) + ":unable to add devices");
        destroy_domain(xl, slot);
        return finish(xl, false, id);
    }
    m_host.unpause(slot);
    return finish(xl, true, id);
}

/// libxl__domain_make: everything that is there before the domain is built.
void toolstack::make_home(xl_process& xl, domid_t id, const domain_spec& spec) {
    auto& store = xl.store();
    const auto home = domain_path(id), vm = "/vm/" + spec.uuid, libxl = "/libxl/" + text_of(id);
    const std::vector<std::string> guest_reads{"n0", "r" + text_of(id)}, guest_owns{"n" + text_of(id)};
    store.in_transaction([&](std::uint32_t tx) {
        store.rm(home, tx);
        xl.make_node(home, guest_reads, tx);
        store.rm(vm, tx);
        xl.make_node(vm, guest_reads, tx);
        store.rm(libxl, tx);
        xl.make_node(libxl, {"n0"}, tx);
        store.write(home + "/vm", vm, tx);
        store.write(home + "/name", spec.name, tx);
        store.write(vm + "/name", spec.name, tx);
        for (const auto* name : {"/cpu", "/memory", "/device"}) {
            xl.make_node(home + name, guest_reads, tx);
        }
        xl.make_node(home + "/device/suspend/event-channel", guest_owns, tx);
        xl.make_node(home + "/control", guest_reads, tx);
        for (const auto* name : {"/control/shutdown", "/control/feature-poweroff", "/control/feature-reboot",
                                 "/control/feature-suspend", "/control/sysrq", "/data", "/drivers",
                                 "/feature", "/attr", "/error"}) {
            xl.make_node(home + name, guest_owns, tx);
        }
        store.write(vm + "/uuid", spec.uuid, tx);
        store.write(home + "/control/platform-feature-multiprocessor-suspend", "1", tx);
        store.write(home + "/control/platform-feature-xs_reset_watches", "1", tx);
        xl.make_node(libxl + "/device", {"n0"}, tx);
        store.write(libxl + "/type", "pv", tx);
        store.write(libxl + "/dm-version", "qemu_xen", tx);
        return true;
    });
}

/// libxl__build_post: what is known once the domain is built.
void toolstack::write_built(xl_process& xl, const domain& slot, const domain_spec& spec) {
    auto& store = xl.store();
    const auto home = domain_path(slot.domid()), vm = "/vm/" + spec.uuid;
    const auto kib = decimal(std::uint64_t{spec.memory_mib} * 1024);
    const store_entries local{{"memory/static-max", kib},
                              {"memory/target", kib},
                              {"memory/videoram", "0"},
                              {"domid", text_of(slot.domid())},
                              {"store/port", decimal(to_underlying(slot.info().store_port))},
                              {"store/ring-ref", decimal(store_ring_gfn)},
                              {"cpu/0/availability", "online"}};
    const store_entries image{{"image/ostype", "linux"},
                              {"image/kernel", spec.kernel},
                              {"image/ramdisk", spec.ramdisk},
                              {"image/cmdline", spec.command_line}};
    store.in_transaction([&](std::uint32_t tx) {
        for (const auto& [key, value] : local) {
            store.write(home + "/" + key, value, tx);
        }
        for (const auto& [key, value] : image) {
            store.write(vm + "/" + key, value, tx);
        }
        return true;
    });
}

bool toolstack::introduce(xl_process& xl, const domain& slot) {
    std::string payload = text_of(slot.domid()) + '\0';
    payload += decimal(store_ring_gfn) + '\0';
    payload += decimal(to_underlying(slot.info().store_port)) + '\0';
    return static_cast<bool>(xl.store().request(xs_op::introduce, payload));
}

/// Disks first and waited for, then the console, then the vTPMs: the order of libxl's creation.
bool toolstack::attach_devices(xl_process& xl, const domain& slot, const domain_spec& spec) {
    const auto id = slot.domid();
    std::vector<device_identity> disks, vtpms;
    for (const auto& disk : spec.disks) {
        const auto device = describe_disk(id, disk);
        if (!xl.add(device)) {
            return false;
        }
        disks.push_back(device.id);
    }
    if (!xl.wait_added(disks)) {
        return false;
    }
    xl.add(describe_console(id, console_ring_gfn, console_port));
    for (const auto& vtpm : spec.vtpms) {
        const auto backend = resolve(vtpm.backend);
        if (!backend) {
            return false;  // it went away while this domain was built
        }
        const auto device = describe_vtpm(id, *backend, static_cast<std::uint32_t>(vtpms.size()), vtpm.uuid);
        xl.add(device);
        vtpms.push_back(device.id);
    }
    return xl.wait_added(vtpms);
}

// ---- devices of a running domain

xl_result toolstack::vtpm_attach(domain& slot, const vtpm_spec& vtpm) {
    xl_process xl(m_store);
    const auto id = slot.domid();
    const auto backend = resolve(vtpm.backend);
    if (!m_running.contains(&slot) || !backend) {
        xl.complain("libxl: error: Could not resolve backend domain \"" + vtpm.backend + "\"");
        return finish(xl, false, id);
    }
    std::uint32_t devid = 0;  // the lowest above all that libxl knows
    const auto known = xl.store().directory("/libxl/" + text_of(id) + "/device/vtpm");
    for (const auto& name : known.value_or(std::vector<std::string>{})) {
        devid = std::max(devid, static_cast<std::uint32_t>(parse_decimal(name, 0xFFFF).value_or(0)) + 1);
    }
    const auto device = describe_vtpm(id, *backend, devid, vtpm.uuid);
    const bool ok = xl.add(device) && xl.wait_added({device.id});
    if (!ok) {
        xl.complain("libxl_device_vtpm_add failed.");
    }
    return finish(xl, ok, id);
}

xl_result toolstack::vtpm_detach(domain& slot, std::uint32_t devid) {
    xl_process xl(m_store);
    const auto id = slot.domid();
    for (const auto& device : xl.list(id, "vtpm")) {
        if (device.devid == devid) {
            xl.store().read(device.backend_path() + "/uuid");
            return finish(xl, xl.remove({device}, false), id);
        }
    }
    xl.complain("Unknown device " + decimal(devid) + ".");
    return finish(xl, false, id);
}

// ---- the end

bool toolstack::destroy_domain(xl_process& xl, domain& slot) {
    const auto id = slot.domid();
    m_dying.insert(&slot);
    m_host.shutdown(slot, shutdown_reason::poweroff);  // no effect when it has stopped already
    const bool clean = xl.remove(xl.list_all(id), true);
    if (!clean) {
        xl.complain("libxl: error: Domain " + text_of(id) + ":libxl__devices_destroy failed");
    }
    auto& store = xl.store();
    const auto vm = store.read(domain_path(id) + "/vm");
    if (vm) {
        store.rm(vm.text);
    }
    store.rm(domain_path(id));
    store.rm("/libxl/" + text_of(id));
    m_running.erase(&slot);
    m_dying.erase(&slot);
    m_host.destroy(slot);
    return clean;
}

xl_result toolstack::destroy(domain& slot) {
    xl_process xl(m_store);
    const auto id = slot.domid();
    if (!m_running.contains(&slot) || m_dying.contains(&slot) || id == dom0) {
        xl.complain("libxl: error: Domain does not exist.");
        return finish(xl, false, id);
    }
    destroy_domain(xl, slot);  // a back end that misbehaved is complained about, the domain is gone anyway
    return finish(xl, true, id);
}

xl_result toolstack::shutdown(domain& slot, const sc_core::sc_time& timeout) {
    xl_process xl(m_store);
    const auto id = slot.domid();
    if (!m_running.contains(&slot) || id == dom0) {
        xl.complain("libxl: error: Domain does not exist.");
        return finish(xl, false, id);
    }
    const auto deadline = sc_core::sc_time_stamp() + timeout;
    auto& store = xl.store();
    store.watch("@releaseDomain", "3/0");
    store.write(domain_path(id) + "/control/shutdown", "poweroff");
    while (slot.domid() == id && slot.power() != domain::state::shut_down) {
        if (!store.wait_event(deadline)) {
            xl.complain("xl: shutdown of domain " + text_of(id) + " timed out");
            return finish(xl, false, id);
        }
    }
    store.unwatch("@releaseDomain", "3/0");
    if (slot.domid() == id && !m_dying.contains(&slot)) {
        destroy_domain(xl, slot);
    }
    return finish(xl, true, id);
}

}  // namespace vtwin::xen
