// Open files of /dev/tpm0 and /dev/tpmrm0 as programs meet them, over a TPM whose commands take 1 ms and a
// kernel whose system calls take 2 us.
#include "models/drivers/linux_tpm_file.h"

#include "tests/models/drivers/world.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;
using node = linux_tpm_file::node;

namespace {

constexpr int too_big = -7;
const std::string random_4 = "00c10000000e0000004600000004",
                  answer_4 =
                      "00c400000012000000000000"
                      "00045a5a5a5a",
                  no_body = "00c10000000a00000053", self_tested = "00c40000000a00000000";

/// A driver that sleeps a millisecond per command.
struct slow_driver : linux_tpm_driver_if {
    explicit slow_driver(kernel& owner) : os(owner) {}
    int send(byte_view command) override {
        os.sleep(ms(1));
        seen.push_back(to_text(command));
        response = vtpm_answer(command);
        return loses ? io_error : 0;
    }
    int receive(std::span<std::byte> buffer) override {
        std::ranges::copy(response, buffer.begin());
        return static_cast<int>(response.size());
    }
    void cancel() override {}
    std::uint8_t status() override { return status_idle | status_result; }

    kernel& os;
    bytes response;
    lines seen;
    bool loses = false;
};

struct file_world {
    file_world()
        : w(no_costs()),
          guest(w.add("guest", kernel_flavour::linux_pv)),
          driver(guest.os),
          chip(guest.os, driver, quiet()) {}
    static xen::cost_profile no_costs() {
        xen::cost_profile costs;
        costs.timeslice = ms(30);
        return costs;
    }
    static driver_params quiet() {
        driver_params params;
        params.linux_hwrng = false;
        return params;
    }
    void run(std::function<void()> program) {
        w.software = {};
        w.software.syscall = us(2);
        guest.os.set_main([this, program] {
            REQUIRE(chip.register_chip() == 0);
            program();
            finished = true;
        });
        w.run([&](xen::store_client& client) {
            w.create(client, guest);
            w.unpause(guest);
            sc_core::wait(ms(500000));
        });
        REQUIRE(finished);
    }
    sc_time took(const std::function<void()>& what) {
        guest.os.pay();
        const sc_time begin = sc_time_stamp();
        what();
        guest.os.pay();
        return sc_time_stamp() - begin;
    }
    world w;
    guest_domain& guest;
    slow_driver driver;
    linux_tpm_chip chip;
    bool finished = false;
};

int write(linux_tpm_file& file, const std::string& hex) {
    return file.write(from_hex(hex));
}
std::string read(linux_tpm_file& file, std::size_t most = 4096) {
    bytes room(most);
    const int got = file.read(room);
    REQUIRE(got >= 0);
    room.resize(static_cast<std::size_t>(got));
    return to_text(room);
}

}  // namespace

TEST_CASE("tpm0 is open once and open again when it was closed or its driver came anew") {
    file_world f;
    f.run([&] {
        linux_tpm_file one(f.chip, f.guest.os, node::tpm0), two(f.chip, f.guest.os, node::tpm0),
            managed(f.chip, f.guest.os, node::tpmrm0);
        CHECK(f.took([&] { CHECK(one.open() == 0); }) == us(2));
        CHECK(two.open() == busy);
        CHECK(write(one, no_body) == 10);
        CHECK(f.took([&] { one.close(); }) == us(2));
        CHECK(two.open() == 0);
        CHECK(one.open() == busy);
        CHECK(read(two).empty());
        // A TPM 1.2 has no resource manager; a driver that goes leaves its open file, whose commands fail.
        CHECK(managed.open() == no_device);
        f.chip.unregister_chip();
        CHECK(write(two, no_body) == broken_pipe);
        CHECK(read(two).empty());
        CHECK(one.open() == no_device);
        f.chip.reset();
        REQUIRE(f.chip.register_chip() == 0);
        CHECK(one.open() == 0);
        // The old file is of the old driver: it reaches nothing and gives nothing back.
        CHECK(write(two, no_body) == broken_pipe);
        two.close();
        CHECK(two.open() == busy);
    });
}

