// A domain as xl's configuration file describes it. Source: docs/man/xl.cfg.5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vtwin::xen {

/// One entry of disk=: what blkback calls the disk, and the device name in the guest ("hda", "xvda").
struct disk_spec {
    std::string target;
    std::string vdev = "hda";
    bool writable = true;
};

/// One entry of vtpm=["backend=<name or domid>,uuid=<UUID>"].
struct vtpm_spec {
    std::string backend;
    std::string uuid;  ///< 8-4-4-4-12 hexadecimal digits
};
/// The entry, or xl's complaint: an unknown key, a missing backend or uuid, a malformed uuid. (xl invents a
/// uuid when there is none; here it has to be given, so that runs repeat.)
std::variant<vtpm_spec, std::string> parse_vtpm_spec(std::string_view text);

struct domain_spec {
    std::string name;
    std::string uuid;
    std::uint32_t memory_mib = 0;
    std::string kernel, ramdisk;  ///< recorded below /vm only
    std::string command_line;     ///< extra=
    std::vector<disk_spec> disks;
    std::vector<vtpm_spec> vtpms;
};

/// Number of a virtual block device: "hda" 768, "hdb" 832, "xvda" 51712, "xvdb" 51728, ...; 0 when it has
/// none.
std::uint32_t vbd_number(std::string_view vdev);

}  // namespace vtwin::xen
