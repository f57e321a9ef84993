// blkback in dom0: finds the vbd directories that the toolstack makes and walks each device through XenBus.
// Source: public/io/blkif.h (XenStore keys), the behaviour of Linux xen-blkback.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <systemc>

#include "hypervisor/block/vbd.h"
#include "hypervisor/xenstore/store_client.h"
#include "hypervisor/xenstore/xenstored.h"

namespace vtwin::xen {

class blkback : public sc_core::sc_module {
  public:
    observation_port<block_request_done> request_done;

    SC_HAS_PROCESS(blkback);
    blkback(sc_core::sc_module_name name, machine& host, xenstored& store);
    ~blkback() override;

    /// During elaboration only: a disk that a domain's `disk` entry names as its target. The child module has
    /// this name. One frontend at a time; the disk has to outlive the simulation.
    vbd& add_disk(const std::string& target, disk_if& disk);
    vbd* find(const std::string& target) const;

  private:
    struct device {
        std::string backend, frontend;  ///< directories
        domid_t domid{};
        vbd* served = nullptr;
        bool writable = true;
        bool connected = false;  ///< this directory's frontend holds the disk
        xenbus_state state = xenbus_state::initialising;
    };

    void run();
    void on_backend_event(const std::string& path);
    void probe(const std::string& key);
    void remove(const std::string& key);
    void on_frontend_event(const std::string& key);
    void connect(device& dev);
    void publish_features(device& dev);
    void disconnect(device& dev);
    void set_state(device& dev, xenbus_state state);
    std::optional<std::uint64_t> read_number(const std::string& path);

    machine& m_host;
    store_client m_store;
    std::map<std::string, std::unique_ptr<vbd>> m_disks;  ///< by target
    std::map<std::string, device> m_devices;              ///< by "<frontend domid>/<device id>"
};

}  // namespace vtwin::xen
