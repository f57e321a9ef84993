#include "traces/signals.h"

#include <algorithm>
#include <array>

namespace vtwin::trace {
namespace {

constexpr std::array signals = {
    signal_description{"bus.<tpm>.address", 16,
                       "address of the LPC cycle: locality in bits 15:12, offset below"},
    signal_description{"bus.<tpm>.busy", 1, "an LPC cycle is under way"},
    signal_description{"bus.<tpm>.data", 8, "octet of the cycle"},
    signal_description{"bus.<tpm>.register", 0, "register that the address means, with its locality"},
    signal_description{"bus.<tpm>.write", 1, "the cycle is a write"},
    signal_description{"disks.<domain>.last", 0, "request that ended last: read, write or flush"},
    signal_description{"disks.<domain>.requests", 32, "requests so far"},
    signal_description{"disks.<domain>.sector", 64, "first sector of the last request"},
    signal_description{"disks.<domain>.sectors", 32, "sectors of the last request"},
    signal_description{"disks.<domain>.service_ns", 64, "time of the last request from ring to response"},
    signal_description{"disks.<domain>.status", 0, "status of the last request"},
    signal_description{"drivers.<guest>.command", 0, "command that the guest's driver is busy with"},
    signal_description{"drivers.<guest>.hardware_command", 0,
                       "command that its driver of the hardware TPM is busy with"},
    signal_description{"events.<domain>.port_<n>", 1, "pending bit of an event channel"},
    signal_description{"rings.<frontend>.command", 0, "command at SUBMIT"},
    signal_description{"rings.<frontend>.length", 32, "length field of the page"},
    signal_description{"rings.<frontend>.locality", 8, "locality field of the page"},
    signal_description{"rings.<frontend>.result", 32, "return code at FINISH"},
    signal_description{"rings.<frontend>.state", 0, "state of the page"},
    signal_description{"rings.<frontend>.state_code", 8, "state octet of the page"},
    signal_description{"tpm.<tpm>.access_<n>", 8, "TPM_ACCESS as locality n reads it"},
    signal_description{"tpm.<tpm>.active_locality", 4, "active locality; z for none"},
    signal_description{"tpm.<tpm>.burst_count", 16, "burst count of TPM_STS"},
    signal_description{"tpm.<tpm>.command", 0, "command that the chip executes"},
    signal_description{"tpm.<tpm>.fsm", 0, "state of the command state machine"},
    signal_description{"tpm.<tpm>.fsm_code", 3, "the same as a number"},
    signal_description{"tpm.<tpm>.int_status", 8, "TPM_INT_STATUS"},
    signal_description{"tpm.<tpm>.result", 32, "return code of the last command"},
    signal_description{"tpm.<tpm>.sts", 32, "TPM_STS as the active locality reads it"},
    signal_description{"vcpus.<domain>.pcpu", 8, "physical CPU that the vCPU runs on; z while it does not"},
    signal_description{"vcpus.<domain>.running", 1, "the vCPU has a physical CPU"},
    signal_description{"vcpus.<domain>.state", 0, "offline, blocked, runnable or running"},
};

/// A wildcard covers everything up to the next dot, or to the end.
bool matches(std::string_view pattern, std::string_view path) {
    while (!pattern.empty()) {
        if (pattern.front() == '<') {
            pattern.remove_prefix(pattern.find('>') + 1);
            std::size_t end = std::min(path.find('.'), path.size());
            if (end == 0)
                return false;
            path.remove_prefix(end);
        } else if (path.empty() || path.front() != pattern.front()) {
            return false;
        } else {
            pattern.remove_prefix(1);
            path.remove_prefix(1);
        }
    }
    return path.empty();
}

}  // namespace

std::span<const signal_description> all_signals() {
    return signals;
}

const signal_description* find_signal(std::string_view path) {
    const auto* found =
        std::ranges::find_if(signals, [&](const auto& each) { return matches(each.path, path); });
    return found == signals.end() ? nullptr : found;
}

}  // namespace vtwin::trace
