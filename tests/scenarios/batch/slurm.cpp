#include "scenarios/batch/slurm.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "scenarios/schema/problem.h"
#include "tests/scenarios/batch/fake_slurm.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

TEST_CASE("sbatch gets an array and a job that waits for it") {
    slurm_submission what{"/a b/task.sh",         "vtwin it's", "small", 4, {0, 1, 2, 5}, {},
                          {"--time=10", "-Aacct"}};
    CHECK(sbatch_words(what) == words{"sbatch", "--parsable", "--job-name=vtwin it's", "--partition=small",
                                      "--time=10", "-Aacct", "--ntasks=1", "--cpus-per-task=4", "--chdir=/",
                                      "--output=/dev/null", "--error=/dev/null", "--array=0-2,5",
                                      "/a b/task.sh"});
    what = {"/m.sh", "vtwin x", "", 1, {}, 77, {}};
    CHECK(sbatch_words(what) == words{"sbatch", "--parsable", "--job-name=vtwin x", "--ntasks=1",
                                      "--cpus-per-task=1", "--chdir=/", "--output=/dev/null",
                                      "--error=/dev/null", "--dependency=afterany:77", "/m.sh"});
}

TEST_CASE("options for sbatch are passed on unless vtwin sets them itself") {
    CHECK(check_slurm_option("time=2:00:00") == "--time=2:00:00");
    CHECK(check_slurm_option("--qos=low") == "--qos=low");
    CHECK(check_slurm_option("-Agroup") == "-Agroup");
    CHECK(check_slurm_option("--comment=a --array=3") == "--comment=a --array=3");  // one word
    for (const char* ours :
         {"array=1-5", "--output=x", "-ox", "-a", "--dependency", "chdir=/x", "--wrap=id"}) {
        INFO(ours);
        CHECK_THROWS_WITH(check_slurm_option(ours), Catch::Contains("is set by vtwin itself"));
    }
    CHECK_THROWS_WITH(check_slurm_option("--partition=x"), Catch::Contains("--partition names it"));
    CHECK_THROWS_WITH(check_slurm_option("--"), Catch::Contains("expected an option of sbatch"));
}

TEST_CASE("partitions are found by name and by default and wrong ones get the nearest name") {
    const fake_slurm slurm;
    const auto standard = find_slurm_partition("");
    CHECK(standard.name == "small");
    CHECK(standard.idle == 6);
    CHECK(find_slurm_partition("small").standard);
    CHECK_THROWS_WITH(find_slurm_partition("smal"),
                      "--partition: no partition 'smal'; did you mean 'small'?; there are small, night");
    CHECK_THROWS_WITH(find_slurm_partition("night"), "--partition: 'night' takes no jobs now");
    slurm.command("sinfo", "#!/bin/sh\necho 'up|1/1/1/1|one'\n");
    CHECK_THROWS_WITH(find_slurm_partition(""),
                      "--partition: needed: no partition is the standard one; there are one");
}

TEST_CASE("a Slurm that is not there or does not answer is said so") {
    const fake_slurm slurm;
    CHECK_NOTHROW(check_slurm());
    slurm.command("scontrol", "#!/bin/sh\necho 'Slurmctld(primary) at host is DOWN'\nexit 1\n");
    CHECK_THROWS_WITH(check_slurm(),
                      "--engine slurm: no controller of Slurm (slurmctld) answers: "
                      "Slurmctld(primary) at host is DOWN");
    slurm.command("scontrol", "#!/bin/sh\necho 'scontrol: fatal: no config' >&2\nexit 1\n");
    CHECK_THROWS_WITH(check_slurm(), Catch::EndsWith("answers: scontrol: fatal: no config"));
    ::setenv("PATH", slurm.path().c_str(), 1);
    CHECK_THROWS_WITH(check_slurm(),
                      "--engine slurm: sbatch cannot be started (No such file or directory): "
                      "is Slurm installed here, and in PATH?");
}

TEST_CASE("a job's number comes back and a refusal in sbatch's words") {
    const fake_slurm slurm;
    const slurm_submission what{slurm.write("s", "exit 0\n"), "n", "", 1, {}, {}, {}};
    CHECK(submit(what) == 101);
    slurm.write("refuse.102", "");
    CHECK_THROWS_WITH(submit(what), "--engine slurm: sbatch takes no job: sbatch: error: no more jobs");
    slurm.command("sbatch", "#!/bin/sh\necho what\n");
    CHECK_THROWS_WITH(submit(what), Catch::Contains("takes no job"));
}

TEST_CASE("jobs are read as squeue shows them and others are left out") {
    const fake_slurm slurm;
    slurm.write("queue",
                "7|0|RUNNING|n1|None|vtwin a|b\n7|12|PENDING||Resources|vtwin a|b\n"
                "8|N/A|PENDING||Dependency|m\n9|N/A|RUNNING|n1|None|other\nnonsense\n");
    const auto jobs = jobs_of({7, 8});
    REQUIRE(jobs);
    REQUIRE(jobs->size() == 3);
    CHECK(jobs->at(0).task == 0);
    CHECK(jobs->at(0).name == "vtwin a|b");
    CHECK(jobs->at(1).task == 12);
    CHECK(jobs->at(1).reason == "Resources");
    CHECK_FALSE(jobs->at(2).task);
    CHECK(slurm.calls("squeue").at(0) == words{"squeue", "--noheader", "--all", "--array", "--states=all",
                                               "--user=" + std::to_string(::getuid()),
                                               "--format=%F|%K|%T|%N|%r|%j"});
    slurm.write("broken", "squeue\n");
    CHECK_FALSE(jobs_of({7}));
}

TEST_CASE("a job's state tells whether it lives and whether it failed") {
    slurm_job job;
    for (const char* live : {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED"}) {
        job.state = live;
        CHECK(job.live());
        CHECK_FALSE(job.failed());
    }
    for (const char* over : {"FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL"}) {
        job.state = over;
        CHECK_FALSE(job.live());
        CHECK(job.failed());
    }
    job.state = "COMPLETED";
    CHECK_FALSE(job.live());
    CHECK_FALSE(job.failed());
}

TEST_CASE("variables that change what Slurm is asked do not reach it") {
    const fake_slurm slurm;
    slurm.command("squeue", "#!/bin/sh\nenv >'" + slurm.path().string() + "/seen'\n");
    const words denied = {"SQUEUE_STATES", "SCANCEL_INTERACTIVE", "SINFO_PARTITION", "SBATCH_ARRAY_INX",
                          "SBATCH_WAIT",   "SLURM_CLUSTERS",      "SBATCH_CLUSTERS"};
    for (const auto& each : denied)
        ::setenv(each.c_str(), "x", 1);
    ::setenv("SBATCH_ACCOUNT", "mine", 1);
    REQUIRE(jobs_of({7}));
    const auto seen = '\n' + content_of(slurm.path() / "seen");
    for (const auto& each : denied)
        CHECK(seen.find('\n' + each + '=') == std::string::npos);
    CHECK(seen.find("\nSBATCH_ACCOUNT=mine\n") != std::string::npos);
}

TEST_CASE("the beginning of an option that vtwin sets is refused as sbatch would take it for that") {
    for (const char* ours : {"arr=1-5", "--out=x", "dep", "--wr=id", "--p=x", "--test"}) {
        INFO(ours);
        CHECK_THROWS_WITH(check_slurm_option(ours), Catch::Contains("is set by vtwin itself"));
    }
    CHECK(check_slurm_option("ntasks-per-node=1") == "--ntasks-per-node=1");
    CHECK(check_slurm_option("wait-all-nodes=1") == "--wait-all-nodes=1");
}