TEST_CASE("one write is one command and its response is read in any pieces") {
    file_world f;
    f.run([&] {
        linux_tpm_file file(f.chip, f.guest.os, node::tpm0);
        REQUIRE(file.open() == 0);
        CHECK(read(file).empty());
        CHECK_FALSE(file.readable());
        CHECK(f.took([&] { CHECK(write(file, random_4) == 14); }) == ms(1) + us(2));
        CHECK(file.readable());
        CHECK(f.took([&] { CHECK(read(file, 6) == answer_4.substr(0, 12)); }) == us(2));
        CHECK(read(file, 10) == answer_4.substr(12, 20));
        CHECK(file.readable());
        CHECK(read(file) == answer_4.substr(32));
        CHECK_FALSE(file.readable());
        CHECK(read(file).empty());
        // Octets behind the length that the command states reach no driver.
        f.driver.seen.clear();
        CHECK(write(file, random_4 + "00c10000000a00000099") == 24);
        CHECK(f.driver.seen == lines{random_4});
        CHECK(read(file) == answer_4);
        CHECK(read(file).empty());
        bytes response;
        CHECK(f.took([&] { CHECK(file.exchange(from_hex(random_4), response) == 18); }) == ms(1) + us(4));
        CHECK(to_text(response) == answer_4);
    });
}

TEST_CASE("a command has to wait until the response before it was read at least in part") {
    file_world f;
    f.run([&] {
        linux_tpm_file file(f.chip, f.guest.os, node::tpm0);
        REQUIRE(file.open() == 0);
        CHECK(write(file, random_4) == 14);
        CHECK(f.took([&] { CHECK(write(file, no_body) == busy); }) == us(2));
        CHECK(write(file, "00") == busy);  // before anything else is looked at but the size
        CHECK(file.write(bytes(4097)) == too_big);
        CHECK(read(file, 1) == "00");
        f.driver.seen.clear();
        CHECK(write(file, no_body) == 10);
        CHECK(f.driver.seen == lines{no_body});
        CHECK(read(file) == self_tested);
        // Without room nothing comes, and the rest is gone.
        CHECK(write(file, random_4) == 14);
        CHECK(read(file, 0).empty());
        CHECK(read(file).empty());
    });
}

TEST_CASE("what is no command is refused and reaches no driver") {
    file_world f;
    f.run([&] {
        linux_tpm_file file(f.chip, f.guest.os, node::tpm0);
        REQUIRE(file.open() == 0);
        f.driver.seen.clear();
        CHECK(write(file, "") == invalid);
        CHECK(write(file, "00c1000000") == invalid);
        CHECK(write(file, "00c10000000e00000046000000") == invalid);  // 13 of 14 octets
        CHECK(file.write(bytes(4097)) == too_big);
        CHECK(f.driver.seen.empty());
        CHECK(read(file).empty());
        // It lies over what is left of a response.
        CHECK(write(file, random_4) == 14);
        CHECK(read(file, 2) == "00c4");
        CHECK(write(file, "1122334455") == invalid);
        CHECK(read(file) == "334455" + answer_4.substr(10));
        // A command that fails leaves nothing to read and does not stand in the way of the next.
        f.driver.loses = true;
        CHECK(write(file, no_body) == io_error);
        CHECK(read(file).empty());
        f.driver.loses = false;
        CHECK(write(file, no_body) == 10);
        CHECK(read(file) == self_tested);
    });
}

TEST_CASE("a response that nobody reads is forgotten after 120 seconds") {
    file_world f;
    f.run([&] {
        linux_tpm_file file(f.chip, f.guest.os, node::tpm0);
        auto& os = f.guest.os;
        REQUIRE(file.open() == 0);
        const auto ask = [&] {
            os.pay();
            CHECK(write(file, random_4) == 14);
            return os.now() + ms(120000);
        };
        sc_time forgotten = ask();
        os.sleep(forgotten - os.now() - us(2));
        CHECK(write(file, no_body) == busy);
        os.pay();
        CHECK(os.now() == forgotten);
        CHECK(write(file, no_body) == 10);
        CHECK(read(file) == self_tested);
        forgotten = ask();
        CHECK(read(file, 6) == answer_4.substr(0, 12));
        os.pay();
        os.sleep(forgotten - os.now() - us(1));
        CHECK(read(file, 1) == answer_4.substr(12, 2));
        os.sleep(us(1));
        CHECK(read(file).empty());
        // The time of one response is not that of the next.
        forgotten = ask();
        CHECK(read(file) == answer_4);
        os.sleep(ms(100000));
        (void)ask();
        os.sleep(ms(100000));
        CHECK(read(file) == answer_4);
    });
}
