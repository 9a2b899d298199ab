// A reader that stalls and a writer whose peer stalls: memory stays bounded, nothing is lost, and what is
// buffered costs no system call.
#include "stream_ends.hpp"

#include <weir/io/system_calls.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace weir::test {
namespace {

using backpressure = stream_test;

/// What a peer sends until neither the stream nor the kernel takes more.
task<std::size_t> send_until_stuck(loop& on, int to, std::string_view text) {
  std::size_t sent = 0;
  for (int stuck = 0; stuck < 20 && sent < text.size();) {
    const ssize_t count = calls().send(to, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    stuck = count > 0 ? 0 : stuck + 1;
    sent += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    const std::uint64_t received_before = on.counters().bytes_received;
    co_await turns(2);
    if (on.counters().bytes_received != received_before) stuck = 0;
  }
  co_return sent;
}

TEST_P(backpressure, of_a_stalled_reader_bounds_memory_stops_the_peer_and_loses_nothing) {
  const std::string text = pattern(16'000'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    const std::size_t sent = co_await send_until_stuck(on(), ends.theirs.number(), text);
    EXPECT_LT(sent, text.size()) << "the peer was never stopped";
    // What is under way when the credit is reached comes on top: the slots in the kernel's hands, a burst of
    // a reactor.
    const std::size_t credit_slots = on().options().stream_credit_bytes / on().buffers().slot_bytes();
    EXPECT_GE(pinned_slots(), credit_slots / 2) << "nothing was prefetched";
    EXPECT_LE(pinned_slots(), credit_slots + on().options().io.ring_slots);

    auto [rest_sent, received] = co_await when_all(ends.theirs.send(std::string_view(text).substr(sent)),
                                                   read_text(ends.ours, text.size()));
    EXPECT_TRUE(received == text);
  });
}

TEST_P(backpressure, of_a_reader_that_resumes_costs_no_system_call_for_what_is_buffered) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await send_until_stuck(on(), ends.theirs.number(), pattern(16'000'000));
    const loop_counters before = on().counters();
    std::size_t buffered = 0;
    while (std::optional<lease> piece = ends.ours.try_read()) buffered += piece->size();
    EXPECT_GE(buffered, on().options().stream_credit_bytes / 2);
    EXPECT_EQ(on().counters().system_calls, before.system_calls);
    EXPECT_EQ(on().counters().turns, before.turns);
  });
}

