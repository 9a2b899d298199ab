// Call-backs for each readiness: level-triggered, and safe against everything that they may do.
#include "noted_watch.hpp"
#include "pipe_of_test.hpp"

#include <support/allocations.hpp>
#include <support/coroutine_fixture.hpp>

#include <memory>
#include <string>

namespace weir::test {
namespace {

class watch_test : public backend_test {
 protected:
  void TearDown() override {
    foreign_.reader.reset();
    foreign_.writer.reset();
    backend_test::TearDown();
  }

  pipe_of_test foreign_;
};

TEST_P(watch_test, calls_for_as_long_as_something_is_left) {
  run([&]() -> task<> {
    noted_watch reads(foreign_.reader.get(), in);
    std::string got;
    reads.then = [&] { got += foreign_.take(2); };
    foreign_.put("abcdef");
    co_await until([&] { return got.size() == 6; });
    EXPECT_EQ(got, "abcdef");
    EXPECT_EQ(reads.calls, 3);
    EXPECT_EQ(reads.last, in);
    co_await turns(5);
    EXPECT_EQ(reads.calls, 3);
    foreign_.put("g");
    co_await until([&] { return got.size() == 7; });
  });
}

TEST_P(watch_test, follows_a_change_of_interest) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::tcp);
    noted_watch both(pair.ours.get(), in);
    co_await turns(3);
    EXPECT_EQ(both.calls, 0);
    both.watched.set_interest(in | out);
    co_await until([&] { return both.calls > 0; });
    EXPECT_EQ(both.last, out);
    both.watched.set_interest(in);
    co_await turns(2);
    const int before = both.calls;
    co_await turns(5);
    EXPECT_EQ(both.calls, before);
    send_text(pair.theirs.get(), "x");
    co_await until([&] { return both.last == in; });
  });
}

TEST_P(watch_test, is_silent_without_interest_though_readiness_was_known) {
  run([&]() -> task<> {
    noted_watch first(foreign_.reader.get(), in);
    noted_watch second(foreign_.reader.get(), in);
    // Both are told in one turn: whichever comes first silences the other.
    first.then = [&] {
      first.watched.set_interest(readiness::none);
      second.watched.set_interest(readiness::none);
    };
    second.then = first.then;
    foreign_.put("x");
    co_await until([&] { return first.calls + second.calls > 0; });
    co_await turns(5);
    EXPECT_EQ(first.calls + second.calls, 1);
    EXPECT_EQ(first.watched.interest(), readiness::none);
    first.watched.set_interest(in);
    co_await until([&] { return first.calls + second.calls == 2; });
  });
}

TEST_P(watch_test, may_be_destroyed_by_its_own_call) {
  run([&]() -> task<> {
    auto reads = std::make_unique<noted_watch>(foreign_.reader.get(), in);
    int calls = 0;
    reads->then = [&] {
      ++calls;
      reads.reset();
    };
    foreign_.put("x");
    co_await until([&] { return calls > 0; });
    co_await turns(5);
    EXPECT_EQ(calls, 1);
  });
}

TEST_P(watch_test, may_be_destroyed_by_the_call_of_another_in_the_same_turn) {
  run([&]() -> task<> {
    auto first = std::make_unique<noted_watch>(foreign_.reader.get(), in);
    auto second = std::make_unique<noted_watch>(foreign_.reader.get(), in);
    int calls = 0;
    first->then = [&] {
      ++calls;
      second.reset();
      first->watched.set_interest(readiness::none);
    };
    second->then = [&] {
      ++calls;
      first.reset();
      second->watched.set_interest(readiness::none);
    };
    foreign_.put("x");
    co_await until([&] { return calls > 0; });
    co_await turns(5);
    EXPECT_EQ(calls, 1);
  });
}

TEST_P(watch_test, gives_its_number_to_another_file_at_once) {
  if (const std::string reason = why_no_chosen_number(); !reason.empty()) GTEST_SKIP() << reason;
  run([&]() -> task<> {
    for (int round = 0; round < 5; ++round) {
      pipe_of_test next;
      auto reads = std::make_unique<noted_watch>(foreign_.reader.get(), in);
      const int number = foreign_.reader.get();
      bool is_replaced = false;
      reads->then = [&] {
        reads.reset();
        foreign_.reader.reset();
        EXPECT_EQ(calls().fcntl(next.reader.get(), F_DUPFD_CLOEXEC, number), number);
        reads = std::make_unique<noted_watch>(number, in);
        is_replaced = true;
      };
      foreign_.put("x");
      co_await until([&] { return is_replaced; });
      foreign_.reader = descriptor(number);
      co_await turns(3);
      EXPECT_EQ(reads->calls, 0);
      next.put("y");
      co_await until([&] { return reads->calls > 0; });
      reads.reset();
      foreign_.writer = std::move(next.writer);
      foreign_.take();
    }
  });
}

