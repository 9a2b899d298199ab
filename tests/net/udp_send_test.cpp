#include "datagram_ends.hpp"

#include <weir/io/system_calls.hpp>

namespace weir::test {
namespace {

using udp_send_test = backend_test;

loop_options with_large_slots(loop_options options) {
  options.buffers.slot_bytes = 72u << 10;
  options.buffers.budget_bytes = 64 * options.buffers.slot_bytes;
  return options;
}

TEST_P(udp_send_test, many_leave_by_few_calls_each_to_its_address) {
  run([&]() -> task<> {
    udp_options deep;
    deep.queue_max = 300;
    udp_pair pair(deep);
    udp_socket third = udp_socket::bind(loopback_port()).value();
    const address third_address = third.local_address().value();
    std::vector<std::string> texts;
    std::vector<outgoing_datagram> all;
    for (int number = 0; number < 100; ++number) texts.push_back(std::to_string(number));
    for (const std::string& text : texts)
      all.emplace_back(bytes_of(text), all.size() % 10 == 9 ? &third_address : &pair.our_address);
    const std::uint64_t calls = on().counters().send_calls;
    sent_datagrams sent = co_await pair.theirs.send_many(all);
    EXPECT_TRUE(sent);
    EXPECT_EQ(sent.count(), 100u);
    EXPECT_LE(on().counters().send_calls - calls, 4u);
    for (int number = 0; number < 100; ++number) {
      udp_socket& receiver = number % 10 == 9 ? third : pair.ours;
      std::string text = co_await next_text(receiver);
      EXPECT_EQ(text, std::to_string(number));
    }
  });
}

TEST_P(udp_send_test, many_stop_at_the_one_that_cannot_be_sent) {
  run([&]() -> task<> {
    udp_pair pair;
    const std::string small = "small", huge(70'000, 'x');
    std::vector<outgoing_datagram> all;
    for (const std::string* text : {&small, &small, &huge, &small})
      all.emplace_back(bytes_of(*text), &pair.our_address);
    sent_datagrams sent = co_await pair.theirs.send_many(all);
    EXPECT_FALSE(sent);
    EXPECT_EQ(sent.count(), 2u);
    EXPECT_EQ(sent.error(), std::errc::message_size);
    EXPECT_EQ(sent.error().endpoint(), pair.our_address.to_string());
    sent = co_await pair.theirs.send_many(std::span(all).subspan(sent.count() + 1));
    EXPECT_TRUE(sent);
    sent = co_await pair.theirs.send_many(std::span<const outgoing_datagram>());
    EXPECT_TRUE(sent);
    for (int count = 0; count < 3; ++count) {
      std::string text = co_await next_text(pair.ours);
      EXPECT_EQ(text, "small");
    }
  });
}

/// Whoever receives sees datagrams of the size that was asked for, whoever cut and joined them.
TEST_P(udp_send_test, segments_arrive_as_datagrams_of_their_size) {
  if (GetParam().is_simulated()) GTEST_SKIP() << "UDP_SEGMENT and UDP_GRO are not simulated";
  for (const bool joins : {false, true}) {
    reopen(with_large_slots(options()));
    run([&]() -> task<> {
      udp_options deep;
      deep.queue_max = 1000;
      deep.coalesces = joins;
      deep.receive_buffer_bytes = 4 << 20;
      udp_pair pair(deep);
      EXPECT_TRUE(pair.theirs.segments_in_kernel());
      EXPECT_EQ(pair.ours.coalesces(), joins);
      const std::string text = pattern(100'000);
      transfer sent = co_await pair.theirs.send_segments(bytes_of(text), 1000, &pair.our_address);
      EXPECT_TRUE(sent);
      EXPECT_EQ(sent.bytes(), text.size());
      std::string heard;
      while (heard.size() < text.size()) {
        result<datagram> next = co_await pair.ours.receive();
        EXPECT_EQ(next.value().bytes.size(), 1000u);
        EXPECT_EQ(next->from.to_string(), pair.their_address.to_string());
        heard += text_of(next->bytes);
      }
      EXPECT_TRUE(heard == text);
      EXPECT_FALSE(pair.ours.try_receive());
    });
  }
}

TEST_P(udp_send_test, the_last_segment_may_be_shorter) {
  run([&]() -> task<> {
    udp_pair pair;
    for (const std::size_t size : {1u, 999u, 1000u, 1001u, 2500u}) {
      const std::string text = pattern(size);
      transfer sent = co_await pair.theirs.send_segments(bytes_of(text), 1000, &pair.our_address);
      EXPECT_TRUE(sent);
      std::string heard;
      while (heard.size() < size) {
        std::string next = co_await next_text(pair.ours);
        EXPECT_EQ(next.size(), std::min<std::size_t>(1000, size - heard.size()));
        heard += next;
      }
      EXPECT_EQ(heard, text);
    }
  });
}

TEST_P(udp_send_test, segments_that_the_kernel_does_not_cut_are_cut_here) {
  run([&]() -> task<> {
    udp_pair pair;
    const std::string text = pattern(100'000);
    constexpr std::size_t segment_bytes = 20'000;
    // The kernel does not cut for a socket that sends without checksums.
    const int no_checksum = 1;
    EXPECT_EQ(calls().setsockopt(pair.theirs.native_handle(), SOL_SOCKET, SO_NO_CHECK, &no_checksum,
                                 sizeof no_checksum),
              0);
    transfer sent = co_await pair.theirs.send_segments(bytes_of(text), segment_bytes, &pair.our_address);
    EXPECT_TRUE(sent);
    EXPECT_EQ(sent.bytes(), text.size());
    std::string heard;
    while (heard.size() < text.size()) {
      std::string next = co_await next_text(pair.ours);
      EXPECT_EQ(next.size(), segment_bytes);
      heard += next;
    }
    EXPECT_TRUE(heard == text);
  });
}

TEST_P(udp_send_test, segments_of_an_impossible_size_are_an_error) {
  run([&]() -> task<> {
    udp_pair pair;
    for (const std::size_t size : {std::size_t{0}, std::size_t{70'000}}) {
      transfer sent = co_await pair.theirs.send_segments(bytes_of("text"), size, &pair.our_address);
      EXPECT_FALSE(sent);
      EXPECT_EQ(sent.error(), errc::invalid_argument);
    }
  });
}

TEST_P(udp_send_test, to_join_needs_slots_that_hold_what_comes) {
  run([&]() -> task<> {
    udp_options joining;
    joining.coalesces = true;
    udp_pair pair(joining);
    EXPECT_FALSE(pair.ours.coalesces());
    co_return;
  });
}

INSTANTIATE_TEST_SUITE_P(backends, udp_send_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
