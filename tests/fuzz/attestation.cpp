// What a guest shows when it is attested: requests at an attest door, and the firmware's log in them.
#include "models/attestation/json_gate.h"
#include "models/attestation/messages.h"
#include "models/hex.h"
#include "models/remote/firmware_log.h"
#include "models/remote/ima_log.h"
#include "models/remote/tpm20_files.h"
#include "tests/fuzz/fuzz_target.h"

namespace vtwin::fuzz {
namespace {

using models::remote::pcr_hash;

std::vector<models::measurement> some_events() {
    return {{4, tpm::bytes(20), "kernel", tpm::bytes(32)}, {5, tpm::bytes(20), "", tpm::bytes(32)}};
}

/// A log that is one leads to PCRs that a TPM has; each event can be described in a line.
std::uint64_t read_log(tpm::byte_view input, pcr_hash bank) {
    const auto log = models::remote::parse_firmware_log(input, bank);
    if (!log.problem.empty())
        return std::hash<std::string>{}(log.problem) % 1021;
    promise(!log.events.empty());
    std::uint64_t outcome = log.events.size() % 8;
    for (const auto& event : log.events) {
        const std::string said = models::remote::describe(event);
        promise(said.size() < 128 && said.find('\n') == std::string::npos);
        outcome = outcome * 31 + event.type % 64;
    }
    for (const auto& [pcr, value] : log.replay(bank)) {
        promise(pcr < models::remote::pcr_count && value.size() == size_of(bank));
        promise(!log.of(pcr).empty());
    }
    return 1024 + outcome % 4096;
}

std::uint64_t run_log(tpm::byte_view input) {
    return read_log(input, pcr_hash::sha1) * 8192 + read_log(input, pcr_hash::sha256);
}

/// What is a request comes back as the same line; looking at what is none costs no more than its length.
std::uint64_t run_request(tpm::byte_view input) {
    const std::string line(reinterpret_cast<const char*>(input.data()), input.size());
    models::json_gate gate;
    const bool open = nlohmann::json::sax_parse(line, &gate);
    promise(gate.events() <= line.size());
    const auto request = models::from_json<models::attest_request>(line);
    promise(open || !request);
    if (!request)
        return 0;
    const auto again = models::from_json<models::attest_request>(to_json(*request));
    promise(again && again->firmware_log == request->firmware_log && again->ima_log == request->ima_log);
    const auto list = models::remote::parse_ima_log(request->ima_log);
    return 1 + list.entries.size() % 8 * 16 + list.bad_line % 16;
}

}  // namespace

fuzz_target firmware_logs() {
    return {"firmware_logs",
            {models::remote::sha1_log(some_events()), models::remote::crypto_agile_log(some_events())},
            {octets("Spec ID Event03"), octets("StartupLocality"), *models::from_hex("03000000"),
             *models::from_hex("0b00"), *models::from_hex("ffffffff")},
            run_log};
}

fuzz_target attest_requests() {
    return {"attest_requests",
            {octets(R"({"firmware_log":"0400","ima_log":""})"),
             octets(R"({"ima_log":"10 )" + std::string(40, '0') + " ima-ng sha256:" + std::string(64, 'a') +
                    R"( /bin/sh\n"})")},
            {octets("\"ima_log\":"), octets("\"firmware_log\":\""), octets("\\u0000"), octets("ima-ng "),
             octets("10 ")},
            run_request};
}

}  // namespace vtwin::fuzz
