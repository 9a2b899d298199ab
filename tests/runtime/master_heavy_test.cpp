// A master under load: clients that connect, ask and leave, without a pause, while workers crash and are
// reloaded.
#include <support/test_workers.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace weir::test {
namespace {

struct seen_by_clients {
  bool is_enough = false;
  int served = 0;
  int refused = 0;
  int cut = 0;               ///< before they knew by whom
  std::vector<pid_t> cut_by; ///< whose connection ended before the answer
};

task<> keep_coming(address at, seen_by_clients& seen) {
  bool goes_on = true;
  while (goes_on) {
    served_client client = co_await join_workers(at);
    if (client.process != 0) {
      const std::string answer = co_await client.ask("hello");
      answer == "hello" ? void(++seen.served) : seen.cut_by.push_back(client.process);
    } else {
      client.connection ? ++seen.cut : ++seen.refused;
    }
    cancellation* const scope = co_await current_cancellation();
    goes_on = !seen.is_enough && !(scope && scope->is_requested());
  }
}

class master_heavy_test : public master_fixture {
 protected:
  static constexpr int clients = 8;

  /// Runs `body` while clients come and go.
  template <std::invocable Body>
  task<> under_load(seen_by_clients& seen, Body body) {
    auto act = [&]() -> task<> {
      co_await body();
      seen.is_enough = true;
    };
    std::vector<task<>> all;
    for (int i = 0; i < clients; ++i) all.push_back(keep_coming(at(), seen));
    all.push_back(act());
    co_await when_all(std::move(all));
  }
  /// Until so many more clients were served.
  task<> wait_for_served(const seen_by_clients& seen, int more) {
    const int enough = seen.served + more;
    auto is_enough = [&] { return seen.served >= enough; };
    co_await until(is_enough);
  }
  std::uint64_t now_ns() { return on().backend().now_ns(); }
};

TEST_P(master_heavy_test, a_crash_under_load_costs_only_the_connections_of_the_worker) {
  create(options_for("echo", 3));
  constexpr int crashes = 5;
  seen_by_clients seen;
  std::vector<pid_t> victims;
  std::uint64_t quickest_ns = ~std::uint64_t{0};
  const result<> outcome = beside_master([&]() -> task<> {
    auto crash_again_and_again = [&]() -> task<> {
      for (int i = 0; i < crashes; ++i) {
        co_await wait_for_served(seen, 50);
        served_client known = co_await join_workers(at());
        if (known.process == 0) break; // out of patience
        const std::size_t ready = count(worker_event_kind::ready);
        const std::uint64_t began_ns = now_ns();
        victims.push_back(known.process);
        ::kill(known.process, SIGSEGV);
        co_await wait_for(worker_event_kind::ready, ready + 1);
        quickest_ns = std::min(quickest_ns, now_ns() - began_ns);
      }
      co_await wait_for_served(seen, 50);
    };
    co_await under_load(seen, crash_again_and_again);
  });
  EXPECT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(count(worker_event_kind::failed), static_cast<std::size_t>(crashes));
  EXPECT_EQ(seen.refused, 0);
  for (const pid_t each : seen.cut_by) EXPECT_TRUE(std::ranges::count(victims, each)) << each;
  EXPECT_LE(seen.cut, crashes * clients);
  std::printf("%d clients served, %d cut off by %d crashes; a replacement serves after %.1f ms\n",
              seen.served, seen.cut + static_cast<int>(seen.cut_by.size()), crashes,
              static_cast<double>(quickest_ns) / 1e6);
  EXPECT_LT(quickest_ns, 100'000'000u) << "the quickest of all: the machine may be busy with other things";
}

TEST_P(master_heavy_test, a_reload_under_load_refuses_and_cuts_off_nobody) {
  create(options_for("echo", 3));
  constexpr std::size_t reloads = 5;
  seen_by_clients seen;
  const result<> outcome = beside_master([&]() -> task<> {
    auto reload_again_and_again = [&]() -> task<> {
      for (std::size_t i = 1; i <= reloads; ++i) {
        co_await wait_for_served(seen, 50);
        boss().reload();
        co_await wait_for(worker_event_kind::reloaded, i);
        co_await wait_for(worker_event_kind::ended, 3 * i);
      }
      co_await wait_for_served(seen, 50);
    };
    co_await under_load(seen, reload_again_and_again);
  });
  EXPECT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(count(worker_event_kind::started), 3 * (reloads + 1));
  EXPECT_EQ(count(worker_event_kind::failed), 0u);
  EXPECT_EQ(seen.refused, 0);
  EXPECT_EQ(seen.cut, 0);
  EXPECT_TRUE(seen.cut_by.empty());
  std::printf("%d clients served over %zu reloads\n", seen.served, reloads);
}

INSTANTIATE_TEST_SUITE_P(backends, master_heavy_test, with_each_loop(), name_of_backend);

} // namespace
} // namespace weir::test
