#include <catch2/catch.hpp>

#include "tests/hypervisor/toolstack/toolstack_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using lines = std::vector<std::string>;

namespace {

const std::string fe = "/local/domain/1/device/vtpm/0", be = "/local/domain/0/backend/vtpm/1/0";
const vtpm_spec another{"0", "11111111-2222-3333-4444-666666666666"};

/// The toolstack's requests, without replies and events, without nodes that a console or a disk adds.
lines requests(const lines& all) {
    lines kept;
    for (const auto& line : all) {
        const bool parent_only =
            line == "IN READ (/local/domain/1/device )" || line == "IN DIRECTORY (/local/domain/1/device )" ||
            line == "IN READ (/libxl/1/device )" || line == "IN DIRECTORY (/libxl/1/device )" ||
            line == "IN READ (/local/domain/0/backend )" || line == "IN DIRECTORY (/local/domain/0/backend )";
        if (line.starts_with("IN ") && !parent_only)
            kept.push_back(line.substr(3));
    }
    return kept;
}

lines closing_transaction(bool forced) {
    lines all{"TRANSACTION_START ( )"};
    if (forced) {
        all.insert(all.end(),
                   {"RM (" + fe + " )", "READ (/local/domain/1/device/vtpm )",
                    "DIRECTORY (/local/domain/1/device/vtpm )", "RM (/local/domain/1/device/vtpm )"});
    }
    all.insert(all.end(), {"READ (" + be + "/state )", "WRITE (" + be + "/online 0)",
                           "WRITE (" + be + "/state 5)", "TRANSACTION_END (T )"});
    return all;
}

lines last_transaction(bool frontend_there) {
    lines all{"TRANSACTION_START ( )", "RM (" + fe + " )"};
    if (frontend_there) {
        all.insert(all.end(),
                   {"READ (/local/domain/1/device/vtpm )", "DIRECTORY (/local/domain/1/device/vtpm )",
                    "RM (/local/domain/1/device/vtpm )"});
    }
    all.insert(
        all.end(),
        {"RM (/libxl/1/device/vtpm/0 )", "READ (/libxl/1/device/vtpm )", "DIRECTORY (/libxl/1/device/vtpm )",
         "RM (/libxl/1/device/vtpm )", "RM (" + be + " )", "READ (/local/domain/0/backend/vtpm/1 )",
         "DIRECTORY (/local/domain/0/backend/vtpm/1 )", "RM (/local/domain/0/backend/vtpm/1 )",
         "READ (/local/domain/0/backend/vtpm )", "DIRECTORY (/local/domain/0/backend/vtpm )",
         "RM (/local/domain/0/backend/vtpm )", "TRANSACTION_END (T )"});
    return all;
}

lines wait_for_state(const std::string& token, int looks) {
    lines all{"WATCH (" + be + "/state " + token + " )"};
    all.insert(all.end(), static_cast<std::size_t>(looks), "READ (" + be + "/state )");
    all.push_back("UNWATCH (" + be + "/state " + token + " )");
    return all;
}

lines joined(std::initializer_list<lines> parts) {
    lines all;
    for (const auto& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

const lines lookup{"DIRECTORY (/libxl/1/device/vtpm )", "READ (/libxl/1/device/vtpm/0/backend )",
                   "READ (" + be + "/uuid )"};

/// Attaches, lets a frontend connect, detaches; returns the time that the detach took.
sc_time attach_and_detach(toolstack_bench& bench, xl_result& result) {
    auto spec = toolstack_bench::spec();
    spec.vtpms.clear();
    REQUIRE(bench.xl.create(bench.guest, spec));
    REQUIRE(bench.xl.vtpm_attach(bench.guest, another));
    bench.frontend.start(fe);
    sc_core::wait(ms(100));
    bench.recorder.lines.clear();
    bench.recorder.times.clear();
    const auto before = sc_time_stamp();
    result = bench.xl.vtpm_detach(bench.guest, 0);
    return sc_time_stamp() - before;
}

void check_nothing_left(toolstack_bench& bench) {
    // A back end in dom0 that frees its interface late brings its directory back for a moment; parents stay
    // then.
    for (const auto& path :
         {std::string("/local/domain/1/device/vtpm"), std::string("/libxl/1/device/vtpm"), be}) {
        INFO(path);
        CHECK(bench.store.tree().find(path) == nullptr);
    }
    CHECK(bench.store.tree().find("/local/domain/1/device") != nullptr);
    CHECK(bench.store.tree().find("/libxl/1/device/console") != nullptr);
}

}  // namespace

TEST_CASE("detach with a backend that answers Closed is quick and as recorded") {
    toolstack_bench bench({.on_closed = "6"});
    xl_result result;
    sc_time took;
    bench.run([&] { took = attach_and_detach(bench, result); });
    CHECK(result);
    CHECK(result.messages.empty());
    CHECK(took < ms(10));
    const auto said = requests(bench.since("IN DIRECTORY (/libxl/1/device/vtpm )"));
    CHECK(said ==
          joined({lookup, closing_transaction(false), wait_for_state("3/0", 2), last_transaction(true)}));
    check_nothing_left(bench);
}

TEST_CASE("detach with a backend that answers InitWait takes ten seconds and force") {
    toolstack_bench bench({.on_closed = "2"});
    xl_result result;
    sc_time took;
    bench.run([&] { took = attach_and_detach(bench, result); });
    CHECK(result);
    CHECK(result.messages.empty());
    CHECK(bench.backend.freed == 1);
    CHECK(took > sc_time(10, sc_core::SC_SEC));
    CHECK(took < sc_time(10, sc_core::SC_SEC) + ms(10));
    const auto said = requests(bench.since("IN DIRECTORY (/libxl/1/device/vtpm )"));
    CHECK(said == joined({lookup, closing_transaction(false), wait_for_state("3/0", 2),
                          closing_transaction(true), wait_for_state("3/1", 2), last_transaction(false)}));
    check_nothing_left(bench);
    const auto& recorder = bench.recorder;
    sc_time begin, end;
    for (std::size_t i = 0; i < recorder.lines.size(); ++i) {
        if (recorder.lines[i] == "toolstack IN WATCH (" + be + "/state 3/0 )")
            begin = recorder.times[i];
        if (recorder.lines[i] == "toolstack IN UNWATCH (" + be + "/state 3/0 )")
            end = recorder.times[i];
    }
    // The clock starts when the request is sent; both reach the server alike unless it is busy with the
    // others.
    CHECK(end - begin <= sc_time(10, sc_core::SC_SEC) + us(7));
    CHECK(end - begin >= sc_time(10, sc_core::SC_SEC) - us(200));
}

TEST_CASE("attach without a backend fails after ten seconds and leaves the directories") {
    toolstack_bench bench({.answers = false});
    bench.run([&] {
        auto spec = toolstack_bench::spec();
        spec.vtpms.clear();
        REQUIRE(bench.xl.create(bench.guest, spec));
        const auto result = bench.xl.vtpm_attach(bench.guest, another);
        CHECK_FALSE(result);
        CHECK(result.messages.back() == "libxl_device_vtpm_add failed.");
        CHECK(bench.store.tree().find(fe + "/state")->value == "1");
        CHECK(bench.store.tree().find(be + "/state")->value == "1");
        CHECK_FALSE(bench.xl.vtpm_detach(bench.guest, 5));
    });
}

TEST_CASE("detach after the backend directory went takes no wait") {
    toolstack_bench bench({.frees = false});
    bench.run([&] {
        REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec()));
        store_client(bench.store, "tool").rm("/local/domain/0/backend/vtpm/1");
        const auto before = sc_time_stamp();
        const auto result = bench.xl.vtpm_detach(bench.guest, 0);
        CHECK(result);
        CHECK(sc_time_stamp() - before < ms(10));
        REQUIRE(result.messages.size() == 1);
        CHECK(result.messages[0].ends_with("already removed, cleanup frontend only"));
    });
    CHECK(bench.store.tree().find("/local/domain/1/device/vtpm") == nullptr);
    CHECK(bench.store.tree().find("/libxl/1/device/vtpm") == nullptr);
}

