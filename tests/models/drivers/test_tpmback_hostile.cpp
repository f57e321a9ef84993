// tpmback against frontends that do not keep to the protocol, each defect in its faithful and its hardened
// variant.
#include "tests/models/drivers/world.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::test;
using xen::xenbus_state;

namespace {

/// A frontend by hand: it has the page and the port, and does with them what the test says.
struct raw_frontend {
    raw_frontend(world& w, const std::string& name) : guest(w.add(name, kernel_flavour::mini_os)) {
        guest.os.set_main([this] {
            program();
            guest.os.sleep(ms(1000000));
        });
    }
    void open(xenbus_state state = xenbus_state::initialised) {
        auto& store = guest.os.xenbus();
        const auto backend = static_cast<xen::domid_t>(*store.read_integer("device/vtpm/0/backend-id"));
        frame = guest.os.alloc_page();
        guest.os.zero_page(frame);
        page = tpmif_page(guest.os, xen::address_of(frame));
        const auto ref = guest.os.grants().grant_access(backend, frame);
        guest.os.ports.hypercall->evtchn_alloc_unbound(xen::domid_self, backend, port);
        guest.os.bind_handler(port, [this] { ++events; });
        guest.os.unmask(port);
        store.write("device/vtpm/0/ring-ref", std::to_string(xen::to_underlying(*ref)));
        store.write("device/vtpm/0/event-channel", std::to_string(xen::to_underlying(port)));
        store.write("device/vtpm/0/feature-protocol-v2", "1");
        set_state(state);
    }
    void set_state(xenbus_state state) { guest.os.xenbus().write("device/vtpm/0/state", state_text(state)); }
    void submit(const std::string& hex, std::optional<std::uint32_t> length = {}) {
        const bytes command = from_hex(hex);
        page.copy_out(page.data_offset(), command);
        page.set_length(length.value_or(static_cast<std::uint32_t>(command.size())));
        page.set_state(tpmif_state::submit);
        guest.os.notify(port);
    }
    void pause(double milliseconds) { guest.os.sleep(ms(milliseconds)); }

    guest_domain& guest;
    std::function<void()> program;
    xen::gfn_t frame{};
    xen::evtchn_port port{};
    tpmif_page page;
    int events = 0;
};

struct hostile_world {
    hostile_world() : vtpm(w), fe(w, "hostile") {}
    void run(std::function<void()> program, double length = 2000) {
        fe.program = std::move(program);
        w.run([&](xen::store_client& client) {
            w.create(client, vtpm.guest);
            w.unpause(vtpm.guest);
            w.create(client, fe.guest);
            w.attach(client, fe.guest, vtpm.guest);
            REQUIRE(w.await(client, w.back(fe.guest, vtpm.guest) + "/state", "2"));
            w.unpause(fe.guest);
            sc_core::wait(ms(length));
            back_state = client.read(w.back(fe.guest, vtpm.guest) + "/state").text;
        });
    }
    world w;
    vtpm_domain vtpm;
    raw_frontend fe;
    std::string back_state;
};

const std::string short_command = "00c10000000a00000053";

}  // namespace

TEST_CASE("an impossible length ends a faithful single client vTPM") {
    hostile_world h;
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command, 5000);
    });
    CHECK(h.vtpm.null_requests == 1);
    CHECK(h.vtpm.seen.empty());
    CHECK(h.vtpm.guest.has_logged("request of 5000 bytes does not fit"));
    CHECK(h.w.stopped == lines{"vtpm 0"});  // its main returned: power off
}

TEST_CASE("an impossible length keeps a faithful manager busy without serving anybody") {
    hostile_world h;
    h.vtpm.give_up_after = 1000;
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command, 5000);
        h.fe.pause(1);
        h.fe.submit(short_command);  // repaired: now it is served
    });
    CHECK(h.vtpm.null_requests > 50);
    CHECK(h.vtpm.null_requests < 1000);
    CHECK(h.vtpm.seen == lines{short_command});
}

TEST_CASE("an impossible length is answered with an error by the hardened backend") {
    hostile_world h;
    h.w.behaviours.set_all(true);
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        for (const std::uint32_t length : {4089u, 5000u, 0xFFFFFFF8u, 0xFFFFFFFFu}) {
            h.fe.submit(short_command, length);
            h.fe.pause(10);
            CHECK(h.fe.page.state() == tpmif_state::finish);
            REQUIRE(h.fe.page.length() == 10);
            bytes raw(10);
            h.fe.page.copy_in(8, raw);
            CHECK(to_text(raw) == "00c40000000a00000009");
        }
        h.fe.submit(short_command);
        h.fe.pause(10);
    });
    CHECK(h.vtpm.seen == lines{short_command});
    CHECK(h.vtpm.null_requests == 0);
    CHECK(h.w.stopped.empty());
}

