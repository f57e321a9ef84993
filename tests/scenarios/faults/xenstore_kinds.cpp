#include <catch2/catch.hpp>

#include "tests/scenarios/faults/machine_bench.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

using xen::xs_message;
using xen::xs_op;

std::string text(const char* octets, std::size_t length) {
    return {octets, length};
}

/// Requests of domain "g1" past the faults, answered by nobody but the test.
struct store_bench : machine_bench {
    explicit store_bench(std::vector<fault> faults, const std::vector<std::string>& more_wires = {})
        : machine_bench(std::move(faults), more_wires),
          domid(machine.hypervisor().create(*machine.domain_slot("g1"), "")),
          stranger(machine.hypervisor().create(*machine.domain_slot("v1"), "")) {}

    xen::store_request_passage ask(xs_op what, std::string payload) {
        xen::store_request_passage passage{{what, ++m_request, 0, std::move(payload)}, {}, {}};
        machine.store().wire()->request(domid, passage);
        return passage;
    }
    xen::store_output_passage answer(xs_op what, std::string payload) {
        xen::store_output_passage passage{{what, m_request, 0, std::move(payload)}};
        machine.store().wire()->reply(domid, passage);
        return passage;
    }
    xen::store_output_passage news(std::string payload) {
        xen::store_output_passage passage{{xs_op::watch_event, 0, 0, std::move(payload)}};
        machine.store().wire()->event(domid, passage);
        return passage;
    }
    xen::domid_t domid, stranger;

  private:
    std::uint32_t m_request = 0;
};

fault on_g1(const std::string& kind, std::vector<condition> where = {},
            std::map<std::string, std::string> with = {}, std::uint64_t count = 1) {
    trigger when;
    when.where = std::move(where);
    when.count = count;
    return fault_of(kind, "g1.xenstore", when, std::move(with));
}

const std::string path = text("device/vtpm/0/state\0", 20);

}  // namespace

TEST_CASE("nobody stands between XenStore and the domains unless asked") {
    machine_bench bench({}, {"g1.disk"});
    CHECK(bench.machine.store().wire() == nullptr);
}

TEST_CASE("only the connection of the domain that is wanted is counted") {
    store_bench bench({}, {"g1.xenstore"});
    CHECK_FALSE(bench.ask(xs_op::read, path).refused);
    CHECK(bench.answer(xs_op::read, "4").message.payload == "4");
    CHECK(bench.news(path + "token").copies == 1);
    xen::store_request_passage other{{xs_op::read, 1, 0, path}, {}, {}};
    bench.machine.store().wire()->request(bench.stranger, other);
    CHECK(bench.faults.hub().find("g1.xenstore")->crossings() == 3);
    CHECK(bench.faults.hub().find("v1.xenstore") == nullptr);
}

TEST_CASE("a request of XenStore is refused by its path") {
    store_bench bench(
        {on_g1("xenstore.refused", {{"operation", "read"}, {"path", "*/state"}}, {{"code", "EAGAIN"}})});
    CHECK_FALSE(bench.ask(xs_op::read, text("device/vtpm/0/backend\0", 22)).refused);
    CHECK_FALSE(bench.ask(xs_op::write, path + "4").refused);
    CHECK(bench.ask(xs_op::read, path).refused == xen::errno_t::eagain);
    CHECK_FALSE(bench.ask(xs_op::read, path).refused);
}

TEST_CASE("a request of XenStore is carried out and misreported") {
    store_bench bench({on_g1("xenstore.misreported", {}, {{"code", "EIO"}})});
    CHECK_FALSE(bench.ask(xs_op::read, path).refused);
    CHECK(bench.answer(xs_op::read, "4").message.type == xs_op::read);
    CHECK_FALSE(bench.ask(xs_op::write, path + "4").refused);
    const auto reply = bench.answer(xs_op::write, text("OK\0", 3)).message;
    CHECK(reply.type == xs_op::error);
    CHECK(reply.payload == text("EIO\0", 4));
}

