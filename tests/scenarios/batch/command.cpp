#include "scenarios/batch/command.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>

#include "scenarios/batch/interruption.h"

using namespace vtwin::scenario;

TEST_CASE("a command gives its code and both of its outputs") {
    const auto got = run_command({"sh", "-c", "echo out; echo err >&2; exit 3"});
    CHECK(got.found);
    CHECK(got.code == 3);
    CHECK(got.out == "out\n");
    CHECK(got.err == "err\n");
    CHECK_FALSE(got.ok());
    CHECK(run_command({"true"}).ok());
    CHECK(run_command({"sh", "-c", "kill -9 $$"}).code == 137);
}

TEST_CASE("words reach a command as they are") {
    const std::vector<std::string> words = {"printf", "%s\n", "a b", "$HOME", "it's", "`id`", "\"", ""};
    CHECK(run_command(words).out == "a b\n$HOME\nit's\n`id`\n\"\n\n");
}

TEST_CASE("a command that is not there is told from one that fails") {
    const auto got = run_command({"/nowhere/at/all"});
    CHECK_FALSE(got.found);
    CHECK(got.err == "No such file or directory");
}

TEST_CASE("a command may say more than a pipe holds on both outputs") {
    const auto got = run_command({"sh", "-c", "seq 1 60000 >&2; seq 1 60000"});
    CHECK(got.out.size() == got.err.size());
    CHECK(got.out.ends_with("\n60000\n"));
}

TEST_CASE("an interruption ends the waiting and not the program and commands can still be ended") {
    interruption stop;
    CHECK(stop.wait(std::chrono::milliseconds(1)) == 0);
    ::raise(SIGINT);
    CHECK(stop.wait(std::chrono::hours(1)) == SIGINT);
    CHECK(stop.wait(std::chrono::milliseconds(1)) == 0);
    CHECK(run_command({"sh", "-c", "kill -TERM $$; sleep 100"}).code == 128 + SIGTERM);
}

TEST_CASE("a command has a process group of its own") {
    const auto got = run_command({"sh", "-c", "cut -d' ' -f5 /proc/$$/stat; echo $$"});
    CHECK(got.out.substr(0, got.out.find('\n') + 1) == got.out.substr(got.out.find('\n') + 1));
}

TEST_CASE("a command gets the environment but for variables that it must not have") {
    ::setenv("VTWIN_KEPT", "a=b", 1);
    ::setenv("VTWIN_DENIED", "c", 1);
    const std::vector<std::string> words = {"sh", "-c", "echo $VTWIN_KEPT $VTWIN_DENIED"};
    CHECK(run_command(words).out == "a=b c\n");
    CHECK(run_command(words, [](std::string_view name) { return name != "VTWIN_DENIED"; }).out == "a=b\n");
}
