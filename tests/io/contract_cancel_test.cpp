// Cancellation: at every point of an operation's life, exactly one completion, and nothing lost.
#include "contract.hpp"

#include <weir/io/platform/sockets.hpp>

#include <memory>
#include <thread>

namespace weir::test {
namespace {

using contract_cancel = stream_contract;
using contract_cancel_tcp = contract; // a local connect is answered at once

/// One operation of each kind that waits, and what it waits on.
struct waiting {
  explicit waiting(transport over)
      : listener(listen_on(over)), quiet(connect_pair(over)), full(connect_pair(over)),
        filled(fill(full.ours.get())), accepting(listener.socket.get()),
        accepting_many(listener.socket.get()), receiving(quiet.ours.get(), 10),
        receiving_all(quiet.ours.get(), 10, true), receiving_many(quiet.theirs.get()),
        sending(full.ours.get(), "lost?"), gathering(full.ours.get(), {"lost", "?"}),
        zero_copying(full.ours.get(), "lost?", true), polling(quiet.ours.get(), POLLIN | POLLPRI) {}

  template <class Visitor>
  void for_each(Visitor&& visit) {
    visit(accepting);
    visit(accepting_many);
    visit(receiving);
    visit(receiving_all);
    visit(receiving_many);
    visit(sending);
    visit(gathering);
    visit(zero_copying);
    visit(polling);
  }
  void start_all(loop& on) {
    for_each([&](auto& op) { op.start(on); });
  }
  void cancel_all() {
    for_each([&](auto& op) { op.cancel(); });
  }
  bool are_all_done() {
    bool done = true;
    for_each([&](auto& op) { done = done && op.is_done(); });
    return done;
  }
  void expect_all_cancelled_once() {
    for_each([&](auto& op) { EXPECT_EQ(op.results, std::vector{-ECANCELED}) << name_of(op.kind()); });
    full.ours.reset();
    EXPECT_EQ(read_to_end(full.theirs.get()).size(), filled) << "a cancelled send sent something";
  }