TEST_CASE("a conflict drops the transaction and answers EAGAIN") {
    store_bench bench({on_g1("xenstore.conflict", {}, {}, 2)});
    for (const char* expected : {"EAGAIN", "EAGAIN", "OK"}) {
        const bool hit = expected != std::string("OK");
        CHECK(bench.ask(xs_op::transaction_end, text("T\0", 2)).message.payload ==
              text(hit ? "F\0" : "T\0", 2));
        const auto reply = bench.answer(xs_op::transaction_end, text("OK\0", 3)).message;
        CHECK(reply.type == (hit ? xs_op::error : xs_op::transaction_end));
        CHECK(reply.payload == std::string(expected) + '\0');
    }
}

TEST_CASE("the quota of XenStore and missing keys") {
    store_bench bench({on_g1("xenstore.quota_exceeded", {}, {}, 0),
                       on_g1("xenstore.key_missing", {{"path", "*feature-protocol-v2"}}, {}, 0)});
    CHECK(bench.ask(xs_op::write, path + "4").refused == xen::errno_t::enospc);
    CHECK(bench.ask(xs_op::watch, path + text("t\0", 2)).refused == xen::errno_t::enospc);
    CHECK_FALSE(bench.ask(xs_op::rm, path).refused);
    CHECK_FALSE(bench.ask(xs_op::read, path).refused);
    CHECK(bench.ask(xs_op::read, text("device/vtpm/0/feature-protocol-v2\0", 34)).refused ==
          xen::errno_t::enoent);
}

TEST_CASE("a slow daemon takes its time for each request") {
    store_bench bench({on_g1("xenstore.slow", {}, {{"by", "3 s"}}, 2)});
    CHECK(bench.ask(xs_op::read, path).delay == milli(3000));
    CHECK(bench.ask(xs_op::rm, path).delay == milli(3000));
    CHECK(bench.ask(xs_op::rm, path).delay == milli(0));
}

TEST_CASE("other values are read and written") {
    store_bench bench(
        {on_g1("xenstore.read_replaced", {{"path", "*/ring-ref"}}, {{"value", "9"}}),
         on_g1("xenstore.write_replaced", {{"value", "4"}}, {{"value", "6"}}),
         on_g1("xenstore.write_replaced", {{"value", "x"}}, {{"value", "ab"}, {"repeat", "4096"}})});
    const auto ring = text("0/ring-ref\0", 11);
    bench.ask(xs_op::read, ring);
    CHECK(bench.answer(xs_op::read, "8").message.payload == "9");
    CHECK(bench.ask(xs_op::write, path + "3").message.payload == path + "3");
    CHECK(bench.ask(xs_op::write, path + "4").message.payload == path + "6");
    const auto huge = bench.ask(xs_op::write, path + "x").message.payload;
    CHECK(huge.size() == xen::xs_payload_max);
    CHECK(huge.substr(0, path.size() + 3) == path + "aba");
}

TEST_CASE("a failed read has no value to replace") {
    store_bench bench({on_g1("xenstore.read_replaced", {}, {{"value", "9"}})});
    bench.ask(xs_op::read, path);
    const auto reply = bench.answer(xs_op::error, text("ENOENT\0", 7)).message;
    CHECK(reply.type == xs_op::error);
    CHECK(reply.payload == text("ENOENT\0", 7));
}

TEST_CASE("watch events get lost and repeated and name children") {
    store_bench bench({on_g1("xenstore.event_lost", {{"path", "*/state"}}),
                       on_g1("xenstore.event_repeated", {{"path", "a"}}, {{"copies", "5"}}),
                       on_g1("xenstore.event_for_child", {{"path", "b"}}, {{"name", "x"}})});
    CHECK(bench.news(path + text("t\0", 2)).copies == 0);
    CHECK(bench.news(path + text("t\0", 2)).copies == 1);
    CHECK(bench.news(text("a\0t\0", 4)).copies == 5);
    CHECK(bench.news(text("b\0t\0", 4)).message.payload == text("b/x\0t\0", 6));
}
