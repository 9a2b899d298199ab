// The gate before the accept: its limits, waiting and shedding, and a system that is out of descriptors.
#include "served_clients.hpp"

#include <weir/async/nursery.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/runtime/accept_gate.hpp>

#include <support/child.hpp>
#include <support/coroutine_fixture.hpp>
#include <support/descriptors.hpp>
#include <support/raw_socket.hpp>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>
#include <vector>

namespace weir::test {
namespace {

class accept_gate_test : public backend_test {
 protected:
  static listener gated_listener() {
    listen_options options;
    options.accepted_max = 0;
    result<listener> made = listener::bind(*address::ip("127.0.0.1", 0), options);
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  static gate_options shedding(std::size_t connections) {
    gate_options options(connections, overload::shed);
    options.farewell = "busy\n";
    return options;
  }
  /// What is accepted without a long wait.
  static task<std::optional<admitted>> accepted_soon(accept_gate& gate, listener& door) {
    result<admitted> guest = co_await with_deadline(20ms, gate.accept(door));
    if (!guest) {
      EXPECT_TRUE(guest.error().is_timeout()) << guest.error().message();
      co_return std::nullopt;
    }
    co_return std::move(*guest);
  }
};

TEST_P(accept_gate_test, accepts_up_to_its_limit_and_goes_on_when_one_ends) {
  run([&]() -> task<> {
    listener door = gated_listener();
    accept_gate gate(gate_options(2));
    EXPECT_EQ(gate.limit(), 2u);
    std::vector<raw_socket> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(co_await raw_socket::connect(door.local_address()));
    std::optional<admitted> first = co_await accepted_soon(gate, door);
    std::optional<admitted> second = co_await accepted_soon(gate, door);
    EXPECT_TRUE(first && second);
    const std::size_t open = open_descriptors();
    std::optional<admitted> third = co_await accepted_soon(gate, door);
    EXPECT_FALSE(third);
    EXPECT_EQ(open_descriptors(), open) << "nothing is accepted in advance";
    EXPECT_EQ(gate.in_use(), 2u);
    first.reset();
    third = co_await accepted_soon(gate, door);
    EXPECT_TRUE(third);
    EXPECT_EQ(gate.shed(), 0u);
  });
}

TEST_P(accept_gate_test, waits_in_vain_only_until_one_ends_on_another_thread) {
  run([&]() -> task<> {
    listener door = gated_listener();
    accept_gate gate(gate_options(1));
    raw_socket first = co_await raw_socket::connect(door.local_address());
    raw_socket second = co_await raw_socket::connect(door.local_address());
    std::optional<admitted> held = co_await accepted_soon(gate, door);
    EXPECT_TRUE(held);
    std::thread elsewhere([guest = std::move(held)]() mutable { guest.reset(); });
    result<admitted> next = co_await gate.accept(door);
    EXPECT_TRUE(next);
    elsewhere.join();
  });
}

TEST_P(accept_gate_test, cancelled_takes_no_connection) {
  run([&]() -> task<> {
    listener door = gated_listener();
    accept_gate gate(gate_options(1));
    std::optional<admitted> none = co_await accepted_soon(gate, door);
    EXPECT_FALSE(none);
    EXPECT_EQ(gate.in_use(), 0u);
    raw_socket client = co_await raw_socket::connect(door.local_address());
    std::optional<admitted> one = co_await accepted_soon(gate, door);
    EXPECT_TRUE(one);
  });
}

TEST_P(accept_gate_test, sheds_with_a_farewell_where_it_is_told_to) {
  run([&]() -> task<> {
    listener door = gated_listener();
    accept_gate gate(shedding(1));
    raw_socket served = co_await raw_socket::connect(door.local_address());
    std::optional<admitted> guest = co_await accepted_soon(gate, door);
    EXPECT_TRUE(guest);
    raw_socket late = co_await raw_socket::connect(door.local_address());
    co_await late.send("a request that nobody reads");
    std::optional<admitted> none = co_await accepted_soon(gate, door);
    EXPECT_FALSE(none);
    const std::string farewell = co_await late.read_to_end();
    EXPECT_EQ(farewell, "busy\n");
    EXPECT_EQ(gate.shed(), 1u);
    guest.reset();
    raw_socket next = co_await raw_socket::connect(door.local_address());
    guest = co_await accepted_soon(gate, door);
    EXPECT_TRUE(guest);
  });
}

TEST_P(accept_gate_test, stays_below_the_limit_of_descriptors_less_its_reserve) {
  run([&]() -> task<> {
    const descriptor_limit few(30);
    gate_options options(1'000'000);
    options.descriptors_reserve = 10;
    accept_gate gate(options);
    EXPECT_GE(gate.limit(), 18u);
    EXPECT_LE(gate.limit(), 20u);
    accept_gate half(options, 2);
    EXPECT_EQ(half.limit(), (gate.limit() - 1) / 2); // the first holds a descriptor of its own
    co_return;
  });
}

TEST_P(accept_gate_test, out_of_descriptors_all_the_same_it_waits_without_spinning_or_sheds) {
  run([&]() -> task<> {
    listener door = gated_listener();
    accept_gate waiting(gate_options(100));
    accept_gate shedder(shedding(100));
    raw_socket first = raw_socket(open_socket(transport::tcp));
    raw_socket second = raw_socket(open_socket(transport::tcp));
    for (raw_socket* each : {&first, &second})
      EXPECT_TRUE(::connect(each->number(), door.local_address().raw(), door.local_address().raw_bytes()) ==
                      0 ||
                  errno == EINPROGRESS);
    {
      const descriptor_limit none(0);
      const std::uint64_t turns_before = on().counters().turns;
      result<admitted> refused = co_await with_deadline(250ms, waiting.accept(door));
      EXPECT_TRUE(refused.error().is_timeout());
      EXPECT_LT(on().counters().turns - turns_before, 100u);
      const std::uint64_t turns_until_shed = on().counters().turns;
      result<admitted> shed = co_await with_deadline(150ms, shedder.accept(door));
      EXPECT_TRUE(shed.error().is_timeout());
      EXPECT_EQ(shedder.shed(), 2u);
      EXPECT_LT(on().counters().turns - turns_until_shed, 100u) << "nobody else is there";
    }
    const std::string farewells = co_await first.read_to_end() + co_await second.read_to_end();
    EXPECT_EQ(farewells, "busy\nbusy\n");
    raw_socket third = co_await raw_socket::connect(door.local_address());
    std::optional<admitted> guest = co_await accepted_soon(waiting, door);
    EXPECT_TRUE(guest);
  });
}

// --- a server with 256 descriptors and 2,000 clients ---

/// Serves with few descriptors until it is ended.
task<result<>> serve_gated(listener& door, accept_gate& gate) {
  const auto body = [&](nursery& guests) -> task<result<>> {
    for (;;) {
      result<admitted> guest = co_await gate.accept(door);
      if (!guest) co_return fail(guest.error());
      const auto serve = [](admitted held) -> task<result<>> {
        result<stream> client = stream::adopt(std::move(held.connection));
        if (!client) co_return fail(client.error());
        result<> outcome = co_await echo_to(std::move(*client));
        co_return outcome;
      };
      result<> spawned = co_await guests.spawn(serve(std::move(*guest)));
      if (!spawned) co_return spawned;
    }
  };
  co_return co_await with_nursery(nursery_options(1000, nursery_policy::isolate), body);
}

std::uint64_t cpu_us_of_this_process() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

struct seen_by_server {
  std::atomic<int> port{0};
  std::atomic<std::uint64_t> cpu_us{0};
  std::atomic<std::uint64_t> in_use{0};
};

/// In a child: tells what it sees about once a millisecond.
std::string server_of_256(const loop_options& options, seen_by_server& seen) {
  const rlimit few{256, 256};
  ::setrlimit(RLIMIT_NOFILE, &few);
  auto on = loop::create(options);
  if (!on) return on.error().message();
  const auto main = [&]() -> task<result<>> {
    listen_options listening;
    listening.accepted_max = 0;
    result<listener> door = listener::bind(*address::ip("127.0.0.1", 0), listening);
    if (!door) co_return fail(door.error());
    accept_gate gate;
    seen.port = door->local_address().port();
    const auto watch = [&]() -> task<result<>> {
      for (;;) {
        seen.cpu_us = cpu_us_of_this_process();
        seen.in_use = gate.in_use();
        result<> slept = co_await sleep_for(10ms);
        if (!slept) co_return slept;
      }
    };
    auto [served, watched] = co_await when_all(serve_gated(*door, gate), watch());
    co_return served;
  };
  result<> outcome = weir::run(**on, main());
  return outcome.error().message();
}

TEST_P(accept_gate_test, with_256_descriptors_serves_2000_clients_in_turn_and_harms_none_heavy) {
  shared_with_children<seen_by_server> seen;
  const loop_options options_of_server = options();
  child_process server([&] { return server_of_256(options_of_server, *seen); });
  while (seen->port == 0) std::this_thread::yield();
  const address at = *address::ip("127.0.0.1", static_cast<std::uint16_t>(seen->port));

  constexpr std::size_t count = 2'000;
  std::vector<descriptor> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(connect_blocking(at)); // in the backlog, if not further
    ASSERT_EQ(::send(clients.back().get(), "x", 1, MSG_NOSIGNAL), 1);
  }
  std::vector<bool> is_served(count);
  const auto look = [&] {
    std::size_t newly = 0;
    for (std::size_t i = 0; i < count; ++i) {
      char answer = 0;
      if (!clients[i] || is_served[i]) continue;
      const ssize_t got = ::recv(clients[i].get(), &answer, 1, MSG_DONTWAIT);
      EXPECT_TRUE(got == 1 || (got < 0 && errno == EAGAIN)) << "harmed: " << got << " " << errno;
      is_served[i] = got == 1;
      newly += is_served[i];
    }
    return newly;
  };
  // As many as fit are served and stay; the rest waits, and costs nothing.
  std::size_t served = 0;
  while (served < 150) served += look();
  while (const std::size_t newly = look()) served += newly;
  const std::uint64_t full = seen->in_use;
  EXPECT_GT(full, 150u);
  EXPECT_LT(full, 256u);
  const std::uint64_t cpu_before_us = seen->cpu_us;
  std::this_thread::sleep_for(1s);
  EXPECT_LT(seen->cpu_us - cpu_before_us, 50'000u) << "5 % of a second";
  std::size_t checked = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (is_served[i]) {
      EXPECT_EQ(asked(clients[i], "still here"), "still here");
      ++checked;
    }
  EXPECT_GE(checked, 150u);
  // They leave one by one, and each that waited gets its turn.
  std::size_t gone = 0;
  while (gone < count) {
    look();
    for (std::size_t i = 0; i < count; ++i)
      if (clients[i] && is_served[i]) {
        clients[i].reset();
        ++gone;
      }
    std::this_thread::yield();
  }
}

INSTANTIATE_TEST_SUITE_P(backends, accept_gate_test, on_each_backend(), name_of_backend);

} // namespace
} // namespace weir::test
