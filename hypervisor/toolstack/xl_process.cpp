#include "hypervisor/toolstack/xl_process.h"

#include <algorithm>

namespace vtwin::xen {

namespace {

const sc_core::sc_time init_timeout(10, sc_core::SC_SEC);     // LIBXL_INIT_TIMEOUT
const sc_core::sc_time destroy_timeout(10, sc_core::SC_SEC);  // LIBXL_DESTROY_TIMEOUT

constexpr auto state_init_wait = "2";
constexpr auto state_closing = "5";
constexpr auto state_closed = "6";

std::string unable(const device_identity& device, const char* action) {
    return "libxl: error: Domain " + text_of(device.frontend) + ":unable to " + action +
           " device with path " + device.backend_path();
}

}  // namespace

void xl_process::make_node(const std::string& path, const std::vector<std::string>& perms, std::uint32_t tx) {
    m_store.mkdir(path, tx);
    m_store.set_perms(path, perms, tx);
}

// ---- adding

bool xl_process::add(const device_description& device) {
    const auto libxl = device.id.libxl_path();
    const auto error = m_store.in_transaction([&](std::uint32_t tx) {
        if (m_store.read(libxl, tx)) {
            return false;  // ERROR_DEVICE_EXISTS
        }
        write_directories(device, tx);
        return true;
    });
    return error == errno_t::ok;
}

void xl_process::write_directories(const device_description& device, std::uint32_t tx) {
    const auto libxl = device.id.libxl_path();
    const auto frontend = device.id.frontend_path();
    const auto backend = device.id.backend_path();
    const auto fe = text_of(device.id.frontend), be = text_of(device.id.backend);
    const std::vector<std::string> fe_owns{"n" + fe, "r" + be}, be_owns{"n" + be, "r" + fe};
    const std::vector<std::string> fe_reads{"n0", "r" + fe};

    m_store.rm(libxl, tx);
    m_store.write(libxl + "/frontend", frontend, tx);
    m_store.write(libxl + "/backend", backend, tx);

    m_store.rm(frontend, tx);
    make_node(frontend, device.frontend_read_only.empty() ? fe_owns : fe_reads, tx);
    m_store.write(frontend + "/backend", backend, tx);
    for (const auto& [key, value] : device.frontend) {
        m_store.write(frontend + "/" + key, value, tx);
        m_store.set_perms(frontend + "/" + key, fe_owns, tx);
    }
    for (const auto& [key, value] : device.frontend_read_only) {
        m_store.write(frontend + "/" + key, value, tx);
        m_store.set_perms(frontend + "/" + key, fe_reads, tx);
    }

    m_store.rm(backend, tx);
    make_node(backend, be_owns, tx);
    m_store.write(backend + "/frontend", frontend, tx);
    for (const auto& [key, value] : device.backend) {
        m_store.write(backend + "/" + key, value, tx);
    }
    for (const auto& [key, value] : device.backend) {
        m_store.write(libxl + "/" + key, value, tx);
    }
}

xl_process::pending_watch xl_process::start_watch(const std::string& path) {
    // libxl's token: slot of the watch and a count; the first slots belong to its own event loop.
    pending_watch watch{path, "3/" + std::to_string(m_next_watch++)};
    m_store.watch(watch.path, watch.token);
    return watch;
}

void xl_process::stop_watch(const pending_watch& watch) {
    m_store.unwatch(watch.path, watch.token);
}

bool xl_process::wait_added(const std::vector<device_identity>& devices) {
    struct waiting {
        const device_identity* device;
        pending_watch watch;
        sc_core::sc_time deadline;
    };
    std::vector<waiting> open;
    for (const auto& device : devices) {
        const auto deadline = sc_core::sc_time_stamp() + init_timeout;
        open.push_back({&device, start_watch(device.backend_path() + "/state"), deadline});
    }
    bool all = true;
    while (!open.empty()) {
        const auto event = m_store.wait_event(open.front().deadline);  // deadlines rise in order
        if (!event) {
            stop_watch(open.front().watch);
            complain(unable(*open.front().device, "add"));
            all = false;
            open.erase(open.begin());
            continue;
        }
        const auto at = std::find_if(open.begin(), open.end(),
                                     [&](const waiting& one) { return one.watch.token == event->token; });
        if (at != open.end() && m_store.read(at->watch.path).text == state_init_wait) {
            stop_watch(at->watch);
            open.erase(at);
        }
    }
    return all;
}

// ---- listing

std::vector<device_identity> xl_process::list(domid_t domid, const std::string& kind) {
    std::vector<device_identity> devices;
    const auto root = "/libxl/" + text_of(domid) + "/device/" + kind;
    for (const auto& name : m_store.directory(root).value_or(std::vector<std::string>{})) {
        const auto backend = m_store.read(root + "/" + name + "/backend").text;
        const std::string home = "/local/domain/";
        const auto number = parse_decimal(name, ~std::uint32_t{0});
        if (!number || !backend.starts_with(home)) {
            continue;
        }
        const auto owner = backend.substr(home.size(), backend.find('/', home.size()) - home.size());
        devices.push_back({kind, domid, static_cast<domid_t>(parse_decimal(owner, 0xFFFF).value_or(0)),
                           static_cast<std::uint32_t>(*number)});
    }
    return devices;
}

std::vector<device_identity> xl_process::list_all(domid_t domid) {
    std::vector<device_identity> devices;
    const auto kinds = m_store.directory("/libxl/" + text_of(domid) + "/device");
    for (const auto& kind : kinds.value_or(std::vector<std::string>{})) {
        for (auto& device : list(domid, kind)) {
            devices.push_back(std::move(device));
        }
    }
    return devices;
}

// ---- removing

bool xl_process::remove(const std::vector<device_identity>& devices, bool force) {
    std::vector<pending_removal> all;
    for (const auto& device : devices) {
        if (!device.has_handshake()) {
            destroy_directories(device);
            continue;
        }
        all.push_back({.device = device, .force = force, .token = {}, .deadline = {}});
        start_removal(all.back());
    }
    wait_removals(all);
    return std::all_of(all.begin(), all.end(), [](const auto& one) { return one.how != removal::failed; });
}

void xl_process::start_removal(pending_removal& what) {
    const auto backend = what.device.backend_path();
    bool exists = true;
    m_store.in_transaction([&](std::uint32_t tx) {
        if (what.force) {
            remove_with_empty_parents(what.device.frontend_path(), tx);
        }
        exists = static_cast<bool>(m_store.read(backend + "/state", tx));
        if (exists) {
            m_store.write(backend + "/online", "0", tx);
            m_store.write(backend + "/state", state_closing, tx);
        }
        return true;
    });
    if (!exists) {
        complain("libxl: info: backend " + backend + " already removed, cleanup frontend only");
        what.how = removal::gone;
        what.done = true;
        destroy_directories(what.device);
        return;
    }
    what.deadline = sc_core::sc_time_stamp() + destroy_timeout;
    what.token = start_watch(backend + "/state").token;
}

void xl_process::wait_removals(std::vector<pending_removal>& all) {
    for (;;) {
        pending_removal* next = nullptr;
        for (auto& one : all) {
            if (!one.done && (next == nullptr || one.deadline < next->deadline)) {
                next = &one;
            }
        }
        if (next == nullptr) {
            return;
        }
        const auto event = next_event(next->deadline);
        if (!event) {
            give_up(*next);
            continue;
        }
        for (auto& one : all) {
            if (!one.done && one.token == event->token) {
                look_at(one);
            }
        }
    }
}

void xl_process::look_at(pending_removal& what) {
    const auto path = what.device.backend_path() + "/state";
    const auto state = m_store.read(path);
    if (state && state.text != state_closed) {
        return;
    }
    stop_watch({path, what.token});
    what.done = true;
    if (state) {
        what.how = what.force ? removal::forced : removal::closed;
        wait_until_gone(what.device);
    } else {
        complain(unable(what.device, "remove"));  // it was gone before libxl saw Closed
    }
    destroy_directories(what.device);
}

void xl_process::give_up(pending_removal& what) {
    stop_watch({what.device.backend_path() + "/state", what.token});
    if (!what.force) {
        what.force = true;
        start_removal(what);
        return;
    }
    complain(unable(what.device, "remove"));
    what.done = true;
    destroy_directories(what.device);
}

/// A back end in another domain cleans up itself; libxl waits for that before it removes the rest.
void xl_process::wait_until_gone(const device_identity& device) {
    if (device.backend == dom0) {
        return;
    }
    const auto deadline = sc_core::sc_time_stamp() + destroy_timeout;
    const auto watch = start_watch(device.backend_path());
    while (auto event = m_store.wait_event(deadline)) {
        if (event->token != watch.token) {
            m_put_back.push_back(std::move(*event));
        } else if (!m_store.read(watch.path)) {
            break;
        }
    }
    stop_watch(watch);
}

std::optional<store_event> xl_process::next_event(const sc_core::sc_time& deadline) {
    if (m_put_back.empty()) {
        return m_store.wait_event(deadline);
    }
    auto event = std::move(m_put_back.front());
    m_put_back.pop_front();
    return event;
}

void xl_process::destroy_directories(const device_identity& device) {
    m_store.in_transaction([&](std::uint32_t tx) {
        remove_with_empty_parents(device.frontend_path(), tx);
        remove_with_empty_parents(device.libxl_path(), tx);
        remove_with_empty_parents(device.backend_path(), tx);
        return true;
    });
}

bool xl_process::remove_with_empty_parents(std::string path, std::uint32_t tx) {
    if (m_store.rm(path, tx) != errno_t::ok) {
        return false;
    }
    for (;;) {
        path.resize(path.rfind('/'));
        const auto value = path.empty() ? store_client::answer{errno_t::einval, {}} : m_store.read(path, tx);
        if (!value || !value.text.empty()) {
            return true;
        }
        const auto children = m_store.directory(path, tx);
        if (!children || !children->empty() || m_store.rm(path, tx) != errno_t::ok) {
            return true;
        }
    }
}

}  // namespace vtwin::xen
