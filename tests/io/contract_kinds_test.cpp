// Every kind of operation, on every kind of stream socket: what it reports and what it did.
#include "contract.hpp"

#include <weir/io/platform/sockets.hpp>

#include <fcntl.h>

#include <memory>

namespace weir::test {
namespace {

using contract_kinds = stream_contract;

TEST_P(contract_kinds, nop_completes_in_a_later_turn_than_it_was_started_in) {
  nop first, second;
  std::uint64_t turn_of_first = 0, turn_of_second = 0;
  second.then = [&] { turn_of_second = on().counters().turns; };
  first.then = [&] {
    turn_of_first = on().counters().turns;
    start(second);
  };
  ASSERT_TRUE(run(first) && finish(second));
  EXPECT_EQ(first.result(), 0);
  EXPECT_GT(turn_of_second, turn_of_first);
}

TEST_P(contract_kinds, accept_gives_a_descriptor_of_the_next_connection) {
  const listening_socket listener = listen_on(over());
  accept_one accepting(listener.socket.get());
  start(accepting);
  turn();
  EXPECT_EQ(accepting.state(), operation_state::submitted);
  const descriptor client = connect_to(listener);
  ASSERT_TRUE(finish(accepting));
  ASSERT_GE(accepting.result(), 0);
  const descriptor accepted(accepting.result());
  EXPECT_TRUE(is_non_blocking_and_close_on_exec(accepted.get()));
  send_text(client.get(), "hello");
  EXPECT_EQ(read_text(accepted.get(), 5), "hello");
}

TEST_P(contract_kinds, accept_many_gives_every_connection_in_order) {
  const listening_socket listener = listen_on(over());
  std::vector<descriptor> clients;
  clients.push_back(connect_to(listener)); // one that waits already
  accept_many accepting(listener.socket.get());
  start(accepting);
  for (const std::size_t count : {1u, 2u, 3u, 10u}) {
    while (clients.size() < count) clients.push_back(connect_to(listener));
    ASSERT_TRUE(wait_for([&] { return accepting.results.size() == count; }));
  }
  for (std::size_t index = 0; index < clients.size(); ++index) {
    const descriptor accepted(accepting.results[index]);
    EXPECT_TRUE(is_non_blocking_and_close_on_exec(accepted.get()));
    send_text(clients[index].get(), "client " + std::to_string(index));
    EXPECT_EQ(read_text(accepted.get(), 8), "client " + std::to_string(index));
  }
  EXPECT_FALSE(accepting.is_done());
  accepting.cancel();
  ASSERT_TRUE(finish(accepting));
  EXPECT_EQ(accepting.result(), -ECANCELED);
}

TEST_P(contract_kinds, connect_makes_a_connection) {
  const listening_socket listener = listen_on(over());
  const descriptor socket = open_socket(over());
  connect connecting(socket.get(), listener.to(), listener.address_bytes);
  accept_one accepting(listener.socket.get());
  ASSERT_TRUE(run(connecting, accepting));
  EXPECT_EQ(connecting.result(), 0);
  const descriptor accepted(accepting.result());
  send_text(socket.get(), "hello");
  EXPECT_EQ(read_text(accepted.get(), 5), "hello");
}

TEST_P(contract_kinds, connect_to_nobody_is_refused) {
  listening_socket gone = listen_on(over());
  gone.socket.reset();
  const descriptor socket = open_socket(over());
  connect connecting(socket.get(), gone.to(), gone.address_bytes);
  ASSERT_TRUE(run(connecting));
  EXPECT_EQ(connecting.result(), -ECONNREFUSED);
}

TEST_P(contract_kinds, receive_gives_what_is_there_or_waits_for_it) {
  const connection pair = connect_pair(over());
  send_text(pair.theirs.get(), "already there");
  receive receiving(pair.ours.get(), 100);
  ASSERT_TRUE(run(receiving));
  EXPECT_EQ(receiving.text(), "already there");

  start(receiving);
  turn();
  EXPECT_EQ(receiving.state(), operation_state::submitted);
  send_text(pair.theirs.get(), "later");
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.text(), "later");

  send_text(pair.theirs.get(), "more than fits");
  receive small(pair.ours.get(), 4);
  ASSERT_TRUE(run(small));
  EXPECT_EQ(small.text(), "more");
  EXPECT_EQ(read_available(pair.ours.get()), " than fits");
}

TEST_P(contract_kinds, receive_with_wait_for_all_completes_when_full_or_at_the_end) {
  connection pair = connect_pair(over());
  receive receiving(pair.ours.get(), 10, true);
  start(receiving);
  for (const char* piece : {"abc", "def", "ghi"}) {
    send_text(pair.theirs.get(), piece);
    turn();
    turn();
    EXPECT_FALSE(receiving.is_done());
  }
  send_text(pair.theirs.get(), "jkl");
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.text(), "abcdefghij");

