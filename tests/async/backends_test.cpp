// Coroutines over real descriptors, the same on every backend.
#include <weir/async/event.hpp>
#include <weir/async/frame_pool.hpp>
#include <weir/async/operations.hpp>
#include <weir/async/run.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/async/yield.hpp>

#include <poll.h>
#include <support/loop_fixture.hpp>
#include <support/sockets.hpp>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::connection;
using test::transport;

class async_on_backend : public test::loop_fixture, public testing::WithParamInterface<test::backend_case> {
 protected:
  void SetUp() override { open(GetParam(), GetParam().options()); }
  void TearDown() override {
    EXPECT_EQ(frame_pool::frames_live(), 0u);
    loop_fixture::TearDown();
  }

  /// Runs it on the loop, but not for ever.
  template <class T>
  result<T> run(task<result<T>> main) {
    return weir::run(on(), with_deadline(std::chrono::nanoseconds(test::patience_ns), std::move(main)));
  }

  static task<result<std::size_t>> receive(int socket, std::span<std::byte> into) {
    co_return co_await async_receive(socket, into);
  }
  static task<result<>> send_all(int socket, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      result<std::size_t> sent = co_await async_send(socket, bytes);
      if (!sent) co_return fail(sent.error());
      bytes = bytes.subspan(*sent);
    }
    co_return co_await async_shutdown(socket, SHUT_WR);
  }
  static task<result<std::string>> receive_to_end(int socket) {
    std::string text;
    std::array<std::byte, 4096> buffer;
    for (;;) {
      result<std::size_t> received = co_await async_receive(socket, buffer);
      if (!received) co_return fail(received.error());
      if (*received == 0) break;
      text.append(reinterpret_cast<const char*>(buffer.data()), *received);
    }
    co_return text;
  }
  static task<result<>> echo(int socket) {
    std::array<std::byte, 1000> buffer;
    for (;;) {
      result<std::size_t> received = co_await async_receive(socket, buffer);
      if (!received) co_return fail(received.error());
      if (*received == 0) break;
      std::span<const std::byte> unsent(buffer.data(), *received);
      while (!unsent.empty()) {
        result<std::size_t> sent = co_await async_send(socket, unsent);
        if (!sent) co_return fail(sent.error());
        unsent = unsent.subspan(*sent);
      }
    }
    co_return co_await async_shutdown(socket, SHUT_WR);
  }
};

TEST_P(async_on_backend, echoes_more_than_the_sockets_hold) {
  const std::string text = test::pattern(3'000'000);
  const connection pair = test::connect_pair(transport::tcp);
  auto main = [&]() -> task<result<std::string>> {
    auto [sent, echoed, received] =
        co_await when_all(send_all(pair.ours.get(), std::as_bytes(std::span(text))), echo(pair.theirs.get()),
                          receive_to_end(pair.ours.get()));
    EXPECT_TRUE(sent && echoed);
    co_return std::move(received);
  };
  EXPECT_TRUE(run(main()).value() == text);
}

TEST_P(async_on_backend, connects_accepts_and_closes) {
  const test::listening_socket listener = test::listen_on(transport::tcp);
  auto main = [&]() -> task<result<>> {
    descriptor client = test::open_socket(transport::tcp);
    auto connects = [&]() -> task<result<>> {
      co_return co_await async_connect(client.get(), listener.to(), listener.address_bytes);
    };
    auto accepts = [&]() -> task<result<descriptor>> {
      co_return co_await async_accept(listener.socket.get());
    };
    auto [accepted, connected] = co_await when_all(accepts(), connects());
    EXPECT_TRUE(accepted && connected);
    if (!accepted || !connected) co_return fail(errc::closed);
    EXPECT_TRUE(test::is_non_blocking_and_close_on_exec(accepted->get()));
    result<> closed = co_await async_close(std::move(client));
    EXPECT_TRUE(closed);
    co_return co_await async_close(std::move(*accepted));
  };
  const result<> ended = run(main());
  EXPECT_TRUE(ended) << ended.error().message();
}

TEST_P(async_on_backend, a_read_that_timed_out_has_taken_nothing) {
  const connection pair = test::connect_pair(transport::tcp);
  std::array<std::byte, 16> buffer{};
  auto main = [&]() -> task<result<std::size_t>> {
    result<std::size_t> late = co_await with_deadline(1ms, receive(pair.ours.get(), buffer));
    EXPECT_TRUE(!late && late.error().is_timeout());
    test::send_text(pair.theirs.get(), "whole");
    co_return co_await async_receive(pair.ours.get(), buffer);
  };
  EXPECT_EQ(run(main()).value(), 5u);
}

