// What an idle connection costs: a stream and the coroutine that holds it, in bytes of the process.
#include "served_clients.hpp"

#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>

#include <support/child.hpp>
#include <support/coroutine_fixture.hpp>
#include <support/resident_memory.hpp>
#include <support/sanitized.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

class idle_connections_test : public testing::TestWithParam<backend_case> {
 protected:
  struct seen {
    std::atomic<int> port{0};
    std::atomic<std::size_t> connections{0};
    std::atomic<std::size_t> resident{0};
  };

  /// In a frame of its own, which is gone while the connection is idle.
  static task<bool> answer(stream& client, lease received) {
    transfer sent = co_await client.write_all(received);
    co_return bool(sent);
  }
  static task<> hold(stream client) {
    bool goes_on = true;
    while (goes_on) {
      result<lease> received = co_await client.read();
      goes_on = received && !received->empty();
      if (goes_on) goes_on = co_await answer(client, std::move(*received));
    }
  }

  /// In a child, until it is ended.
  static std::string holding_server(const loop_options& options, seen& told) {
    auto on = loop::create(options);
    if (!on) return on.error().message();
    const auto main = [&]() -> task<result<>> {
      result<listener> door = listener::bind(*address::ip("127.0.0.1", 0));
      if (!door) co_return fail(door.error());
      told.port = door->local_address().port();
      const auto body = [&](nursery& clients) -> task<result<>> {
        for (;;) {
          result<stream> client = co_await door->accept();
          if (!client) co_return fail(client.error());
          result<> spawned = co_await clients.spawn(hold(std::move(*client)));
          if (!spawned) co_return spawned;
          ++told.connections;
          told.resident = resident_bytes();
        }
      };
      co_return co_await with_nursery(nursery_options(10'000, nursery_policy::isolate), body);
    };
    return weir::run(**on, main()).error().message();
  }
};

TEST_P(idle_connections_test, that_have_echoed_once_take_little_more_than_a_kibibyte_each_heavy) {
  if (is_sanitized) GTEST_SKIP() << "sanitizers take memory of their own";
  if (GetParam().is_io_uring() && !why_no_io_uring().empty()) GTEST_SKIP() << why_no_io_uring();
  shared_with_children<seen> told;
  const loop_options options = GetParam().options();
  child_process server([&] { return holding_server(options, *told); });
  while (told->port == 0) std::this_thread::yield();
  const address at = *address::ip("127.0.0.1", static_cast<std::uint16_t>(told->port));

  std::vector<descriptor> clients;
  const auto connect_more = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(connect_blocking(at));
      ASSERT_EQ(asked(clients.back(), "hello"), "hello");
    }
    while (told->connections != clients.size()) std::this_thread::yield();
  };
  connect_more(500); // what is made once is made
  const std::size_t before_bytes = told->resident;
  constexpr std::size_t count = 4'000;
  connect_more(count);
  const std::size_t each_bytes = (told->resident - before_bytes) / count;
  EXPECT_LE(each_bytes, 1'200u) << "the benchmark, without assertions, wants 1,024";
  EXPECT_GT(each_bytes, 300u) << "not measured";
}

INSTANTIATE_TEST_SUITE_P(backends, idle_connections_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
