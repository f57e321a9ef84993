#include <catch2/catch.hpp>

#include "tests/hypervisor/xenstore/store_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

TEST_CASE("rights of a guest on the vtpm directories are those of a real Xen") {
    store_bench bench;
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    const std::string be = "/local/domain/2/backend/vtpm/1/0";

    CHECK(bench.ask(fe, xs_op::write, be + "/state|6") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::write, be + "/new|1") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::rm, be + "|") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::read, be + "/uuid|") == "11111111-2222-3333-4444-555555555555");
    CHECK(bench.ask(fe, xs_op::directory, be + "|") == "state|uuid|");
    CHECK(bench.ask(fe, xs_op::directory, "/local/domain/2/backend/vtpm|") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::write, "device/vtpm/1/state|1") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::write, "device/vtpm2|1") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::read, "/libxl/1/device/vtpm/0/state|") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::read, "/local/domain/0/name|") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::write, "device/vtpm/0/state/child|x") == "OK|");
    CHECK(bench.ask(fe, xs_op::write, "device/vtpm/0/extra|y") == "OK|");
    CHECK(bench.ask(fe, xs_op::rm, "device/vtpm/0/extra|") == "OK|");
    CHECK(bench.ask(fe, xs_op::set_perms, "device/vtpm/0/extra2|b1|") == "ERROR ENOENT");
    CHECK(bench.ask(fe, xs_op::rm, "device/vtpm/0|") == "OK|");
    CHECK(bench.ask(xs_op::read, "/local/domain/1/device/vtpm/0/state|") == "ERROR ENOENT");
}

TEST_CASE("a new node belongs to the unprivileged domain that makes it") {
    store_bench bench;
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    bench.ask(fe, xs_op::write, "device/vtpm/0/ring-ref|8");
    CHECK(bench.ask(xs_op::get_perms, "/local/domain/1/device/vtpm/0/ring-ref|") == "n1|r2|");
    bench.ask(xs_op::write, "/local/domain/1/device/vtpm/0/by-dom0|1");
    CHECK(bench.ask(xs_op::get_perms, "/local/domain/1/device/vtpm/0/by-dom0|") == "n1|r2|");
    CHECK(bench.ask(xs_op::get_perms, "/local/domain/1/device/vtpm|") == "n0|r1|");
}

TEST_CASE("only the owner sets permissions and only the privileged change the owner") {
    store_bench bench;
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    auto& be = bench.guest(2);
    const std::string path = "/local/domain/1/device/vtpm/0/state";
    CHECK(bench.ask(be, xs_op::set_perms, path + "|n1|b2|") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::set_perms, path + "|n2|b1|") == "ERROR EPERM");
    CHECK(bench.ask(fe, xs_op::set_perms, path + "|n9|") == "ERROR ENOENT");
    CHECK(bench.ask(fe, xs_op::set_perms, path + "|x1|") == "ERROR EINVAL");
    CHECK(bench.ask(fe, xs_op::set_perms, path + "|") == "ERROR EINVAL");
    CHECK(bench.ask(fe, xs_op::set_perms, path + "|n1|b2|r3|r4|r5|") == "ERROR ENOSPC");
    CHECK(bench.ask(fe, xs_op::set_perms, path + "|n1|b2|r3|r4|") == "OK|");
    CHECK(bench.ask(be, xs_op::write, path + "|3") == "OK|");
    CHECK(bench.ask(xs_op::set_perms, path + "|n2|") == "OK|");
    CHECK(bench.ask(fe, xs_op::read, path + "|") == "ERROR EACCES");
}

TEST_CASE("a dead domain leaves neither nodes nor permission entries") {
    store_bench bench;
    make_vtpm_device(bench);
    REQUIRE(bench.server.tree().owned_by(domid_t{2}) == 3);
    bench.ask(xs_op::watch, "/local/domain/2|w|");
    bench.events();
    bench.server.forget_domain(domid_t{2});
    CHECK(bench.events() == std::vector<std::string>{"/local/domain/2/backend/vtpm/1/0|w|"});
    CHECK(bench.server.tree().owned_by(domid_t{2}) == 0);
    CHECK(bench.ask(xs_op::read, "/local/domain/2/backend/vtpm/1/0|") == "ERROR ENOENT");
    CHECK(bench.ask(xs_op::directory, "/local/domain/2/backend/vtpm/1|").empty());
    CHECK(bench.ask(xs_op::get_perms, "/local/domain/1/device/vtpm/0/state|") == "n1|");
}