TEST_P(watch_test, released_and_taken_up_again_may_be_another_file) {
  if (const std::string reason = why_no_chosen_number(); !reason.empty()) GTEST_SKIP() << reason;
  run([&]() -> task<> {
    pipe_of_test next;
    const int number = foreign_.reader.get();
    noted_watch reads(number, in);
    reads.then = [&] {
      reads.watched.set_interest(readiness::none);
      foreign_.reader.reset();
      EXPECT_EQ(calls().fcntl(next.reader.get(), F_DUPFD_CLOEXEC, number), number);
      foreign_.reader = descriptor(number);
      reads.then = [&] { next.take(); };
      reads.watched.set_interest(in);
    };
    foreign_.put("x");
    co_await until([&] { return reads.calls == 1; });
    next.put("y");
    co_await until([&] { return reads.calls == 2; });
  });
}

TEST_P(watch_test, tells_nothing_of_the_file_that_had_the_number_before) {
  if (const std::string reason = why_no_chosen_number(); !reason.empty()) GTEST_SKIP() << reason;
  run([&]() -> task<> {
    pipe_of_test other;
    pipe_of_test next;
    noted_watch first(foreign_.reader.get(), in);
    noted_watch second(other.reader.get(), in);
    // Both are told in one turn: whichever comes first puts another file in the other's place.
    const auto replace = [&](noted_watch& known, descriptor& file) {
      known.then = [&] { next.take(); };
      known.watched.set_interest(readiness::none);
      const int number = file.get();
      file.reset();
      EXPECT_EQ(calls().fcntl(next.reader.get(), F_DUPFD_CLOEXEC, number), number);
      file = descriptor(number);
      known.watched.set_interest(in);
    };
    first.then = [&] {
      foreign_.take();
      replace(second, other.reader);
    };
    second.then = [&] {
      other.take();
      replace(first, foreign_.reader);
    };
    foreign_.put("x");
    other.put("x");
    co_await until([&] { return first.calls + second.calls > 0; });
    co_await turns(5);
    EXPECT_EQ(first.calls + second.calls, 1);
    next.put("y");
    co_await until([&] { return first.calls + second.calls == 2; });
  });
}

TEST_P(watch_test, tells_a_hangup_unasked) {
  run([&]() -> task<> {
    noted_watch reads(foreign_.reader.get(), in);
    reads.then = [&] { reads.watched.set_interest(readiness::none); };
    foreign_.writer.reset();
    co_await until([&] { return reads.calls > 0; });
    EXPECT_TRUE(any(reads.last & readiness::hangup));
  });
}

TEST_P(watch_test, of_what_is_not_open_fails_once) {
  run([&]() -> task<> {
    const int gone = foreign_.reader.get();
    foreign_.reader.reset();
    noted_watch reads(gone, in);
    co_await until([&] { return reads.calls > 0; });
    co_await turns(5);
    EXPECT_EQ(reads.calls, 1);
    EXPECT_EQ(reads.last, readiness::failed);
    EXPECT_EQ(reads.watched.interest(), readiness::none);
  });
}

TEST_P(watch_test, moves) {
  run([&]() -> task<> {
    int calls = 0;
    const auto count = [](void* sum, readiness) noexcept { ++*static_cast<int*>(sum); };
    watch first(foreign_.reader.get(), in, count, &calls);
    watch second = std::move(first);
    EXPECT_FALSE(first);
    foreign_.put("x");
    co_await until([&] { return calls > 0; });
    first = std::move(second);
    first = watch();
    const int before = calls;
    co_await turns(3);
    EXPECT_EQ(calls, before);
  });
}

TEST_P(watch_test, stands_in_its_lane) {
  run([&]() -> task<> {
    std::string order;
    watch_options late;
    late.lane = lane::background;
    watch_options early;
    early.lane = lane::urgent;
    noted_watch last(foreign_.reader.get(), in, late);
    noted_watch first(foreign_.reader.get(), in, early);
    last.then = [&] { order += 'b'; };
    first.then = [&] { order += 'u'; };
    foreign_.put("x");
    co_await until([&] { return order.size() >= 6; });
    EXPECT_EQ(order.substr(0, 6), "ububub");
  });
}

TEST_P(watch_test, costs_no_allocation_a_call) {
  run([&]() -> task<> {
    watch_options patient;
    patient.spin_turns = 1'000'000;
    const connection pair = connect_pair(transport::tcp);
    noted_watch idle(pair.ours.get(), out, patient);
    co_await until([&] { return idle.calls >= 10; });
    const std::uint64_t before = allocations_of_this_thread();
    co_await turns(100);
    EXPECT_GE(idle.calls, 100);
    EXPECT_LE(allocations_of_this_thread() - before, 1u) << "more than the frame of the wait itself";
  });
}

INSTANTIATE_TEST_SUITE_P(backends, watch_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
