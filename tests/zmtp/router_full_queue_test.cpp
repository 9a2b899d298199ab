// ROUTER when the queue of a peer is full: who waits, who does not, and what is dropped. Over unix-domain
// sockets, whose kernel queues are short.
#include <weir/io/system_calls.hpp>

#include <gtest/gtest.h>
#include <support/zmtp_peers.hpp>

#include <string>

namespace weir::zmtp {
namespace {

using namespace test;

class router_full_queue_test : public backend_test {
 protected:
  void SetUp() override {
    backend_test::SetUp();
    if (const std::string reason = why_no_sockets(weir::test::transport::local); !reason.empty())
      GTEST_SKIP() << reason;
  }
};

/// A peer that does not read: `fill` of it is what the kernel and the socket take until the sender waits.
task<wire_peer> join_stalled(std::string_view endpoint, std::string_view id) {
  wire_peer peer = co_await join(endpoint, "DEALER", id);
  const int small = 4096;
  calls().setsockopt(peer.number(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  co_return peer;
}

TEST_P(router_full_queue_test, waits_for_a_peer_whose_queue_is_full_and_holds_up_nobody_else) {
  run([&]() -> task<> {
    socket_options options = quick();
    options.send_hwm = 5;
    router ours(options);
    const std::string endpoint = bind_to(ours, any_ipc);
    wire_peer stalled = co_await join_stalled(endpoint, "stalled");
    wire_peer reads = co_await join(endpoint, "DEALER", "reads");
    co_await until([&] { return ours.connected() == 2; });

    const std::string body = pattern(50'000);
    std::size_t sent = 0;
    bool is_full = false;
    while (!is_full) {
      message out({"stalled", body});
      const auto attempt = [&]() -> task<result<>> { co_return co_await ours.send(out); };
      result<> outcome = co_await with_deadline(5ms, attempt());
      is_full = !outcome;
      EXPECT_EQ(parts_of(out), (parts{"stalled", body})) << "what was sent or not is left as it was";
      if (!is_full) ++sent;
    }
    co_await send(ours, "reads", "not held up");
    const parts other = co_await reads.read_message();
    EXPECT_EQ(other, parts{"not held up"});

    const auto send_more = [&]() -> task<> {
      for (int i = 0; i < 20; ++i) co_await send(ours, "stalled", "more " + std::to_string(i));
    };
    const auto read_all = [&]() -> task<> {
      for (std::size_t i = 0; i < sent; ++i) {
        const parts got = co_await stalled.read_message();
        EXPECT_TRUE(got == parts{body}) << "message " << i << " of " << sent;
      }
      for (int i = 0; i < 20; ++i) {
        const parts got = co_await stalled.read_message();
        EXPECT_EQ(got, parts{"more " + std::to_string(i)});
      }
    };
    co_await when_all(send_more(), read_all());
    EXPECT_EQ(ours.counters().messages_dropped, 0u);
    co_await close(ours);
  });
}

TEST_P(router_full_queue_test, drops_whole_messages_for_a_peer_whose_queue_is_full_when_told_to) {
  run([&]() -> task<> {
    socket_options options = quick();
    options.send_hwm = 5;
    options.when_full = full_policy::drop;
    router ours(options);
    wire_peer stalled = co_await join_stalled(bind_to(ours, any_ipc), "stalled");
    co_await until([&] { return ours.connected() == 1; });
    const std::string body = pattern(50'000);
    constexpr std::uint64_t all = 200;
    for (std::uint64_t i = 0; i < all; ++i) co_await send(ours, "stalled", body, std::to_string(i));
    const socket_counters& counters = ours.counters();
    EXPECT_GT(counters.messages_dropped, 0u);
    EXPECT_GE(counters.messages_sent, 5u);
    EXPECT_EQ(counters.messages_sent + counters.messages_dropped, all);
    int last = -1;
    for (std::uint64_t i = 0; i < counters.messages_sent; ++i) {
      const parts got = co_await stalled.read_message();
      EXPECT_EQ(got.size(), 2u);
      EXPECT_TRUE(got[0] == body);
      EXPECT_GT(std::stoi(got[1]), last);
      last = std::stoi(got[1]);
    }
    co_await close(ours);
  });
}

/// Who waits for room learns that there will be none.
TEST_P(router_full_queue_test, tells_a_waiting_sender_that_its_peer_has_gone) {
  run([&]() -> task<> {
    socket_options options = quick();
    options.send_hwm = 1;
    options.mandatory = true;
    router ours(options);
    wire_peer stalled = co_await join_stalled(bind_to(ours, any_ipc), "stalled");
    co_await until([&] { return ours.connected() == 1; });
    const std::string body = pattern(100'000);
    const auto send_until_it_fails = [&]() -> task<result<>> {
      result<> sent;
      while (sent) {
        message out({"stalled", body});
        sent = co_await ours.send(out);
      }
      co_return sent;
    };
    const auto leave = [&]() -> task<> {
      co_await turns(20);
      stalled.close();
    };
    auto [sent, left] = co_await when_all(send_until_it_fails(), leave());
    EXPECT_EQ(sent.error(), errc::unroutable);
    co_await close(ours);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, router_full_queue_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::zmtp
