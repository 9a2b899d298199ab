// What a loop tells of itself to other threads.
#include "contract.hpp"

#include <weir/io/measurements.hpp>

#include <atomic>
#include <chrono>
#include <string_view>
#include <thread>

namespace weir::test {
namespace {

class measurements_test : public contract {
 protected:
  /// Holds the loop up for a moment, as a slow handler does. On a simulated host the looks take the time.
  void be_slow(std::chrono::nanoseconds duration) {
    const std::uint64_t end_ns = on().backend().now_ns() + static_cast<std::uint64_t>(duration.count());
    while (on().backend().now_ns() < end_ns) {
    }
  }
};
/// Of real calls: on a simulated host there are none.
using system_calls_measurements_test = measurements_test;

TEST_P(measurements_test, names_the_handler_that_runs_by_operation_descriptor_and_line) {
  connection pair = connect_pair(transport::tcp);
  receive op(pair.ours.get(), 100);
  current_handler_cell::version seen{current_handler(), 0};
  op.then = [&] { seen = on().measured().now.read(); };
  const auto here = std::source_location::current();
  op.start(on(), here);
  send_text(pair.theirs.get(), "hello");
  ASSERT_TRUE(finish(op));
  ASSERT_TRUE(seen.value.has_operation);
  EXPECT_EQ(seen.value.phase, loop_phase::completions);
  EXPECT_EQ(seen.value.kind, operation_kind::receive);
  EXPECT_EQ(seen.value.descriptor, pair.ours.get());
  EXPECT_EQ(seen.value.where.line(), here.line());
  EXPECT_EQ(std::string_view(seen.value.where.file_name()), here.file_name());
  EXPECT_EQ(on().measured().now.read().value.phase, loop_phase::waiting) << "between turns";
}

TEST_P(measurements_test, names_the_phase_of_what_has_no_operation) {
  std::vector<loop_phase> seen;
  const auto look = [&] { seen.push_back(on().measured().now.read().value.phase); };
  task_of_work posted(look), deferred(look), ending(look);
  call_later timer(look);
  on().arm(timer, on().now_ns());
  ASSERT_TRUE(on().post(posted));
  on().defer(deferred);
  on().at_end_of_turn(ending);
  turn();
  EXPECT_EQ(seen, (std::vector{loop_phase::inbox, loop_phase::timers, loop_phase::deferred,
                               loop_phase::end_of_turn}));
}

TEST_P(measurements_test, a_handler_has_a_number_of_its_own) {
  nop first, second;
  std::vector<std::uint64_t> numbers;
  first.then = second.then = [&] { numbers.push_back(on().measured().now.read().number); };
  ASSERT_TRUE(run(first, second));
  ASSERT_EQ(numbers.size(), 2u);
  EXPECT_GT(numbers[1], numbers[0]);
}

TEST_P(measurements_test, latency_is_counted_by_kind_with_the_final_completion) {
  connection pair = connect_pair(transport::tcp);
  receive_many op(pair.ours.get());
  start(op);
  send_text(pair.theirs.get(), "hello");
  ASSERT_TRUE(wait_for([&] { return op.received == "hello"; }));
  EXPECT_EQ(on().measured().latency_of(operation_kind::receive_many).count(), 0u);
  pair.theirs.reset();
  ASSERT_TRUE(finish(op));
  EXPECT_EQ(on().measured().latency_of(operation_kind::receive_many).count(), 1u);
  EXPECT_EQ(on().measured().latency_of(operation_kind::receive).count(), 0u);
}

TEST_P(measurements_test, a_loop_that_is_held_up_says_how_late_it_came) {
  call_later on_time([] {});
  on().arm(on_time, on().now_ns() + 1'000'000);
  be_slow(std::chrono::milliseconds(12));
  ASSERT_TRUE(wait_for([&] { return !on_time.is_armed(); }));
  EXPECT_EQ(on().measured().lag_ns.count(), 1u);
  EXPECT_GE(on().measured().lag_ns.max(), 10'000'000u);
}

TEST_P(measurements_test, batches_are_counted_by_their_size) {
  nop a, b, c;
  ASSERT_TRUE(run(a, b, c));
  EXPECT_EQ(on().measured().batch.sum(), 3u);
  EXPECT_EQ(on().measured().batch.max(), 3u) << "they completed together";
}

TEST_P(measurements_test, handlers_are_timed_only_where_that_was_asked_for) {
  nop op;
  ASSERT_TRUE(run(op));
  EXPECT_EQ(on().measured().handlers_of(operation_kind::nop).count(), 0u);

  loop_options measuring = options();
  measuring.measure_handlers = true;
  measuring.slow_handler_ns = 1'000'000;
  reopen(measuring);
  nop quick, slow;
  slow.then = [&] { be_slow(std::chrono::milliseconds(2)); };
  const auto here = std::source_location::current();
  quick.start(on());
  slow.start(on(), here);
  ASSERT_TRUE(finish(quick, slow));
  const histogram& times = on().measured().handlers_of(operation_kind::nop);
  EXPECT_EQ(times.count(), 2u);
  EXPECT_GE(times.max(), 2'000'000u);
  EXPECT_GE(on().measured().durations_of(loop_phase::completions).max(), 2'000'000u);
  const auto slowest = on().measured().slowest.list();
  ASSERT_GE(slowest.size(), 1u);
  EXPECT_EQ(slowest[0].where.line(), here.line());
  EXPECT_EQ(slowest[0].of_kind(), operation_kind::nop);
  EXPECT_GE(slowest[0].max_ns, 2'000'000u);
}

TEST_P(system_calls_measurements_test, counts_system_calls_by_what_they_are_for) {
  const system_call_counters before = on().counters().system_calls;
  connection pair = connect_pair(transport::tcp);
  receive op(pair.ours.get(), 100);
  start(op);
  send_text(pair.theirs.get(), "hello");
  ASSERT_TRUE(finish(op));
  const system_call_counters& after = on().counters().system_calls;
  EXPECT_GT(after.of(system_call::wait), before.of(system_call::wait));
  const std::uint64_t receives = after.of(system_call::receive) - before.of(system_call::receive);
  EXPECT_EQ(receives > 0, !GetParam().is_io_uring()) << "io_uring receives without a call";
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < system_call_count; ++i) all += after.of(static_cast<system_call>(i));
  EXPECT_EQ(all, after);
}

TEST_P(measurements_test, are_read_by_another_thread_while_the_loop_runs) {
  constexpr std::uint64_t enough = 2'000;
  std::atomic<bool> is_over{false};
  std::thread reader([&, &seen = on()] {
    std::uint64_t last = 0;
    while (!is_over.load()) {
      const std::uint64_t now = seen.counters().completions;
      EXPECT_GE(now, last);
      last = now;
      const current_handler what = seen.measured().now.read().value;
      EXPECT_TRUE(!what.has_operation || what.kind == operation_kind::nop);
      EXPECT_LE(seen.measured().latency_of(operation_kind::nop).count(), enough);
      EXPECT_LE(seen.outstanding(), 1u);
      EXPECT_LE(seen.buffers().bytes_in_use(), seen.options().buffers.budget_bytes);
    }
  });
  nop op;
  for (std::uint64_t i = 0; i < enough; ++i) ASSERT_TRUE(run(op));
  is_over = true;
  reader.join();
  EXPECT_EQ(on().counters().completions, enough);
}

TEST_P(measurements_test, attention_is_paid_once_in_a_turn_and_wakes_the_loop) {
  int times = 0;
  task_of_work attend([&] { ++times; });
  on().on_attention(&attend);
  std::thread asks([&asked = on()] {
    asked.ask_attention();
    asked.ask_attention();
  });
  ASSERT_TRUE(wait_for([&] { return times > 0; }));
  asks.join();
  turn();
  EXPECT_GE(times, 1);
  EXPECT_LE(times, 2);
  on().on_attention(nullptr);
}

INSTANTIATE_TEST_SUITE_P(backends, measurements_test, each_backend(), name_of_backend);
INSTANTIATE_TEST_SUITE_P(backends, system_calls_measurements_test,
                         testing::ValuesIn(all_backends().begin(), all_backends().end()), name_of_backend);

TEST(slow_handlers_test, keeps_the_worst_of_each_line_and_counts_them) {
  slow_handlers list;
  const auto here = std::source_location::current();
  const auto there = std::source_location::current();
  list.note(operation_kind::receive, here, 10);
  list.note(operation_kind::receive, there, 30);
  list.note(operation_kind::receive, here, 20);
  list.note(operation_kind::poll, here, 5);
  const auto seen = list.list();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].where.line(), there.line());
  EXPECT_EQ(seen[1].count, 2u);
  EXPECT_EQ(seen[1].total_ns, 30u);
  EXPECT_EQ(seen[1].max_ns, 20u);
  EXPECT_EQ(seen[2].of_kind(), operation_kind::poll);
}

TEST(slow_handlers_test, when_full_the_least_slow_gives_way) {
  slow_handlers list;
  // Kinds and lines: more pairs than places, each a nanosecond slower than the one before.
  const std::source_location lines[] = {std::source_location::current(), std::source_location::current()};
  std::uint64_t took_ns = 100;
  for (const std::source_location& line : lines)
    for (std::size_t kind = 0; kind < operation_kind_count; ++kind)
      list.note(static_cast<operation_kind>(kind), line, took_ns++);
  list.note(operation_kind::nop, std::source_location::current(), 1); // quicker than all
  const auto seen = list.list();
  ASSERT_EQ(seen.size(), slow_handlers::capacity);
  EXPECT_EQ(seen.front().max_ns, took_ns - 1);
  EXPECT_EQ(seen.back().max_ns, took_ns - slow_handlers::capacity);
}

} // namespace
} // namespace weir::test