TEST_CASE("a length that wraps passes the faithful check and fails only for want of memory") {
    hostile_world h;
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command, 0xFFFFFFF8);
    });
    CHECK(h.vtpm.guest.has_logged("no memory for a request of 4294967288 bytes"));
    CHECK(h.vtpm.null_requests == 1);
}

TEST_CASE("the largest packet fits and extra pages move the data") {
    hostile_world h;
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command, 4088);
        h.fe.pause(10);
        h.fe.guest.os.write_u8(xen::address_of(h.fe.frame) + 7, 255);
        h.fe.page.set_locality(7);
        h.fe.submit(short_command);
        h.fe.pause(10);
        CHECK(h.fe.guest.os.read_u16(xen::address_of(h.fe.frame) + 1028) == 0xC400);
    });
    REQUIRE(h.vtpm.seen.size() == 2);
    CHECK(h.vtpm.seen[0].size() == 2 * 4088);
    CHECK(h.vtpm.seen[1] == short_command);
    CHECK(h.vtpm.localities == std::vector<int>{0, 7});
}

TEST_CASE("submit and cancel that coalesce into one look lose the request") {
    hostile_world h;
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.page.set_length(10);
        h.fe.page.set_state(tpmif_state::submit);
        h.fe.page.set_state(tpmif_state::cancel);
        h.fe.guest.os.notify(h.fe.port);
        h.fe.pause(10);
        CHECK(h.fe.page.state() == tpmif_state::idle);
    });
    CHECK(h.vtpm.seen.empty());
    CHECK(h.fe.events == 1);
}

TEST_CASE("cancel of a request in execution is ignored and ends in finish") {
    hostile_world h;
    h.vtpm.execution = ms(50);
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command);
        h.fe.pause(5);
        h.fe.page.set_state(tpmif_state::cancel);
        h.fe.guest.os.notify(h.fe.port);
        h.fe.pause(5);
        CHECK(h.fe.page.state() == tpmif_state::cancel);
        h.fe.pause(100);
        CHECK(h.fe.page.state() == tpmif_state::finish);
    });
    CHECK(h.vtpm.seen == lines{short_command});
}

TEST_CASE("a frontend that closes under a request crashes the faithful backend") {
    hostile_world h;
    h.vtpm.execution = ms(50);
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command);
        h.fe.pause(5);
        h.fe.set_state(xenbus_state::closed);
    });
    CHECK(h.w.stopped == lines{"vtpm 3"});
    CHECK(h.vtpm.guest.has_logged("page fault"));
    CHECK_FALSE(h.vtpm.guest.os.running());
}

TEST_CASE("a frontend that closes under a request gets a clean new session from the hardened backend") {
    hostile_world h;
    h.w.behaviours.set(behaviour::tpmback_page_used_after_frontend_close, true);
    h.vtpm.execution = ms(50);
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command);
        h.fe.pause(5);
        h.fe.set_state(xenbus_state::closed);
        h.fe.pause(10);
        h.fe.open();
        h.fe.pause(100);
        CHECK(h.fe.page.state() == tpmif_state::idle);
        h.fe.submit("00c10000000a00000054");
        h.fe.pause(100);
        CHECK(h.fe.page.state() == tpmif_state::finish);
    });
    CHECK(h.vtpm.seen == lines{short_command, "00c10000000a00000054"});
    CHECK(h.w.stopped.empty());
}

TEST_CASE("a reply that exceeds the page wedges the faithful request") {
    hostile_world h;
    h.vtpm.answer = [](byte_view) { return bytes(5000); };
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command);
        h.fe.pause(10);
        CHECK(h.fe.page.length() == 5000);
        CHECK(h.fe.page.state() == tpmif_state::submit);
    });
    CHECK(h.vtpm.seen == lines{short_command});
    CHECK(h.vtpm.null_requests == 1);  // the length that it wrote itself cannot be fetched
}

