#include <fcntl.h>
#include <io/reactive_rig.hpp>
#include <poll.h>
#include <support/allocations.hpp>
#include <support/descriptors.hpp>
#include <support/sockets.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

namespace weir::test::reactive {
namespace {

using outcome = reactive_rig::outcome;

rig_options with_strategy(receive_strategy strategy) {
  rig_options options;
  options.io.strategy = strategy;
  return options;
}

rig_options with_slots(std::size_t slot_bytes, std::size_t slots, std::uint32_t quantum_bytes) {
  rig_options options;
  options.buffers.slot_bytes = slot_bytes;
  options.buffers.budget_bytes = slots * slot_bytes;
  options.io.quantum_bytes = quantum_bytes;
  return options;
}

std::vector<int> results_of(const std::vector<outcome>& completions) {
  std::vector<int> results;
  for (const outcome& each : completions) results.push_back(each.result);
  return results;
}

class reactive_proactor_test : public testing::TestWithParam<transport> {
 protected:
  connection pair = connect_pair(GetParam());
  const int ours = pair.ours.get();
  const int theirs = pair.theirs.get();
  receive_many_operation receive_many{ours, no_handler};
};

INSTANTIATE_TEST_SUITE_P(over, reactive_proactor_test, testing::Values(transport::tcp, transport::local),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

// --- reading ---

TEST_P(reactive_proactor_test, delivers_leases_until_the_end) {
  reactive_rig rig;
  rig.start(receive_many);
  for (const char* text : {"one", "two"}) {
    send_text(theirs, text);
    const outcome received = rig.next();
    EXPECT_EQ(received.text(), text);
    EXPECT_EQ(received.result, 3);
    EXPECT_TRUE(received.more);
  }
  pair.theirs.reset();
  const outcome end = rig.next();
  EXPECT_EQ(end.result, 0);
  EXPECT_FALSE(end.more);
  EXPECT_EQ(end.data.pinned_bytes(), 0u);
  EXPECT_EQ(rig.pool.slots_in_use(), 0u);
}

TEST_P(reactive_proactor_test, plays_ping_pong_without_eagain_in_two_calls_a_message) {
  for (const receive_strategy strategy : {receive_strategy::automatic, receive_strategy::wait_first}) {
    reactive_rig rig(with_strategy(strategy));
    receive_many_operation reader{ours, no_handler};
    rig.start(reader);
    rig.io->wait(0); // registers
    const std::uint64_t calls = rig.system_calls_of([&] {
      for (int round = 0; round < 100; ++round) {
        send_text(theirs, "ping");
        EXPECT_EQ(rig.next().text(), "ping");
      }
    });
    EXPECT_EQ(calls, 200u) << "epoll_wait and recv";
    EXPECT_EQ(rig.counters.receive_calls, 100u);
    EXPECT_EQ(rig.counters.receive_again, 0u);
    EXPECT_EQ(rig.counters.bytes_received, 400u);
  }
}

TEST_P(reactive_proactor_test, speculates_where_it_is_told_to_and_counts_the_price) {
  reactive_rig rig(with_strategy(receive_strategy::speculative));
  rig.start(receive_many);
  EXPECT_EQ(rig.counters.receive_again, 1u) << "tried at once";
  for (int round = 0; round < 100; ++round) {
    send_text(theirs, "ping");
    EXPECT_EQ(rig.next().text(), "ping");
  }
  EXPECT_EQ(rig.counters.receive_calls, 201u);
  EXPECT_EQ(rig.counters.receive_again, 101u);
}

TEST_P(reactive_proactor_test, speculates_at_the_start_of_a_read) {
  reactive_rig rig(with_strategy(receive_strategy::speculative));
  send_text(theirs, "early");
  std::array<std::byte, 16> memory;
  poll_operation arrived{ours, POLLIN, no_handler};
  rig.start(arrived);
  rig.next();
  receive_operation receive{ours, memory, no_handler};
  rig.start(receive);
  EXPECT_EQ(results_of(rig.take()), std::vector<int>{5}) << "without a wait";
}

/// The bytes of each turn's completions while `text` is read.
std::vector<std::size_t> bytes_of_turns(reactive_rig& rig, std::string_view text) {
  std::vector<std::size_t> turns;
  std::string all;
  while (all.size() < text.size()) {
    rig.io->wait(a_second_ns);
    std::size_t sum = 0;
    for (const outcome& each : rig.take()) {
      sum += each.data.size();
      all += each.text();
    }
    turns.push_back(sum);
  }
  EXPECT_TRUE(all == text);
  return turns;
}

TEST_P(reactive_proactor_test, offers_more_slots_while_reads_come_back_full) {
  const auto sent = [this](std::size_t size) {
    const std::string text = pattern(size);
    send_text(theirs, text);
    while (unread_bytes(ours) < size) std::this_thread::yield(); // tcp: on its way
    return text;
  };
  reactive_rig rig(with_slots(4096, 64, 4 * 4096));
  const std::string text = sent(13 * 4096 + 100);
  rig.start(receive_many);
  EXPECT_EQ(bytes_of_turns(rig, text), (std::vector<std::size_t>{4096, 8192, 16384, 16384, 8292}));
  EXPECT_EQ(bytes_of_turns(rig, sent(9000)), std::vector<std::size_t>{9000}) << "three slots";
  EXPECT_EQ(bytes_of_turns(rig, sent(100)), std::vector<std::size_t>{100});
  EXPECT_EQ(bytes_of_turns(rig, sent(5000)), (std::vector<std::size_t>{4096, 904})) << "down to one";
  EXPECT_EQ(rig.counters.receive_calls, 9u);
  EXPECT_EQ(rig.counters.receive_again, 0u);
}

TEST_P(reactive_proactor_test, reads_one_slot_a_turn_when_it_waits_first) {
  rig_options options = with_slots(4096, 64, 4 * 4096);
  options.io.strategy = receive_strategy::wait_first;
  reactive_rig rig(options);
  const std::string text = pattern(3 * 4096);
  send_text(theirs, text);
  while (unread_bytes(ours) < text.size()) std::this_thread::yield();
  rig.start(receive_many);
  EXPECT_EQ(bytes_of_turns(rig, text), (std::vector<std::size_t>{4096, 4096, 4096}));
}

TEST_P(reactive_proactor_test, speculates_no_further_than_the_quantum_in_a_turn) {
  rig_options options = with_slots(4096, 64, 2 * 4096);
  options.io.strategy = receive_strategy::speculative;
  reactive_rig rig(options);
  rig.start(receive_many);
  const std::string text = pattern(5 * 4096);
  send_text(theirs, text);
  while (unread_bytes(ours) < text.size()) std::this_thread::yield();
  EXPECT_EQ(bytes_of_turns(rig, text), (std::vector<std::size_t>{8192, 8192, 4096}));
}

TEST_P(reactive_proactor_test, receives_no_more_than_the_quantum_into_memory) {
  reactive_rig rig(with_slots(4096, 1, 1000));
  std::array<std::byte, 1500> memory;
  receive_operation receive{ours, memory, no_handler};
  send_text(theirs, pattern(1500));
  while (unread_bytes(ours) < 1500) std::this_thread::yield();
  for (const int expected : {1000, 500}) {
    rig.start(receive);
    EXPECT_EQ(rig.next().result, expected);
  }
}

TEST_P(reactive_proactor_test, reads_for_receives_in_the_order_of_their_start) {
  reactive_rig rig;
  std::array<std::byte, 3> memory[2];
  receive_operation first{ours, memory[0], no_handler}, second{ours, memory[1], no_handler};
  rig.start(first);
  rig.start(second);
  send_text(theirs, "abcde");
  const outcome one = rig.next(), two = rig.next();
  EXPECT_EQ(one.op, &first);
  EXPECT_EQ(one.result, 3);
  EXPECT_EQ(two.op, &second);
  EXPECT_EQ(two.result, 2);
  EXPECT_EQ(std::memcmp(memory[1].data(), "de", 2), 0);
}

class reactive_wait_for_all : public reactive_proactor_test {
 protected:
  void SetUp() override {
    receive.wait_for_all = true;
    rig.start(receive);
    send_text(theirs, "abc");
    while (rig.counters.receive_calls == 0) EXPECT_TRUE(rig.take_after_wait().empty());
  }
  reactive_rig rig;
  std::array<std::byte, 6> memory;
  receive_operation receive{ours, memory, no_handler};
};
INSTANTIATE_TEST_SUITE_P(over, reactive_wait_for_all, testing::Values(transport::tcp, transport::local),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

TEST_P(reactive_wait_for_all, goes_on_until_it_is_full) {
  send_text(theirs, "defgh");
  EXPECT_EQ(rig.next().result, 6);
  EXPECT_EQ(std::memcmp(memory.data(), "abcdef", 6), 0);
  EXPECT_EQ(rig.counters.receive_again, 0u);
}

TEST_P(reactive_wait_for_all, keeps_the_count_so_far_when_cancelled) {
  rig.io->cancel(receive);
  EXPECT_EQ(rig.next().result, 3);
}

TEST_P(reactive_wait_for_all, keeps_the_count_so_far_at_the_end_and_at_an_error) {
  pair.theirs.reset();
  EXPECT_EQ(rig.next().result, 3);
  connection broken = connect_pair(GetParam());
  receive_operation fails{broken.ours.get(), memory, no_handler};
  fails.wait_for_all = true;
  rig.start(fails);
  send_text(broken.theirs.get(), "ab");
  const std::uint64_t before = rig.counters.receive_calls;
  while (rig.counters.receive_calls == before) rig.io->wait(a_second_ns);
  reset(broken);
  EXPECT_EQ(rig.next().result, 2);
}

// --- writing ---

TEST_P(reactive_proactor_test, tries_to_write_at_once) {
  reactive_rig rig;
  const std::string text = "hello";
  std::array<iovec, 2> pieces = {iovec{const_cast<char*>("gath"), 4}, iovec{const_cast<char*>("ered"), 4}};
  send_operation plain{ours, bytes_of(text), no_handler}, uncopied{ours, bytes_of(text), no_handler, true};
  send_gathered_operation gathered{ours, no_handler};
  gathered.set_pieces(pieces.data(), pieces.size());
  EXPECT_EQ(rig.system_calls_of([&] {
    rig.start(plain);
    rig.start(gathered);
    rig.start(uncopied);
  }),
            4u)
      << "one for a descriptor never seen before";
  EXPECT_EQ(results_of(rig.take()), (std::vector<int>{5, 8, 5}));
  EXPECT_EQ(read_text(theirs, 18), "hellogatheredhello");
  EXPECT_EQ(rig.counters.send_calls, 3u);
  EXPECT_EQ(rig.counters.bytes_sent, 18u);
}

TEST_P(reactive_proactor_test, waits_for_room_in_the_order_of_starts) {
  reactive_rig rig;
  std::string sent(fill(ours), '.');
  const std::string one = "one", two = "two";
  send_operation first{ours, bytes_of(one), no_handler}, second{ours, bytes_of(two), no_handler};
  rig.start(first);
  rig.start(second);
  EXPECT_EQ(rig.counters.send_again, 1u) << "the second knows that it has to wait";
  EXPECT_TRUE(rig.take_after_wait().empty());
  EXPECT_EQ(read_text(theirs, sent.size()), sent);
  EXPECT_EQ(rig.next().op, &first);
  EXPECT_EQ(rig.next().op, &second);
  EXPECT_EQ(read_text(theirs, 6), "onetwo");
}

TEST_P(reactive_proactor_test, writes_no_more_than_the_quantum_in_a_turn) {
  reactive_rig rig(with_slots(4096, 1, 1000));
  const std::size_t filled = fill(ours);
  const std::string text(600, '.');
  std::deque<send_operation> sends;
  for (int i = 0; i < 5; ++i) rig.start(sends.emplace_back(ours, bytes_of(text), no_handler));
  read_text(theirs, filled);
  rig.io->wait(a_second_ns);
  EXPECT_EQ(results_of(rig.take()), (std::vector<int>{600, 600}));
  EXPECT_EQ(results_of(rig.take_after_wait()), (std::vector<int>{600, 600}));
  EXPECT_EQ(results_of(rig.take_after_wait()), (std::vector<int>{600}));
}

TEST_P(reactive_proactor_test, makes_no_write_behind_one_that_filled_the_socket) {
  reactive_rig rig;
  const std::string text(16 << 20, '.');
  send_operation first{ours, bytes_of(text), no_handler}, second{ours, bytes_of(text), no_handler};
  const std::size_t filled = fill(ours);
  rig.start(first);
  rig.start(second);
  read_text(theirs, filled);
  rig.io->wait(a_second_ns);
  const auto written = rig.take();
  ASSERT_EQ(written.size(), 1u);
  EXPECT_LT(written[0].result, 16 << 20);
  EXPECT_EQ(rig.counters.send_calls, 2u) << "one at the start, one when there was room";
}

TEST_P(reactive_proactor_test, streams_through_a_full_socket_without_vain_writes) {
  reactive_rig rig;
  constexpr std::size_t total = 16 << 20;
  const std::string text = pattern(total);
  std::string arrived;
  std::thread reader([&] { arrived = read_text(theirs, total); });
  std::size_t sent = 0;
  while (sent < total) {
    send_operation send{ours, bytes_of(text).subspan(sent), no_handler};
    rig.start(send);
    const outcome done = rig.next();
    ASSERT_GT(done.result, 0);
    sent += static_cast<std::size_t>(done.result);
  }
  reader.join();
  EXPECT_TRUE(arrived == text);
  EXPECT_EQ(rig.counters.send_again, 0u);
  EXPECT_EQ(rig.counters.bytes_sent, total);
}

TEST_P(reactive_proactor_test, tells_of_a_peer_that_is_gone_without_a_signal) {
  reactive_rig rig;
  pair.theirs.reset();
  const std::string text = "x";
  int result = 1;
  for (int writes = 0; result > 0 && writes < 100; ++writes) { // tcp: the first one learns it from the answer
    send_operation send{ours, bytes_of(text), no_handler};
    rig.start(send);
    result = rig.next().result;
  }
  EXPECT_TRUE(result == -EPIPE || result == -ECONNRESET) << result;
}

TEST_P(reactive_proactor_test, does_not_block_on_a_descriptor_that_would) {
  reactive_rig rig(with_strategy(receive_strategy::speculative));
  fill(ours);
  ASSERT_EQ(::fcntl(ours, F_SETFL, 0), 0);
  const std::string text = "x";
  send_operation send{ours, bytes_of(text), no_handler};
  rig.start(send);
  rig.start(receive_many); // tried at once
  EXPECT_TRUE(rig.take_after_wait().empty());
  send_text(theirs, "y");
  EXPECT_EQ(rig.next().text(), "y");
}

// --- all of it ---

TEST_P(reactive_proactor_test, allocates_nothing_in_steady_state) {
  reactive_rig rig;
  rig.start(receive_many);
  const std::string text = "some bytes";
  const auto round = [&] {
    send_operation send{theirs, bytes_of(text), no_handler};
    rig.start(send);
    for (std::size_t bytes = 0; bytes < text.size();) {
      rig.io->wait(a_second_ns);
      while (auto entry = rig.completed.pop()) {
        bytes += entry->what.data.size();
        if (!entry->what.more) rig.retire(*entry->op);
      }
    }
  };
  round();
  const std::uint64_t before = allocations_of_this_thread();
  for (int i = 0; i < 1000; ++i) round();
  EXPECT_EQ(allocations_of_this_thread() - before, 0u);
}

} // namespace
} // namespace weir::test::reactive
