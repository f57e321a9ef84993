#include "scenarios/live/listen_spec.h"

#include <catch2/catch.hpp>

#include "scenarios/schema/problem.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::live;

namespace {

std::string listen_mistake(const std::vector<std::string>& texts) {
    try {
        (void)parse_listen_specs(texts, false);
        return "";
    } catch (const user_error& error) {
        return error.what();
    }
}
std::string listen_mistake(const std::string& text) {
    return listen_mistake(std::vector{text});
}

}  // namespace

TEST_CASE("a door's place and options are read") {
    auto spec = parse_listen_spec("raw:unix:/tmp/a:b,device=tpmrm0,mode=0660", false);
    CHECK(spec.kind == door_kind::raw);
    CHECK(spec.path == "/tmp/a:b");
    CHECK(spec.mode == 0660);
    CHECK(spec.resource_manager);
    spec = parse_listen_spec("swtpm:tcp:2321", false);
    CHECK(spec.kind == door_kind::swtpm);
    CHECK(spec.host == "127.0.0.1");
    CHECK(spec.port == 2321);
    CHECK_FALSE(spec.resource_manager);
    CHECK(parse_listen_spec("mssim:tcp:[::1]:2321", false).host == "::1");
    CHECK(parse_listen_spec("raw:tcp:10.0.0.1:2321", true).host == "10.0.0.1");
    CHECK(parse_listen_spec("pty:/tmp/tty", false).path == "/tmp/tty");
    CHECK_FALSE(parse_listen_spec("pty:/tmp/tty,open=shared", false).exclusive);
    CHECK(parse_listen_spec("raw:tcp:1,open=exclusive,device=tpm0", false).exclusive);
}

TEST_CASE("a door that cannot be is refused with the reason") {
    CHECK(listen_mistake("raw") == "--listen raw: expected raw:unix:PATH or raw:tcp:[HOST:]PORT");
    CHECK(listen_mistake("swtmp:unix:/x") ==
          "--listen swtmp:unix:/x: there is no kind of door 'swtmp'; there are raw, swtpm, mssim, attest, "
          "pty; did "
          "you mean 'swtpm'?");
    CHECK(listen_mistake("raw:unix:") == "--listen raw:unix:: the path is missing");
    CHECK(listen_mistake("raw:unix:/" + std::string(102, 'x'))
              .ends_with("the path is longer than 102 characters"));
    CHECK(listen_mistake("raw:tcp:65536") == "--listen raw:tcp:65536: '65536' is no port");
    CHECK(listen_mistake("mssim:tcp:65535") == "--listen mssim:tcp:65535: '65535' is no port");
    CHECK(listen_mistake("raw:tcp:0").ends_with("port 0 is no place that a client could know"));
    CHECK(listen_mistake("raw:tcp:example.org:1").ends_with("'example.org' is no numeric address"));
    CHECK(listen_mistake("raw:tcp:192.168.1.1:1")
              .ends_with("192.168.1.1 can be reached from other machines: --allow-remote permits that"));
    CHECK(listen_mistake("raw:unix:/x,mod=0600").ends_with("did you mean 'mode'?"));
    CHECK(listen_mistake("raw:unix:/x,mode=888").ends_with("'888' is no octal mode of a file"));
    CHECK(listen_mistake("raw:tcp:1,mode=600").ends_with("mode is for Unix sockets"));
    CHECK(listen_mistake("raw:unix:/x,device=tpm").ends_with("did you mean 'tpm0'?"));
    CHECK(listen_mistake("swtpm:unix:/x,device=tpmrm0")
              .starts_with("--listen swtpm:unix:/x,device=tpmrm0: a swtpm door cannot offer tpmrm0"));
    for (const std::string door :
         {"swtpm:unix:/x", "mssim:unix:/x", "attest:unix:/x", "raw:unix:/x,device=tpmrm0"})
        CHECK(listen_mistake(door + ",open=exclusive")
                  .ends_with("for tpm0 at raw and pty doors, where a connection is an open file"));
    CHECK(listen_mistake("pty:/x,open=exclusiv").ends_with("did you mean 'exclusive'?"));
    CHECK(listen_mistake(std::vector<std::string>{"swtpm:tcp:2321", "raw:tcp:2322"})
              .ends_with("port 2322 of 127.0.0.1 is taken by another "
                         "door"));
    CHECK(listen_mistake(std::vector<std::string>{"raw:unix:/x.ctrl", "swtpm:unix:/x"})
              .ends_with("/x.ctrl is taken by another door"));
}
