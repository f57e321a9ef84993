// The XenBus core of a Linux guest: device enumeration, the xenwatch thread, driver binding and state
// changes. Source: Linux drivers/xen/xenbus (6.1); order of requests as seen on a real Xen 4.17 with
// Linux 6.1.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/kernel/kernel.h"
#include "models/kernel/xenbus_client.h"

namespace vtwin::models {

class xenbus_driver;

/// A frontend device as the bus knows it.
struct xenbus_device {
    std::string type;       ///< "vtpm"
    std::string node;       ///< "device/vtpm/0", relative to the domain
    std::string other_end;  ///< backend directory
    xen::domid_t other_end_id{};
    xen::xenbus_state state = xen::xenbus_state::initialising;  ///< as this side last wrote it
    xenbus_driver* driver = nullptr;
    std::string watch_token;  ///< of the watch on the other end's state; "" without
    bool down = false;        ///< shutdown handshake over
};

/// Callbacks run in the thread that binds (probe, remove) or in xenwatch (everything on hot plug).
class xenbus_driver {
  public:
    virtual ~xenbus_driver() = default;
    virtual std::string_view type() const = 0;
    /// 0 or a negative errno.
    virtual int probe(xenbus_device& device) = 0;
    virtual void remove(xenbus_device& device) = 0;
    virtual void other_end_changed(xenbus_device& device, xen::xenbus_state state) = 0;
};

class linux_xenbus {
  public:
    explicit linux_xenbus(kernel& owner);

    /// Starts xenwatch, enumerates what is there, then watches for more. From a thread.
    void start();
    /// Module load: probes every device of the driver's type that has no driver.
    void register_driver(xenbus_driver& driver);

    /// sysfs unbind and bind; false when there is no such device, or when it has (no) driver already.
    bool unbind(const std::string& node);
    bool bind(const std::string& node);
    /// Takes the device off the bus; it comes back only when its state is written to 1 again.
    void unregister(xenbus_device& device);
    /// System shutdown: hands every connected device back (Closing, wait for the answer at most 5 s).
    void shut_down();

    /// Writes the device's state in a transaction that first looks whether the node still exists.
    void switch_state(xenbus_device& device, xen::xenbus_state state);
    /// xenbus_dev_fatal: leaves an error node behind and starts closing.
    void fatal(xenbus_device& device, int error, std::string_view text);

    const xenbus_device* find(const std::string& node) const;

  private:
    using callback = std::function<void(const std::string& path)>;

    std::string watch(const std::string& path, callback on_change);
    void unwatch(const std::string& path, const std::string& token);
    void xenwatch();
    void enumerate();
    void node_changed(const std::string& path);
    void probe_node(const std::string& node);
    bool attach(const std::shared_ptr<xenbus_device>& device, xenbus_driver& driver);
    void detach(xenbus_device& device);
    void other_end_changed(xenbus_device& device);
    void cleanup(const std::string& path);
    std::shared_ptr<xenbus_device> device(const std::string& node) const;

    kernel& m_kernel;
    watch_queue m_events;
    wait_queue m_down;
    std::map<std::string, callback> m_watches;  ///< by token
    std::list<std::shared_ptr<xenbus_device>> m_devices;
    std::vector<xenbus_driver*> m_drivers;
    std::uint64_t m_next_token = 0;
    bool m_shutting_down = false;
};

}  // namespace vtwin::models
