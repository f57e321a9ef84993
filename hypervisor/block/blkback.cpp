#include "hypervisor/block/blkback.h"

namespace vtwin::xen {

namespace {

const std::string backend_root = "/local/domain/0/backend/vbd";
constexpr std::uint64_t vdisk_readonly = 4;  // VDISK_READONLY of the "info" key

}  // namespace

blkback::blkback(sc_core::sc_module_name name, machine& host, xenstored& store)
    : sc_module(name), request_done("request_done"), m_host(host), m_store(store, "blkback") {
    SC_THREAD(run);
}

blkback::~blkback() = default;

vbd& blkback::add_disk(const std::string& target, disk_if& disk) {
    sc_assert(!m_disks.contains(target));
    simcontext()->hierarchy_push(this);  // its place in the hierarchy is below us, whoever calls
    auto made = std::make_unique<vbd>(target.c_str(), m_host, disk, request_done);
    simcontext()->hierarchy_pop();
    return *m_disks.emplace(target, std::move(made)).first->second;
}

vbd* blkback::find(const std::string& target) const {
    const auto at = m_disks.find(target);
    return at == m_disks.end() ? nullptr : at->second.get();
}

void blkback::run() {
    m_store.watch(backend_root, "backend");
    for (;;) {
        const auto event = m_store.wait_event();
        if (event->token == "backend") {
            on_backend_event(event->path);
        } else {
            on_frontend_event(event->token);
        }
    }
}

/// Below backend/vbd: "/<frontend domid>/<device id>[/key]".
void blkback::on_backend_event(const std::string& path) {
    if (path.size() <= backend_root.size() + 1) {
        return;
    }
    const auto key_and_rest = path.substr(backend_root.size() + 1);
    const auto slash = key_and_rest.find('/');
    if (slash == std::string::npos) {
        return;
    }
    const auto end = key_and_rest.find('/', slash + 1);
    const auto key = key_and_rest.substr(0, end);
    if (!m_devices.contains(key)) {
        probe(key);
    } else if (end == std::string::npos && !m_store.read(path)) {
        remove(key);
    }
}

std::optional<std::uint64_t> blkback::read_number(const std::string& path) {
    const auto text = m_store.read(path);
    return text ? parse_decimal(text.text, ~std::uint32_t{0}) : std::nullopt;
}

void blkback::probe(const std::string& key) {
    device dev;
    dev.backend = backend_root + "/" + key;
    const auto domid = read_number(dev.backend + "/frontend-id");
    const auto frontend = m_store.read(dev.backend + "/frontend");
    const auto target = m_store.read(dev.backend + "/params");
    const auto mode = m_store.read(dev.backend + "/mode");
    if (!domid || *domid >= to_underlying(domid_self) || !frontend || !target) {
        return;
    }
    dev.domid = static_cast<domid_t>(*domid);
    dev.frontend = frontend.text;
    dev.writable = mode && mode.text == "w";
    dev.served = find(target.text);
    if (dev.served == nullptr) {
        return;  // no such disk: the device stays at Initialising and the toolstack gives up on it
    }
    auto& known = m_devices[key] = std::move(dev);
    set_state(known, xenbus_state::init_wait);
    m_store.watch(known.frontend + "/state", key);
}

void blkback::remove(const std::string& key) {
    const auto at = m_devices.find(key);
    disconnect(at->second);
    m_store.unwatch(at->second.frontend + "/state", key);
    m_devices.erase(at);
}

void blkback::on_frontend_event(const std::string& key) {
    const auto at = m_devices.find(key);
    if (at == m_devices.end()) {
        return;
    }
    auto& dev = at->second;
    const auto text = m_store.read(dev.frontend + "/state");
    const auto number = text ? parse_decimal(text.text, 8).value_or(0) : 0;
    switch (static_cast<xenbus_state>(number)) {
        case xenbus_state::initialising:
            if (dev.state == xenbus_state::closed) {
                set_state(dev, xenbus_state::init_wait);
            }
            break;
        case xenbus_state::initialised:
        case xenbus_state::connected:
            if (!dev.connected) {
                connect(dev);
            }
            break;
        case xenbus_state::closing:
            set_state(dev, xenbus_state::closing);
            break;
        case xenbus_state::closed:
            disconnect(dev);
            set_state(dev, xenbus_state::closed);
            break;
        case xenbus_state::unknown:  // the frontend directory is gone
            disconnect(dev);
            if (m_store.read(dev.backend + "/state")) {  // else writing would bring the directory back
                set_state(dev, xenbus_state::closed);
            }
            break;
        default:
            break;
    }
}

void blkback::connect(device& dev) {
    const auto ring = read_number(dev.frontend + "/ring-ref");
    const auto port = read_number(dev.frontend + "/event-channel");
    const auto protocol = m_store.read(dev.frontend + "/protocol");
    const bool known_abi = !protocol || protocol.text == "x86_64-abi";  // absent: the native one
    if (!ring || !port || !known_abi ||
        !dev.served->connect(dev.domid, static_cast<grant_ref>(*ring), static_cast<evtchn_port>(*port),
                             dev.writable)) {
        set_state(dev, xenbus_state::closing);
        return;
    }
    dev.connected = true;
    publish_features(dev);
    set_state(dev, xenbus_state::connected);
}

void blkback::publish_features(device& dev) {
    const std::pair<const char*, std::uint64_t> keys[] = {
        {"feature-flush-cache", 1},
        {"feature-barrier", 1},
        {"sectors", dev.served->disk().sectors()},
        {"info", dev.writable ? 0 : vdisk_readonly},
        {"sector-size", sector_size},
    };
    m_store.in_transaction([&](std::uint32_t tx) {
        for (const auto& [key, value] : keys) {
            m_store.write(dev.backend + "/" + key, std::to_string(value), tx);
        }
        return true;
    });
}

void blkback::disconnect(device& dev) {
    if (dev.connected) {
        dev.served->disconnect();
        dev.connected = false;
    }
}

void blkback::set_state(device& dev, xenbus_state state) {
    if (dev.state != state) {
        dev.state = state;
        m_store.write(dev.backend + "/state", std::to_string(static_cast<int>(state)));
    }
}

}  // namespace vtwin::xen
