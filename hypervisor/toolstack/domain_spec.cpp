#include "hypervisor/toolstack/domain_spec.h"

namespace vtwin::xen {

namespace {

bool is_uuid(std::string_view text) {
    if (text.size() != 36) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::variant<vtpm_spec, std::string> parse_vtpm_spec(std::string_view text) {
    vtpm_spec spec;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto item = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
        const auto equals = item.find('=');
        const auto key = item.substr(0, equals);
        const auto value = equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1);
        if (key == "backend") {
            spec.backend = value;
        } else if (key == "uuid") {
            if (!is_uuid(value)) {
                return "Failed to parse vtpm UUID: " + std::string(value);
            }
            spec.uuid = value;
        } else {
            return "Unknown string: " + std::string(key) + " in vtpm spec";
        }
    }
    if (spec.backend.empty()) {
        return std::string("vtpm spec missing required backend field!");
    }
    if (spec.uuid.empty()) {
        return std::string("vtpm spec without uuid");
    }
    return spec;
}

std::uint32_t vbd_number(std::string_view vdev) {
    constexpr std::uint32_t ide_major = 3, xvd_major = 202;
    if (vdev.size() == 3 && vdev.starts_with("hd") && (vdev[2] == 'a' || vdev[2] == 'b')) {
        return ide_major << 8 | static_cast<std::uint32_t>(vdev[2] - 'a') << 6;
    }
    if (vdev.size() == 4 && vdev.starts_with("xvd") && vdev[3] >= 'a' && vdev[3] <= 'p') {
        return xvd_major << 8 | static_cast<std::uint32_t>(vdev[3] - 'a') << 4;
    }
    return 0;
}

}  // namespace vtwin::xen
