// What a client at the hardware TPM gets, from a real chip behind its bus, with the manager's driver beside
// it.
#include "models/live/served_chip.h"

#include "models/digests.h"
#include "tests/models/drivers/shared_chip.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;
using live::answer;
using live::operation;
using kind = operation::kind;
using status = answer::status;

namespace {

constexpr int not_granted = broken_pipe, failed_anyhow = 0, bad_locality = 61;

const std::string ok = "00c40000000a00000000", ones(40, 'f'),
                  zeros(40, '0'), not_started = "00c40000000a00000026",
                  wrong_locality = "00c40000000a0000003d", random_16 = "00c10000000e0000004600000010",
                  start_clear = "00c10000000c000000990001", start_state = "00c10000000c000000990002",
                  save_state = "00c10000000a00000098", extend_10 = "00c100000022000000140000000a" + ones;

std::string pcr_read(int pcr) {
    return fmt::format("00c10000000e00000015{:08x}", pcr);
}
std::string value(const std::string& pcr) {
    return "00c40000001e00000000" + pcr;
}
/// SHA-1 of an extension, both as hexadecimal texts.
std::string extended(const std::string& pcr, const std::string& by) {
    return to_text(sha1_of(from_hex(pcr + by)));
}

operation asks(kind what, const std::string& data = "", std::uint8_t locality = 0, std::uint32_t file = 0) {
    return {what, locality, from_hex(data), file};
}
operation sends(const std::string& command, std::uint8_t locality = 0, std::uint32_t file = 0) {
    return asks(kind::command, command, locality, file);
}

/// One operation after the other; what came of each in a few words: the answer's data, or why there is none.
struct script final : live::work_if {
    explicit script(std::vector<operation> what) : todo(std::move(what)) {}
    std::optional<item> next() override {
        if (came.size() == todo.size())
            return std::nullopt;
        return item{todo[came.size()], sc_core::SC_ZERO_TIME};
    }
    void done(const operation&, answer result) override {
        came.push_back(result.what == status::done       ? to_text(result.data)
                       : result.what == status::no_power ? "no power"
                                                         : fmt::format("failed {}", result.error));
        took.push_back(result.ended - result.begun);
    }
    std::vector<operation> todo;
    lines came;
    std::vector<sc_time> took;
};

std::string failed(int error) {
    return fmt::format("failed {}", error);
}

/// The chip's user is `linux`, at a locality; the manager's driver is at 0.
struct served : shared_chip {
    served(unsigned locality, std::vector<operation> what)
        : shared_chip(locality), work(std::move(what)), chip(hardware, locality, work) {
        chip.on_power_off = [this] { ++power_cuts; };
    }
    void serve(live::start_mode start = live::start_mode::guest) {
        REQUIRE(tis.init() == 0);
        chip.run(dom.os, &tis.chip(), start);
    }
    const lines& alone(live::start_mode start = live::start_mode::guest) {
        run([] {}, [this, start] { serve(start); });
        return work.came;
    }
    script work;
    live::served_chip chip;
    int power_cuts = 0;
};

}  // namespace

TEST_CASE("a served chip carries out commands and refuses what no driver can do") {
    served s(2,
             {sends(pcr_read(16)), sends(pcr_read(16), 2), sends(pcr_read(16), 1), sends(pcr_read(16), 0, 7),
              asks(kind::close, "", 0, 7), asks(kind::take_permanent), asks(kind::take_volatile),
              asks(kind::take_saved), asks(kind::give_permanent, "00"), asks(kind::give_volatile, "00"),
              asks(kind::give_saved, "00"), sends("00c1"), sends(pcr_read(24))});
    const std::string read = value(zeros);
    CHECK(s.alone() == lines{read, read, wrong_locality, failed(no_device), "", failed(failed_anyhow),
                             failed(failed_anyhow), failed(failed_anyhow), failed(failed_anyhow),
                             failed(failed_anyhow), failed(failed_anyhow), failed(-22),
                             "00c40000000a00000002"});
    CHECK(std::ranges::count(s.log.seen, 0x15u, &tpm::chip_command::ordinal) == 1 + 3);  // 1: the self test's
    CHECK(s.log.seen.back().locality == 2);
    CHECK(s.chip.buffer_size() == 1024);
    CHECK(s.chip.version() == tpm::family::tpm12);
    CHECK(s.power_cuts == 0);
}

