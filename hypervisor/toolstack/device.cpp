#include "hypervisor/toolstack/device.h"

namespace vtwin::xen {

std::string text_of(domid_t domid) {
    return std::to_string(to_underlying(domid));
}

std::string domain_path(domid_t domid) {
    return "/local/domain/" + text_of(domid);
}

std::string device_identity::frontend_path() const {
    if (kind == "console") {
        return domain_path(frontend) + "/console";
    }
    return domain_path(frontend) + "/device/" + kind + "/" + std::to_string(devid);
}

std::string device_identity::backend_path() const {
    return domain_path(backend) + "/backend/" + kind + "/" + text_of(frontend) + "/" + std::to_string(devid);
}

std::string device_identity::libxl_path() const {
    return "/libxl/" + text_of(frontend) + "/device/" + kind + "/" + std::to_string(devid);
}

device_description describe_vtpm(domid_t frontend, domid_t backend, std::uint32_t devid,
                                 const std::string& uuid) {
    const auto handle = std::to_string(devid);
    return {{"vtpm", frontend, backend, devid},
            {{"backend-id", text_of(backend)}, {"state", "1"}, {"handle", handle}},
            {},
            {{"frontend-id", text_of(frontend)},
             {"online", "1"},
             {"state", "1"},
             {"handle", handle},
             {"uuid", uuid},
             {"resume", "False"}}};
}

device_description describe_disk(domid_t frontend, const disk_spec& disk) {
    const auto number = vbd_number(disk.vdev);
    return {{"vbd", frontend, dom0, number},
            {{"backend-id", "0"},
             {"state", "1"},
             {"virtual-device", std::to_string(number)},
             {"device-type", "disk"}},
            {},
            {{"params", disk.target},
             {"frontend-id", text_of(frontend)},
             {"online", "1"},
             {"removable", "0"},
             {"bootable", "1"},
             {"state", "1"},
             {"dev", disk.vdev},
             {"type", "phy"},
             {"mode", disk.writable ? "w" : "r"},
             {"device-type", "disk"},
             {"discard-enable", "1"}}};
}

device_description describe_console(domid_t frontend, std::uint64_t ring_frame, std::uint32_t port) {
    return {{"console", frontend, dom0, 0},
            {{"backend-id", "0"}},
            {{"limit", "1048576"},
             {"type", "xenconsoled"},
             {"output", "pty"},
             {"tty", ""},
             {"port", std::to_string(port)},
             {"ring-ref", std::to_string(ring_frame)}},
            {{"frontend-id", text_of(frontend)}, {"online", "1"}, {"state", "1"}, {"protocol", "vt100"}}};
}

}  // namespace vtwin::xen
