#include "scenarios/profiles/profile_reader.h"

#include <catch2/catch.hpp>

#include "scenarios/profiles/cost_fields.h"
#include "tests/scenarios/support.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

std::string cost_mistake(const std::string& text) {
    temporary_directory library;
    library.write("profiles/hypervisor/p.toml", text);
    try {
        read_cost_profile(library.path(), "hypervisor", "p", {"hypercall"}, {}, "machine.hypervisor");
        return "";
    } catch (const user_error& error) {
        return error.what();
    }
}

std::string chip_text() {
    return content_of(default_library() / "profiles/chips/slb9635.toml");
}

std::string chip_mistake(const std::string& text) {
    temporary_directory library;
    library.write("profiles/chips/c.toml", text);
    try {
        read_chip_profile(library.path(), "c", {}, "machine.chip");
        return "";
    } catch (const user_error& error) {
        return error.what();
    }
}

const std::string head = "name = \"p\"\ndescription = \"d\"\n";

}  // namespace

TEST_CASE("cost profiles give every figure with its source") {
    for (const char* category : {"hypervisor", "software"}) {
        std::vector<std::string> fields;
        if (category == std::string("hypervisor")) {
            for (const auto& field : hypervisor_cost_fields())
                fields.emplace_back(field.name);
        } else {
            for (const auto& field : software_cost_fields())
                fields.emplace_back(field.name);
        }
        std::vector<std::string> names = profile_names(default_library(), category);
        CHECK_FALSE(names.empty());
        for (const std::string& name : names) {
            INFO(name);
            for (const auto& [field, time] :
                 read_cost_profile(default_library(), category, name, fields, {}, "")) {
                INFO(field);
                CHECK(time.picoseconds > 0);
                CHECK(time.source.size() > 10);
            }
        }
    }
}

TEST_CASE("mistakes in a cost profile are reported with their line") {
    CHECK(cost_mistake(head + "hypercall = { value = \"1 us\", source = \"s\" }\n") == "");
    CHECK(cost_mistake(head) ==
          "profiles/hypervisor/p.toml: hypercall: missing; expected { value = \"5 ms\", source = \"...\" }");
    CHECK(cost_mistake(head + "hypercall = \"1 us\"\n") ==
          "profiles/hypervisor/p.toml:3: hypercall: expected { value = \"5 ms\", source = \"...\" }");
    CHECK(cost_mistake(head + "hypercall = { value = \"1 us\" }\n") ==
          "profiles/hypervisor/p.toml:3: hypercall: says no source; every figure has one");
    CHECK(cost_mistake(head + "hypercall = { value = \"1 us\", source = \"s\" }\nhypercal = 1\n") ==
          "profiles/hypervisor/p.toml:4: hypercal: unknown key; did you mean 'hypercall'?");
}

TEST_CASE("a chip profile becomes the chip's personality") {
    tpm::chip_profile chip = read_chip_profile(default_library(), "slb9635", {}, "machine.chip");
    CHECK(chip.name == "slb9635");
    CHECK(chip.did_vid == 0x000B15D1);
    CHECK(chip.burst_count == 8);
    CHECK(chip.bus == "lpc");
    CHECK(chip.version == tpm::family::tpm12);
    REQUIRE(chip.durations.contains(0x14));
    CHECK(chip.durations.at(0x14).kind == tpm::duration_model::shape::gaussian);
    CHECK(chip.durations.at(0x14).base == sc_core::sc_time(6.7, sc_core::SC_MS));
}

TEST_CASE("mistakes in a chip profile are reported") {
    CHECK(chip_mistake(chip_text()) == "");
    CHECK(chip_mistake(replaced(chip_text(), "burst_count", "burst_cuont"))
              .find("burst_cuont: unknown key; did you mean 'burst_count'?") != std::string::npos);
    CHECK(chip_mistake(replaced(chip_text(), "ordinal = \"TPM_Extend\"", "ordinal = \"TPM_Extent\""))
              .find("duration.ordinal: unknown command \"TPM_Extent\"") != std::string::npos);
    CHECK(chip_mistake(replaced(chip_text(), "ordinal = \"default\"", "ordinal = \"TPM_Sign\""))
              .find("no [[duration]] with ordinal = \"default\"") != std::string::npos);
    CHECK(chip_mistake(replaced(chip_text(), "shape = \"gaussian\"", "shape = \"round\""))
              .find("duration.shape: expected \"constant\", \"gaussian\" or \"gamma2\"") !=
          std::string::npos);
    CHECK(
        chip_mistake(replaced(chip_text(), "cr_abort = { value = \"idle\"", "cr_abort = { value = \"idel\""))
            .find("cr_abort: expected { value = \"idle\" or \"ready\" or \"ignored\"") != std::string::npos);
}
