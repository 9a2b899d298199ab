#include "async_test.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/when_all.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace weir {
namespace {

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

class operations_test : public with_script<async_test> {
 protected:
  /// Awaits it while `outcome` completes what it started; gives the kind that the backend saw.
  template <class Outcome>
  std::pair<Outcome, operation_kind> run_with(task<Outcome> acts, int outcome) {
    auto complete = [&]() -> task<operation_kind> {
      const operation_kind kind = backend().oldest()->kind();
      EXPECT_TRUE(backend().complete_oldest(outcome));
      co_return kind;
    };
    auto main = [&]() -> task<std::pair<Outcome, operation_kind>> {
      auto [acted, kind] = co_await when_all(std::move(acts), complete());
      co_return std::pair<Outcome, operation_kind>(std::move(acted), kind);
    };
    return run(main());
  }

  std::array<std::byte, 8> bytes_{};
  sockaddr_storage address_{};
};

TEST_F(operations_test, nop) {
  auto main = []() -> task<result<>> { co_return co_await async_nop(); };
  EXPECT_TRUE(run(main()));
}

TEST_F(operations_test, accept_owns_the_connection) {
  const int connection = ::dup(STDERR_FILENO);
  auto act = []() -> task<result<descriptor>> { co_return co_await async_accept(3); };
  {
    auto [accepted, kind] = run_with(act(), connection);
    EXPECT_EQ(kind, operation_kind::accept);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->get(), connection);
    EXPECT_TRUE(is_open(connection));
  }
  EXPECT_FALSE(is_open(connection));
}

TEST_F(operations_test, accept_that_succeeds_while_it_is_cancelled_leaks_nothing) {
  const int connection = ::dup(STDERR_FILENO);
  cancellation scope;
  auto act = []() -> task<> {
    result<descriptor> ignored = co_await async_accept(3);
    EXPECT_TRUE(ignored);
  };
  auto cancel = [&]() -> task<> {
    backend().succeed_at_cancel(connection);
    scope.request();
    co_return;
  };
  auto main = [&]() -> task<> { co_await when_all(act(), cancel()); };
  run(main(), &scope);
  EXPECT_FALSE(is_open(connection));
}

TEST_F(operations_test, connect) {
  auto act = [&]() -> task<result<>> {
    co_return co_await async_connect(4, reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
  };
  auto [connected, kind] = run_with(act(), 0);
  EXPECT_EQ(kind, operation_kind::connect);
  EXPECT_TRUE(connected);
  auto [refused, again] = run_with(act(), -ECONNREFUSED);
  EXPECT_EQ(refused.error(), std::errc::connection_refused);
}

TEST_F(operations_test, receive_gives_zero_at_end_of_file) {
  auto act = [&]() -> task<result<std::size_t>> { co_return co_await async_receive(4, bytes_); };
  auto [received, kind] = run_with(act(), 0);
  EXPECT_EQ(kind, operation_kind::receive);
  EXPECT_EQ(received.value(), 0u);
}

TEST_F(operations_test, send_gives_the_count) {
  auto act = [&]() -> task<result<std::size_t>> { co_return co_await async_send(4, bytes_); };
  auto [sent, kind] = run_with(act(), 5);
  EXPECT_EQ(kind, operation_kind::send);
  EXPECT_EQ(sent.value(), 5u);
}

TEST_F(operations_test, a_send_without_a_copy_gives_the_count) {
  auto act = [&]() -> task<result<std::size_t>> { co_return co_await async_send_zero_copy(4, bytes_); };
  auto [sent, kind] = run_with(act(), 5);
  EXPECT_EQ(kind, operation_kind::send_zero_copy);
  EXPECT_EQ(sent.value(), 5u);
}

TEST_F(operations_test, poll_gives_the_mask) {
  auto act = [&]() -> task<result<std::uint32_t>> { co_return co_await async_poll(4, POLLIN | POLLOUT); };
  auto [ready, kind] = run_with(act(), POLLOUT | POLLHUP);
  EXPECT_EQ(kind, operation_kind::poll);
  EXPECT_EQ(ready.value(), static_cast<std::uint32_t>(POLLOUT | POLLHUP));
}

TEST_F(operations_test, shutdown) {
  auto act = [&]() -> task<result<>> { co_return co_await async_shutdown(4, SHUT_WR); };
  auto [ended, kind] = run_with(act(), -ENOTCONN);
  EXPECT_EQ(kind, operation_kind::shutdown);
  EXPECT_EQ(ended.error(), std::errc::not_connected);
}

TEST_F(operations_test, close_is_made_in_a_cancelled_scope_too) {
  cancellation scope;
  scope.request();
  const int open = ::dup(STDERR_FILENO);
  auto act = [&]() -> task<result<>> { co_return co_await async_close(descriptor(open)); };
  auto complete = [&]() -> task<> {
    EXPECT_EQ(backend().oldest()->kind(), operation_kind::close);
    EXPECT_EQ(backend().oldest()->descriptor(), open);
    EXPECT_TRUE(is_open(open)) << "the operation closes it, not the awaiter";
    EXPECT_TRUE(backend().complete_oldest(::close(open)));
    co_return;
  };
  auto main = [&]() -> task<result<>> {
    auto [closed, done] = co_await when_all(act(), complete());
    co_return closed;
  };
  EXPECT_TRUE(run(main(), &scope));
}

} // namespace
} // namespace weir
