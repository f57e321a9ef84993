#include "models/guest/pv_grub.h"

#include <fmt/format.h>

#include <array>

#include "models/digests.h"
#include "tpm/codec/tpm20_client.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {
namespace {

constexpr std::uint32_t pcr_kernel = 4, pcr_configuration = 5, ord_extend = 20;
constexpr std::uint16_t tag_command = 0x00C1;
constexpr std::size_t extend_size = 34;

bytes octets(byte_view digest) {
    return {digest.begin(), digest.end()};
}

bool extend(tpm_transport_if& device, const measurement& entry) {
    tpm::wire_writer command;
    command.u16(tag_command).u32(extend_size).u32(ord_extend).u32(entry.pcr).raw(entry.digest);
    const auto result = device.transmit(command.data());
    if (!result || result.response.size() < tpm::packet::body_at)
        return false;
    tpm::wire_reader in(byte_view(result.response).subspan(6));
    return in.u32() == 0;
}

/// Extends all banks that are active and known; false when there is none.
bool extend20(tpm::tpm20::client& tpm, const std::vector<std::uint16_t>& banks, const measurement& entry) {
    std::vector<tpm::tpm20::bank_digest> digests;
    for (const std::uint16_t bank : banks)
        if (bank == tpm::tpm20::alg::sha1 || bank == tpm::tpm20::alg::sha256)
            digests.push_back({bank, bank == tpm::tpm20::alg::sha1 ? entry.digest : entry.sha256});
    return !digests.empty() && tpm.pcr_extend(entry.pcr, digests) == tpm::tpm20::rc::success;
}

}  // namespace

std::vector<measurement> boot_measurements(const guest_config& guest) {
    // Without an initrd the digest of the empty string is extended.
    const bytes initrd = guest.initrd.path.empty() ? octets(sha1_of({})) : guest.initrd.sha1;
    const byte_view command_line = std::as_bytes(std::span(guest.command_line));
    std::vector<measurement> events{
        {pcr_kernel, guest.kernel.sha1, "kernel " + guest.kernel.path, {}},
        {pcr_configuration, octets(sha1_of(command_line)), "command line " + guest.command_line, {}},
        {pcr_configuration, initrd, "initrd " + guest.initrd.path, {}}};
    if (guest.vtpm_version == tpm::family::tpm20) {
        events[0].sha256 = guest.kernel.sha256;
        events[1].sha256 = octets(sha256_of(command_line));
        events[2].sha256 = guest.initrd.path.empty() ? octets(sha256_of({})) : guest.initrd.sha256;
    }
    return events;
}

std::vector<measurement> measure_boot(const guest_config& guest, tpm_transport_if& device, bool& complete) {
    std::vector<measurement> log;
    const bool two = guest.vtpm_version == tpm::family::tpm20;
    tpm::tpm20::client tpm20([&device](byte_view command) { return device.transmit(command).response; });
    const auto banks = two ? tpm20.pcr_banks().value : std::vector<std::uint16_t>{};
    complete = true;
    for (auto& entry : boot_measurements(guest)) {
        if (!(two ? extend20(tpm20, banks, entry) : extend(device, entry))) {
            complete = false;
            break;
        }
        log.push_back(std::move(entry));
    }
    return log;
}

}  // namespace vtwin::models
