#include "scenarios/batch/slurm_engine.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "scenarios/batch/parts.h"
#include "scenarios/campaign/database.h"
#include "scenarios/schema/problem.h"
#include "tests/scenarios/batch/fake_slurm.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;
namespace fs = std::filesystem;

namespace {

/// Ten lines; part i of n has the numbers that are i modulo n. A task writes its lines, the merge sorts them.
class fake_work : public sharded_work_if {
  public:
    explicit fake_work(fs::path out) : m_out(std::move(out)) {}
    std::string other;   ///< parts that do not fit
    std::string unseen;  ///< a part that cannot be looked into

    std::string name() const override { return "ten"; }
    const char* unit() const override { return "lines"; }
    fs::path out() const override { return m_out; }
    std::uint64_t missing() const override { return 10 - lines(m_out); }
    std::string resume_command() const override { return "ten again"; }
    std::string part_name(std::uint64_t part) const override { return fmt::format("part{}", part); }
    void split(const fs::path& folder, std::uint64_t parts) override {
        for (std::uint64_t i = 0; i < parts; ++i)
            std::ofstream(folder / part_name(i)) << "";
    }
    void check_part(const fs::path& folder, const shard& part) const override {
        if (part_name(part.index) == other)
            throw user_error({(folder / other).string(), 0}, "", "is of other work");
    }
    std::optional<count> count_of(const fs::path& folder, const shard& part) const override {
        if (part_name(part.index) == unseen)
            return std::nullopt;
        return count{lines(folder / part_name(part.index)), (10 - part.index + part.count - 1) / part.count};
    }
    std::vector<task_word> task(std::uint64_t parts, unsigned jobs) const override {
        return {{"sh"},
                {"-c"},
                {"echo \"jobs $2\"; seq $0 $1 9 >part$0"},
                {"", true},
                {std::to_string(parts)},
                {std::to_string(jobs)}};
    }
    std::vector<std::string> merge(std::uint64_t parts) const override {
        std::vector<std::string> words = {
            "sh", "-c",
            "test -e \"$0.block\" && { echo blocked; exit 2; }; "
            "test $(cat \"$@\" | wc -l) -eq 10 || { echo not all; exit 2; }; cat \"$@\" | sort >\"$0\"",
            m_out.string()};
        for (std::uint64_t i = 0; i < parts; ++i)
            words.push_back(part_name(i));
        return words;
    }
    static std::uint64_t lines(const fs::path& file) {
        return static_cast<std::uint64_t>(std::ranges::count(content_of(file), '\n'));
    }

  private:
    fs::path m_out;
};

struct engine_bench {
    fake_slurm slurm;
    temporary_directory folder;
    fs::path away = folder.path() / "it's \"50% $HOME\" \\a b";
    fake_work work{away / "out"};
    fs::path parts = away / "out.parts";
    slurm_options options;
    std::ostringstream out, err;

    engine_bench() {
        fs::create_directories(away);
        options.shards = 3;
    }
    slurm_end run() {
        out.str("");
        return run_by_slurm(work, options, out, err, false);
    }
    std::string mistake() {
        try {
            run();
            return "";
        } catch (const user_error& error) {
            return error.what();
        }
    }
    /// Arguments of sbatch that begin so, over all calls but "sbatch --version".
    std::vector<std::string> submitted(const std::string& start) const {
        std::vector<std::string> found;
        for (const auto& words : slurm.calls("sbatch"))
            for (const auto& word : words)
                if (word.starts_with(start))
                    found.push_back(word);
        return found;
    }
};

}  // namespace

