#include "async_test.hpp"

#include <weir/async/operation_awaiter.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/yield.hpp>

#include <array>
#include <source_location>

namespace weir {
namespace {

class operation_awaiter_test : public with_script<async_test> {
 protected:
  std::array<std::byte, 16> buffer_{};

  task<result<std::size_t>> receive() { co_return co_await async_receive(5, buffer_); }
  task<> complete(int outcome) {
    EXPECT_TRUE(backend().complete_oldest(outcome));
    co_return;
  }
};

TEST_F(operation_awaiter_test, gives_what_the_operation_gave) {
  auto main = [&]() -> task<result<std::size_t>> {
    auto [received, completed] = co_await when_all(receive(), complete(12));
    co_return received;
  };
  EXPECT_EQ(run(main()).value(), 12u);
}

TEST_F(operation_awaiter_test, gives_errors_with_the_name_of_the_operation) {
  auto main = [&]() -> task<result<std::size_t>> {
    auto [received, completed] = co_await when_all(receive(), complete(-ECONNRESET));
    co_return received;
  };
  const result<std::size_t> received = run(main());
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error(), std::errc::connection_reset);
  EXPECT_STREQ(received.error().operation(), "receive");
}

TEST_F(operation_awaiter_test, starts_nothing_in_a_cancelled_scope) {
  cancellation scope;
  scope.request();
  const result<std::size_t> received = run(receive(), &scope);
  EXPECT_TRUE(received.error().is_cancelled());
  EXPECT_EQ(on().counters().operations_started, 0u);
}

TEST_F(operation_awaiter_test, is_cancelled_with_its_scope) {
  cancellation scope;
  auto cancel = [&]() -> task<> {
    EXPECT_EQ(backend().oldest()->state(), operation_state::submitted);
    scope.request();
    EXPECT_EQ(on().outstanding(), 1u) << "cancelled, but not yet completed";
    co_return;
  };
  auto main = [&]() -> task<result<std::size_t>> {
    auto [received, cancelled] = co_await when_all(receive(), cancel());
    co_return received;
  };
  const result<std::size_t> received = run(main(), &scope);
  ASSERT_FALSE(received);
  EXPECT_TRUE(received.error().is_cancelled());
  EXPECT_STREQ(received.error().operation(), "receive");
}

TEST_F(operation_awaiter_test, delivers_a_success_that_races_with_its_cancellation) {
  cancellation scope;
  auto cancel = [&]() -> task<> {
    backend().succeed_at_cancel(3);
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<result<std::size_t>> {
    auto [received, cancelled] = co_await when_all(receive(), cancel());
    co_return received;
  };
  EXPECT_EQ(run(main(), &scope).value(), 3u);
}

TEST_F(operation_awaiter_test, delivers_a_success_when_the_cancellation_comes_after_the_completion) {
  cancellation scope;
  auto complete_and_cancel = [&]() -> task<> {
    EXPECT_TRUE(backend().complete_oldest(4));
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<result<std::size_t>> {
    auto [received, done] = co_await when_all(receive(), complete_and_cancel());
    co_return received;
  };
  EXPECT_EQ(run(main(), &scope).value(), 4u);
}

TEST_F(operation_awaiter_test, leaves_the_scope_when_it_has_ended) {
  cancellation scope;
  auto main = [&]() -> task<bool> {
    auto [received, completed] = co_await when_all(receive(), complete(1));
    scope.request(); // must reach nothing
    co_return received.has_value();
  };
  EXPECT_TRUE(run(main(), &scope));
}

TEST_F(operation_awaiter_test, says_where_it_is_awaited) {
  std::uint_least32_t line = 0;
  auto waits = [&]() -> task<> {
    line = std::source_location::current().line() + 1;
    result<std::size_t> received = co_await async_receive(5, buffer_);
    EXPECT_TRUE(received);
  };
  auto look = [&]() -> task<> {
    const std::source_location& where = backend().oldest()->started_from();
    EXPECT_EQ(where.line(), line);
    EXPECT_NE(std::string(where.file_name()).find("operation_awaiter_test"), std::string::npos);
    EXPECT_TRUE(backend().complete_oldest(1));
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(waits(), look()); };
  run(main());
}

TEST_F(operation_awaiter_test, resumes_from_the_completion_and_never_inside_the_start) {
  auto main = [&]() -> task<std::uint64_t> {
    const std::uint64_t started_in = on().counters().turns;
    result<> passed = co_await async_nop();
    EXPECT_TRUE(passed);
    co_return on().counters().turns - started_in;
  };
  EXPECT_EQ(run(main()), 1u);
}

} // namespace
} // namespace weir
