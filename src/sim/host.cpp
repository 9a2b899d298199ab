#include "host_calls.hpp"
#include "program_run.hpp"

#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/socket_names.hpp>
#include <weir/sim/trace.hpp>
#include <weir/sim/world.hpp>

#include <algorithm>
#include <utility>

namespace weir::sim {
namespace {

constexpr std::int64_t begin_of_wall_clock_ns = 1'700'000'000'000'000'000; // some day in 2023
constexpr std::int64_t million = 1'000'000;
constexpr std::uint64_t second_ns = 1'000'000'000;

disk disk_of(world& in, std::uint32_t number) {
  random_source random = in.random().fork("disk").fork(number);
  disk_options options;
  options.names = random.chance(500'000) ? name_order::any : name_order::journalled;
  options.host = number;
  return disk(random, in.faults(), options);
}

} // namespace

host::host(world& in, std::string_view name, std::uint32_t number)
    : world_(in), name_(name), number_(number), storage_(disk_of(in, number)),
      names_(std::make_unique<socket_names>(storage_)), calls_(std::make_unique<host_calls>(*this)),
      pool_(std::make_unique<simulated_pool>(*this)),
      crashes_(*this,
               [](timed_event& self) noexcept {
                 host& me = static_cast<fate_event&>(self).owner;
                 me.crash();
                 me.world_.after(me.down_for_ns_, me.restarts_);
               }),
      restarts_(*this, [](timed_event& self) noexcept { static_cast<fate_event&>(self).owner.restart(); }) {
  if (world_.faults().happens(fault::clock_drift, number_))
    set_drift(static_cast<std::int32_t>(world_.faults().amounts(fault::clock_drift).between(0, 1000)) - 500);
}

host::~host() {
  world_.cancel(crashes_);
  world_.cancel(restarts_);
}

system_calls& host::calls() noexcept {
  return *calls_;
}

// --- programs ---

void host::start(program what, const loop_options& options) {
  programs_.emplace_back(std::move(what), options);
  if (is_up_) runs_.push_back(std::make_unique<program_run>(*this, programs_.back().first, options));
}

bool host::have_programs_ended() const noexcept {
  return std::ranges::all_of(runs_, [](const auto& each) { return each->has_ended(); });
}

bool host::is_quiet() const noexcept {
  return std::ranges::all_of(runs_, [](const auto& each) { return each->is_quiet(); });
}

void host::ask_programs_to_end() noexcept {
  for (auto& each : runs_) each->ask_to_end();
}

std::exception_ptr host::failure() const noexcept {
  for (const auto& each : runs_)
    if (auto thrown = each->failure()) return thrown;
  return nullptr;
}

result<std::unique_ptr<loop>> host::make_loop(const loop_options& options) {
  return make_sim_loop(*this, options);
}

// --- fate ---

/// From now on nobody hears it; then its programs are unwound, which nobody sees.
void host::crash() {
  if (!std::exchange(is_up_, false)) return;
  world_.cancel(crashes_);
  world_.log().note(event::host_crashed, number_);
  for (auto& each : runs_) each->die();
  descriptors_.close_all();
  names_->forget_sockets();
  storage_.crash();
  pool_->run_all();
  for (auto& each : runs_) each->unwind();
  while (std::ranges::any_of(runs_, [](auto& each) { return each->settle(); })) {
  }
  runs_.clear();
}

void host::crash_at(std::uint64_t world_ns, std::uint64_t down_for_ns) {
  down_for_ns_ = down_for_ns;
  world_.at(world_ns, crashes_);
}

bool host::raise(int signal) noexcept {
  if (!is_up_) return false;
  world_.log().note(event::signal_raised, number_, 0, static_cast<std::uint64_t>(signal));
  return signals_.raise(signal);
}

void host::stall_until(std::uint64_t world_ns) noexcept {
  const std::uint64_t from_ns = std::max(world_.now_ns(), stalled_until_ns_);
  if (world_ns <= from_ns) return;
  stalled_ns_ += world_ns - from_ns;
  stalled_until_ns_ = world_ns;
}

void host::restart() {
  if (std::exchange(is_up_, true)) return;
  world_.cancel(restarts_);
  ++life_;
  stalled_until_ns_ = 0;
  world_.log().note(event::host_started, number_, 0, life_ - 1);
  for (auto& [what, options] : programs_)
    runs_.push_back(std::make_unique<program_run>(*this, what, options));
}

bool host::stalls() {
  fault_plan& faults = world_.faults();
  if (!faults.happens(fault::stall, number_)) return false;
  stall_until(world_.now_ns() + faults.amounts(fault::stall).between(1'000'000, 5 * second_ns));
  return true;
}

void host::end() {
  crash();
}

// --- clock ---

std::uint64_t host::local_ns(std::uint64_t world_ns) const noexcept {
  const std::uint64_t since_ns = world_ns - drift_since_ns_;
  const std::int64_t drifted = static_cast<std::int64_t>(since_ns / million) * drift_ppm_;
  return local_at_drift_ns_ + since_ns + static_cast<std::uint64_t>(drifted);
}

std::uint64_t host::clock_ns() const noexcept {
  return local_ns(world_.now_ns());
}

std::uint64_t host::now_ns() noexcept {
  return local_ns(world_.read_clock());
}

std::uint64_t host::world_duration_ns(std::uint64_t local_duration_ns) const noexcept {
  if (drift_ppm_ == 0) return local_duration_ns;
  const auto rate = static_cast<std::uint64_t>(million + drift_ppm_);
  return local_duration_ns / rate * million + local_duration_ns % rate * million / rate + 2 * million / rate +
         1;
}

void host::set_drift(std::int32_t parts_per_million) noexcept {
  const std::uint64_t now = world_.now_ns();
  local_at_drift_ns_ = local_ns(now);
  drift_since_ns_ = now;
  drift_ppm_ = parts_per_million;
}

void host::jump(std::int64_t by_ns) noexcept {
  wall_offset_ns_ += by_ns;
  world_.log().note(event::clock_jumped, number_, 0, static_cast<std::uint64_t>(by_ns));
}

std::int64_t host::wall_clock_ns() const noexcept {
  return begin_of_wall_clock_ns + wall_offset_ns_ + static_cast<std::int64_t>(local_ns(world_.now_ns()));
}

} // namespace weir::sim