TEST_CASE("work runs as an array and a merge and everything lies beside the output") {
    engine_bench world;
    world.options.jobs = 2;
    world.options.more = {"--time=10"};
    world.options.partition = "small";
    CHECK(world.run() == slurm_end::merged);
    CHECK(content_of(world.work.out()) == "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    CHECK(world.out.str() == "job 101: 3 of 3 parts, 2 processors each\njob 102: merges them into " +
                                 world.work.out().string() + "\n");
    CHECK(world.submitted("--array") == words{"--array=0-2"});
    CHECK(world.submitted("--dependency") == words{"--dependency=afterany:101"});
    CHECK(world.submitted("--cpus-per-task") == words{"--cpus-per-task=2", "--cpus-per-task=1"});
    CHECK(world.submitted("--job-name") == words{"--job-name=vtwin ten", "--job-name=vtwin ten"});
    CHECK(world.submitted("--partition").size() == 2);
    CHECK(world.submitted("--time=10").size() == 2);
    CHECK(content_of(world.parts / "task1.log").find("\njobs 2\n") != std::string::npos);
    CHECK(world.err.str().find("10/10 lines") != std::string::npos);
    CHECK(world.run() == slurm_end::merged);  // nothing left to do
    CHECK(world.submitted("--array").size() == 1);
}

TEST_CASE("a task that failed is named with its log and only it is submitted again") {
    engine_bench world;
    world.slurm.write("skip.1", "");
    const auto message = world.mistake();
    CHECK(message.find("out.parts/task1.log: task 1 of job 101 did not finish its part: FAILED on node7; it "
                       "left no log: does the node see ") != std::string::npos);
    CHECK(message.find("out: not finished; `ten again` runs what is missing") != std::string::npos);
    CHECK(message.find("task0") == std::string::npos);
    CHECK(world.err.str().find("task 1 of job 101: FAILED on node7; log: ") != std::string::npos);
    CHECK(content_of(world.parts / "merge.log").find("not all") != std::string::npos);
    CHECK_FALSE(fs::exists(world.work.out()));

    world.slurm.remove("skip.1");
    world.options.shards = 0;
    CHECK(world.run() == slurm_end::merged);
    CHECK(world.out.str().starts_with("job 103: 1 of 3 parts"));
    CHECK(world.submitted("--array") == words{"--array=0-2", "--array=1"});
    CHECK(world.work.missing() == 0);
}

TEST_CASE("a log's last line is told and a merge that failed is named when all parts are there") {
    engine_bench world;
    const auto block = world.work.out().string() + ".block";
    std::ofstream(block) << "";
    CHECK(
        world.mistake().find("out.parts/merge.log: job 102 did not merge the parts: FAILED on node7; its log "
                             "ends with: blocked") != std::string::npos);
    fs::remove(block);
    CHECK(world.run() == slurm_end::merged);
    CHECK(world.out.str().starts_with("job 103: merges them"));
    CHECK(world.submitted("--array").size() == 1);
    CHECK(world.submitted("--dependency").size() == 1);
}

TEST_CASE("without waiting the jobs are only submitted and later they are waited for and not doubled") {
    engine_bench world;
    world.slurm.write("hold", "");
    world.options.wait = false;
    CHECK(world.run() == slurm_end::submitted);
    CHECK(world.run() == slurm_end::submitted);
    CHECK(world.out.str() == "jobs 101 102 are there already\n");
    CHECK(world.submitted("--array").size() == 1);
    // The jobs of another Slurm, or of other work, that have these numbers do not count.
    world.slurm.write("queue", "101|N/A|RUNNING|n|None|vtwin other\n");
    world.slurm.remove("hold");
    world.options.wait = true;
    CHECK(world.run() == slurm_end::merged);
    CHECK(world.submitted("--array").size() == 2);
}

TEST_CASE("an interrupt ends the waiting and leaves or cancels the jobs as it was asked") {
    engine_bench world;
    world.slurm.write("hold", "");
    // The signal comes while jobs are waited for: in the first look, and behind the one that finds them.
    world.slurm.command("squeue", "#!/bin/sh\ncd '" + world.slurm.path().string() +
                                      "'\ncat queue\necho >>looks\n"
                                      "case $(wc -l <looks) in 1|3) kill -TERM $PPID ;; esac\n");
    CHECK(world.run() == slurm_end::interrupted);
    CHECK(world.err.str().find("jobs 101 102 go on; `ten again` waits for them again, `scancel 101 102` ends "
                               "them") != std::string::npos);
    CHECK(world.slurm.calls("scancel").empty());
    world.options.cancel_on_interrupt = true;
    CHECK(world.run() == slurm_end::interrupted);
    CHECK(world.slurm.calls("scancel") == std::vector<words>{{"scancel", "101", "102"}});
    CHECK(world.err.str().find("jobs 101 102 are cancelled; `ten again` goes on") != std::string::npos);
}

