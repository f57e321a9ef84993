// A guest that quotes by TPM_Quote2, and tpm-quote-tools that check what it left.
#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

TEST_CASE("tpm_verifyquote accepts the quotes of a run and refuses what was changed in them") {
    if (start({"tpm_verifyquote", "-v"}).code != 0) {
        WARN("SKIPPED: tpm_verifyquote is not installed");
        return;
    }
    temporary_directory folder;
    const fs::path out = folder.path() / "run", evidence = out / "evidence";
    const auto run = run_program(
        {"run", library_scenario("tampered_guest"), "--quiet", "--no-vcd", "--out", out.string()});
    INFO(run.out << run.err);
    REQUIRE(run.code == 0);
    const auto script = [&] { return start({"sh", (evidence / "verify.sh").string()}); };
    const auto good = script();
    INFO(good.out << good.err);
    REQUIRE(good.code == 0);
    for (const char* line :
         {"ok      guest1-1: quote over the nonce, by aik.pub", "ok      guest2-1: quote over the nonce\n",
          "ok      guest2-1: quote over the nonce, by aik.pub",
          "ok      guest2-1: quoted values are those of pcrs.txt",
          "ok      guest2-1: quote.values are those of pcrs.txt",
          "ok      guest2-1: quote.hash is of quote-info.bin",
          "ok      guest2-1: quote over nonce and values", "ok      guest2-1: quote over nonce and hash"})
        CHECK(contains(good.out, line));
    CHECK(content_of(evidence / "guest1-1/quote-info.bin").substr(4, 4) == "QUOT");
    CHECK(content_of(evidence / "guest2-1/quote-info.bin").substr(2, 4) == "QUT2");

    const std::size_t first_value = content_of(evidence / "guest2-1/quote.values").find('=') + 1;
    struct change {
        std::string name;
        std::size_t at;
        std::vector<std::string> said;
    };
    const std::vector<change> changes = {
        {"guest1-1/aik.pub", 100, {"guest1-1: quote over the nonce, by aik.pub"}},
        {"guest1-1/quote-info.bin", 20, {"guest1-1: quote over the nonce, by aik.pub"}},
        {"guest2-1/aik.pub", 100, {"guest2-1: quote over the nonce, by aik.pub"}},
        {"guest2-1/nonce.bin", 0, {"guest2-1: quoted values are those of pcrs.txt"}},
        {"guest2-1/nonce.bin", 19, {"guest2-1: quote over nonce and hash"}},
        {"guest2-1/quote.sig", 7, {"guest2-1: quote over nonce and values"}},
        {"guest2-1/quote-info.bin", 31, {"guest2-1: quote over the nonce, by aik.pub"}},
        {"guest2-1/quote.hash",
         31,
         {"guest2-1: quote over nonce and hash", "guest2-1: quote.hash is of quote-info.bin"}},
        {"guest2-1/quote.hash", 51, {"guest2-1: quote over nonce and hash"}},
        {"guest2-1/quote.values",
         first_value,
         {"guest2-1: quote over nonce and values", "guest2-1: quote.values are those of pcrs.txt"}},
        {"guest2-1/pcrs.txt", 8, {"guest2-1: quoted values are those of pcrs.txt"}}};
    for (const auto& [name, at, said] : changes) {
        INFO(name << " at " << at);
        flip(evidence / name, at);
        const auto refused = script();
        INFO(refused.out << refused.err);
        CHECK(refused.code == 1);
        for (const std::string& each : said)
            CHECK(contains(refused.out, "FAILED  " + each));
        flip(evidence / name, at);
    }
    const auto altered = [&] { return run_program({"verify", out.string()}); };
    CHECK(altered().code == 1);  // guest1 is not trusted
    for (const char* name : {"aik.pub", "quote.hash", "quote.values", "quote-info.bin", "quote.sig"}) {
        flip(evidence / "guest2-1" / name, 20);
        CHECK(contains(altered().out, std::string("ALTERED guest2-1/") + name + ':'));
        flip(evidence / "guest2-1" / name, 20);
    }
    CHECK(contains(altered().out, "evidence guest2-1: TRUSTED\n"));
}
