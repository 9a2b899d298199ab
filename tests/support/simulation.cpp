#include <weir/sim/fault_plan.hpp>
#include <weir/sim/host.hpp>
#include <weir/sim/thread.hpp>
#include <weir/sim/world.hpp>

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

struct simulated_host::inside {
  explicit inside(std::uint64_t seed)
      : world(seed, with_threads()), host(world.add_host("the test")), its_kernel(host.calls()) {}

  sim::world world;
  sim::host& host;
  system_calls_scope its_kernel;
};

simulated_host::simulated_host(std::uint64_t seed, bool is_hostile)
    : inside_(std::make_unique<inside>(seed)) {
  sim::fault_plan& faults = inside_->world.faults();
  faults.limit_to(sim::fault_set());
  if (is_hostile)
    for (const sim::fault each : hostilities) faults.set(each, 50'000);
  current_simulated_host = this;
}

simulated_host::~simulated_host() {
  current_simulated_host = nullptr;
  EXPECT_EQ(inside_->world.accusation(), "");
}

sim::host& simulated_host::on() noexcept {
  return inside_->host;
}

sim::world& simulated_host::in() noexcept {
  return inside_->world;
}

bool simulated_host::raise(int signal) noexcept {
  return on().raise(signal);
}

std::size_t simulated_host::open_descriptors() noexcept {
  return inside_->host.descriptors().open_count();
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

peer_thread::~peer_thread() = default;

} // namespace weir::test
