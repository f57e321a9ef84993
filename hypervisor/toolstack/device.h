// A paravirtual device as libxl sees it: where its directories lie and what is written there at creation.
// Source: tools/libs/light (libxl_device.c, libxl_vtpm.c, libxl_disk.c, libxl_console.c).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hypervisor/toolstack/domain_spec.h"
#include "hypervisor/types.h"

namespace vtwin::xen {

using store_entries =
    std::vector<std::pair<std::string, std::string>>;  ///< key and value, in order of writing

struct device_identity {
    std::string kind;  ///< "vtpm", "vbd", "console"
    domid_t frontend{}, backend{};
    std::uint32_t devid = 0;

    std::string frontend_path()
        const;                         ///< /local/domain/<fe>/device/<kind>/<devid>; the console: .../console
    std::string backend_path() const;  ///< /local/domain/<be>/backend/<kind>/<fe>/<devid>
    std::string libxl_path() const;    ///< /libxl/<fe>/device/<kind>/<devid>
    /// libxl waits for its back end to reach InitWait.
    bool has_handshake() const { return kind != "console"; }
};

struct device_description {
    device_identity id;
    store_entries frontend;            ///< the frontend may change these
    store_entries frontend_read_only;  ///< these it may only read
    store_entries backend;
};

device_description describe_vtpm(domid_t frontend, domid_t backend, std::uint32_t devid,
                                 const std::string& uuid);
device_description describe_disk(domid_t frontend, const disk_spec& disk);
/// The primary console of a PV domain.
device_description describe_console(domid_t frontend, std::uint64_t ring_frame, std::uint32_t port);

std::string domain_path(domid_t domid);  ///< /local/domain/<domid>
std::string text_of(domid_t domid);

}  // namespace vtwin::xen
