// Watches that are called turn after turn: which are reported, and what the report may do.
#include "noted_watch.hpp"
#include "pipe_of_test.hpp"

#include <support/coroutine_fixture.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::test {
namespace {

std::optional<int> reported;
int reports = 0;
std::function<void()> at_report; ///< what the test wants when one is reported
void note_spinning(int descriptor) noexcept {
  reported = descriptor;
  ++reports;
  if (at_report) at_report();
}

class watch_spin_test : public backend_test {
 protected:
  void SetUp() override {
    backend_test::SetUp();
    reported.reset();
    reports = 0;
  }
  void TearDown() override {
    at_report = nullptr;
    foreign_.reader.reset();
    foreign_.writer.reset();
    backend_test::TearDown();
  }
  static watch_options spinning_after(std::size_t turns) {
    watch_options options;
    options.spin_turns = turns;
    options.on_spinning = &note_spinning;
    return options;
  }

  pipe_of_test foreign_;
};

TEST_P(watch_spin_test, that_spins_is_reported_once_with_its_number) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::tcp);
    noted_watch idle(pair.ours.get(), out, spinning_after(50));
    co_await until([&] { return idle.calls == 49; });
    EXPECT_FALSE(reported);
    co_await until([&] { return idle.calls > 200; });
    EXPECT_EQ(reported, pair.ours.get());
    EXPECT_EQ(reports, 1);
  });
}

TEST_P(watch_spin_test, may_be_destroyed_by_the_report_that_it_spins) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::tcp);
    auto idle = std::make_unique<noted_watch>(pair.ours.get(), out, spinning_after(50));
    at_report = [&] { idle.reset(); };
    co_await until([&] { return reports > 0; });
    co_await turns(5);
    EXPECT_EQ(reports, 1);
    EXPECT_FALSE(idle);
  });
}

TEST_P(watch_spin_test, follows_a_change_of_interest_by_the_report_that_it_spins) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::tcp);
    for (const readiness wanted : {out, in | out, in, readiness::none}) {
      reports = 0;
      noted_watch idle(pair.ours.get(), out, spinning_after(50));
      at_report = [&] { idle.watched.set_interest(wanted); };
      co_await until([&] { return reports > 0; });
      const int before = idle.calls;
      co_await turns(5);
      EXPECT_EQ(idle.watched.interest(), wanted);
      EXPECT_EQ(idle.calls > before, any(wanted & out));
    }
  });
}

TEST_P(watch_spin_test, that_leaves_a_hangup_unanswered_spins) {
  run([&]() -> task<> {
    noted_watch deaf(foreign_.reader.get(), in, spinning_after(50));
    foreign_.writer.reset();
    co_await until([&] { return deaf.calls > 50; });
    EXPECT_EQ(reported, foreign_.reader.get());
  });
}

TEST_P(watch_spin_test, that_takes_a_byte_a_turn_does_not_spin) {
  run([&]() -> task<> {
    foreign_.put(std::string(300, 'x'));
    noted_watch slow(foreign_.reader.get(), in, spinning_after(50));
    slow.then = [&] { foreign_.take(1); };
    co_await until([&] { return slow.calls == 300; });
    EXPECT_FALSE(reported);
  });
}

TEST_P(watch_spin_test, that_sends_as_much_as_it_takes_does_not_spin) {
  if (const std::string reason = why_no_sockets(transport::local); !reason.empty()) GTEST_SKIP() << reason;
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::local);
    const auto unsent = [&] {
      int bytes = 0; // as the kernel counts them: more than were sent
      EXPECT_EQ(calls().ioctl(pair.ours.get(), TIOCOUTQ, &bytes), 0);
      return static_cast<std::size_t>(bytes);
    };
    send_text(pair.theirs.get(), std::string(50'000, 'x'));
    noted_watch busy(pair.ours.get(), in, spinning_after(20));
    busy.then = [&] {
      const std::size_t before = unsent();
      send_text(pair.ours.get(), "y");
      std::string taken(unsent() - before, '\0');
      EXPECT_EQ(calls().recv(pair.ours.get(), taken.data(), taken.size(), 0), std::ssize(taken));
    };
    co_await until([&] { return busy.calls == 30; });
    EXPECT_FALSE(reported);
  });
}

TEST_P(watch_spin_test, that_pauses_does_not_spin) {
  run([&]() -> task<> {
    noted_watch slow(foreign_.reader.get(), in, spinning_after(50));
    slow.then = [&] {
      if (slow.calls % 40 == 0) foreign_.take();
    };
    for (int round = 1; round <= 5; ++round) {
      foreign_.put("x");
      co_await until([&] { return slow.calls == 40 * round; });
      co_await turns(2);
    }
    EXPECT_FALSE(reported);
  });
}

TEST(report_spinning, names_the_descriptor_where_there_are_assertions) {
  testing::internal::CaptureStderr();
  report_spinning(77);
  const std::string text = testing::internal::GetCapturedStderr();
#ifdef NDEBUG
  EXPECT_EQ(text, "");
#else
  EXPECT_NE(text.find("descriptor 77 spins"), std::string::npos) << text;
#endif
}

INSTANTIATE_TEST_SUITE_P(backends, watch_spin_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
