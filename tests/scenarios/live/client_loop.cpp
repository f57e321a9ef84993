// The loop between a guest and clients, with a wall clock that jumps to whatever comes next: what would take
// seconds takes none, and every time is exact.
#include "scenarios/live/client_loop.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>

using namespace vtwin::scenario::live;
using namespace std::chrono_literals;

namespace {

using wall_time = paced_clock::wall_time;

sc_core::sc_time ms(double value) {
    return {value, sc_core::SC_MS};
}

class jumping_clock final : public wall_clock_if {
  public:
    wall_time now() override { return m_now; }
    void call_at(asio::io_context& io, wall_time when, std::function<void()> then) override {
        m_due.emplace(when, std::move(then));
        if (!std::exchange(m_armed, true))
            wait(io, patience);
    }

  private:
    /// What is ready goes first: it takes a few turns until a coroutine that was woken has done its part.
    static constexpr int patience = 20;
    void wait(asio::io_context& io, int turns) {
        asio::post(io, [this, &io, turns] { turns > 0 ? wait(io, turns - 1) : jump(io); });
    }
    void jump(asio::io_context& io) {
        const auto first = m_due.extract(m_due.begin());
        m_now = std::max(m_now, first.key());
        first.mapped()();
        m_armed = !m_due.empty();
        if (m_armed)
            wait(io, patience);
    }

    bool m_armed = false;
    wall_time m_now = 1000s;
    std::multimap<wall_time, std::function<void()>> m_due;
};

/// A guest that takes its time for everything, as served_tpm does, and one beside it that counts
/// milliseconds.
struct bench {
    explicit bench(const char* pace_text) {
        auto clock = std::make_unique<jumping_clock>();
        wall = clock.get();
        loop.emplace(*parse_pace(pace_text), std::move(clock));
        loop->on_ready = [this] {
            ready_at = sc_core::sc_time_stamp();
            if (when_ready)
                when_ready();
        };
        loop->on_done = [this](const operation& what, const answer&, const sc_core::sc_time& asked_for) {
            heard.push_back(what.what);
            slept_to.push_back(asked_for);
        };
        sc_core::sc_spawn([this] { guest(); });
        sc_core::sc_spawn([this] {
            while (true) {
                sc_core::wait(ms(1));
                ++beside;
            }
        });
    }
    void guest() {
        sc_core::wait(ms(7));  // boots
        while (const auto item = loop->next()) {
            if (item->at > sc_core::sc_time_stamp())
                sc_core::wait(item->at - sc_core::sc_time_stamp());
            if (item->idle)
                continue;
            answer result;
            result.begun = sc_core::sc_time_stamp();
            sc_core::wait(takes);
            result.ended = sc_core::sc_time_stamp();
            result.what = outcome;
            begun.push_back(result.begun);
            loop->done(item->what, std::move(result));
        }
        ended_at = sc_core::sc_time_stamp();
        sc_core::sc_stop();
    }
    /// A client asks at that time after the doors' opening.
    void ask_at(wall_time after, operation::kind what = operation::kind::command) {
        wall->call_at(loop->io(), wall->now() + after, [this, what] { ask(what); });
    }
    void ask(operation::kind what = operation::kind::command) {
        asio::co_spawn(loop->io(), client(what), asio::detached);
    }
    asio::awaitable<void> client(operation::kind what) {
        operation asked;
        asked.what = what;
        const answer result = co_await loop->perform(std::move(asked));
        answered_at.push_back(wall->now());
        answers.push_back(result.what);
        if (when_answered)
            when_answered();
    }
    void run() {
        while (true) {
            sc_core::sc_start(ms(10));
            if (sc_core::sc_get_status() != sc_core::SC_PAUSED)
                return;
            loop->run_while_paused();
            if (loop->stopped())
                loop->close();
        }
    }

    jumping_clock* wall = nullptr;
    std::optional<client_loop> loop;
    sc_core::sc_time takes = ms(40), ready_at, ended_at;
    answer::status outcome = answer::status::done;
    std::function<void()> when_ready, when_answered;
    std::vector<sc_core::sc_time> begun, slept_to;
    std::vector<operation::kind> heard;
    std::vector<wall_time> answered_at;
    std::vector<answer::status> answers;
    int beside = 0;
};

}  // namespace

