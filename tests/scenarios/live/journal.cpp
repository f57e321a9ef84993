#include "scenarios/live/journal.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "models/hex.h"
#include "scenarios/live/recording_file.h"
#include "tests/scenarios/support.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::live;
using namespace vtwin::scenario::test;
using models::live::answer;
using models::live::operation;
using models::live::start_mode;

namespace {

const std::string table_head = "number,operation,device,locality,code,begun_ns,latency_ns,result\n";

sc_core::sc_time us(double value) {
    return {value, sc_core::SC_US};
}

operation command(const std::string& hex, std::uint32_t file = 0) {
    operation what;
    what.data = *models::from_hex(hex);
    what.locality = 3;
    what.file = file;
    return what;
}

answer between(double begun, double ended, const std::string& data = "") {
    answer result;
    result.begun = us(begun);
    result.ended = us(ended);
    result.data = *models::from_hex(data);
    return result;
}

std::string header() {
    return print_header(tpm::family::tpm20, start_mode::clear);
}

}  // namespace

TEST_CASE("what clients did is on the disk as soon as it is done") {
    temporary_directory folder;
    const auto table = folder.path() / "commands.csv", recording = folder.path() / "r.jsonl";
    journal kept(table, recording.string(), header());
    CHECK(content_of(table) == table_head);
    CHECK(content_of(recording) == header());
    kept.begin(us(100));
    CHECK(kept.note(command("80010000000c0000017b0010"), between(160, 200, "80010000000a00000101"), us(150)));
    // It began late, but the guest did not sleep again: there was nothing to think about.
    CHECK(kept.note(command("8001000000", 7), between(230, 230.5), us(150)));
    operation power;
    power.what = operation::kind::power_on;
    auto refused = between(240, 250);
    refused.what = answer::status::failed;
    refused.error = 5;
    CHECK(kept.note(power, refused, us(235)));
    CHECK(content_of(table) == table_head +
                                   "0,command,tpm0,3,0000017b,160000,40000,00000101\n"
                                   "1,command,tpmrm0/7,3,,230000,500,\n"
                                   "2,power_on,tpm0,0,,240000,10000,failed 5\n");
    const auto read = parse_recording(content_of(recording), "r");
    REQUIRE(read.operations.size() == 3);
    CHECK(read.operations[0].think == us(50));
    CHECK(models::to_hex(read.operations[0].answered) == "80010000000a00000101");
    CHECK(read.operations[1].think == us(0));
    CHECK(read.operations[1].what.file == 7);
    CHECK(read.operations[2].think == us(4.5));
    CHECK(read.operations[2].status == answer::status::failed);
}

TEST_CASE("without a recording there is a table alone") {
    temporary_directory folder;
    journal kept(folder.path() / "commands.csv", "", header());
    CHECK(kept.note(command("8001"), between(0, 1), us(0)));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
    CHECK(kept.recording_problem() == "");
}

TEST_CASE("a recording that its disk does not take from the first line on is refused") {
    temporary_directory folder;
    const auto table = folder.path() / "commands.csv";
    const auto refusal = [&](const std::string& recording) {
        try {
            const journal kept(table, recording, header());
            return std::string();
        } catch (const user_error& error) {
            return std::string(error.what());
        }
    };
    CHECK(refusal("/dev/full") == "--record /dev/full: cannot be written: No space left on device");
    CHECK(refusal(folder.path().string()).ends_with(": cannot be written: Is a directory"));
    CHECK(refusal((folder.path() / "no" / "r").string()).ends_with(": No such file or directory"));
}

TEST_CASE("a recording that its disk takes no more of is told of once and keeps what it has") {
    temporary_directory folder;
    const auto table = folder.path() / "commands.csv", recording = folder.path() / "r.jsonl";
    journal kept(table, recording.string(), header());
    CHECK(kept.note(command("8001"), between(0, 1), us(0)));
    const std::string before = content_of(recording);
    rlimit most{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &most) == 0);
    const rlimit less{before.size(), most.rlim_max};
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &less) == 0);
    const bool second = kept.note(command("8001"), between(1, 2), us(0)),
               third = kept.note(command("8001"), between(2, 3), us(0));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &most) == 0);
    CHECK_FALSE(second);
    CHECK(third);
    CHECK(kept.recording_problem() == "File too large");
    CHECK(content_of(recording) == before);
    CHECK(kept.table_problem() == "File too large");
}
