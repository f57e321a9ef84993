// Where a door stands and what it speaks: one --listen of the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vtwin::scenario::live {

enum class door_kind : std::uint8_t {
    raw,     ///< bare TPM frames: tcsd's TCP and Unix device, socat, nc
    swtpm,   ///< swtpm's data and control channel: QEMU, tpm2-tss' swtpm TCTI, swtpm_ioctl
    mssim,   ///< the TPM 2.0 reference simulator's command and platform port: IBM TSS, tpm2-tss' mssim TCTI
    attest,  ///< requests to attest the guest (attest_door.h)
    pty,     ///< a pseudo-terminal that behaves as a character device: tpm2-tss' device TCTI
};

struct listen_spec {
    door_kind kind = door_kind::raw;
    std::string path;        ///< of the Unix socket, or of the link to the pseudo-terminal; "" with TCP
    std::string host;        ///< numeric address; "" without TCP
    std::uint16_t port = 0;  ///< the control or platform channel has the next one
    unsigned mode = 0600;    ///< of the Unix socket
    bool resource_manager = false;  ///< /dev/tpmrm0 instead of /dev/tpm0
    bool exclusive = false;  ///< one client has the device open at a time, as Linux has it with /dev/tpm0
    std::string text;        ///< as given
};

/// KIND:unix:PATH, KIND:tcp:[HOST:]PORT or pty:PATH, then ",device=tpm0|tpmrm0", ",open=shared|exclusive" and
/// ",mode=OCTAL". HOST is 127.0.0.1 when absent; [::1]:PORT works. Throws user_error. `remote`: addresses
/// that are not of the loopback interface are allowed.
listen_spec parse_listen_spec(const std::string& text, bool remote);
/// The same for all; no two doors may want the same place.
std::vector<listen_spec> parse_listen_specs(const std::vector<std::string>& texts, bool remote);

}  // namespace vtwin::scenario::live