TEST_CASE("a paced operation begins at its moment and is answered when it is due") {
    bench b("2");
    b.when_ready = [&] {
        b.ask_at(1010ms);
        b.ask_at(1020ms);
    };
    b.when_answered = [&] {
        if (b.answers.size() == 2)
            b.loop->stop();
    };
    b.run();
    CHECK(b.ready_at == ms(7));
    // Twice as fast as the wall: 1.01 s are 2.02 s. The second one, of 2.04 s, comes when the first is done.
    REQUIRE(b.begun.size() == 2);
    CHECK(b.begun[0] == ms(7 + 2020));
    CHECK(b.begun[1] == ms(7 + 2060));
    CHECK(b.slept_to[0] == ms(7 + 2020));
    CHECK(b.slept_to[1] == ms(7 + 2020));  // it did not sleep again
    CHECK(b.answered_at == std::vector<wall_time>{1000s + 1030ms, 1000s + 1050ms});
}

TEST_CASE("a machine that nobody asks goes on with the wall clock unless its pace is free") {
    bench b("real");
    int seen = 0;
    b.when_ready = [&] {
        b.wall->call_at(b.loop->io(), b.wall->now() + 900ms, [&] { seen = b.beside; });
        b.wall->call_at(b.loop->io(), b.wall->now() + 1234ms, [&] { b.loop->stop(); });
    };
    b.run();
    // In steps of a tenth of a second; and what was idle when the session ended is simulated, too.
    CHECK(seen >= 800);
    CHECK(b.ended_at == ms(7 + 1234));
}

TEST_CASE("at a free pace time stands still while nobody asks") {
    bench b("free");
    int seen = -1;
    b.when_ready = [&] {
        b.ask_at(1h);
        b.ask_at(1h + 1ns);
        b.wall->call_at(b.loop->io(), b.wall->now() + 59min, [&] { seen = b.beside; });
    };
    b.when_answered = [&] {
        if (b.answers.size() == 2)
            b.loop->stop();
    };
    b.run();
    CHECK(seen <= 7);
    CHECK(b.begun == std::vector<sc_core::sc_time>{ms(7), ms(47)});
    CHECK(b.ended_at == ms(87));
}

TEST_CASE("when the doors close who waits is told so and what is under way is done and heard of") {
    bench b("free");
    b.when_ready = [&] {
        for (int i = 0; i < 3; ++i)
            b.ask();
    };
    sc_core::sc_spawn([&] {
        sc_core::wait(ms(20));  // amid the first operation
        CHECK(b.begun.empty());
        b.loop->stop();
    });
    b.run();
    CHECK(b.answers == std::vector{answer::status::closed, answer::status::closed});
    CHECK(b.heard.size() == 1);
    CHECK(b.ended_at == ms(47));
}

namespace {

asio::awaitable<void> never_ceases(asio::io_context& io, int& turns) {
    while (true) {
        ++turns;
        co_await asio::post(io, asio::use_awaitable);
    }
}

}  // namespace

TEST_CASE("a client that never ceases to ask does not keep the doors open") {
    bench b("free");
    int turns = 0;
    b.when_ready = [&] {
        asio::co_spawn(b.loop->io(), never_ceases(b.loop->io(), turns), asio::detached);
        b.wall->call_at(b.loop->io(), b.wall->now() + 1s, [&] { b.loop->stop(); });
    };
    b.run();
    CHECK(turns > 100);
    CHECK(turns < 10'000);
    CHECK(b.ended_at == ms(7));
}

TEST_CASE("a machine that could not be switched on is off") {
    using kind = operation::kind;
    bench b("free");
    std::vector<bool> powered;
    b.when_ready = [&] { b.ask(kind::power_off); };
    b.when_answered = [&] {
        powered.push_back(b.loop->powered());
        b.outcome = b.answers.size() == 1 ? answer::status::failed : answer::status::done;
        if (b.answers.size() < 3)
            b.ask(kind::power_on);
        else
            b.loop->stop();
    };
    b.run();
    CHECK(powered == std::vector{false, false, true});
    CHECK(b.answers == std::vector{answer::status::done, answer::status::failed, answer::status::done});
}