TEST_CASE("a served chip of a kernel without a driver has no device") {
    served s(2, {sends(pcr_read(16)), asks(kind::established), asks(kind::reset_established, "", 2)});
    s.run([] {}, [&] { s.chip.run(s.dom.os, nullptr, live::start_mode::guest); });
    CHECK(s.work.came == lines{failed(no_device), "00", failed(failed_anyhow)});
}

TEST_CASE("a served chip is reset by its power and its client starts it") {
    served s(2, {sends(start_clear), sends(extend_10), sends(save_state), asks(kind::power_off),
                 sends(pcr_read(10)), asks(kind::hash_start), asks(kind::established),
                 asks(kind::reset_established, "", 2), asks(kind::power_on), sends(pcr_read(10)),
                 sends(start_state), sends(pcr_read(10)), asks(kind::power_on), asks(kind::power_on),
                 sends(start_clear), sends(pcr_read(10))});
    const std::string pcr_10 = extended(zeros, ones);
    // Started before it was served.
    CHECK(s.alone() == lines{not_started, value(pcr_10), ok, "", "no power", "no power", "no power",
                             "no power", "", not_started, ok, value(pcr_10), "", "", ok, value(zeros)});
    CHECK(s.chip.power_cycles() == 2);
    CHECK(s.power_cuts == 3);
}

TEST_CASE("a served chip begins where its client wants to") {
    served s(2, {sends(pcr_read(16)), sends(start_clear), sends(pcr_read(16))});
    CHECK(s.alone(live::start_mode::init) == lines{not_started, ok, value(zeros)});
}

TEST_CASE("a served chip that was started for its client answers at once") {
    served s(2, {sends(pcr_read(16)), sends(start_clear)});
    CHECK(s.alone(live::start_mode::clear) == lines{value(zeros), not_started});
}

TEST_CASE("a served chip takes a dynamic launch over the bus when nobody has a locality") {
    const std::string launched(2000, '5');
    served s(
        3, {asks(kind::established), asks(kind::hash_data, "00"), asks(kind::hash_end), asks(kind::power_on),
            sends(start_clear), sends(pcr_read(17)), asks(kind::hash_start), asks(kind::hash_data, launched),
            asks(kind::hash_data, "aa"), asks(kind::hash_end), sends(pcr_read(17)), sends(pcr_read(20)),
            asks(kind::established), asks(kind::reset_established, "", 2), asks(kind::established),
            asks(kind::reset_established, "", 3), asks(kind::established)});
    s.alone();
    const std::string measured = extended(zeros, to_text(sha1_of(from_hex(launched + "aa"))));
    lines came = s.work.came;
    // Without a start the cycles reach the chip, which fails; nothing but power mends that.
    CHECK(came[0] == "00");
    CHECK(came[1].starts_with("failed"));
    CHECK(came[2].starts_with("failed"));
    came.erase(came.begin(), came.begin() + 3);
    CHECK(came == lines{"", ok, value(ones), "", "", "", "", value(measured), value(zeros), "01",
                        failed(bad_locality), "01", "", "00"});
    // An octet is one cycle of 13 clocks.
    CHECK(s.work.took[7] == sc_time(390, sc_core::SC_NS) * 1000);
}

TEST_CASE("a served chip refuses a dynamic launch while the manager has its locality") {
    served s(1, {asks(kind::hash_start), asks(kind::hash_data, "00"), asks(kind::hash_end),
                 asks(kind::established), sends(pcr_read(17))});
    bool over = false;
    s.run(
        [&] {
            s.manager.os.sleep(ms(2000));
            REQUIRE(s.minios.init(0));
            while (!over) {
                s.manager.os.sleep(ms(5000));
                CHECK(s.minios.transmit(from_hex(random_16)));
            }
        },
        [&] {
            REQUIRE(s.tis.init() == 0);
            s.dom.os.sleep(ms(3000));
            s.chip.run(s.dom.os, &s.tis.chip(), live::start_mode::guest);
            over = true;
        });
    CHECK(s.work.came == lines{failed(0), failed(0), failed(0), "00", failed(not_granted)});
}

