// The manager's command line.
// Source: stubdom/vtpmmgr/init.c (parse_cmdline_opts).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "models/behaviours/behaviours.h"
#include "models/ports.h"
#include "models/vtpmmgr/crypto.h"

namespace vtwin::models::manager {

struct manager_options {
    bool tpm2 = false;
    octets<20> owner_auth{}, srk_auth{};
    enum class tpm_driver : std::uint8_t { tpm_tis, tpmfront } driver = tpm_driver::tpm_tis;
    std::uint64_t tpm_iomem = 0xFED40000;
    std::uint32_t tpm_irq = 0;
    std::uint32_t tpm_locality = 0;

    // Words of ours that the hardened variants need; upstream ignores them as unknown.
    std::optional<uuid_t> admin_uuid;    ///< admin_uuid=<36 characters>
    bool labels_unavailable_ok = false;  ///< labels=unavailable-ok: run without XSM
    bool accept_older_root = false;      ///< accept-older-root: operator's word after an alarm
    bool autocreate = true;              ///< autocreate=0

    /// Locality that goes into seal structures: the driver's, or 0 with tpmfront.
    std::uint32_t hw_locality() const { return driver == tpm_driver::tpm_tis ? tpm_locality : 0; }
};

/// Reads the words of `command_line` over `defaults`. A string tells why the manager gives up. Unknown words
/// are ignored.
std::variant<manager_options, std::string> parse_options(std::string_view command_line,
                                                         manager_options defaults,
                                                         const behaviour_set& behaviours);

}  // namespace vtwin::models::manager