  receive cut_short(pair.ours.get(), 10, true);
  start(cut_short);
  turn();
  turn();
  EXPECT_FALSE(cut_short.is_done());
  pair.theirs.reset();
  ASSERT_TRUE(finish(cut_short));
  EXPECT_EQ(cut_short.text(), "kl") << "what came before the end is not lost";
}

TEST_P(contract_kinds, receive_many_gives_all_in_order_and_then_the_end) {
  connection pair = connect_pair(over());
  receive_many receiving(pair.ours.get());
  start(receiving);
  std::string sent;
  for (int number = 0; number < 100; ++number) {
    const std::string piece = "piece " + std::to_string(number);
    send_text(pair.theirs.get(), piece);
    sent += piece;
    ASSERT_TRUE(wait_for([&] { return receiving.received.size() == sent.size(); }));
  }
  EXPECT_EQ(receiving.received, sent);
  EXPECT_FALSE(receiving.is_done());
  pair.theirs.reset();
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.result(), 0);
}

TEST_P(contract_kinds, send_takes_what_fits_and_waits_while_nothing_does) {
  const connection pair = connect_pair(over());
  const std::string text = pattern(16u << 20);
  send sending(pair.ours.get(), text);
  ASSERT_TRUE(run(sending));
  ASSERT_GT(sending.result(), 0);
  const auto taken = static_cast<std::size_t>(sending.result());
  EXPECT_LT(taken, text.size()) << "no socket buffer holds that much";

  const std::size_t rest = fill(pair.ours.get());
  send waiting(pair.ours.get(), "now");
  start(waiting);
  turn();
  turn();
  EXPECT_EQ(waiting.state(), operation_state::submitted) << "a full socket is no error";
  const std::string arrived = read_text(pair.theirs.get(), taken + rest);
  EXPECT_TRUE(text.starts_with(arrived.substr(0, taken)));
  ASSERT_TRUE(finish(waiting));
  EXPECT_EQ(waiting.result(), 3);
  EXPECT_EQ(read_text(pair.theirs.get(), 3), "now");
}

TEST_P(contract_kinds, send_gathered_joins_as_many_pieces_as_the_system_takes) {
  const connection pair = connect_pair(over());
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{1024}}) {
    std::vector<std::string> pieces;
    std::string whole;
    for (std::size_t index = 0; index < count; ++index) {
      pieces.push_back(std::to_string(index) + (index % 3 == 0 ? "" : "."));
      whole += pieces.back();
    }
    send_gathered sending(pair.ours.get(), std::move(pieces));
    ASSERT_TRUE(run(sending));
    ASSERT_EQ(sending.result(), static_cast<int>(whole.size()));
    EXPECT_EQ(read_text(pair.theirs.get(), whole.size()), whole);
  }
}

TEST_P(contract_kinds, zero_copy_send_completes_when_its_memory_may_be_reused) {
  const connection pair = connect_pair(over());
  const std::string text = pattern(1u << 20);
  std::string arrived;
  for (std::size_t sent = 0; sent < text.size();) {
    send sending(pair.ours.get(), text.substr(sent), true);
    start(sending);
    // The kernel keeps the memory until it is delivered, and what is delivered wakes no loop: we look.
    const std::uint64_t until_ns = on().backend().now_ns() + patience_ns;
    while (!sending.is_done() && on().backend().now_ns() < until_ns) {
      turn();
      arrived += read_available(pair.theirs.get());
    }
    ASSERT_TRUE(sending.is_done());
    ASSERT_GT(sending.result(), 0);
    std::fill(sending.content.begin(), sending.content.end(), '!');
    sent += static_cast<std::size_t>(sending.result());
    arrived += read_text(pair.theirs.get(), sent - arrived.size());
  }
  EXPECT_TRUE(arrived == text);
}