TEST_CASE("an array is cancelled when its merge cannot be submitted") {
    engine_bench world;
    world.slurm.write("refuse.102", "");
    CHECK(world.mistake() == "--engine slurm: sbatch takes no job: sbatch: error: no more jobs");
    CHECK(world.slurm.calls("scancel") == std::vector<words>{{"scancel", "101"}});
}

TEST_CASE("the number of parts follows from idle processors or is a usual one") {
    const auto parts_with = [](const std::string& sinfo, unsigned jobs) {
        engine_bench world;
        world.slurm.command("sinfo", "#!/bin/sh\necho '" + sinfo + "'\n");
        world.options.shards = 0;
        world.options.jobs = jobs;
        world.run();
        return world.submitted("--array").at(0);
    };
    CHECK(parts_with("up|2/6/0/8|small*", 2) == "--array=0-2");
    CHECK(parts_with("up|2/1/0/8|small*", 2) == "--array=0-9");  // usual: 16, and there are only 10 lines
    CHECK(parts_with("up|2/80/0/8|small*", 1) == "--array=0-9");
}

TEST_CASE("parts that do not fit are refused and what is no folder of parts is left alone") {
    engine_bench world;
    world.slurm.write("skip.1", "");
    world.mistake();
    world.options.shards = 4;
    CHECK(world.mistake().find("holds 3 parts; --shards 4 would need others") != std::string::npos);
    world.options.shards = 3;
    world.work.other = "part2";
    CHECK(world.mistake().find("out.parts/part2: is of other work") != std::string::npos);
    CHECK(world.submitted("--array").size() == 1);

    engine_bench other;
    fs::create_directories(other.parts);
    std::ofstream(other.parts / "diary") << "mine";
    CHECK(other.mistake().find("exists and holds no parts; it is left alone") != std::string::npos);
    CHECK_THROWS_WITH(remove_parts(other.work.out()), Catch::Contains("it is left alone"));
    CHECK(content_of(other.parts / "diary") == "mine");
}

TEST_CASE("without Slurm or with a wrong partition nothing is made") {
    engine_bench world;
    world.options.partition = "smalll";
    CHECK(world.mistake().find("did you mean 'small'?") != std::string::npos);
    CHECK_THROWS_AS(check_slurm_ready(world.options), user_error);
    world.slurm.write("broken", "scontrol\n");
    CHECK(world.mistake().find("no controller of Slurm") != std::string::npos);
    CHECK_FALSE(fs::exists(world.parts));
    CHECK(world.submitted("--array").empty());
}

TEST_CASE("parts are removed unless jobs still write there") {
    engine_bench world;
    CHECK_NOTHROW(remove_parts(world.work.out()));  // there are none
    world.slurm.write("hold", "");
    world.options.wait = false;
    world.run();
    CHECK_THROWS_WITH(remove_parts(world.work.out()),
                      Catch::EndsWith("jobs 101 102 still write there; `scancel 101 102` ends them"));
    CHECK(fs::exists(world.parts));
    world.slurm.remove("queue");
    remove_parts(world.work.out());
    CHECK_FALSE(fs::exists(world.parts));
}

TEST_CASE("parts stay while squeue does not tell who writes there") {
    engine_bench world;
    world.slurm.write("hold", "");
    world.options.wait = false;
    world.run();
    world.slurm.write("broken", "squeue\n");
    CHECK_THROWS_WITH(remove_parts(world.work.out()),
                      Catch::Contains("squeue does not tell whether jobs 101 102"));
    ::setenv("PATH", "/nowhere", 1);
    CHECK_THROWS_WITH(remove_parts(world.work.out()),
                      Catch::Contains("squeue does not tell whether jobs 101 102"));
    CHECK(fs::exists(world.parts));
}