  listening_socket listener;
  connection quiet;
  connection full;
  std::size_t filled;
  accept_one accepting;
  accept_many accepting_many;
  receive receiving;
  receive receiving_all;
  receive_many receiving_many;
  send sending;
  send_gathered gathering;
  send zero_copying;
  poll polling;
};

TEST_P(contract_cancel, before_it_was_submitted) {
  waiting all(over());
  all.start_all(on());
  all.cancel_all();
  ASSERT_TRUE(wait_for([&] { return all.are_all_done(); }));
  all.expect_all_cancelled_once();
}

TEST_P(contract_cancel, while_it_waits) {
  waiting all(over());
  all.start_all(on());
  turn();
  turn();
  all.for_each([](auto& op) { EXPECT_EQ(op.state(), operation_state::submitted) << name_of(op.kind()); });
  all.cancel_all();
  ASSERT_TRUE(wait_for([&] { return all.are_all_done(); }));
  all.expect_all_cancelled_once();
}

TEST_P(contract_cancel, again_and_again) {
  waiting all(over());
  all.start_all(on());
  all.cancel_all();
  all.cancel_all();
  turn();
  all.cancel_all();
  ASSERT_TRUE(wait_for([&] { return all.are_all_done(); }));
  all.cancel_all();
  turn();
  all.expect_all_cancelled_once();
}

TEST_P(contract_cancel, from_a_handler_of_another_operation) {
  waiting all(over());
  nop trigger;
  trigger.then = [&] { all.cancel_all(); };
  all.start_all(on());
  ASSERT_TRUE(run(trigger));
  ASSERT_TRUE(wait_for([&] { return all.are_all_done(); }));
  all.expect_all_cancelled_once();
}

TEST_P(contract_cancel, does_not_reach_the_next_start_of_the_operation) {
  waiting all(over());
  all.start_all(on());
  all.cancel_all();
  ASSERT_TRUE(wait_for([&] { return all.are_all_done(); }));
  all.cancel_all(); // of operations that are idle: harmless
  receive& receiving = all.receiving;
  start(receiving);
  turn();
  turn();
  EXPECT_FALSE(receiving.is_done());
  send_text(all.quiet.theirs.get(), "x");
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.text(), "x");
}

TEST_P(contract_cancel, leaves_others_on_the_descriptor_alone) {
  const connection pair = connect_pair(over());
  receive first(pair.ours.get(), 1), second(pair.ours.get(), 1), third(pair.ours.get(), 1);
  poll polling(pair.ours.get(), POLLIN);
  start(first, second, third, polling);
  turn();
  second.cancel();
  ASSERT_TRUE(finish(second));
  EXPECT_EQ(second.result(), -ECANCELED);
  EXPECT_FALSE(first.is_done() || third.is_done() || polling.is_done());
  send_text(pair.theirs.get(), "xy");
  ASSERT_TRUE(finish(first, third, polling));
  EXPECT_EQ(first.result() + third.result(), 2);
}

TEST_P(contract_cancel, comes_too_late_for_what_has_completed) {
  const connection pair = connect_pair(over());
  send_text(pair.theirs.get(), "data");
  nop nothing;
  receive receiving(pair.ours.get(), 10);
  start(nothing, receiving);
  ASSERT_TRUE(wait_until_completed(receiving));
  receiving.cancel();
  nothing.cancel();
  receiving.cancel();
  ASSERT_TRUE(finish(nothing, receiving));
  EXPECT_EQ(nothing.results, std::vector{0});
  EXPECT_EQ(receiving.text(), "data") << "a success is delivered as a success";
}

/// Whatever wins: what was reported and what is still in the socket add up to what was sent.
TEST_P(contract_cancel, racing_with_data_loses_none) {
  const connection pair = connect_pair(over());
  for (int round = 0; round < 200; ++round) {
    receive receiving(pair.ours.get(), 10, round % 2 == 0);
    start(receiving);
    if (round % 3 != 0) turn();
    send_text(pair.theirs.get(), "abc");
    if (round % 5 == 0) turn();
    receiving.cancel();
    if (round % 4 == 0) receiving.cancel();
    ASSERT_TRUE(finish(receiving));
    if (receiving.result() < 0) {
      ASSERT_EQ(receiving.result(), -ECANCELED);
    }
    ASSERT_EQ(receiving.text() + read_text(pair.ours.get(), 3 - receiving.text().size()), "abc")
        << "round " << round;
  }
}

TEST_P(contract_cancel, of_receive_many_keeps_what_arrived_before_its_last_completion) {
  const connection pair = connect_pair(over());
  std::string sent, seen;
  for (int round = 0; round < 200; ++round) {
    receive_many receiving(pair.ours.get());
    start(receiving);
    for (int piece = 0; piece < round % 4; ++piece) {
      if (round % 3 != 0) turn();
      const std::string text = std::to_string(round) + "," + std::to_string(piece) + ";";
      send_text(pair.theirs.get(), text);
      sent += text;
    }
    receiving.cancel();
    if (round % 5 == 0) receiving.cancel();
    ASSERT_TRUE(finish(receiving));
    ASSERT_EQ(receiving.result(), -ECANCELED);
    seen += receiving.received;
    seen += read_text(pair.ours.get(), sent.size() - seen.size());
    ASSERT_EQ(seen, sent) << "round " << round;
  }
}

TEST_P(contract_cancel, of_receive_many_by_its_own_handler) {
  const connection pair = connect_pair(over());
  receive_many receiving(pair.ours.get());
  receiving.then = [&] {
    if (!receiving.is_done()) receiving.cancel();
  };
  start(receiving);
  send_text(pair.theirs.get(), "abc");
  ASSERT_TRUE(finish(receiving));
  EXPECT_EQ(receiving.result(), -ECANCELED);
  EXPECT_EQ(receiving.received, "abc");
}

TEST_P(contract_cancel, of_a_send_that_took_a_part_reports_the_part) {
  connection pair = connect_pair(over());
  const std::string text = pattern(8u << 20);
  std::size_t reported = 0;
  std::string arrived;
  for (int round = 0; round < 20; ++round) {
    send sending(pair.ours.get(), text.substr(reported), round % 2 == 0);
    start(sending);
    if (round % 3 != 0) turn();
    sending.cancel();
    if (round % 4 == 0) arrived += read_available(pair.theirs.get());
    ASSERT_TRUE(wait_for([&] {
      arrived += read_available(pair.theirs.get()); // a zero-copy send may be owed until its bytes are read
      return sending.is_done();
    }));
    if (sending.result() < 0) {
      ASSERT_EQ(sending.result(), -ECANCELED);
    } else {
      reported += static_cast<std::size_t>(sending.result());
    }
  }
  pair.ours.reset();
  arrived += read_to_end(pair.theirs.get());
  EXPECT_EQ(arrived.size(), reported);
  EXPECT_TRUE(text.starts_with(arrived));
}

TEST_P(contract_cancel, of_an_accept_neither_loses_nor_leaks_a_connection) {
  const listening_socket listener = listen_on(over());
  int accepted = 0;
  const auto take = [&](std::vector<int>& results) {
    for (const int result : results)
      if (result >= 0) {
        descriptor taken(result);
        ++accepted;
      } else {
        EXPECT_EQ(result, -ECANCELED);
      }
    results.clear();
  };
  constexpr int rounds = 100;
  std::vector<descriptor> clients;
  for (int round = 0; round < rounds; ++round) {
    accept_one one(listener.socket.get());
    accept_many many(listener.socket.get());
    start(one, many);
    if (round % 3 != 0) turn();
    clients.push_back(connect_to(listener));
    if (round % 4 == 0) turn();
    one.cancel();
    many.cancel();
    ASSERT_TRUE(finish(one, many));
    take(one.results);
    take(many.results);
  }
  accept_many rest(listener.socket.get());
  start(rest);
  ASSERT_TRUE(wait_for([&] { return accepted + static_cast<int>(rest.results.size()) >= rounds; }));
  rest.cancel();
  ASSERT_TRUE(finish(rest));
  take(rest.results);
  EXPECT_EQ(accepted, rounds);
}

TEST_P(contract_cancel, while_it_is_parked_leaves_the_line_in_order) {
  loop_options small = options();
  small.io.operations_max = 2;
  reopen(small);
  const connection pair = connect_pair(over());
  receive first(pair.ours.get(), 1), second(pair.theirs.get(), 1);
  receive parked(pair.ours.get(), 1), behind(pair.ours.get(), 1);
  start(first, second, parked, behind);
  turn();
  turn();
  EXPECT_EQ(parked.state(), operation_state::parked);
  EXPECT_EQ(behind.state(), operation_state::parked);
  parked.cancel();
  parked.cancel();
  ASSERT_TRUE(finish(parked));
  EXPECT_EQ(parked.results, std::vector{-ECANCELED});
  EXPECT_EQ(behind.state(), operation_state::parked);
  send_text(pair.theirs.get(), "xy");
  ASSERT_TRUE(finish(first, behind));
  EXPECT_EQ(first.text() + behind.text(), "xy");
}

TEST_P(contract_cancel, that_has_not_completed_is_awaited_by_the_end_of_the_loop) {
  auto made = create_loop(options());
  ASSERT_TRUE(made);
  waiting all(over());
  all.start_all(**made);
  (*made)->turn(0);
  all.cancel_all();
  made->reset();
  EXPECT_TRUE(all.are_all_done());
  all.expect_all_cancelled_once();
}

TEST_P(contract_cancel_tcp, of_a_connect_that_nobody_answers) {
  const listening_socket listener = listen_on(transport::tcp, 0);
  std::vector<descriptor> sockets;
  std::vector<std::unique_ptr<connect>> connects;
  // A backlog of nothing takes one or two; the requests of the others are dropped without an answer.
  for (int count = 0; count < 4; ++count) {
    sockets.push_back(open_socket(transport::tcp));
    connects.push_back(
        std::make_unique<connect>(sockets.back().get(), listener.to(), listener.address_bytes));
    start(*connects.back());
  }
  ASSERT_TRUE(wait_for([&] { return connects.front()->is_done(); }));
  connect& hanging = *connects.back();
  EXPECT_FALSE(hanging.is_done());
  hanging.cancel();
  ASSERT_TRUE(finish(hanging));
  EXPECT_EQ(hanging.result(), -ECANCELED);
}

/// Data and cancellation from two threads: the race that no order of calls in one thread makes.
TEST_P(contract_cancel, racing_with_a_peer_on_another_thread_loses_none) {
  connection pair = connect_pair(over());
  const std::string text = pattern(std::size_t{1} << 20);
  peer_thread peer([&text, theirs = std::move(pair.theirs)] {
    for (std::size_t sent = 0; sent < text.size(); sent += 1024)
      send_text(theirs.get(), text.substr(sent, 1024));
  });
  std::string seen;
  bool at_end = false;
  while (!at_end) {
    receive_many receiving(pair.ours.get());
    start(receiving);
    ASSERT_TRUE(wait_for([&] { return !receiving.results.empty(); }));
    receiving.cancel();
    ASSERT_TRUE(finish(receiving));
    at_end = receiving.result() == 0;
    seen += receiving.received;
  }
  EXPECT_TRUE(seen == text);
}

TEST_P(contract_cancel, ends_all_that_wait_for_bytes_which_only_one_of_them_gets) {
  const connection pair = connect_pair(over());
  receive first(pair.ours.get(), 100), second(pair.ours.get(), 100), third(pair.ours.get(), 100);
  for (int round = 0; round < 10; ++round) {
    send_text(pair.theirs.get(), "x"); // all are ready before they begin to wait, and most in vain
    start(first, second, third);
    if (round % 2 == 1) turn();
    third.cancel();
    second.cancel();
    first.cancel();
    ASSERT_TRUE(finish(first, second, third));
    read_available(pair.ours.get());
  }
}

INSTANTIATE_TEST_SUITE_P(backends, contract_cancel, each_stream(), name_of_transport);
INSTANTIATE_TEST_SUITE_P(backends, contract_cancel_tcp, each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
