// Lines of real IMA lists: a Debian kernel's, whose template is ima-sig, and what is no line.
#include "models/remote/ima_log.h"

#include <catch2/catch.hpp>

#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

namespace {

// Linux 6.1 of Debian 12 in QEMU, ima_policy=tcb.
const std::string init =
    "10 88cc7cdc580dfe4df32b8bebf11d8a551746f087 ima-sig "
    "sha256:b945efdd54d8599d65b6215454a868ee130e50c6787adcea3242a295433bd4a0 /init ";

}  // namespace

TEST_CASE("an entry with template ima-sig hashes its signature too") {
    const auto entry = remote::parse_ima_line(init);
    REQUIRE(entry);
    CHECK(entry->path == "/init");
    CHECK(entry->template_name() == "ima-sig");
    CHECK(entry->signature == bytes{});
    CHECK(remote::sha1(entry->template_data()) == entry->template_hash);
    // The same line with a signature, and as ima-ng: other data.
    auto line = init + "030204";
    CHECK(remote::parse_ima_line(line)->signature == hex("030204"));
    CHECK(remote::sha1(remote::parse_ima_line(line)->template_data()) != entry->template_hash);
    line = init.substr(0, init.size() - 1);
    line.replace(line.find("ima-sig"), 7, "ima-ng");
    CHECK(remote::sha1(remote::parse_ima_line(line)->template_data()) != entry->template_hash);
}

TEST_CASE("a path of an IMA list may hold blanks and a signature nothing but hexadecimal") {
    const std::string start = init.substr(0, init.find("/init"));
    CHECK(remote::parse_ima_line(start + "/a file ")->path == "/a file");
    CHECK(remote::parse_ima_line(start + "/a file 0a")->path == "/a file");
    CHECK_FALSE(remote::parse_ima_line(start + "/init"));  // the blank in front of the signature is missing
    CHECK_FALSE(remote::parse_ima_line(start + "/init 0"));
    CHECK_FALSE(remote::parse_ima_line(start + "/init xy"));
    CHECK_FALSE(remote::parse_ima_line(start + " "));
    std::string other = init;
    other.replace(other.find("ima-sig"), 7, "ima-buf");
    CHECK_FALSE(remote::parse_ima_line(other));
}