TEST_CASE("destroy forces the devices away and removes the domain") {
    toolstack_bench bench;
    bench.run([&] {
        REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec()));
        const auto before = sc_time_stamp();
        CHECK(bench.xl.destroy(bench.guest));
        CHECK(sc_time_stamp() - before < ms(20));
        CHECK(bench.backend.freed == 1);
        CHECK_FALSE(bench.xl.destroy(bench.guest));
        CHECK(bench.host.find(domid_t{1}) == nullptr);
        // The slot can run again, as another domain.
        const auto again = bench.xl.create(bench.guest, toolstack_bench::spec());
        CHECK(again);
        CHECK(again.domid == domid_t{2});
    });
    for (const auto* path : {"/local/domain/1", "/libxl/1", "/local/domain/0/backend/vtpm/1"})
        CHECK(bench.store.tree().find(path) == nullptr);
}

TEST_CASE("shutdown asks and destroys or gives up") {
    toolstack_bench bench;
    bench.run([&] {
        REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec()));
        const auto refused = bench.xl.shutdown(bench.guest, sc_time(1, sc_core::SC_SEC));
        CHECK_FALSE(refused);
        CHECK(bench.guest.power() == domain::state::running);
        CHECK(bench.store.tree().find("/local/domain/1/control/shutdown")->value == "poweroff");
        sc_core::sc_spawn([&] {
            sc_core::wait(ms(500));
            bench.host.shutdown(bench.guest, shutdown_reason::poweroff);
        });
        CHECK(bench.xl.shutdown(bench.guest, sc_time(1, sc_core::SC_SEC)));
        CHECK(bench.guest.power() == domain::state::off);
    });
}

TEST_CASE("a domain that stops by itself is destroyed when xl is told so") {
    toolstack_bench bench;
    bench.run([&] {
        bench.xl.destroy_stopped_domains(true);
        REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec()));
        bench.host.shutdown(bench.guest, shutdown_reason::crash);
        CHECK(bench.guest.power() == domain::state::shut_down);
        CHECK_FALSE(bench.xl.create(bench.guest, toolstack_bench::spec()));
        sc_core::wait(ms(20));
        CHECK(bench.guest.power() == domain::state::off);
        CHECK(bench.store.tree().find("/local/domain/1") == nullptr);
    });
}

TEST_CASE("a domain that stops by itself stays without such an order") {
    toolstack_bench bench;
    bench.run([&] {
        REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec()));
        bench.host.shutdown(bench.guest, shutdown_reason::crash);
        sc_core::wait(ms(20));
        CHECK(bench.guest.power() == domain::state::shut_down);
        CHECK(bench.store.tree().find(fe) != nullptr);
    });
}

TEST_CASE("two destroys of one domain do not meet") {
    toolstack_bench bench;
    bench.run([&] {
        REQUIRE(bench.xl.create(bench.guest, toolstack_bench::spec()));
        int good = 0;
        sc_core::sc_spawn([&] { good += bench.xl.destroy(bench.guest).ok; });
        sc_core::wait(us(200));
        good += bench.xl.destroy(bench.guest).ok;
        sc_core::wait(ms(20));
        CHECK(good == 1);
        CHECK(bench.guest.power() == domain::state::off);
    });
}
