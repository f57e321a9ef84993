// A vTPM whose domain dies while its guest boots for a client: the client is told, and power-on brings a new
// one.
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/served_program.h"

using namespace vtwin::scenario::test;

namespace {

const std::string fail = "00000009", no_state = "00000800" + std::string(24, '0');

/// The domain of the vTPM crashes as its guest submits the `nth` command.
struct dying_vtpm {
    temporary_directory folder;
    std::string data = folder.at("s");
    served_program served;

    explicit dying_vtpm(int nth)
        : served([&] {
              const std::string scenario = folder.at("dead.toml");
              std::ofstream(scenario)
                  << "base = \"tpm2_guest\"\nguest.guest1.attestations = 0\n"
                     "[faults.dead]\nkind = \"domain.crashed\"\ntarget = \"vtpm1\"\n"
                     "on = \"guest1.ring\"\n"
                     "where = { operation = \"store\", side = \"front\", member = \"state\", value = 1 }\n"
                  << "nth = " << nth << '\n';
              return std::vector<std::string>{scenario, "--start", "init", "--listen",
                                              door(folder, "s", "swtpm")};
          }()) {}
    std::string control(const std::string& hex) const { return socket_client(data + ".ctrl").ask(hex); }
    std::string command(const std::string& hex) const { return socket_client(data).ask(hex); }
    void comes_back() {
        CHECK(control(swtpm_stop) == done);
        CHECK(control(swtpm_init) == done);
        CHECK(command(startup20) == success20);
        CHECK(command(get_random20).starts_with(random20_head));
        const auto& ended = served.stop();
        INFO(ended.out << ended.err);
        CHECK(ended.code == 0);
    }
};

}  // namespace

TEST_CASE("a client whose vTPM died before it came is answered and has a new one after power-on") {
    dying_vtpm world(5);  // the last one of the driver's start
    CHECK(world.command(get_random20) == failed20);
    for (const char* each : {"00000004", "00000006", "0000000700000003616263", "00000008", "0000000b03"})
        CHECK(world.control(each) == fail);
    CHECK(world.control("0000000c000000010000000100000000") == no_state);
    // A power-on without a power-off before it.
    CHECK(world.control(swtpm_init) == done);
    CHECK(world.command(startup20) == success20);
    world.comes_back();
}

TEST_CASE("a power-on that finds its vTPM dead fails and the next one works") {
    dying_vtpm world(7);  // one of the client's, and the first ones of the driver's second start
    CHECK(world.command(get_random20) == not_started20);
    CHECK(world.control(swtpm_stop) == done);
    CHECK(world.control(swtpm_init) == fail);
    CHECK(world.command(startup20) == failed20);
    world.comes_back();
}