TEST_CASE("paths and privileged requests are checked") {
    store_bench bench;
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    for (const std::string bad : {"", "a//b", "/a/", "a+b", "/a b", "@releaseDomain"}) {
        CHECK(bench.ask(fe, xs_op::read, bad + "|") == "ERROR EINVAL");
    }
    CHECK(bench.ask(fe, xs_op::read, "no-terminator") == "ERROR EINVAL");
    CHECK(bench.ask(fe, xs_op::rm, "/|") == "ERROR EACCES");
    CHECK(bench.ask(xs_op::rm, "/|") == "ERROR EINVAL");
    CHECK(bench.ask(fe, xs_op::introduce, "3|1|1|") == "ERROR EACCES");
    CHECK(bench.ask(fe, xs_op::set_target, "1|2|") == "ERROR EACCES");
    CHECK(bench.ask(fe, static_cast<xs_op>(20), "x|") == "ERROR ENOSYS");
    CHECK(bench.ask(fe, static_cast<xs_op>(77), "x|") == "ERROR ENOSYS");
    CHECK(bench.ask(fe, xs_op::read, "name|", 5) == "ERROR ENOENT");
    CHECK(bench.ask(xs_op::rm, "/local/domain/1/absent|") == "OK|");
    CHECK(bench.ask(xs_op::rm, "/local/domain/1/absent/below|") == "ERROR ENOENT");
}

TEST_CASE("quotas hold a guest and nobody else") {
    store_bench bench;
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    const auto owned = bench.server.tree().owned_by(domid_t{1});
    std::string last;
    std::int64_t made = 0;
    while ((last = bench.ask(fe, xs_op::write,
                             "device/vtpm/0/x/" + std::to_string(made % 50) + "/n" + std::to_string(made) +
                                 "|1")) == "OK|" &&
           made < 2000) {
        ++made;
    }
    CHECK(last == "ERROR ENOSPC");
    CHECK(owned > 0);
    CHECK(bench.server.tree().owned_by(domid_t{1}) == 999);
    CHECK(bench.ask(xs_op::write, "/local/domain/1/device/vtpm/0/more|1") == "OK|");

    const std::string path = "device/vtpm/0/state";
    CHECK(bench.ask(fe, xs_op::write, path + "|" + std::string(2015, 'v')) == "OK|");
    CHECK(bench.ask(fe, xs_op::write, path + "|" + std::string(2016, 'v')) == "ERROR ENOSPC");
    for (int i = 0; i < 127; ++i) {
        REQUIRE(bench.ask(fe, xs_op::watch, "w|" + std::to_string(i) + "|") == "OK|");
    }
    CHECK(bench.ask(fe, xs_op::watch, "w|127|") == "ERROR ENOSPC");
    for (int i = 0; i < 9; ++i) {
        REQUIRE(bench.ask(fe, xs_op::transaction_start, "|") == std::to_string(i + 1) + "|");
    }
    CHECK(bench.ask(fe, xs_op::transaction_start, "|") == "ERROR ENOSPC");
    CHECK(bench.ask(fe, xs_op::read, std::string(2048, 'p') + "|") == "ERROR EINVAL");
    CHECK(bench.ask(fe, xs_op::read, std::string(2047, 'p') + "|") == "ERROR ENOENT");
}

TEST_CASE("a long directory is listed in parts") {
    store_bench bench;
    for (int i = 0; i < 300; ++i) {
        bench.ask(xs_op::write, "/dir/a-rather-long-name-" + std::to_string(1000 + i) + "|");
    }
    CHECK(bench.ask(xs_op::directory, "/dir|") == "ERROR E2BIG");
    std::string all;
    for (bool last = false; !last;) {
        auto part = bench.ask(xs_op::directory_part, "/dir|" + std::to_string(all.size()) + "|");
        REQUIRE(part.size() <= 4096);
        part = part.substr(part.find('|') + 1);
        last = part.ends_with("||");
        all += last ? part.substr(0, part.size() - 1) : part;
    }
    CHECK(all.size() == 300 * 24);
    CHECK(all.ends_with("a-rather-long-name-1299|"));
}
