#include "datagram_ends.hpp"

#include <weir/async/sleep.hpp>
#include <weir/io/system_calls.hpp>

#include <support/allocations.hpp>
#include <support/datagrams.hpp>

#include <array>

namespace weir::test {
namespace {

using udp_socket_test = backend_test;

TEST_P(udp_socket_test, receives_what_is_sent_with_its_address) {
  run([&]() -> task<> {
    udp_pair pair;
    for (const char* text : {"first", "", "third"}) {
      result<void> sent = co_await pair.theirs.send_to(bytes_of(text), pair.our_address);
      EXPECT_TRUE(sent);
      result<datagram> came = co_await pair.ours.receive();
      EXPECT_EQ(text_of(came.value().bytes), text);
      EXPECT_EQ(came->from.to_string(), pair.their_address.to_string());
      EXPECT_FALSE(came->is_truncated);
      EXPECT_FALSE(came->to.has_value());
    }
    EXPECT_FALSE(pair.ours.try_receive());
  });
}

TEST_P(udp_socket_test, over_ipv6_does_the_same) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "hosts have no IPv6 loopback";
  const auto at = address::ip("::1", 0);
  run([&]() -> task<> {
    udp_options telling;
    telling.tells_destination = true;
    telling.tells_traffic_class = true;
    udp_options marking;
    marking.traffic_class = 0x02; // ECT(0)
    result<udp_socket> ours = udp_socket::bind(*at, telling), theirs = udp_socket::bind(*at, marking);
    if (!ours) co_return; // a machine without IPv6
    result<void> sent = co_await theirs->send_to(bytes_of("six"), ours->local_address().value());
    EXPECT_TRUE(sent);
    result<datagram> came = co_await ours->receive();
    EXPECT_EQ(text_of(came.value().bytes), "six");
    EXPECT_EQ(came->to.value().host(), "::1");
    EXPECT_EQ(came->ecn(), 2);
  });
}

TEST_P(udp_socket_test, tells_where_a_datagram_arrived_when_asked) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "IP_PKTINFO is not simulated";
  run([&]() -> task<> {
    udp_options telling;
    telling.tells_destination = true;
    telling.tells_traffic_class = true;
    udp_options marking;
    marking.traffic_class = 0xb9; // EF, ECT(1)
    udp_socket ours = udp_socket::bind(address::ip("*", 0).value(), telling).value();
    udp_socket theirs = udp_socket::bind(loopback_port(), marking).value();
    const address to = address::ip("127.0.0.5", ours.local_address().value().port()).value();
    result<void> sent = co_await theirs.send_to(bytes_of("x"), to);
    EXPECT_TRUE(sent);
    result<datagram> came = co_await ours.receive();
    EXPECT_EQ(came.value().to.value().host(), "127.0.0.5");
    EXPECT_EQ(came->interface_index, 1u);
    EXPECT_EQ(came->traffic_class, 0xb9);
    EXPECT_EQ(came->ecn(), 1);
  });
}

TEST_P(udp_socket_test, marks_what_is_longer_than_a_slot) {
  loop_options small = options();
  small.buffers.slot_bytes = 4096;
  reopen(small);
  run([&]() -> task<> {
    udp_pair pair;
    result<void> sent = co_await pair.theirs.send_to(bytes_of(pattern(6000)), pair.our_address);
    EXPECT_TRUE(sent);
    result<datagram> came = co_await pair.ours.receive();
    EXPECT_TRUE(came.value().is_truncated);
    EXPECT_GT(came->bytes.size(), 3800u);
    EXPECT_TRUE(pattern(6000).starts_with(text_of(came->bytes)));
    sent = co_await pair.theirs.send_to(bytes_of("next"), pair.our_address);
    std::string next = co_await next_text(pair.ours);
    EXPECT_EQ(next, "next");
  });
}

TEST_P(udp_socket_test, that_is_connected_hears_its_peer_only) {
  run([&]() -> task<> {
    udp_pair strangers;
    udp_socket peer = udp_socket::bind(loopback_port()).value();
    udp_socket ours = udp_socket::connect(peer.local_address().value()).value();
    const address our_address = ours.local_address().value();
    result<void> sent = co_await ours.send(bytes_of("hello"));
    EXPECT_TRUE(sent);
    std::string heard = co_await next_text(peer);
    EXPECT_EQ(heard, "hello");
    sent = co_await strangers.ours.send_to(bytes_of("noise"), our_address);
    EXPECT_TRUE(peer.try_send_to(bytes_of("answer"), our_address));
    heard = co_await next_text(ours);
    EXPECT_EQ(heard, "answer");
    EXPECT_TRUE(ours.connect_to(strangers.our_address));
    EXPECT_TRUE(ours.try_send(bytes_of("you then")));
    heard = co_await next_text(strangers.ours);
    EXPECT_EQ(heard, "you then");
  });
}

