// Descriptors are numbers that come back: what was known of the old one must not touch the new.
#include "contract.hpp"

#include <weir/io/platform/sockets.hpp>

#include <fcntl.h>

#include <csignal>

namespace weir::test {
namespace {

using contract_descriptor = stream_contract;

enum class way_to_close { operation, behind_our_back };

/// Opens pairs until one of its ends has the wanted number.
connection pair_with_number(transport over, int number) {
  connection pair = connect_pair(over);
  if (pair.ours.get() == number) return pair;
  EXPECT_EQ(calls().dup3(pair.ours.get(), number, O_CLOEXEC), number);
  pair.ours = descriptor(number);
  return pair;
}

class contract_descriptor_reuse : public contract_descriptor {
 protected:
  void SetUp() override {
    contract_descriptor::SetUp();
    if (calls().dup3(-1, 0, 0) < 0 && errno == ENOSYS) GTEST_SKIP() << "dup3: nobody chooses numbers here";
  }

  /// Uses a connection in every way, closes it, and gives the number that is free again.
  int use_and_close(way_to_close how) {
    connection pair = connect_pair(over());
    receive_many many(pair.ours.get());
    poll never(pair.ours.get(), POLLRDHUP);
    send sending(pair.ours.get(), "x");
    start(many, never, sending);
    send_text(pair.theirs.get(), "y");
    EXPECT_TRUE(wait_for([&] { return many.received == "y" && sending.is_done(); }));
    many.cancel();
    never.cancel();
    EXPECT_TRUE(finish(many, never));
    const int number = pair.ours.get();
    if (how == way_to_close::operation) {
      close closing(pair.ours.release());
      EXPECT_TRUE(run(closing));
    }
    return number; // else `pair` closes it, and the loop is not told
  }
};

TEST_P(contract_descriptor_reuse, a_new_connection_under_an_old_number_works) {
  for (const way_to_close how : {way_to_close::operation, way_to_close::behind_our_back})
    for (int round = 0; round < 5; ++round) {
      const int number = use_and_close(how);
      const connection pair = pair_with_number(over(), number);
      receive_many many(number);
      poll writable(number, POLLOUT);
      send sending(number, "hello");
      start(many, writable, sending);
      send_text(pair.theirs.get(), "hello back");
      ASSERT_TRUE(wait_for([&] { return many.received == "hello back"; }));
      ASSERT_TRUE(finish(writable, sending));
      EXPECT_EQ(read_text(pair.theirs.get(), 5), "hello");
    }
}

TEST_P(contract_descriptor_reuse, the_last_operation_may_have_succeeded) {
  int number = -1;
  for (int round = 0; round < 5; ++round) {
    const connection pair = round == 0 ? connect_pair(over()) : pair_with_number(over(), number);
    number = pair.ours.get();
    receive receiving(number, 10);
    start(receiving);
    turn();
    send_text(pair.theirs.get(), "x");
    ASSERT_TRUE(finish(receiving));
    turn(); // then it is closed behind the loop's back
  }
}

/// A duplicate keeps the old connection open, and readable, while its first number names another one.
TEST_P(contract_descriptor_reuse, what_happens_to_the_old_connection_does_not_reach_the_new_one) {
  for (const bool ends_with_success : {true, false}) {
    connection old_pair = connect_pair(over());
    const int number = old_pair.ours.get();
    receive first(number, 1), last(number, 1);
    start(first);
    send_text(old_pair.theirs.get(), "x");
    ASSERT_TRUE(finish(first));
    if (!ends_with_success) {
      start(last);
      turn();
      last.cancel();
      ASSERT_TRUE(finish(last));
    }
    turn();
    const descriptor keeps_it_open(calls().fcntl(number, F_DUPFD_CLOEXEC, 0));
    old_pair.ours.reset();

    const connection pair = pair_with_number(over(), number);
    send_text(old_pair.theirs.get(), "for the old one");
    receive receiving(number, 100);
    receive_many elsewhere(pair.theirs.get());
    start(receiving, elsewhere);
    for (int count = 0; count < 10; ++count) turn();
    EXPECT_FALSE(receiving.is_done());
    send_text(pair.theirs.get(), "for the new one");
    ASSERT_TRUE(finish(receiving));
    EXPECT_EQ(receiving.text(), "for the new one");
  }
}

TEST_P(contract_descriptor, both_directions_of_one_socket_wait_independently) {
  const connection pair = connect_pair(over());
  const std::size_t filled = fill(pair.ours.get());
  receive receiving(pair.ours.get(), 10);
  send sending(pair.ours.get(), "out");
  start(receiving, sending);
  turn();
  send_text(pair.theirs.get(), "in");
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.text(), "in");
  EXPECT_FALSE(sending.is_done());
  start(receiving);
  EXPECT_EQ(read_text(pair.theirs.get(), filled).size(), filled);
  ASSERT_TRUE(finish(sending));
  EXPECT_FALSE(receiving.is_done());
  EXPECT_EQ(read_text(pair.theirs.get(), 3), "out");
}

/// The way to close in the midst of everything: no cancellation is needed, and nothing stays owed.
TEST_P(contract_descriptor, shut_down_ends_all_that_is_outstanding_and_can_be_closed) {
  connection pair = connect_pair(over());
  fill(pair.ours.get());
  receive_many receiving(pair.ours.get());
  send sending(pair.ours.get(), "stuck");
  poll polling(pair.ours.get(), POLLPRI);
  start(receiving, sending, polling);
  turn();
  turn();
  shutdown ending(pair.ours.get(), SHUT_RDWR);
  ASSERT_TRUE(run(ending) && finish(receiving, sending, polling));
  EXPECT_EQ(ending.result(), 0);
  EXPECT_EQ(receiving.results, std::vector{0});
  EXPECT_EQ(sending.results, std::vector{-EPIPE});
  EXPECT_TRUE((polling.result() & POLLHUP) != 0) << polling.result();
  EXPECT_EQ(on().outstanding(), 0u);
  close closing(pair.ours.release());
  ASSERT_TRUE(run(closing));
  EXPECT_EQ(closing.result(), 0);
}

TEST_P(contract_descriptor, two_loops_may_use_one_descriptor_in_turn) {
  const connection pair = connect_pair(over());
  receive here(pair.ours.get(), 10);
  start(here);
  send_text(pair.theirs.get(), "one");
  ASSERT_TRUE(finish(here));
  auto made = create_loop(options());
  ASSERT_TRUE(made);
  loop& other = **made;
  receive there(pair.ours.get(), 10);
  there.start(other);
  send_text(pair.theirs.get(), "two");
  ASSERT_TRUE(wait_until(other, [&] { return there.is_done(); }));
  EXPECT_EQ(there.text(), "two");
}

INSTANTIATE_TEST_SUITE_P(backends, contract_descriptor, each_stream(), name_of_transport);
INSTANTIATE_TEST_SUITE_P(backends, contract_descriptor_reuse, each_stream(), name_of_transport);

} // namespace
} // namespace weir::test