TEST_P(async_on_backend, cancelling_while_data_arrives_loses_none) {
  constexpr int rounds = 300;
  const connection pair = test::connect_pair(transport::tcp);
  std::array<std::byte, 4> buffer{};
  auto main = [&]() -> task<result<std::size_t>> {
    std::size_t received_bytes = 0;
    for (int i = 0; i < rounds; ++i) {
      cancellation scope;
      auto receives = [&]() -> task<result<std::size_t>> {
        co_return co_await receive(pair.ours.get(), buffer).under(&scope);
      };
      auto sends_and_cancels = [&]() -> task<> {
        for (int turns = i % 3; turns > 0; --turns) {
          result<> passed = co_await yield();
          EXPECT_TRUE(passed);
        }
        if (i % 2 == 0) test::send_text(pair.theirs.get(), "x");
        if (i % 4 < 2) {
          result<> passed = co_await yield();
          EXPECT_TRUE(passed);
        }
        scope.request();
        if (i % 2 != 0) test::send_text(pair.theirs.get(), "y");
      };
      auto [received, done] = co_await when_all(receives(), sends_and_cancels());
      if (received) received_bytes += *received;
    }
    while (received_bytes < rounds) {
      result<std::size_t> received = co_await async_receive(pair.ours.get(), buffer);
      if (!received) co_return fail(received.error());
      received_bytes += *received;
    }
    co_return received_bytes;
  };
  EXPECT_EQ(run(main()).value(), std::size_t{rounds});
}

TEST_P(async_on_backend, a_cancelled_accept_leaks_no_connection) {
  const test::listening_socket listener = test::listen_on(transport::tcp);
  auto main = [&]() -> task<result<>> {
    for (int i = 0; i < 50; ++i) {
      cancellation scope;
      const descriptor client = test::open_socket(transport::tcp);
      auto accepts = [&]() -> task<result<descriptor>> {
        co_return co_await async_accept(listener.socket.get());
      };
      auto accepts_in_scope = [&]() -> task<result<descriptor>> {
        co_return co_await accepts().under(&scope);
      };
      auto connects_and_cancels = [&]() -> task<result<>> {
        result<> connected = co_await async_connect(client.get(), listener.to(), listener.address_bytes);
        scope.request();
        co_return connected;
      };
      auto [accepted, connected] = co_await when_all(accepts_in_scope(), connects_and_cancels());
      EXPECT_TRUE(connected);
      EXPECT_TRUE(accepted || accepted.error().is_cancelled());
    }
    co_return {};
  };
  EXPECT_TRUE(run(main())); // the fixture counts descriptors
}

TEST_P(async_on_backend, the_first_readable_of_two_wins) {
  const connection quiet = test::connect_pair(transport::local);
  const connection talks = test::connect_pair(transport::local);
  auto readable = [](int socket) -> task<result<std::uint32_t>> {
    co_return co_await async_poll(socket, POLLIN);
  };
  auto main = [&]() -> task<result<>> {
    test::send_text(talks.theirs.get(), "now");
    auto [first, ready] = co_await when_any(readable(quiet.ours.get()), readable(talks.ours.get()));
    EXPECT_EQ(first, 1u);
    EXPECT_TRUE(std::get<0>(ready).error().is_cancelled());
    EXPECT_TRUE(std::get<1>(ready).value() & POLLIN);
    co_return {};
  };
  EXPECT_TRUE(run(main()));
}

TEST_P(async_on_backend, a_nursery_serves_many_connections_and_ends_them) {
  constexpr std::size_t count = 50;
  std::vector<connection> pairs;
  for (std::size_t i = 0; i < count; ++i) pairs.push_back(test::connect_pair(transport::local));
  auto body = [&](nursery& children) -> task<result<>> {
    for (const connection& each : pairs) {
      result<> spawned = co_await children.spawn(echo(each.theirs.get()));
      if (!spawned) co_return fail(spawned.error());
    }
    std::array<std::byte, 8> answer{};
    for (const connection& each : pairs) {
      test::send_text(each.ours.get(), "ping");
      result<std::size_t> received = co_await async_receive(each.ours.get(), answer);
      EXPECT_EQ(received.value(), 4u);
    }
    children.cancel(); // all of them wait in a receive
    co_return {};
  };
  EXPECT_TRUE(run(with_nursery(nursery_options(count), body)));
}

TEST_P(async_on_backend, another_thread_wakes_a_coroutine) {
  struct setter : work {
    explicit setter(event& to_set)
        : work([](work& self) noexcept { static_cast<setter&>(self).target.set(); }), target(to_set) {}
    event& target;
  };
  event posted(event_reset::manual);
  setter sets(posted);
  auto main = [&]() -> task<result<>> {
    const std::jthread other([&] { EXPECT_TRUE(on().post(sets)); });
    co_return co_await posted.wait();
  };
  EXPECT_TRUE(run(main()));
}

INSTANTIATE_TEST_SUITE_P(backends, async_on_backend, testing::ValuesIn(test::all_backends()),
                         [](const auto& of) { return std::string(of.param.name); });

} // namespace
} // namespace weir
