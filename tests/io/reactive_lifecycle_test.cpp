// Beginning and ending of operations on the reactive_proactor: connections, polls, bounds, cancellation,
// close.
#include <fcntl.h>
#include <io/reactive_rig.hpp>
#include <poll.h>
#include <support/descriptors.hpp>
#include <support/sockets.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <thread>

namespace weir::test::reactive {
namespace {

using outcome = reactive_rig::outcome;

class reactive_lifecycle : public testing::TestWithParam<transport> {
 protected:
  /// A wait with nothing to report sleeps to its end. At most one is cut short before, by interest left over;
  /// and one or another by a signal, such as the kernel's own when an io_uring of an earlier test ends.
  void expect_no_spinning(reactive_rig& rig) {
    using clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds asked{3};
    rig.io->wait(0);
    clock::duration longest{};
    for (int tries = 10; tries > 0 && longest < asked; --tries) {
      const auto before = clock::now();
      rig.io->wait(3'000'000);
      longest = std::max(longest, clock::now() - before);
    }
    EXPECT_GE(longest, asked);
  }

  connection pair = connect_pair(GetParam());
  const int ours = pair.ours.get();
  const int theirs = pair.theirs.get();
  receive_many_operation receive_many{ours, no_handler};
};

INSTANTIATE_TEST_SUITE_P(over, reactive_lifecycle, testing::Values(transport::tcp, transport::local),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

// --- connections ---

TEST_P(reactive_lifecycle, connects_and_accepts) {
  reactive_rig rig;
  const listening_socket listener = listen_on(GetParam());
  accept_operation accept{listener.socket.get(), false, no_handler};
  rig.start(accept);
  EXPECT_TRUE(rig.take_after_wait().empty());
  const descriptor client = open_socket(GetParam());
  connect_operation connect{client.get(), listener.to(), listener.address_bytes, no_handler};
  rig.start(connect);
  descriptor accepted;
  for (const outcome& each : {rig.next(), rig.next()}) {
    if (each.op == &accept)
      accepted = descriptor(each.result);
    else
      EXPECT_EQ(each.result, 0);
  }
  ASSERT_TRUE(accepted);
  EXPECT_TRUE(is_non_blocking_and_close_on_exec(accepted.get()));
  send_text(client.get(), "hello");
  EXPECT_EQ(read_text(accepted.get(), 5), "hello");
}

TEST_P(reactive_lifecycle, tells_of_a_refused_connection) {
  reactive_rig rig;
  listening_socket listener = listen_on(GetParam());
  listener.socket.reset();
  const descriptor client = open_socket(GetParam());
  connect_operation connect{client.get(), listener.to(), listener.address_bytes, no_handler};
  rig.start(connect);
  EXPECT_EQ(rig.next().result, -ECONNREFUSED);
}

TEST_P(reactive_lifecycle, accepts_many_but_not_all_in_one_turn) {
  reactive_rig rig;
  const listening_socket listener = listen_on(GetParam());
  std::vector<descriptor> clients, accepted;
  for (int i = 0; i < 100; ++i) clients.push_back(connect_to(listener));
  accept_operation accept{listener.socket.get(), true, no_handler};
  rig.start(accept);
  for (const std::size_t expected : {64u, 36u, 0u}) {
    const auto turn = rig.take_after_wait();
    EXPECT_EQ(turn.size(), expected);
    for (const outcome& each : turn) {
      EXPECT_TRUE(each.more);
      accepted.emplace_back(each.result);
    }
  }
  EXPECT_EQ(rig.counters.receive_again, 0u);
}

TEST_P(reactive_lifecycle, stops_accepting_when_descriptors_run_out_and_does_not_spin) {
  reactive_rig rig;
  const listening_socket listener = listen_on(GetParam());
  const descriptor client = connect_to(listener);
  accept_operation accept{listener.socket.get(), true, no_handler};
  rig.start(accept);
  descriptor_limit limit(0);
  rig.io->wait(a_second_ns);
  limit.lift();
  EXPECT_EQ(rig.next().result, -EMFILE);
  EXPECT_TRUE(accept.is_idle());
  expect_no_spinning(rig);
  rig.start(accept);
  const descriptor accepted(rig.next().result);
  EXPECT_TRUE(accepted) << "the connection was kept";
}

TEST(reactive_connect, tells_of_a_full_unix_backlog) {
  reactive_rig rig;
  const listening_socket listener = listen_on(transport::local, 0);
  const descriptor first = connect_to(listener), second = open_socket(transport::local);
  connect_operation connect{second.get(), listener.to(), listener.address_bytes, no_handler};
  rig.start(connect);
  EXPECT_EQ(rig.next().result, -EAGAIN);
}

// --- polls ---

TEST_P(reactive_lifecycle, polls_each_direction_apart) {
  reactive_rig rig;
  poll_operation in{ours, POLLIN, no_handler}, out{ours, POLLOUT, no_handler},
      either{ours, POLLIN | POLLOUT, no_handler};
  rig.start(in);
  rig.start(out);
  rig.start(either);
  const outcome first = rig.next(), second = rig.next();
  EXPECT_EQ(first.op, &out);
  EXPECT_EQ(first.result, POLLOUT);
  EXPECT_EQ(second.op, &either);
  EXPECT_EQ(second.result, POLLOUT);
  expect_no_spinning(rig);
  send_text(theirs, "x");
  EXPECT_EQ(rig.next().op, &in);
}

TEST_P(reactive_lifecycle, polls_beside_a_pending_read) {
  reactive_rig rig;
  poll_operation in{ours, POLLIN, no_handler};
  rig.start(receive_many);
  rig.start(in);
  send_text(theirs, "x");
  EXPECT_EQ(rig.next().result, POLLIN);
  EXPECT_EQ(rig.next().text(), "x");
}

TEST_P(reactive_lifecycle, polls_for_the_end_behind_unread_data) {
  reactive_rig rig;
  poll_operation end{ours, POLLRDHUP, no_handler};
  rig.start(end);
  send_text(theirs, "unread");
  EXPECT_TRUE(rig.take_after_wait().empty());
  expect_no_spinning(rig);
  ::shutdown(theirs, SHUT_WR);
  EXPECT_EQ(rig.next().result, POLLRDHUP);
  expect_no_spinning(rig);
  pair.theirs.reset();
  ::shutdown(ours, SHUT_WR);
  poll_operation errors{ours, 0, no_handler};
  rig.start(errors);
  EXPECT_EQ(rig.next().result & POLLHUP, POLLHUP);
}

TEST(reactive_poll, finds_regular_files_ready) {
  reactive_rig rig;
  const descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  poll_operation in{file.get(), POLLIN, no_handler};
  rig.start(in);
  EXPECT_EQ(rig.next().result, POLLIN);
  receive_many_operation receive{file.get(), no_handler};
  rig.start(receive);
  EXPECT_EQ(rig.next().result, -ENOTSOCK);
}

// --- bounds ---

TEST_P(reactive_lifecycle, parks_operations_beyond_the_bound_in_order) {
  rig_options options;
  options.io.operations_max = 2;
  reactive_rig rig(options);
  std::deque<poll_operation> waiting;
  for (int i = 0; i < 2; ++i) rig.start(waiting.emplace_back(ours, POLLIN, no_handler));
  nop_operation first{no_handler}, second{no_handler}, third{no_handler};
  for (nop_operation* nop : {&first, &second, &third}) rig.start(*nop);
  EXPECT_EQ(rig.counters.operations_parked, 3u);
  EXPECT_EQ(second.state(), operation_state::parked);
  EXPECT_TRUE(rig.take_after_wait().empty());

  rig.io->cancel(second); // reserved room: it does not wait for its turn
  EXPECT_EQ(rig.next().op, &second);
  EXPECT_TRUE(rig.take_after_wait().empty()) << "it had no room that could be passed on";
  close_operation close{::dup(ours), no_handler};
  rig.start(close);
  EXPECT_EQ(rig.next().op, &close);

  rig.io->cancel(waiting.front());
  EXPECT_EQ(rig.next().result, -ECANCELED);
  nop_operation last{no_handler};
  rig.start(last);
  for (const nop_operation* nop : {&first, &third, &last}) EXPECT_EQ(rig.next().op, nop);
}

TEST_P(reactive_lifecycle, loses_nothing_when_the_completion_queue_is_full) {
  rig_options options;
  options.completion_capacity = 4;
  reactive_rig rig(options);
  std::deque<nop_operation> nops;
  for (int i = 0; i < 50; ++i) rig.start(nops.emplace_back(no_handler));
  EXPECT_EQ(rig.next().op, &nops[0]);
  rig.start(nops.emplace_back(no_handler)); // the queue has room, others came first
  nops.pop_front();
  const std::string text = pattern(20 << 10);
  rig.start(receive_many);
  send_text(theirs, text);
  for (const nop_operation& nop : nops) EXPECT_EQ(rig.next().op, &nop);
  std::string received;
  while (received.size() < text.size()) received += rig.next().text();
  EXPECT_TRUE(received == text);
}

TEST_P(reactive_lifecycle, leaves_data_in_the_socket_while_the_completion_queue_is_full) {
  rig_options options;
  options.completion_capacity = 2;
  reactive_rig rig(options);
  rig.start(receive_many);
  send_text(theirs, "x");
  while (unread_bytes(ours) == 0) std::this_thread::yield();
  nop_operation nops[3] = {nop_operation{no_handler}, nop_operation{no_handler}, nop_operation{no_handler}};
  for (nop_operation& nop : nops) rig.start(nop);
  rig.io->wait(0);
  EXPECT_EQ(rig.counters.receive_calls, 0u);
  for (const nop_operation& nop : nops) EXPECT_EQ(rig.next().op, &nop);
  EXPECT_EQ(rig.next().text(), "x");
}

TEST(reactive_descriptors, must_be_open) {
  reactive_rig rig;
  const int closed = ::dup(0);
  ::close(closed);
  for (const int number : {-1, closed, 1 << 30}) {
    std::array<std::byte, 1> memory;
    receive_operation receive{number, memory, no_handler};
    rig.start(receive);
    EXPECT_EQ(rig.next().result, -EBADF);
    send_operation send{number, memory, no_handler};
    rig.start(send);
    EXPECT_EQ(rig.next().result, -EBADF);
    close_operation close{number, no_handler};
    rig.start(close);
    EXPECT_EQ(rig.next().result, -EBADF);
  }
}

// --- ending ---

TEST_P(reactive_lifecycle, cancels_what_waits_and_keeps_what_succeeded) {
  reactive_rig rig;
  fill(ours);
  const listening_socket listener = listen_on(GetParam());
  std::array<std::byte, 8> memory;
  receive_operation receive{ours, memory, no_handler};
  send_operation send{ours, memory, no_handler};
  accept_operation accept{listener.socket.get(), true, no_handler};
  poll_operation poll{ours, POLLIN, no_handler};
  operation* const waiting[] = {&receive_many, &receive, &send, &accept, &poll};
  for (operation* op : waiting) rig.start(*op);
  rig.io->wait(0);
  for (operation* op : waiting) {
    rig.io->cancel(*op);
    rig.io->cancel(*op); // once is enough
    const auto ended = rig.take();
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended[0].op, op);
    EXPECT_EQ(ended[0].result, -ECANCELED);
  }
  nop_operation nop{no_handler};
  rig.start(nop);
  rig.io->cancel(nop);
  EXPECT_EQ(rig.next().result, 0);
  rig.io->cancel(nop);
  EXPECT_TRUE(rig.take_after_wait().empty());
}

TEST_P(reactive_lifecycle, reads_again_after_a_cancelled_read) {
  reactive_rig rig;
  rig.start(receive_many);
  rig.io->wait(0);
  rig.io->cancel(receive_many);
  EXPECT_EQ(rig.next().result, -ECANCELED);
  send_text(theirs, "kept");
  rig.start(receive_many);
  EXPECT_EQ(rig.next().text(), "kept");
}

TEST_P(reactive_lifecycle, shuts_down_one_direction) {
  reactive_rig rig;
  shutdown_operation shutdown{ours, SHUT_WR, no_handler};
  rig.start(shutdown);
  EXPECT_EQ(rig.next().result, 0);
  EXPECT_EQ(read_to_end(theirs), "");
  send_text(theirs, "still open");
  EXPECT_EQ(read_text(ours, 10), "still open");
}

TEST_P(reactive_lifecycle, forgets_a_closed_descriptor_whose_number_is_reused) {
  for (const bool through_weir : {true, false}) {
    reactive_rig rig;
    connection old = connect_pair(GetParam()), next = connect_pair(GetParam());
    const int number = old.ours.release();
    std::array<std::byte, 8> memory;
    receive_operation receive{number, memory, no_handler};
    rig.start(receive);
    send_text(old.theirs.get(), "x");
    EXPECT_EQ(rig.next().result, 1);
    if (through_weir) {
      close_operation close{number, no_handler};
      rig.start(close);
      EXPECT_EQ(rig.next().result, 0);
    } else {
      ::close(number);
      rig.io->wait(0); // without weir it takes a turn
    }
    ASSERT_EQ(::dup3(next.ours.get(), number, O_CLOEXEC), number);
    const descriptor reused(number);
    rig.start(receive);
    send_text(next.theirs.get(), "yz");
    EXPECT_EQ(rig.next().result, 2);
  }
}

TEST_P(reactive_lifecycle, cancels_what_is_outstanding_at_a_close) {
  reactive_rig rig;
  poll_operation poll{ours, POLLIN, no_handler};
  rig.start(receive_many);
  rig.start(poll);
  rig.io->wait(0);
  close_operation close{pair.ours.release(), no_handler};
  rig.start(close);
  EXPECT_EQ(rig.next().result, -ECANCELED);
  EXPECT_EQ(rig.next().result, -ECANCELED);
  const outcome closed = rig.next();
  EXPECT_EQ(closed.op, &close);
  EXPECT_EQ(closed.result, 0);
}

TEST_P(reactive_lifecycle, does_not_spin_on_a_peer_that_hung_up) {
  reactive_rig rig;
  rig.start(receive_many);
  rig.io->wait(0);
  rig.io->cancel(receive_many);
  rig.next();
  send_text(theirs, "unread");
  pair.theirs.reset();
  ::shutdown(ours, SHUT_RDWR);
  expect_no_spinning(rig);
}

TEST(reactive_wake, ends_the_wait) {
  reactive_rig rig;
  std::thread waker([&rig] { rig.io->wake(); });
  rig.io->wait(proactor::no_timeout);
  waker.join();
  EXPECT_EQ(rig.counters.wakes, 1u);
}

TEST(reactive_proactor_face, says_how_operations_are_carried_out) {
  reactive_rig rig;
  EXPECT_EQ(rig.io->name(), "epoll");
  EXPECT_EQ(rig.io->capabilities(), capability_mask());
  EXPECT_EQ(rig.io->execution_of(operation_kind::close), execution::inline_);
  EXPECT_EQ(rig.io->execution_of(operation_kind::receive_many), execution::readiness);
  const std::uint64_t before_ns = rig.io->now_ns();
  rig.io->wait(1'000'000);
  EXPECT_GE(rig.io->now_ns() - before_ns, 1'000'000u);
}

} // namespace
} // namespace weir::test::reactive