TEST_CASE("a hardened backend turns a reply that exceeds the page into an error") {
    hostile_world h;
    h.w.behaviours.set(behaviour::tpmback_oversize_reply_wedges_request, true);
    h.vtpm.answer = [](byte_view) { return bytes(5000); };
    h.run([&] {
        h.fe.open();
        h.fe.pause(10);
        h.fe.submit(short_command);
        h.fe.pause(10);
        CHECK(h.fe.page.length() == 10);
        CHECK(h.fe.page.state() == tpmif_state::finish);
    });
    CHECK(h.vtpm.seen == lines{short_command});
}

TEST_CASE("ring data that make no sense are refused and can be repaired") {
    hostile_world h;
    h.run([&] {
        auto& store = h.fe.guest.os.xenbus();
        const std::vector<std::array<std::string, 3>> bad{
            {"x", "1", "1"}, {"9", "4000", "1"}, {"-1", "1", "1"}, {"9", "1", "2"}, {"9", "", "1"}};
        for (const auto& [ref, port, feature] : bad) {
            store.write("device/vtpm/0/ring-ref", ref);
            store.write("device/vtpm/0/event-channel", port);
            store.write("device/vtpm/0/feature-protocol-v2", feature);
            h.fe.set_state(xenbus_state::initialised);
            h.fe.pause(20);
            CHECK_FALSE(h.vtpm.back.connected(h.fe.guest.id(), 0));
        }
        h.fe.open();
        h.fe.pause(20);
        CHECK(h.vtpm.back.connected(h.fe.guest.id(), 0));
    });
    CHECK(h.back_state == "4");
}

TEST_CASE("a port that cannot be bound costs nobody else his port") {
    hostile_world h;
    kernel& os = h.vtpm.guest.os;
    xen::evtchn_port taken{};
    xen::evtchn_status status;
    h.vtpm.answer = [&](byte_view) {
        // Takes the port that the backend gives up when the frontend closes, and looks at it at the end.
        os.spawn("taker", [&] {
            os.sleep(ms(40));
            CHECK(os.ports.hypercall->evtchn_alloc_unbound(xen::domid_self, h.fe.guest.id(), taken) == 0);
            os.sleep(ms(60));
            CHECK(os.ports.hypercall->evtchn_get_status(xen::domid_self, taken, status) == 0);
        });
        return bytes(10);
    };
    h.run([&] {
        h.fe.open();
        h.fe.pause(20);
        h.fe.submit(short_command);
        h.fe.pause(10);
        h.fe.set_state(xenbus_state::closed);
        h.fe.pause(60);
        h.fe.guest.os.xenbus().write("device/vtpm/0/event-channel", "4000");
        h.fe.set_state(xenbus_state::initialised);
        h.fe.pause(80);
        CHECK_FALSE(h.vtpm.back.connected(h.fe.guest.id(), 0));
    });
    REQUIRE(h.vtpm.seen.size() == 1);
    CHECK(taken != xen::evtchn_port{});
    CHECK(status.status == xen::evtchn_status::kind::unbound);
}

TEST_CASE("a frontend directory that vanishes frees the interface") {
    hostile_world h;
    h.run([&] {
        h.fe.open();
        h.fe.pause(20);
        CHECK(h.fe.guest.os.xenbus().remove("device/vtpm/0"));
        h.fe.pause(50);
    });
    CHECK(h.vtpm.closed == 1);
    CHECK(h.vtpm.back.interfaces() == 0);
    CHECK(h.back_state.empty());
}

namespace {

std::size_t served_after_resume(bool hardened) {
    hostile_world h;
    h.w.behaviours.set(behaviour::tpmback_resume_on_same_backend_ignored, hardened);
    h.run([&] {
        h.fe.open();
        h.fe.pause(20);
        h.fe.open();  // a new ring without passing Closed
        h.fe.pause(20);
        h.fe.submit(short_command);
        h.fe.pause(20);
    });
    return h.vtpm.seen.size();
}

}  // namespace

TEST_CASE("a faithful backend ignores a frontend that resumes with a new ring") {
    CHECK(served_after_resume(false) == 0);
}

TEST_CASE("a hardened backend follows a frontend that resumes with a new ring") {
    CHECK(served_after_resume(true) == 1);
}

TEST_CASE("a long child below the state node smashes the faithful listener") {
    hostile_world h;
    h.run([&] {
        h.fe.open();
        h.fe.pause(20);
        h.fe.guest.os.xenbus().write("device/vtpm/0/state/" + std::string(60, 'a'), "1");
        h.fe.pause(20);
    });
    CHECK(h.w.stopped == lines{"vtpm 3"});
}
