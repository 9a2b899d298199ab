// Waiting for descriptors of others: on every backend, with deadlines, and across numbers that are used anew.
#include "pipe_of_test.hpp"

#include <weir/async/file_operations.hpp>
#include <weir/async/when_all.hpp>
#include <weir/os/readiness.hpp>

#include <support/coroutine_fixture.hpp>
#include <support/scratch_directory.hpp>

#include <algorithm>

namespace weir::test {
namespace {

using readiness_test = backend_test;

TEST_P(readiness_test, readable_waits_for_bytes_and_takes_none) {
  run([&]() -> task<> {
    const pipe_of_test foreign;
    auto write_later = [&]() -> task<> {
      co_await turns(3);
      foreign.put("hello");
    };
    auto [woken, written] = co_await when_all(readable(foreign.reader.get()), write_later());
    EXPECT_TRUE(woken);
    EXPECT_EQ(foreign.take(), "hello");
  });
}

TEST_P(readiness_test, writable_waits_for_room_in_a_socket) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::tcp);
    result<> at_once = co_await writable(pair.ours.get());
    EXPECT_TRUE(at_once);
    std::size_t left = fill(pair.ours.get());
    result<> full = co_await with_deadline(1ms, writable(pair.ours.get()));
    EXPECT_TRUE(!full && full.error().is_timeout());
    auto drain = [&]() -> task<> {
      while (left > 0) {
        result<> woken = co_await readable(pair.theirs.get());
        EXPECT_TRUE(woken);
        left -= std::min(left, read_available(pair.theirs.get()).size());
      }
    };
    auto [again, done] = co_await when_all(writable(pair.ours.get()), drain());
    EXPECT_TRUE(again);
  });
}

TEST_P(readiness_test, writable_waits_for_room_in_a_pipe) {
  if (const std::string reason = why_no_writable_pipe(); !reason.empty()) GTEST_SKIP() << reason;
  run([&]() -> task<> {
    const pipe_of_test foreign;
    result<> at_once = co_await writable(foreign.writer.get());
    EXPECT_TRUE(at_once);
    foreign.fill();
    result<> full = co_await with_deadline(1ms, writable(foreign.writer.get()));
    EXPECT_TRUE(!full && full.error().is_timeout());
    foreign.take(65536);
    result<> again = co_await writable(foreign.writer.get());
    EXPECT_TRUE(again);
  });
}

TEST_P(readiness_test, ready_tells_which) {
  run([&]() -> task<> {
    const connection pair = connect_pair(transport::tcp);
    constexpr readiness both = readiness::readable | readiness::writable;
    result<readiness> first = co_await ready(pair.ours.get(), both);
    EXPECT_TRUE(first && *first == readiness::writable);
    send_text(pair.theirs.get(), "x");
    result<> arrived = co_await readable(pair.ours.get());
    EXPECT_TRUE(arrived);
    result<readiness> second = co_await ready(pair.ours.get(), both);
    EXPECT_TRUE(second && *second == both);
  });
}

TEST_P(readiness_test, a_hangup_ends_the_wait) {
  run([&]() -> task<> {
    pipe_of_test foreign;
    auto hang_up = [&]() -> task<> {
      co_await turns(3);
      foreign.writer.reset();
    };
    auto [seen, done] = co_await when_all(ready(foreign.reader.get(), readiness::readable), hang_up());
    EXPECT_TRUE(seen && any(*seen & readiness::hangup));
  });
}

TEST_P(readiness_test, a_deadline_ends_the_wait_and_loses_nothing) {
  run([&]() -> task<> {
    const pipe_of_test foreign;
    result<> late = co_await with_deadline(1ms, readable(foreign.reader.get()));
    EXPECT_TRUE(!late && late.error().is_timeout());
    foreign.put("still here");
    result<> woken = co_await readable(foreign.reader.get());
    EXPECT_TRUE(woken);
    EXPECT_EQ(foreign.take(), "still here");
  });
}

TEST_P(readiness_test, of_what_is_not_open_is_an_error) {
  run([&]() -> task<> {
    pipe_of_test foreign;
    const int gone = foreign.reader.get();
    foreign.reader.reset();
    result<> refused = co_await readable(gone);
    EXPECT_TRUE(!refused && refused.error() == std::errc::bad_file_descriptor);
    EXPECT_STREQ(refused.error().operation(), "poll");
  });
}

TEST_P(readiness_test, of_a_regular_file_is_always_there) {
  run([&]() -> task<> {
    const scratch_directory place;
    const std::string path = place.write("regular", "text");
    result<descriptor> file = co_await async_open(AT_FDCWD, path.c_str(), O_RDONLY);
    EXPECT_TRUE(file);
    result<> woken = co_await readable(file->get());
    EXPECT_TRUE(woken);
  });
}

/// What libpq does when a host has several addresses: it closes the socket and gets the same number again,
/// within one of its calls.
TEST_P(readiness_test, of_a_number_that_was_closed_and_opened_anew_within_a_turn) {
  if (const std::string reason = why_no_chosen_number(); !reason.empty()) GTEST_SKIP() << reason;
  run([&]() -> task<> {
    for (int round = 0; round < 5; ++round) {
      pipe_of_test first;
      pipe_of_test second;
      first.put("x");
      const int number = first.reader.get();
      result<> woken = co_await readable(number);
      EXPECT_TRUE(woken);
      first.reader.reset();
      EXPECT_EQ(calls().fcntl(second.reader.get(), F_DUPFD_CLOEXEC, number), number);
      first.reader = descriptor(number);
      auto write_later = [&]() -> task<> {
        co_await turns(3);
        second.put("y");
      };
      auto [again, written] = co_await when_all(readable(number), write_later());
      EXPECT_TRUE(again);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(backends, readiness_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
