// What costs nothing once a loop is warm: allocations, and reads that find nothing.
#include "contract.hpp"

#include <support/allocations.hpp>

#include <algorithm>
#include <array>

namespace weir::test {
namespace {

using contract_steady_state = stream_contract;

/// One side of an echo: an always-pending read, and a send of what it brings. Allocates nothing itself.
struct echo_side {
  echo_side(loop& turning, int socket) : on(turning), reading(*this, socket), writing(*this, socket) {}

  struct reader : receive_many_operation {
    reader(echo_side& owner, int socket)
        : receive_many_operation(socket,
                                 [](operation& self, completion&& what) noexcept {
                                   static_cast<reader&>(self).side.on_data(std::move(what));
                                 }),
          side(owner) {}
    echo_side& side;
  };
  struct writer : send_operation {
    writer(echo_side& owner, int socket)
        : send_operation(socket, {},
                         [](operation& self, completion&& what) noexcept {
                           static_cast<writer&>(self).side.on_sent(what.result);
                         }),
          side(owner) {}
    echo_side& side;
  };

  void on_data(completion&& what) noexcept {
    if (what.result <= 0) {
      is_ended = true;
      return;
    }
    held = std::move(what.data);
    if (++received == rounds_max) return;
    send_held();
  }
  void send_held() noexcept {
    writing.buffer = held.bytes();
    on.start(writing);
  }
  void on_sent(int count) noexcept {
    EXPECT_EQ(static_cast<std::size_t>(count), held.size());
    held.reset();
  }

  loop& on;
  reader reading;
  writer writing;
  lease held;
  std::uint64_t received = 0;
  std::uint64_t rounds_max = ~std::uint64_t{0};
  bool is_ended = false;
};

bool never_reads_in_vain(const backend_case& which) {
  return which.strategy != receive_strategy::speculative;
}

TEST_P(contract_steady_state, ten_thousand_round_trips_allocate_nothing_and_read_nothing_in_vain) {
  constexpr std::uint64_t warm_up = 100, rounds = 10'000;
  const connection pair = connect_pair(over());
  echo_side there(on(), pair.theirs.get()), here(on(), pair.ours.get());
  here.rounds_max = warm_up + rounds;
  on().start(there.reading);
  on().start(here.reading);
  const std::uint64_t uncounted = allocations_of_this_thread();
  here.held = lease::allocate(64);
  ASSERT_GT(allocations_of_this_thread(), uncounted) << "allocations are not counted";
  here.send_held();
  const std::uint64_t deadline_ns = on().backend().now_ns() + 3 * patience_ns;
  const auto turn_until = [&](std::uint64_t round) {
    while (here.received < round && on().now_ns() < deadline_ns) on().turn(on().now_ns() + 1'000'000);
    ASSERT_GE(here.received, round) << on().dump();
  };
  turn_until(warm_up);
  const std::uint64_t allocations = allocations_of_this_thread();
  const loop_counters before = on().counters();
  turn_until(warm_up + rounds);
  EXPECT_EQ(allocations_of_this_thread() - allocations, 0u);
  const loop_counters& after = on().counters();
  const std::uint64_t in_vain = after.receive_again - before.receive_again;
  if (never_reads_in_vain(which())) {
    EXPECT_EQ(in_vain, 0u);
  } else {
    EXPECT_GE(in_vain, rounds) << "what a speculative reader is there to show";
  }
  EXPECT_GE(after.bytes_received - before.bytes_received, 64 * rounds);
  EXPECT_LE(after.receive_calls - before.receive_calls - in_vain, 2 * rounds + 4);

  here.held.reset();
  on().cancel(here.reading);
  on().cancel(there.reading);
  ASSERT_TRUE(wait_for([&] { return here.is_ended && there.is_ended; }));
}

TEST_P(contract_steady_state, streaming_reads_nothing_in_vain_and_much_at_once) {
  constexpr std::size_t total = std::size_t{64} << 20;
  const connection pair = connect_pair(over());
  receive_many receiving(pair.ours.get());
  std::size_t received = 0, sent = 0;
  receiving.then = [&] {
    received += static_cast<std::size_t>(std::max(receiving.result(), 0));
    receiving.received.clear();
  };
  send sending(pair.theirs.get(), std::string(std::size_t{1} << 17, '.'));
  sending.then = [&] {
    sent += static_cast<std::size_t>(sending.result());
    if (sent < total) start(sending);
  };
  start(receiving, sending);
  ASSERT_TRUE(wait_for([&] { return sent >= total && received == sent; }));
  const loop_counters& counters = on().counters();
  if (never_reads_in_vain(which())) {
    EXPECT_EQ(counters.receive_again, 0u);
  }
  EXPECT_EQ(counters.bytes_received, received);
  EXPECT_EQ(counters.bytes_sent, sent);
  EXPECT_LE(counters.receive_calls - counters.receive_again, total / 4096) << "reads of less than a page";
}

INSTANTIATE_TEST_SUITE_P(backends, contract_steady_state, each_stream(), name_of_transport);

} // namespace
} // namespace weir::test