TEST_CASE("who submits looks for jobs only when no other program is about to submit") {
    engine_bench world;
    world.slurm.write("hold", "");
    world.options.wait = false;
    world.run();
    std::array<int, 2> locked{}, end{};
    REQUIRE(::pipe(locked.data()) == 0);
    REQUIRE(::pipe(end.data()) == 0);
    const pid_t other = ::fork();
    if (other == 0) {
        const writer_lock alone(world.parts / "jobs");
        char c = 0;
        ::close(end[1]);
        (void)!::write(locked[1], &c, 1);
        (void)!::read(end[0], &c, 1);
        ::_exit(0);
    }
    char c = 0;
    REQUIRE(::read(locked[0], &c, 1) == 1);
    CHECK(world.mistake().find("another program is writing to it") != std::string::npos);
    ::close(end[1]);
    ::waitpid(other, nullptr, 0);
    CHECK(world.run() == slurm_end::submitted);
    CHECK(world.submitted("--array").size() == 1);
}

TEST_CASE("an array whose submitter was ended before the merge gets a merge and is not doubled") {
    engine_bench world;
    world.slurm.write("hold", "");
    world.options.wait = false;
    // The second sbatch ends vtwin, as the kernel or a user may.
    const auto real = content_of(world.slurm.path() / "bin/sbatch");
    world.slurm.command("sbatch", "#!/bin/sh\ntest \"$1\" = --version && exit 0\ncd '" +
                                      world.slurm.path().string() +
                                      "'\ntest -e second && { kill -KILL $PPID; exit 1; }\n: >second\n"
                                      "exec sh '" +
                                      world.slurm.write("real/sbatch", real) + "' \"$@\"\n");
    const pid_t other = ::fork();
    if (other == 0) {
        world.mistake();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(other, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    world.slurm.command("sbatch", real);
    CHECK(world.run() == slurm_end::submitted);
    CHECK(world.out.str().starts_with("job 101 is there already\njob 102: merges them into "));
    CHECK(world.submitted("--array").size() == 1);
    CHECK(world.submitted("--dependency") == words{"--dependency=afterany:101"});
    CHECK(world.run() == slurm_end::submitted);
    CHECK(world.out.str() == "jobs 101 102 are there already\n");
}

TEST_CASE("only what was submitted is cancelled and an error of scancel does not hide the first one") {
    {
        engine_bench world;
        world.slurm.write("refuse.101", "");
        // All parts are there: only a merge is submitted.
        parts(world.work).make(3);
        for (const auto& [part, text] :
             {std::pair{"part0", "0\n3\n6\n9\n"}, {"part1", "1\n4\n7\n"}, {"part2", "2\n5\n8\n"}})
            std::ofstream(world.parts / part) << text;
        CHECK(world.mistake() == "--engine slurm: sbatch takes no job: sbatch: error: no more jobs");
        CHECK(world.slurm.calls("scancel").empty());
    }
    engine_bench world;
    world.slurm.write("refuse.102", "");
    world.slurm.remove("bin/scancel");
    ::setenv("PATH", (world.slurm.path().string() + "/bin:/nowhere").c_str(), 1);
    world.slurm.command("sbatch",
                        "#!/bin/sh\nPATH=/bin:/usr/bin\n" + content_of(world.slurm.path() / "bin/sbatch"));
    CHECK(world.mistake() == "--engine slurm: sbatch takes no job: sbatch: error: no more jobs");
}

TEST_CASE("a part that cannot be seen counts with what was last seen of it") {
    engine_bench world;
    parts some(world.work);
    some.make(3);
    std::ofstream(world.parts / "part1") << "1\n4\n";
    CHECK(some.finished() == 2);
    CHECK(some.planned() == 10);
    world.work.unseen = "part1";
    CHECK(some.finished() == 2);
    CHECK(some.planned() == 10);
}