TEST_P(udp_socket_test, reports_that_nobody_is_there_and_goes_on) {
  run([&]() -> task<> {
    udp_socket gone = udp_socket::bind(loopback_port()).value();
    const address where = gone.local_address().value();
    gone = udp_socket();
    auto is_free = [&] {
      const descriptor probe(calls().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      return calls().bind(probe.get(), where.raw(), where.raw_bytes()) == 0;
    };
    co_await until(is_free); // the close takes a turn
    udp_socket ours = udp_socket::connect(where).value();
    for (int round = 0; round < 2; ++round) {
      result<void> sent = co_await ours.send(bytes_of("anybody?"));
      EXPECT_TRUE(sent);
      result<datagram> answer = co_await ours.receive();
      EXPECT_EQ(answer.error(), std::errc::connection_refused);
    }
    udp_socket heir = udp_socket::bind(where).value();
    const address back = ours.local_address().value();
    result<void> sent = co_await heir.send_to(bytes_of("I am here now"), back);
    EXPECT_TRUE(sent);
    std::string heard = co_await next_text(ours);
    EXPECT_EQ(heard, "I am here now");
  });
}

TEST_P(udp_socket_test, at_its_bound_pauses_and_goes_on_at_half) {
  loop_options slow = options();
  slow.io.quantum_bytes = 16; // else one turn may take all that has come, whatever the bound
  reopen(slow);
  run([&]() -> task<> {
    udp_options small;
    small.queue_max = 4;
    udp_pair pair(small);
    constexpr int count = 100;
    for (int number = 0; number < count; ++number)
      EXPECT_TRUE(pair.theirs.try_send_to(bytes_of(std::to_string(number)), pair.our_address));
    co_await turns(10);
    EXPECT_GT(unread_bytes(pair.ours.native_handle()), 0u) << "the rest waits in the kernel";
    for (int number = 0; number < count; ++number) {
      std::string text = co_await next_text(pair.ours);
      EXPECT_EQ(text, std::to_string(number));
    }
    EXPECT_EQ(pair.ours.losses().dropped, 0u);
    EXPECT_EQ(pair.ours.losses().kernel_dropped, 0u);
  });
}

TEST_P(udp_socket_test, at_its_bound_drops_as_it_is_told_and_counts) {
  for (const auto policy : {when_queue_is_full::drop_oldest, when_queue_is_full::drop_newest}) {
    run([&]() -> task<> {
      udp_options small;
      small.queue_max = 3;
      small.at_bound = policy;
      udp_pair pair(small);
      for (int number = 0; number < 10; ++number)
        EXPECT_TRUE(pair.theirs.try_send_to(bytes_of(std::to_string(number)), pair.our_address));
      co_await until([&] { return pair.ours.losses().dropped == 7; });
      std::string heard;
      for (int number = 0; number < 3; ++number) {
        std::string text = co_await next_text(pair.ours);
        heard += text;
      }
      EXPECT_EQ(heard, policy == when_queue_is_full::drop_oldest ? "789" : "012");
      EXPECT_FALSE(pair.ours.try_receive());
    });
  }
}

TEST_P(udp_socket_test, counts_what_the_kernel_dropped) {
  run([&]() -> task<> {
    udp_options small;
    small.queue_max = 1;
    small.receive_buffer_bytes = 4096;
    udp_pair pair(small);
    const std::string text = pattern(1000);
    for (int number = 0; number < 200; ++number)
      EXPECT_TRUE(pair.theirs.try_send_to(bytes_of(text), pair.our_address));
    co_await turns(10);
    EXPECT_GT(pair.ours.losses().kernel_dropped, 100u);
    EXPECT_EQ(pair.ours.losses().dropped, 0u);
  });
}

TEST_P(udp_socket_test, that_lags_behind_shares_slots_among_small_datagrams) {
  run([&]() -> task<> {
    udp_options deep;
    deep.queue_max = 500;
    udp_pair pair(deep);
    co_await turns(3);
    const std::size_t before = on().buffers().slots_in_use();
    for (int number = 0; number < 100; ++number)
      EXPECT_TRUE(pair.theirs.try_send_to(bytes_of(pattern(200)), pair.our_address));
    co_await until([&] { return unread_bytes(pair.ours.native_handle()) == 0; });
    EXPECT_LE(on().buffers().slots_in_use(), before + 5);
    std::vector<datagram> held;
    while (std::optional<datagram> next = pair.ours.try_receive()) held.push_back(std::move(*next));
    EXPECT_EQ(held.size(), 100u);
    for (const datagram& each : held) EXPECT_EQ(text_of(each.bytes), pattern(200));
  });
}

TEST_P(udp_socket_test, gives_several_at_once) {
  run([&]() -> task<> {
    udp_pair pair;
    for (int number = 0; number < 20; ++number)
      EXPECT_TRUE(pair.theirs.try_send_to(bytes_of(std::to_string(number)), pair.our_address));
    co_await until([&] { return unread_bytes(pair.ours.native_handle()) == 0; });
    std::array<datagram, 16> some;
    int expected = 0;
    while (expected < 20) {
      result<std::size_t> count = co_await pair.ours.receive_some(some);
      EXPECT_GE(count.value(), 1u);
      for (std::size_t i = 0; i < *count; ++i) EXPECT_EQ(text_of(some[i].bytes), std::to_string(expected++));
    }
  });
}

TEST_P(udp_socket_test, cancelled_takes_nothing) {
  run([&]() -> task<> {
    udp_pair pair;
    result<datagram> none = co_await with_deadline(1ms, pair.ours.receive());
    EXPECT_TRUE(none.error().is_timeout());
    EXPECT_TRUE(pair.theirs.try_send_to(bytes_of("kept"), pair.our_address));
    std::string heard = co_await next_text(pair.ours);
    EXPECT_EQ(heard, "kept");
  });
}

TEST_P(udp_socket_test, may_be_destroyed_while_datagrams_and_sends_are_under_way) {
  run([&]() -> task<> {
    udp_pair pair;
    EXPECT_TRUE(pair.theirs.try_send_to(bytes_of("never read"), pair.our_address));
    auto send = [&]() -> task<result<void>> {
      co_return co_await pair.ours.send_to(bytes_of("still sent"), pair.their_address);
    };
    auto destroy = [&]() -> task<> {
      pair.ours = udp_socket();
      co_return;
    };
    auto [sent, done] = co_await when_all(send(), destroy());
    EXPECT_TRUE(sent);
    std::string heard = co_await next_text(pair.theirs);
    EXPECT_EQ(heard, "still sent");
  });
}

TEST_P(udp_socket_test, in_steady_state_allocates_nothing) {
  run([&]() -> task<> {
    udp_pair pair;
    const std::string text(64, 'x');
    std::uint64_t before = 0;
    for (int round = 0; round < 600; ++round) {
      if (round == 100) before = allocations_of_this_thread();
      result<void> sent = co_await pair.theirs.send_to(bytes_of(text), pair.our_address);
      result<datagram> came = co_await pair.ours.receive();
      sent = co_await pair.ours.send_to(came.value().bytes, came->from);
      came = co_await pair.theirs.receive();
      EXPECT_EQ(came->bytes.size(), text.size());
    }
    EXPECT_EQ(allocations_of_this_thread() - before, 0u);
  });
}

TEST_P(udp_socket_test, joins_a_group_and_leaves_it) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "groups are not simulated";
  run([&]() -> task<> {
    const unsigned loopback = 1;
    udp_options shared;
    shared.reuse_address = true;
    udp_socket member = udp_socket::bind(address::ip("*", 0).value(), shared).value();
    const address group = address::ip("239.255.77.77", member.local_address().value().port()).value();
    udp_socket sender = udp_socket::bind(loopback_port()).value();
    EXPECT_TRUE(sender.set_multicast_interface(loopback));
    EXPECT_TRUE(sender.set_multicast_ttl(0)); // stays on this machine
    EXPECT_TRUE(sender.set_multicast_loop(true));
    EXPECT_TRUE(member.join(group, loopback));
    result<void> again = member.join(group, loopback);
    EXPECT_EQ(again.error(), std::errc::address_in_use);
    result<void> sent = co_await sender.send_to(bytes_of("to all"), group);
    EXPECT_TRUE(sent);
    std::string heard = co_await next_text(member);
    EXPECT_EQ(heard, "to all");
    EXPECT_TRUE(member.leave(group, loopback));
    EXPECT_FALSE(member.leave(group, loopback));
    EXPECT_TRUE(sender.try_send_to(bytes_of("to nobody"), group));
    EXPECT_TRUE(sender.try_send_to(bytes_of("directly"), loopback_port(group.port())));
    heard = co_await next_text(member);
    EXPECT_EQ(heard, "directly");
  });
}

TEST_P(udp_socket_test, errors_name_the_operation_and_the_endpoint) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "broadcast is not simulated";
  run([&]() -> task<> {
    udp_pair pair;
    result<udp_socket> taken = udp_socket::bind(pair.our_address);
    EXPECT_EQ(taken.error(), std::errc::address_in_use);
    EXPECT_EQ(taken.error().endpoint(), pair.our_address.to_string());
    const std::string too_long(70'000, 'x');
    result<void> sent = co_await pair.ours.send_to(bytes_of(too_long), pair.their_address);
    EXPECT_EQ(sent.error(), std::errc::message_size);
    EXPECT_EQ(sent.error().message(), "send_message " + pair.their_address.to_string() + ": " +
                                          std::make_error_code(std::errc::message_size).message());
    result<void> refused = pair.ours.try_send_to(bytes_of("x"), address::ip("127.255.255.255", 9).value());
    EXPECT_EQ(refused.error(), std::errc::permission_denied) << "broadcast is off";
    result<udp_socket> loud = [] {
      udp_options options;
      options.broadcast = true;
      return udp_socket::bind(loopback_port(), options);
    }();
    EXPECT_TRUE(loud);
  });
}

INSTANTIATE_TEST_SUITE_P(backends, udp_socket_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