TEST_CASE(
    "a served chip that an idle manager keeps fails after TIMEOUT_A and is had behind its next command") {
    served s(1, {});
    // Both at 0: dom0 asks 1 s after the manager's last command, and again 1 s after its next one.
    s.work.todo = {sends(pcr_read(16)), sends(pcr_read(16)), sends(pcr_read(16))};
    std::vector<sc_time> at{ms(10000), ms(14000), ms(18000)};
    struct timed final : live::work_if {
        timed(script& inner, std::vector<sc_time> when) : m_inner(inner), m_when(std::move(when)) {}
        std::optional<item> next() override {
            auto found = m_inner.next();
            if (found)
                found->at = m_when[m_inner.came.size()];
            return found;
        }
        void done(const operation& what, answer result) override { m_inner.done(what, std::move(result)); }
        script& m_inner;
        std::vector<sc_time> m_when;
    } work(s.work, at);
    live::served_chip chip(s.hardware, 1, work);
    s.run(
        [&] {
            auto& os = s.manager.os;
            os.sleep(ms(2000));
            REQUIRE(s.minios.init(0));
            os.sleep(ms(13000) - os.now());
            CHECK(s.minios.transmit(from_hex(random_16)));  // hands the chip to the request that waits
            os.sleep(ms(16000) - os.now());
            CHECK(s.minios.transmit(from_hex(random_16)));  // and has it back: dom0 gave it up
        },
        [&] {
            REQUIRE(s.tis.init() == 0);
            chip.run(s.dom.os, &s.tis.chip(), live::start_mode::guest);
        });
    CHECK(s.work.came == lines{failed(not_granted), value(zeros), failed(not_granted)});
    // The chip has told 1 s. A look at TPM_ACCESS, a request, and 200 more looks with 5 ms and a wake-up
    // behind each; a look is one cycle of the bus.
    const sc_time cycle(390, sc_core::SC_NS), in_vain = 2 * cycle + 200 * (cycle + ms(5) + us(3));
    CHECK(s.work.took[0] == in_vain);
    CHECK(s.work.took[2] == in_vain);
    CHECK(s.work.took[1] < ms(20));
}

TEST_CASE("a manager that gives its locality up lets a served chip in at once") {
    driver_params generous;
    generous.tis_keeps_locality = false;
    shared_chip s(1, generous);
    script work({sends(pcr_read(16)), sends(pcr_read(16))});
    live::served_chip chip(s.hardware, 1, work);
    s.run(
        [&] {
            REQUIRE(s.minios.init(0));
            s.manager.os.sleep(ms(5000));
            CHECK(s.minios.transmit(from_hex(random_16)));
        },
        [&] {
            s.dom.os.sleep(ms(3000));
            REQUIRE(s.tis.init() == 0);
            chip.run(s.dom.os, &s.tis.chip(), live::start_mode::guest);
        });
    CHECK(work.came == lines{value(zeros), value(zeros)});
    CHECK(s.hardware.tis().snapshot().active_locality == -1);
}

namespace {

/// Both drivers at locality 0, and both have something to do all the time.
struct one_locality : shared_chip {
    one_locality()
        : shared_chip(0), work(std::vector<operation>(40, sends(pcr_read(16)))), chip(hardware, 0, work) {}
    void rush(int ended) {
        run(
            [&] {
                manager.os.sleep(ms(500));
                REQUIRE(minios.init(0));
                CHECK(minios.transmit(from_hex(random_16)));
                manager.os.sleep(ms(1000));
                for (; done == 0 && commands < 400; ++commands) {
                    const auto answer = minios.transmit(from_hex(random_16));
                    broken += !answer || answer.response.size() != 30;
                }
            },
            [&] {
                REQUIRE(tis.init() == 0);
                // One at a time harms nobody.
                dom.os.sleep(ms(1000) - dom.os.now());
                CHECK(ask(pcr_read(16)) == value(zeros));
                dom.os.sleep(ms(1000));
                chip.run(dom.os, &tis.chip(), live::start_mode::guest);
            },
            ended);
    }
    script work;
    live::served_chip chip;
    int broken = 0, commands = 0;
};

}  // namespace

TEST_CASE("a served chip at the manager's own locality makes the manager's driver overrun its buffer") {
    one_locality s;
    s.rush(1);
    CHECK(s.manager.has_logged("response written past the buffer"));
    CHECK(s.work.came.size() == 40);
    CHECK(std::ranges::count(s.work.came, value(zeros)) < 40);
}

TEST_CASE("a served chip at the manager's own locality breaks commands of a hardened manager") {
    one_locality s;
    s.w.behaviours.set_all(true);
    s.rush(2);
    CHECK(s.broken > 0);
    CHECK(s.broken < s.commands);
    CHECK(s.work.came.size() == 40);
    CHECK(std::ranges::count(s.work.came, value(zeros)) < 40);
}
