#include "models/drivers/linux_xenbus.h"

namespace vtwin::models {

using xen::xenbus_state;

namespace {

// Linux uses the address of its watch structure as the token; any text of that look serves.
constexpr std::uint64_t first_token = 0xFFFF888000000020, token_step = 0x400;

}  // namespace

linux_xenbus::linux_xenbus(kernel& owner)
    : m_kernel(owner), m_events(owner, watch_queue::order::oldest_first), m_down(owner) {}

void linux_xenbus::start() {
    m_devices.clear();
    m_drivers.clear();
    m_watches.clear();
    m_next_token = first_token;
    m_shutting_down = false;
    while (m_events.poll()) {
    }
    m_kernel.spawn("xenwatch", [this] { xenwatch(); });
    enumerate();
    watch("device", [this](const std::string& path) { node_changed(path); });
}

// ---- watches: one thread runs all callbacks, strictly in order

std::string linux_xenbus::watch(const std::string& path, callback on_change) {
    std::string token = fmt::format("{:X}", m_next_token);
    m_next_token += token_step;
    m_watches[token] = std::move(on_change);
    if (!m_kernel.xenbus().watch(path, token, m_events)) {
        m_watches.erase(token);
        return {};
    }
    return token;
}

void linux_xenbus::unwatch(const std::string& path, const std::string& token) {
    m_watches.erase(token);
    m_kernel.xenbus().unwatch(path, token);
}

void linux_xenbus::xenwatch() {
    while (true) {
        const watch_event event = m_events.next();
        const auto found = m_watches.find(event.token);
        if (found != m_watches.end()) {
            const callback run = found->second;
            run(event.path);
        }
    }
}

// ---- devices

void linux_xenbus::enumerate() {
    std::vector<std::string> types;
    m_kernel.xenbus().directory("device", types);
    for (const std::string& type : types) {
        std::vector<std::string> ids;
        m_kernel.xenbus().directory("device/" + type, ids);
        for (const std::string& id : ids) {
            probe_node("device/" + type + "/" + id);
        }
    }
}

std::shared_ptr<xenbus_device> linux_xenbus::device(const std::string& node) const {
    const auto found = std::ranges::find(m_devices, node, &xenbus_device::node);
    return found == m_devices.end() ? nullptr : *found;
}

const xenbus_device* linux_xenbus::find(const std::string& node) const {
    return device(node).get();
}

// A device comes into being only while its state reads Initialising.
void linux_xenbus::probe_node(const std::string& node) {
    if (m_kernel.xenbus().read_state(node + "/state") != xenbus_state::initialising) {
        return;
    }
    auto added = std::make_shared<xenbus_device>();
    added->node = node;
    const auto type_at = node.find('/') + 1;
    added->type = node.substr(type_at, node.find('/', type_at) - type_at);
    m_devices.push_back(added);
    for (xenbus_driver* driver : m_drivers) {
        if (driver->type() == added->type) {
            attach(added, *driver);
            return;
        }
    }
}

void linux_xenbus::node_changed(const std::string& path) {
    const auto type_end = path.find('/', path.find('/') + 1);
    if (path.find('/') == std::string::npos || type_end == std::string::npos) {
        return;
    }
    std::vector<std::string> children;
    if (!m_kernel.xenbus().directory(path, children)) {
        cleanup(path);
        return;
    }
    const std::string node = path.substr(0, path.find('/', type_end + 1));
    if (!device(node)) {
        probe_node(node);
    }
}

void linux_xenbus::cleanup(const std::string& path) {
    if (const auto gone = device(path)) {
        unregister(*gone);
    }
}

void linux_xenbus::unregister(xenbus_device& which) {
    const auto held = device(which.node);
    if (!held) {
        return;
    }
    std::erase(m_devices, held);
    detach(*held);
}

// ---- binding

void linux_xenbus::register_driver(xenbus_driver& driver) {
    m_drivers.push_back(&driver);
    const auto present = m_devices;
    for (const auto& candidate : present) {
        if (candidate->type == driver.type() && candidate->driver == nullptr) {
            attach(candidate, driver);
        }
    }
}

bool linux_xenbus::attach(const std::shared_ptr<xenbus_device>& which, xenbus_driver& driver) {
    xenbus_client& store = m_kernel.xenbus();
    const auto other_id = store.read_integer(which->node + "/backend-id");
    const xs_reply other_end = store.read(which->node + "/backend");
    std::vector<std::string> children;
    if (!other_id || !other_end || !store.directory(other_end.value, children)) {
        m_kernel.log(kernel::level::error, "xenbus: " + which->node + " has no backend");
        return false;
    }
    which->other_end_id = static_cast<xen::domid_t>(*other_id);
    which->other_end = other_end.value;
    which->driver = &driver;
    if (const int error = driver.probe(*which); error != 0) {
        m_kernel.log(kernel::level::error,
                     fmt::format("xenbus: probe of {} failed with {}", which->node, error));
        which->driver = nullptr;
        return false;
    }
    // Held by the callback: it may take its own device off the bus.
    which->watch_token =
        watch(which->other_end + "/state", [this, which](const std::string&) { other_end_changed(*which); });
    return true;
}

void linux_xenbus::detach(xenbus_device& which) {
    if (which.driver == nullptr) {
        return;
    }
    if (!which.watch_token.empty()) {
        const std::string token = std::exchange(which.watch_token, {});
        unwatch(which.other_end + "/state", token);
    }
    xenbus_driver* const driver = std::exchange(which.driver, nullptr);
    driver->remove(which);
    switch_state(which, xenbus_state::closed);
}

bool linux_xenbus::unbind(const std::string& node) {
    const auto which = device(node);
    if (!which || which->driver == nullptr) {
        return false;
    }
    detach(*which);
    return true;
}

bool linux_xenbus::bind(const std::string& node) {
    const auto which = device(node);
    if (!which || which->driver != nullptr) {
        return false;
    }
    const auto driver = std::ranges::find(m_drivers, std::string_view(which->type), &xenbus_driver::type);
    return driver != m_drivers.end() && attach(which, **driver);
}

// ---- states

void linux_xenbus::other_end_changed(xenbus_device& which) {
    const xenbus_state state = m_kernel.xenbus().read_state(which.other_end + "/state");
    if (m_shutting_down) {
        if (state == xenbus_state::closing) {
            switch_state(which, xenbus_state::closed);
            which.down = true;
            m_down.wake();
        }
        return;
    }
    if (which.driver != nullptr) {
        which.driver->other_end_changed(which, state);
    }
}

void linux_xenbus::switch_state(xenbus_device& which, xenbus_state state) {
    if (which.state == state) {
        return;
    }
    xenbus_client& store = m_kernel.xenbus();
    const std::string path = which.node + "/state";
    store.transaction([&](xs_transaction tx) {
        return store.read_integer(path, tx).has_value() && store.write(path, state_text(state), tx);
    });
    which.state = state;
}

void linux_xenbus::fatal(xenbus_device& which, int error, std::string_view text) {
    m_kernel.log(kernel::level::error, fmt::format("{}: {} {}", which.node, error, text));
    m_kernel.xenbus().write("error/" + which.node + "/error", fmt::format("{} {}", error, text));
    switch_state(which, xenbus_state::closing);
}

void linux_xenbus::shut_down() {
    m_shutting_down = true;
    const sc_core::sc_time patience(5, sc_core::SC_SEC);  // xenbus_dev_shutdown: 5 * HZ
    const auto present = m_devices;
    for (const auto& which : present) {
        if (which->state != xenbus_state::connected) {
            continue;
        }
        switch_state(*which, xenbus_state::closing);
        if (!m_down.wait_for([&] { return which->down; }, patience)) {
            m_kernel.log(kernel::level::warning, which->node + " timeout closing device");
        }
    }
}

}  // namespace vtwin::models
