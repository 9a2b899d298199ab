// The ceiling of memory: clients that send as much as they can and read nothing do not push a server through
// it.
#include "served_clients.hpp"

#include <weir/runtime/limits.hpp>

#include <fcntl.h>
#include <support/child.hpp>
#include <support/coroutine_fixture.hpp>
#include <support/resident_memory.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

class limits_test : public testing::TestWithParam<backend_case> {
 protected:
  static limits tight() {
    limits bounds;
    bounds.connections_max = 200;
    bounds.receive_bytes_max = std::size_t{4} << 20;
    bounds.send_bytes_max = std::size_t{4} << 20;
    bounds.stream_credit_bytes = std::size_t{64} << 10;
    bounds.stream_send_bytes = std::size_t{32} << 10;
    return bounds;
  }

  struct seen {
    std::atomic<int> port{0};
    std::atomic<std::size_t> grown_bytes{0};
    std::atomic<bool> is_enough{false};
  };

  /// In a child.
  static std::string flooded_server(const loop_options& one, seen& told) {
    loop_group_options loops(1);
    loops.loop = one;
    server_options serving(placement::round_robin);
    tight().apply_to(loops, serving);
    serving.on_listening = [&](const address& at) { told.port = at.port(); };
    auto group = loop_group::start(loops);
    if (!group) return group.error().message();
    const std::size_t before_bytes = resident_bytes();
    forget_resident_peak();
    server echo(**group, *address::ip("127.0.0.1", 0), serving, echo_to);
    const auto run = [&] { return echo.run(); };
    std::thread serves([&] { [[maybe_unused]] result<> ended = (*group)->call(0, run); });
    while (!told.is_enough) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      told.grown_bytes = resident_peak_bytes() - before_bytes;
    }
    (*group)->request_stop();
    serves.join();
    return "";
  }
};

TEST_P(limits_test, adds_up_what_connections_can_make_it_hold) {
  const limits bounds = tight();
  EXPECT_EQ(bounds.memory_max_bytes(2), 2 * (std::size_t{8} << 20) + 200 * ((96u << 10) + 2048));
}

TEST_P(limits_test, those_who_send_and_never_read_do_not_push_a_server_through_its_ceiling_heavy) {
  if (GetParam().is_io_uring() && !why_no_io_uring().empty()) GTEST_SKIP() << why_no_io_uring();
  shared_with_children<seen> told;
  const loop_options one = GetParam().options();
  child_process server([&] { return flooded_server(one, *told); });
  while (told->port == 0) std::this_thread::yield();
  const address at = *address::ip("127.0.0.1", static_cast<std::uint16_t>(told->port));
  std::vector<descriptor> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(connect_blocking(at));
    ::fcntl(clients.back().get(), F_SETFL, O_NONBLOCK);
  }
  const std::vector<char> bytes(std::size_t{64} << 10);
  std::size_t sent = 0;
  constexpr int rounds = 300; // the first ones fill all that can be filled
  for (int round = 0; round < rounds; ++round) {
    for (const descriptor& each : clients) {
      const ssize_t count = ::send(each.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) sent += static_cast<std::size_t>(count);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_GT(sent, std::size_t{20} << 20) << "the flood is no flood";
  EXPECT_LT(told->grown_bytes, tight().memory_max_bytes(1));
  EXPECT_GT(told->grown_bytes, tight().memory_max_bytes(1) / 20) << "the ceiling says nothing";
  told->is_enough = true;
  EXPECT_EQ(server.report(), "");
}

INSTANTIATE_TEST_SUITE_P(backends, limits_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
