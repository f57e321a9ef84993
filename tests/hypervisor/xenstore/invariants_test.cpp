// Arbitrary requests, legal and not: the tree stays whole and the books agree with it.
#include <catch2/catch.hpp>

#include <map>

#include "tests/hypervisor/xenstore/store_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {

/// A fixed sequence of numbers (Knuth's MMIX generator).
struct sequence {
    std::uint64_t state;
    std::uint32_t below(std::uint32_t bound) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint32_t>((state >> 33) % bound);
    }
};

std::string some_path(sequence& next) {
    static const char* const roots[] = {"/local/domain/1/device",
                                        "/local/domain/2/backend/vtpm/1/0",
                                        "device/vtpm/0",
                                        "/shared",
                                        "",
                                        "/",
                                        "@releaseDomain",
                                        "//bad"};
    static const char* const parts[] = {"/a", "/b", "/c/d", "/state"};
    std::string path = roots[next.below(8)];
    for (std::uint32_t i = next.below(3); i > 0; --i)
        path += parts[next.below(4)];
    return path;
}

std::string some_payload(sequence& next, xs_op op) {
    auto path = some_path(next) + "|";
    switch (op) {
        case xs_op::transaction_start:
            return "|";
        case xs_op::transaction_end:
            return next.below(4) == 0 ? "F|" : "T|";
        case xs_op::set_perms:
            return path + (next.below(2) ? "n" : "b") + std::to_string(next.below(4)) + "|r" +
                   std::to_string(next.below(4)) + "|";
        case xs_op::watch:
        case xs_op::unwatch:
            return path + std::to_string(next.below(3)) + "|";
        case xs_op::write:
            return path + std::string(next.below(40), 'v');
        default:
            return next.below(20) == 0 ? path.substr(0, path.size() - 1) : path;
    }
}

void check_books(const store_tree& tree) {
    std::map<domid_t, std::int64_t> owned;
    const auto paths = tree.all_paths();  // walks by child names: an orphan would be missing below
    for (const auto& path : paths) {
        const auto* node = tree.find(path);
        REQUIRE(node != nullptr);
        REQUIRE_FALSE(node->perms.empty());
        ++owned[node->owner()];
        if (path != "/") {
            const auto& names = tree.find(parent_path(path))->children;
            REQUIRE(std::count(names.begin(), names.end(), base_name(path)) == 1);
        }
    }
    for (const auto* special : {"@introduceDomain", "@releaseDomain"})
        ++owned[tree.find(special)->owner()];
    CHECK(tree.size() == paths.size() + 2);
    for (std::uint16_t id = 0; id < 4; ++id)
        CHECK(tree.owned_by(domid_t{id}) == owned[domid_t{id}]);
}

}  // namespace

TEST_CASE("the store stays whole under arbitrary requests") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        sequence next{seed};
        store_bench bench;
        make_vtpm_device(bench);
        bench.ask(xs_op::mkdir, "/shared|");
        bench.ask(xs_op::set_perms, "/shared|b0|");
        store_connection* clients[] = {bench.root, &bench.guest(1), &bench.guest(2), &bench.guest(3)};
        constexpr xs_op ops[] = {xs_op::write,
                                 xs_op::write,
                                 xs_op::mkdir,
                                 xs_op::rm,
                                 xs_op::read,
                                 xs_op::directory,
                                 xs_op::set_perms,
                                 xs_op::get_perms,
                                 xs_op::watch,
                                 xs_op::unwatch,
                                 xs_op::transaction_start,
                                 xs_op::transaction_end,
                                 xs_op::transaction_end};
        int done = 0, refused = 0;
        for (int i = 0; i < 3000; ++i) {
            const auto op = ops[next.below(std::size(ops))];
            auto& client = *clients[next.below(4)];
            const auto tx = op != xs_op::transaction_start && next.below(2) ? next.below(40) : 0;
            const auto reply = bench.ask(client, op, some_payload(next, op), tx);
            ++(reply.starts_with("ERROR") ? refused : done);
            if (i % 1000 == 500) {
                bench.server.forget_domain(domid_t{static_cast<std::uint16_t>(1 + next.below(3))});
                make_vtpm_device(bench);
            }
        }
        INFO("seed " << seed);
        CHECK(done > 100);
        CHECK(refused > 100);
        check_books(bench.server.tree());
    }
}

TEST_CASE("an empty store balances its books") {
    store_bench bench;
    check_books(bench.server.tree());
    CHECK(bench.server.tree().size() == 5);
}