TEST_P(backpressure, of_a_reader_that_awaits_what_is_buffered_needs_no_turn) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    co_await ends.theirs.send(pattern(100'000));
    co_await until([&] { return unread_bytes(ends.ours.native_handle()) == 0; });
    co_await turns(2);
    const std::uint64_t turns_before = on().counters().turns;
    const std::string text = co_await read_text(ends.ours, 100'000);
    EXPECT_EQ(text, pattern(100'000));
    EXPECT_EQ(on().counters().turns, turns_before);
  });
}

TEST_P(backpressure, counts_memory_so_that_single_bytes_do_not_pin_a_slot_each) {
  run([&]() -> task<> {
    stream_ends ends = connected();
    for (int i = 0; i < 500; ++i) {
      co_await ends.theirs.send("x");
      co_await turns(1);
    }
    co_await until([&] { return unread_bytes(ends.ours.native_handle()) == 0; });
    EXPECT_LE(pinned_slots(), 2u);
    const std::string text = co_await read_text(ends.ours, 500);
    EXPECT_EQ(text, std::string(500, 'x'));
  });
}

TEST_P(backpressure, has_the_credit_that_the_stream_was_given) {
  run([&]() -> task<> {
    stream_options options;
    options.credit_bytes = on().buffers().slot_bytes();
    stream_ends ends = connected(options);
    co_await send_until_stuck(on(), ends.theirs.number(), pattern(16'000'000));
    EXPECT_GE(pinned_slots(), 1u);
    EXPECT_LE(pinned_slots(), 1 + on().options().io.ring_slots);
  });
}

TEST_P(backpressure, stalls_and_resumes_again_and_again) {
  const std::string text = pattern(20'000'000);
  run([&]() -> task<> {
    stream_options options;
    options.credit_bytes = 2 * on().buffers().slot_bytes();
    stream_ends ends = connected(options);
    const auto read_in_fits = [&]() -> task<std::string> {
      std::string all;
      while (all.size() < text.size()) {
        co_await turns(static_cast<int>(all.size() % 7));
        all += co_await read_text(ends.ours, std::min<std::size_t>(150'001, text.size() - all.size()));
      }
      co_return all;
    };
    auto [sent, received] = co_await when_all(ends.theirs.send(text), read_in_fits());
    EXPECT_TRUE(received == text);
  });
}

TEST_P(backpressure, of_a_stalled_peer_bounds_what_is_unsent) {
  const std::string text = pattern(16'000'000);
  run([&]() -> task<> {
    stream_ends ends = connected();
    transfer moved(0);
    bool is_done = false;
    const auto write = [&]() -> task<> {
      moved = co_await ends.ours.write_all(bytes_of(text));
      is_done = true;
    };
    const auto stall_then_read = [&]() -> task<std::string> {
      std::uint64_t taken = ~std::uint64_t{0};
      while (taken != ends.ours.bytes_sent()) { // until the kernel takes no more
        taken = ends.ours.bytes_sent();
        co_await turns(10);
      }
      EXPECT_FALSE(is_done);
      EXPECT_LE(ends.ours.output().bytes(), on().options().stream_send_bytes);
      EXPECT_GT(ends.ours.output().bytes(), on().options().stream_send_bytes / 2) << "it waits with room";
      co_return co_await ends.theirs.read(text.size());
    };
    auto [written, received] = co_await when_all(write(), stall_then_read());
    EXPECT_TRUE(moved);
    EXPECT_TRUE(received == text);
  });
}

/// 200 peers that send more than fits, to readers that do not read, on a loop with 2 MiB for all of them.
TEST_P(backpressure, of_200_stalled_streams_stays_within_the_budget_of_the_loop) {
  constexpr std::size_t streams = 200;
  const std::string text = pattern(300'000);
  loop_options small = options();
  small.buffers.budget_bytes = std::size_t{2} << 20;
  reopen(small);
  run([&]() -> task<> {
    std::vector<std::unique_ptr<stream_ends>> all;
    for (std::size_t i = 0; i < streams; ++i) all.push_back(std::make_unique<stream_ends>(connected()));
    std::vector<task<>> sending;
    std::vector<task<std::string>> reading;
    for (auto& each : all) sending.push_back(each->theirs.send(text));

    const auto stall_then_read = [&]() -> task<std::vector<std::string>> {
      std::uint64_t received = ~std::uint64_t{0};
      while (received != on().counters().bytes_received) {
        received = on().counters().bytes_received;
        co_await turns(10);
      }
      EXPECT_EQ(on().buffers().slots_free(), 0u) << "nothing was stalled";
      EXPECT_GT(on().counters().receives_starved, 0u);
      for (auto& each : all) reading.push_back(read_text(each->ours, text.size()));
      co_return co_await when_all(std::move(reading));
    };
    auto [sent, texts] = co_await when_all(when_all(std::move(sending)), stall_then_read());
    EXPECT_EQ(texts.size(), streams);
    for (const std::string& each : texts) EXPECT_TRUE(each == text);
    EXPECT_LE(on().buffers().slots_in_use_peak(), on().buffers().slots_max());
  });
}

/// Streams that stall until slots are few, some that stall after that, and one that does not.
TEST_P(backpressure, of_others_leaves_slots_for_a_newcomer) {
  loop_options small = options();
  small.buffers.budget_bytes = 1024 * small.buffers.slot_bytes;
  reopen(small);
  run([&]() -> task<> {
    const std::string text = pattern(1'000'000);
    std::vector<stream_ends> stalled;
    for (int more = 10; more > 0; more -= on().buffers().is_low()) {
      stalled.push_back(connected());
      co_await send_until_stuck(on(), stalled.back().theirs.number(), text);
    }
    stream_ends late = connected();
    co_await late.theirs.send("hello");
    const std::string heard = co_await read_text(late.ours, 5);
    EXPECT_EQ(heard, "hello");
  });
}

INSTANTIATE_TEST_SUITE_P(backends, backpressure, over_each_transport(), name_of_transport);

} // namespace
} // namespace weir::test
