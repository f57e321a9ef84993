// Programs that know a TPM as a character device use a guest's TPM through a pseudo-terminal.
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/served_program.h"
#include "tests/scenarios/end_to_end/tool.h"

using namespace vtwin::scenario::test;

namespace {

const std::string read_clock = "80010000000a00000181", clock_head = "800100000023",
                  no_length = "800100000009";

/// One open of the device.
class device_client {
  public:
    explicit device_client(const std::string& path) : m_file(::open(path.c_str(), O_RDWR | O_NOCTTY)) {
        REQUIRE(m_file >= 0);
    }
    ~device_client() { ::close(m_file); }
    device_client(const device_client&) = delete;
    device_client& operator=(const device_client&) = delete;

    void send(const std::string& hex) const {
        const auto octets = *vtwin::models::from_hex(hex);
        REQUIRE(::write(m_file, octets.data(), octets.size()) == static_cast<ssize_t>(octets.size()));
    }
    /// At most so many octets; "" when nothing came in a minute, or the device is gone.
    std::string receive(std::size_t most = 4096) const {
        pollfd what{m_file, POLLIN, 0};
        if (::poll(&what, 1, 60'000) != 1)
            return "";
        vtwin::models::bytes octets(most);
        const auto got = ::read(m_file, octets.data(), octets.size());
        octets.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return vtwin::models::to_hex(octets);
    }
    std::string ask(const std::string& hex) const {
        send(hex);
        return receive();
    }

  private:
    int m_file;
};

/// Where the link leads once it leads no longer to `device`, which was opened.
std::string after(const std::string& path, const std::string& device) {
    std::string now = device;
    for (int looks = 0; looks < 6000 && now == device; ++looks) {
        ::usleep(10'000);
        now = fs::read_symlink(path).string();
    }
    REQUIRE(now != device);
    return now;
}

}  // namespace

TEST_CASE("each open of a pseudo-terminal door is a device of its own whatever the one before left") {
    temporary_directory folder;
    const std::string path = folder.at("tpm0");
    served_program served({"tpm2_guest", "--listen", "pty:" + path, "--start", "clear"});
    REQUIRE(fs::is_symlink(path));
    {
        const device_client one(path);
        CHECK(one.ask(get_random20).starts_with(random20_head));
        const device_client two(path);
        one.send(get_random20.substr(0, 12));
        CHECK(two.ask(read_clock).starts_with(clock_head));
        one.send(get_random20.substr(12));
        // In pieces, as tpm2-tss tries at first.
        CHECK(one.receive(10) == random20_head);
        CHECK(one.receive().size() == 20);
        // What cannot be a command is answered, and what came with it forgotten.
        CHECK(one.ask(no_length + "000001810000") == "80010000000a00000142");
        CHECK(one.ask(get_random20).starts_with(random20_head));
        // One write, one command: what is behind it is ignored.
        CHECK(one.ask(read_clock + get_random20).starts_with(clock_head));
        CHECK(one.ask(get_random20 + "8001").starts_with(random20_head));
        CHECK(one.ask(read_clock).starts_with(clock_head));
    }
    std::string device = fs::read_symlink(path).string();
    {
        const device_client half(path);
        half.send(get_random20.substr(0, 14));
    }
    device = after(path, device);
    CHECK(device_client(path).ask(read_clock).starts_with(clock_head));
    for (int i = 0; i < 3; ++i) {
        device = after(path, device);
        const device_client leaves(path);  // in the middle of its command
        leaves.send(get_random20);
    }
    device = after(path, device);
    CHECK(device_client(path).ask(read_clock).starts_with(clock_head));
    {
        // Somebody who resolved the link before has the same device: both are cut off.
        device = after(path, device);
        const device_client owner(device), intruder(device);
        owner.send(get_random20.substr(0, 4));
        const device_client third(device);
        owner.send(get_random20.substr(4));
        CHECK(owner.receive() == "");
        CHECK(third.receive() == "");
    }
    CHECK(device_client(path).ask(read_clock).starts_with(clock_head));
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(contains(ended.out, "was opened more than once"));
    CHECK_FALSE(fs::is_symlink(path));
}

TEST_CASE("a door may have the device open once as Linux does") {
    temporary_directory folder;
    const std::string path = folder.at("tpm0"), socket = folder.at("s"), shared = folder.at("shared");
    served_program served({"tpm2_guest", "--listen", "pty:" + path + ",open=exclusive", "--listen",
                           door(folder) + ",open=exclusive", "--listen", door(folder, "shared"), "--start",
                           "clear"});
    {
        const device_client one(path);
        CHECK(one.ask(read_clock).starts_with(clock_head));
        CHECK(device_client(path).receive() == "");  // hung up
        CHECK(socket_client(socket).receive() == "");
        CHECK(socket_client(shared).ask(get_random20).starts_with(random20_head));
        CHECK(one.ask(read_clock).starts_with(clock_head));
    }
    // Who comes after the other has closed it has it, as often as that happens.
    for (int i = 0; i < 20; ++i)
        CHECK(socket_client(socket).ask(get_random20).starts_with(random20_head));
    {
        const socket_client one(socket);
        CHECK(one.ask(get_random20).starts_with(random20_head));
        CHECK(socket_client(socket).receive() == "");
        CHECK(one.ask(get_random20).starts_with(random20_head));
    }
    CHECK(socket_client(socket).ask(get_random20).starts_with(random20_head));
    const auto& ended = served.stop();
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(contains(ended.out, "another one has tpm0 open"));
}

TEST_CASE("tpm2-tools take a pseudo-terminal door for a TPM device") {
    temporary_directory folder;
    const std::string path = folder.at("tpm0");
    served_program served({"tpm2_guest", "--listen", "pty:" + path, "--start", "clear"});
    const auto run = [&](const std::string& line) {
        return run_tool({"TPM2TOOLS_TCTI=device:" + path}, {"sh", "-ec", line}, folder.path().string());
    };
    const auto sealed =
        run("printf secret > in\n"
            "tpm2_createprimary -Q -G ecc -c primary.ctx\n"
            "tpm2_flushcontext -t\n"
            "tpm2_create -Q -C primary.ctx -i in -u pub -r priv\n"
            "tpm2_flushcontext -t\n"
            "tpm2_load -Q -C primary.ctx -u pub -r priv -c sealed.ctx\n"
            "tpm2_flushcontext -t\n"
            "tpm2_unseal -c sealed.ctx");
    INFO(sealed.err);
    CHECK(sealed.code == 0);
    CHECK(sealed.out == "secret");
    CHECK(run("timeout -s KILL 0.02 tpm2_createprimary -Q -G rsa -c killed.ctx || true\ntpm2_getrandom 8")
              .code == 0);
    const auto taken =
        run_program({"serve", "tpm2_guest", "--listen", "pty:" + path, "--out", served.path("other")});
    CHECK(taken.code == 2);
    CHECK(contains(taken.err, "exists: remove it when no program serves it any more"));
    CHECK(fs::is_symlink(path));
    CHECK(served.stop().code == 0);
    const auto nowhere =
        run_program({"serve", "tpm2_guest", "--listen", "pty:/nowhere/tpm0", "--out", served.path("other")});
    CHECK(nowhere.code == 2);
    CHECK(contains(nowhere.err, "/nowhere/tpm0"));
}