TEST_P(contract_kinds, poll_tells_what_is_ready) {
  connection pair = connect_pair(over());
  poll writable(pair.ours.get(), POLLOUT);
  ASSERT_TRUE(run(writable));
  EXPECT_EQ(writable.result(), POLLOUT);

  poll readable(pair.ours.get(), POLLIN);
  poll half_closed(pair.ours.get(), POLLRDHUP);
  start(readable, half_closed);
  turn();
  turn();
  EXPECT_FALSE(readable.is_done());
  send_text(pair.theirs.get(), "x");
  ASSERT_TRUE(finish(readable));
  EXPECT_EQ(readable.result(), POLLIN);
  EXPECT_FALSE(half_closed.is_done());

  fill(pair.ours.get());
  poll room(pair.ours.get(), POLLOUT);
  start(room);
  turn();
  turn();
  EXPECT_FALSE(room.is_done());
  pair.theirs.reset();
  ASSERT_TRUE(finish(room, half_closed));
  EXPECT_NE(room.result() & (POLLHUP | POLLERR | POLLOUT), 0) << "nobody is there: no waiting";
  EXPECT_NE(half_closed.result() & POLLRDHUP, 0);
}

TEST_P(contract_kinds, close_lets_the_descriptor_go) {
  connection pair = connect_pair(over());
  close closing(pair.ours.get());
  ASSERT_TRUE(run(closing));
  EXPECT_EQ(closing.result(), 0);
  const int gone = pair.ours.release();
  EXPECT_EQ(calls().fcntl(gone, F_GETFD, 0), -1);
  EXPECT_EQ(read_to_end(pair.theirs.get()), "");
}

TEST_P(contract_kinds, shutdown_ends_one_direction) {
  const connection pair = connect_pair(over());
  shutdown ending(pair.ours.get(), SHUT_WR);
  ASSERT_TRUE(run(ending));
  EXPECT_EQ(ending.result(), 0);
  EXPECT_EQ(read_to_end(pair.theirs.get()), "");
  send_text(pair.theirs.get(), "still heard");
  EXPECT_EQ(read_text(pair.ours.get(), 11), "still heard");
}

TEST_P(contract_kinds, a_descriptor_that_is_not_open_is_an_error_of_its_completion) {
  const listening_socket listener = listen_on(over());
  descriptor gone = open_socket(over());
  const int bad = gone.get();
  gone.reset();

  accept_one accepting(bad);
  accept_many accepting_many(bad);
  connect connecting(bad, listener.to(), listener.address_bytes);
  receive receiving(bad, 10);
  receive_many receiving_many(bad);
  send sending(bad, "x");
  send_gathered gathering(bad, {"x", "y"});
  poll polling(bad, POLLIN);
  close closing(bad);
  shutdown ending(bad, SHUT_WR);
  ASSERT_TRUE(run(accepting, accepting_many, connecting, receiving, receiving_many, sending, gathering,
                  polling, closing, ending));
  for (const int result : {accepting.result(), accepting_many.result(), connecting.result(),
                           receiving.result(), receiving_many.result(), sending.result(), gathering.result(),
                           polling.result(), closing.result(), ending.result()})
    EXPECT_EQ(result, -EBADF);
}

TEST_P(contract_kinds, a_handler_may_start_its_operation_anew) {
  const connection pair = connect_pair(over());
  receive receiving(pair.ours.get(), 1);
  std::string heard;
  receiving.then = [&] {
    heard += receiving.text();
    if (heard.size() < 20) start(receiving);
  };
  send_text(pair.theirs.get(), "0123456789abcdefghij");
  start(receiving);
  ASSERT_TRUE(wait_for([&] { return heard.size() == 20; }));
  EXPECT_EQ(heard, "0123456789abcdefghij");
}

TEST_P(contract_kinds, a_handler_may_destroy_its_operation) {
  connection pair = connect_pair(over());
  auto receiving = std::make_unique<receive>(pair.ours.get(), 10);
  auto receiving_many = std::make_unique<receive_many>(pair.theirs.get());
  auto sending = std::make_unique<send>(pair.ours.get(), "x");
  receiving->then = [&] { receiving.reset(); };
  sending->then = [&] { sending.reset(); };
  receiving_many->then = [&] {
    if (receiving_many->is_done()) receiving_many.reset();
  };
  start(*receiving, *receiving_many, *sending);
  ASSERT_TRUE(wait_for([&] { return !sending; }));
  send_text(pair.theirs.get(), "y");
  ASSERT_TRUE(wait_for([&] { return !receiving; }));
  pair.ours.reset();
  ASSERT_TRUE(wait_for([&] { return !receiving_many; }));
}

INSTANTIATE_TEST_SUITE_P(backends, contract_kinds, each_stream(), name_of_transport);

} // namespace
} // namespace weir::test
