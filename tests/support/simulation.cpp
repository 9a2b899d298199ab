#include <weir/sim/fault_plan.hpp>

#include <gtest/gtest.h>
#include <support/backends.hpp>
#include <support/simulation.hpp>

#include <utility>

namespace weir::test {
namespace {

thread_local simulated_host* current_simulated_host = nullptr;

/// Suites of operations have threads beside their loop, for which real time has to pass.
sim::world_options with_threads() {
  sim::world_options options;
  options.waits_for_threads = !is_on_simulated_hosts();
  return options;
}

/// What leaves the promises of docs/operations.md, and what tests take for granted besides, as they are: not
/// transfers of parts where the whole would fit, nor completions out of the order in which operations were
/// started.
constexpr sim::fault hostilities[] = {
    sim::fault::multishot_ended,  sim::fault::queue_overflow,    sim::fault::cancel_came_late,
    sim::fault::cancel_reordered, sim::fault::notification_late, sim::fault::spurious_wake,
    sim::fault::ring_empty,
};

} // namespace

sim::world_options without_faults() {
  sim::world_options options;
  options.has_faults = false;
  return options;
}

simulated_host::simulated_host(std::uint64_t seed, bool is_hostile)
    : world_(seed, with_threads()), host_(world_.add_host("the test")), its_kernel_(host_.calls()) {
  world_.faults().limit_to(sim::fault_set());
  if (is_hostile)
    for (const sim::fault each : hostilities) world_.faults().set(each, 50'000);
  current_simulated_host = this;
}

simulated_host::~simulated_host() {
  current_simulated_host = nullptr;
  EXPECT_EQ(world_.accusation(), "");
}

simulated_host* simulated_host::current() noexcept {
  return current_simulated_host;
}

result<std::unique_ptr<loop>> create_loop(const loop_options& options) {
  simulated_host* const at = simulated_host::current();
  return at ? at->on().make_loop(options) : loop::create(options, choose_backend_of_test);
}

peer_thread::peer_thread(std::move_only_function<void()> body) {
  if (simulated_host* const at = simulated_host::current())
    simulated_ = std::make_unique<sim::thread>(at->on(), std::move(body));
  else
    real_ = std::jthread(std::move(body));
}

} // namespace weir::test
