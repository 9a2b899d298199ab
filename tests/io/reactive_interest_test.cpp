// What the reactive_proactor asks of its reactor, and when: each change of interest is a system call.
#include <fcntl.h>
#include <io/reactive_rig.hpp>
#include <poll.h>
#include <support/sockets.hpp>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace weir::test::reactive {
namespace {

constexpr readiness nothing = readiness::none;
constexpr readiness readable = readiness::readable;
constexpr readiness writable = readiness::writable;

class reactive_interest : public testing::Test {
 protected:
  using watches = std::vector<scripted_reactor::watch_call>;

  void open(const rig_options& options) {
    auto below = std::make_unique<scripted_reactor>();
    script = below.get();
    rig = std::make_unique<reactive_rig>(std::move(below), options);
  }
  void SetUp() override { open(rig_options{}); }

  /// One wait in which the reactor reports these events on `ours`; the changes of interest it began with.
  watches wait(readiness events = nothing) {
    if (any(events)) script->script.push_back({{ours, events}});
    rig->io->wait(reactor::no_timeout);
    return script->take_watched();
  }
  int result_of_next() { return rig->completed.empty() ? -9999 : rig->next().result; }

  connection pair = connect_pair(transport::local);
  const int ours = pair.ours.get();
  std::array<std::byte, 64> memory{};
  scripted_reactor* script = nullptr;
  std::unique_ptr<reactive_rig> rig;
  receive_operation receive{ours, memory, no_handler};
  receive_many_operation receive_many{ours, no_handler};
  poll_operation poll{ours, POLLIN, no_handler};
};

TEST_F(reactive_interest, changes_at_the_wait) {
  rig->start(receive);
  EXPECT_TRUE(script->watched.empty());
  EXPECT_EQ(wait(), (watches{{ours, readable}}));
  EXPECT_EQ(wait(), watches{});
}

TEST_F(reactive_interest, costs_nothing_where_a_turn_cancels_it_out) {
  rig->start(receive);
  rig->io->cancel(receive);
  EXPECT_EQ(wait(), watches{});
  EXPECT_EQ(result_of_next(), -ECANCELED);
}

TEST_F(reactive_interest, costs_nothing_for_a_read_after_a_read) {
  rig->start(receive);
  EXPECT_EQ(wait(), (watches{{ours, readable}}));
  for (int round = 0; round < 3; ++round) {
    send_text(pair.theirs.get(), "x");
    EXPECT_EQ(wait(readable), watches{});
    EXPECT_EQ(result_of_next(), 1);
    rig->start(receive);
  }
  EXPECT_EQ(wait(), watches{});
}

TEST_F(reactive_interest, ends_at_readiness_that_nobody_waits_for) {
  rig->start(receive);
  send_text(pair.theirs.get(), "x");
  wait(readable);
  EXPECT_EQ(result_of_next(), 1);
  EXPECT_EQ(wait(), watches{}) << "it outlives its operation";
  EXPECT_EQ(wait(readable), watches{}) << "only now it is known to be in the way";
  EXPECT_EQ(wait(), (watches{{ours, nothing}}));
}

TEST_F(reactive_interest, is_verified_for_a_descriptor_that_was_idle_for_a_turn) {
  rig->start(receive);
  send_text(pair.theirs.get(), "xy");
  wait(readable);
  EXPECT_EQ(result_of_next(), 2);
  wait(readable);
  rig->start(receive);
  EXPECT_EQ(wait(), (watches{{ours, readable}})) << "verified: idle for a turn, it may be another file";
  send_text(pair.theirs.get(), "z");
  wait(readable);
  EXPECT_EQ(result_of_next(), 1);
  rig->start(receive);
  EXPECT_EQ(wait(), watches{}) << "once is enough";
}

TEST_F(reactive_interest, is_verified_after_a_read_that_failed_or_met_the_end) {
  rig->start(receive);
  wait();
  pair.theirs.reset();
  wait(readable | readiness::hangup);
  EXPECT_EQ(result_of_next(), 0);
  rig->start(receive);
  EXPECT_EQ(wait(), (watches{{ours, readable}})) << "the number may be another file already";
}

TEST_F(reactive_interest, is_verified_for_a_socket_that_connects) {
  rig->start(receive);
  send_text(pair.theirs.get(), "x");
  wait(readable);
  EXPECT_EQ(result_of_next(), 1);
  const listening_socket listener = listen_on(transport::local);
  const descriptor fresh = open_socket(transport::local);
  ASSERT_EQ(::dup3(fresh.get(), ours, O_CLOEXEC), ours); // in the same turn
  connect_operation connect{ours, listener.to(), listener.address_bytes, no_handler};
  rig->start(connect);
  EXPECT_EQ(result_of_next(), 0);
  rig->start(receive);
  EXPECT_EQ(wait(), (watches{{ours, readable}}));
}

TEST_F(reactive_interest, is_forgotten_for_a_number_that_accept_returns) {
  rig->start(receive);
  send_text(pair.theirs.get(), "x");
  wait(readable);
  EXPECT_EQ(result_of_next(), 1);
  const listening_socket listener = listen_on(transport::local);
  const descriptor peer = connect_to(listener);
  accept_operation accept{listener.socket.get(), false, no_handler};
  rig->start(accept);
  fill(ours);
  const std::string text = "more than fits";
  send_operation send{ours, bytes_of(text), no_handler};
  rig->start(send);
  rig->io->cancel(send);
  EXPECT_EQ(result_of_next(), -ECANCELED);
  pair.ours.reset(); // the lowest number that is free, so accept4 takes it
  script->script.push_back({{listener.socket.get(), readable}});
  EXPECT_EQ(wait(), (watches{{listener.socket.get(), readable}}));
  ASSERT_EQ(result_of_next(), ours);
  const descriptor accepted(ours);
  rig->start(receive);
  rig->start(send);
  EXPECT_EQ(result_of_next(), 14) << "tried at once: that the old socket was full is forgotten, too";
  EXPECT_EQ(wait(), (watches{{ours, readable}}));
}

TEST_F(reactive_interest, in_writing_ends_when_the_last_write_has_gone) {
  fill(ours);
  const std::string text = "tail";
  send_operation send{ours, bytes_of(text), no_handler};
  rig->start(send);
  EXPECT_EQ(wait(), (watches{{ours, writable}}));
  EXPECT_EQ(wait(), watches{});
  read_available(pair.theirs.get());
  EXPECT_EQ(wait(writable), watches{});
  EXPECT_EQ(result_of_next(), 4);
  EXPECT_EQ(wait(), (watches{{ours, nothing}})) << "it would end the next wait at once";
}

TEST_F(reactive_interest, of_all_who_wait_is_told_in_one_call) {
  fill(ours);
  const std::string text = "x";
  send_operation send{ours, bytes_of(text), no_handler};
  poll_operation urgent{ours, POLLPRI | POLLRDHUP, no_handler};
  rig->start(receive);
  rig->start(send);
  rig->start(urgent);
  EXPECT_EQ(wait(), (watches{{ours, readable | writable | readiness::priority | readiness::hangup}}));
  rig->io->cancel(urgent);
  EXPECT_EQ(wait(), watches{}) << "what is left over does no harm yet";
  EXPECT_EQ(wait(readiness::priority), watches{});
  EXPECT_EQ(wait(), (watches{{ours, readable | writable}}));
  rig->io->cancel(receive);
  EXPECT_EQ(wait(), watches{}) << "nor does this";
}

TEST_F(reactive_interest, in_the_end_of_one_direction_ends_when_nobody_waits_for_it) {
  poll_operation end{ours, POLLRDHUP, no_handler}, urgent{ours, POLLPRI, no_handler};
  rig->start(end);
  rig->start(urgent);
  EXPECT_EQ(wait(), (watches{{ours, readiness::priority | readiness::hangup}}));
  rig->io->cancel(end);
  rig->take();
  ::shutdown(pair.theirs.get(), SHUT_WR);
  EXPECT_EQ(wait(readiness::hangup), watches{});
  EXPECT_TRUE(rig->take().empty()) << "the end of one direction is no POLLHUP";
  EXPECT_EQ(wait(), (watches{{ours, readiness::priority}}));
}

TEST_F(reactive_interest, ends_at_a_failure_that_nobody_waits_for) {
  rig->start(receive);
  send_text(pair.theirs.get(), "x");
  wait(readable);
  wait(readiness::failed);
  EXPECT_EQ(wait(), (watches{{ours, nothing}}));
}

TEST_F(reactive_interest, in_reading_or_writing_is_met_by_a_hangup_alone) {
  const std::string text = "x";
  fill(ours);
  send_operation send{ours, bytes_of(text), no_handler};
  rig->start(receive);
  rig->start(send);
  pair.theirs.reset();
  wait(readiness::hangup);
  EXPECT_LE(result_of_next(), 0);
  EXPECT_EQ(result_of_next(), -EPIPE);
}

TEST_F(reactive_interest, is_taken_away_before_a_close) {
  rig->start(receive);
  wait();
  rig->io->cancel(receive);
  EXPECT_EQ(result_of_next(), -ECANCELED);
  close_operation close{pair.ours.release(), no_handler};
  rig->start(close);
  EXPECT_EQ(script->take_watched(), (watches{{ours, nothing}})) << "a duplicate would go on being reported";
  EXPECT_EQ(result_of_next(), 0);
  EXPECT_EQ(::fcntl(ours, F_GETFD), -1);
}

TEST_F(reactive_interest, is_not_told_at_a_close_where_there_is_none) {
  close_operation close{pair.ours.release(), no_handler};
  rig->start(close);
  EXPECT_EQ(wait(), watches{});
  EXPECT_EQ(result_of_next(), 0);
}

TEST_F(reactive_interest, that_the_reactor_refuses_fails_those_who_wait) {
  script->refusals[ours] = -ENOSPC;
  poll_operation second{ours, POLLOUT, no_handler};
  rig->start(receive);
  rig->start(poll);
  rig->start(second);
  wait();
  EXPECT_EQ(script->timeouts_ns.back(), 0u) << "there is something to deliver";
  for (const operation* op : {static_cast<operation*>(&receive), static_cast<operation*>(&poll),
                              static_cast<operation*>(&second)}) {
    const auto failed = rig->next();
    EXPECT_EQ(failed.op, op);
    EXPECT_EQ(failed.result, -ENOSPC);
  }
}

TEST_F(reactive_interest, in_a_regular_file_is_always_met) {
  script->refusals[ours] = -EPERM;
  poll_operation both{ours, POLLIN | POLLOUT, no_handler};
  rig->start(both);
  rig->start(receive);
  wait();
  EXPECT_EQ(result_of_next(), -ENOTSOCK);
  EXPECT_EQ(result_of_next(), POLLIN | POLLOUT);
}

// --- empty pool ---

class reactive_starvation : public reactive_interest {
 protected:
  void SetUp() override {
    rig_options options;
    options.buffers.slot_bytes = 4096;
    options.buffers.budget_bytes = 4096;
    open(options);
    slot = rig->pool.acquire();
  }
  lease slot; ///< the only one
};

TEST_F(reactive_starvation, is_not_watched) {
  send_text(pair.theirs.get(), "late");
  rig->start(receive_many);
  EXPECT_EQ(wait(readable), (watches{{ours, readable}}));
  EXPECT_EQ(rig->counters.receives_starved, 1u);
  EXPECT_EQ(wait(), (watches{{ours, nothing}}));
  EXPECT_EQ(script->timeouts_ns.back(), reactor::no_timeout) << "it may sleep";
  slot.reset();
  EXPECT_EQ(wait(), (watches{{ours, readable}}));
  EXPECT_EQ(rig->next().text(), "late") << "read without waiting: it is known to be readable";
  EXPECT_EQ(rig->counters.receive_again, 0u);
}

TEST_F(reactive_starvation, costs_nothing_when_slots_return_within_the_turn) {
  send_text(pair.theirs.get(), "late");
  rig->start(receive_many);
  wait(readable);
  slot.reset();
  EXPECT_EQ(wait(), watches{});
  EXPECT_EQ(rig->next().text(), "late");
}

TEST_F(reactive_starvation, ends_in_order_of_its_beginning) {
  connection other = connect_pair(transport::local);
  receive_many_operation second{other.ours.get(), no_handler};
  send_text(pair.theirs.get(), "first");
  send_text(other.theirs.get(), "second");
  rig->start(second);
  rig->start(receive_many);
  script->script.push_back({{ours, readable}, {other.ours.get(), readable}});
  wait();
  EXPECT_EQ(rig->counters.receives_starved, 2u);
  slot.reset();
  EXPECT_EQ(rig->take_after_wait().at(0).text(), "first");
  EXPECT_EQ(rig->take_after_wait().at(0).text(), "second");
}

TEST_F(reactive_starvation, can_be_cancelled) {
  send_text(pair.theirs.get(), "late");
  rig->start(receive_many);
  wait(readable);
  rig->start(receive); // stands behind it, and needs no slot
  EXPECT_EQ(wait(), (watches{{ours, nothing}}));
  rig->io->cancel(receive_many);
  EXPECT_EQ(result_of_next(), -ECANCELED);
  EXPECT_EQ(wait(readable), (watches{{ours, readable}}));
  EXPECT_EQ(result_of_next(), 4);
  rig->start(receive);
  slot.reset();
  wait();
  EXPECT_EQ(rig->counters.receive_calls, 1u) << "nothing says that it is readable";
}

// --- time, waking, stray events ---

TEST_F(reactive_interest, waits_as_long_as_it_is_told_unless_something_is_complete) {
  rig->io->wait(12345);
  nop_operation nop{no_handler};
  rig->start(nop);
  rig->io->wait(12345);
  EXPECT_EQ(script->timeouts_ns, (std::vector<std::uint64_t>{12345, 0}));
  rig->io->wake();
  EXPECT_EQ(script->wakes, 1);
  EXPECT_EQ(rig->io->name(), "scripted");
}

TEST_F(reactive_interest, survives_readiness_that_is_not_true) {
  rig->start(receive);
  wait(readable);
  EXPECT_TRUE(rig->take().empty());
  EXPECT_EQ(rig->counters.receive_again, 1u);
  send_text(pair.theirs.get(), "x");
  wait(readable);
  EXPECT_EQ(result_of_next(), 1);
  script->script.push_back({{ours, readable}, {1'000'000, readable}}); // nobody waits; never heard of
  wait();
  EXPECT_TRUE(rig->take().empty());
}

} // namespace
} // namespace weir::test::reactive
