// Clients that share a guest's TPM 2.0 through the resource manager of its kernel.
#include "tests/scenarios/end_to_end/packets.h"
#include "tests/scenarios/end_to_end/served_program.h"
#include "tests/scenarios/end_to_end/tool.h"

using namespace vtwin::scenario::test;

namespace {

// TPM2_HashSequenceStart of SHA-1, an object that costs nothing, and TPM2_GetCapability of loaded objects.
const std::string start_sequence =
                      "80010000000e000001860000"
                      "0004",
                  sequence = "80010000000e00000000", loaded = "8001000000160000017a00000001800000000000000f",
                  empty_list = "80010000001300000000000000000100000000", no_room = "80010000000a00000902";

}  // namespace

TEST_CASE("clients of the resource manager have objects of their own and leave none behind") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--listen", door(folder, "rm") + ",device=tpmrm0", "--listen",
                           door(folder, "m", "mssim"), "--listen", door(folder, "tpm0"), "--start", "clear"});
    const socket_client bare(folder.at("tpm0")), platform(folder.at("m") + ".ctrl");
    {
        const socket_client one(folder.at("rm")), two(folder.at("rm"));
        for (const std::string handle : {"80ffffff", "80fffffe", "80fffffd"}) {
            CHECK(one.ask(start_sequence) == sequence + handle);
            CHECK(two.ask(start_sequence) == sequence + handle);
        }
        CHECK(one.ask(start_sequence) == no_room);
        CHECK(bare.ask(loaded) == empty_list);
        CHECK(one.ask("80010000000a00000fff") == "80010000000a000b0143");
        CHECK(bare.ask("80010000000a00000fff") == "80010000000a00000143");
        CHECK(two.ask("80010000000e0000016580ffffff") == success20);  // flushed
        CHECK(two.ask("80010000000e0000016580ffffff") == failed20);   // -EINVAL of the kernel
        // Who has the TPM for himself takes the room that everybody needs.
        CHECK(bare.ask(start_sequence) == sequence + "80000000");
        CHECK(one.ask(loaded) == failed20);
        CHECK(bare.ask("80010000000e0000016580000000") == success20);
        CHECK(contains(one.ask(loaded), "0000000380ffffff80fffffe80fffffd"));
        // The power goes, and with it what the kernel had saved.
        CHECK(platform.ask("00000002") == done);
        CHECK(one.ask(loaded) == failed20);
        CHECK(platform.ask("00000001") == done);
        CHECK(bare.ask(startup20) == success20);
        CHECK(one.ask(loaded) == empty_list);
        CHECK(one.ask(start_sequence) == sequence + "80ffffff");
        CHECK(platform.ask("00000011") == done);  // reset
        CHECK(bare.ask(startup20) == success20);
        CHECK(one.ask(loaded) == empty_list);
    }
    const auto& ended = served.stop();
    INFO(ended.err);
    CHECK(ended.code == 0);
    const std::string table = content_of(served.path("run/commands.csv"));
    CHECK(contains(table, ",command,tpmrm0/1,0,00000186,"));
    CHECK(contains(table, ",close,tpmrm0/2,"));
}

TEST_CASE("tpm2-tools use more keys than the TPM has room for without a broker") {
    temporary_directory folder;
    served_program served({"tpm2_guest", "--listen", "pty:" + folder.at("tpmrm0") + ",device=tpmrm0",
                           "--listen", "pty:" + folder.at("tpm0"), "--start", "clear"});
    const auto run = [&](const std::string& device, const std::string& line) {
        return run_tool({"TPM2TOOLS_TCTI=device:" + folder.at(device)}, {"sh", "-ec", line},
                        folder.path().string());
    };
    const auto shared = run("tpmrm0",
                            "printf text > in\n"
                            "tpm2_createprimary -Q -G ecc -c primary.ctx\n"
                            "for i in 1 2 3 4 5; do\n"
                            "  tpm2_create -Q -C primary.ctx -G ecc -u pub$i -r priv$i -c key$i.ctx\n"
                            "done\n"
                            "for i in 1 2 3 4 5; do\n"
                            "  tpm2_sign -Q -c key$i.ctx -g sha256 -o sig$i in\n"
                            "  tpm2_verifysignature -Q -c key$i.ctx -g sha256 -m in -s sig$i\n"
                            "done\n"
                            // A policy session that lives in a file between the tools.
                            "tpm2_startauthsession --policy-session -S session.ctx\n"
                            "tpm2_policypcr -Q -S session.ctx -l sha256:16 -L policy\n"
                            "tpm2_create -Q -C primary.ctx -i in -L policy -u pub -r priv -c sealed.ctx\n"
                            "tpm2_unseal -p session:session.ctx -c sealed.ctx\n"
                            "tpm2_flushcontext session.ctx\n"
                            "tpm2_getcap handles-transient\n");
    INFO(shared.out << shared.err);
    CHECK(shared.code == 0);
    CHECK(shared.out == "text");
    const auto alone = run("tpm0", "for i in 1 2 3 4; do tpm2_createprimary -Q -G ecc -c bare$i.ctx; done");
    INFO(alone.err);
    CHECK(alone.code != 0);
    CHECK(contains(alone.err, "out of memory for object contexts"));
    CHECK(fs::exists(folder.at("bare3.ctx")));
    CHECK_FALSE(fs::exists(folder.at("bare4.ctx")));
    CHECK(served.stop().code == 0);
}

TEST_CASE("there is no resource manager for a TPM 1.2") {
    temporary_directory folder;
    const std::string path = folder.at("s");
    const auto refused = run_program({"serve", "deep_attestation", "--guest", "guest1", "--listen",
                                      door(folder) + ",device=tpmrm0", "--out", folder.at("run")});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "guest1 has a TPM 1.2, for which Linux has no /dev/tpmrm0: use device=tpm0"));
    CHECK_FALSE(fs::exists(path));
    CHECK_FALSE(fs::exists(folder.path() / "run"));
}
