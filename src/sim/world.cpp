#include <weir/sim/host.hpp>
#include <weir/sim/network.hpp>
#include <weir/sim/world.hpp>

#include <algorithm>
#include <chrono>

namespace weir::sim {
namespace {

constinit thread_local world::patience* patience_of_thread = nullptr;

random_source random_of(std::uint64_t seed, const world_options& options) noexcept {
  random_source made = random_source(seed).fork("world");
  made.ask(options.chooser);
  return made;
}

} // namespace

world::patience_scope::patience_scope(patience& of_this_thread) noexcept {
  patience_of_thread = &of_this_thread;
}

world::patience_scope::~patience_scope() {
  patience_of_thread = nullptr;
}

world::world(std::uint64_t seed, const world_options& options)
    : seed_(seed), options_(options), random_(random_of(seed, options)), faults_(random_source(seed), log_),
      network_(std::make_unique<network>(*this)) {
  if (!options_.has_faults) faults_.limit_to(fault_set());
  log_.at(now_ns_);
}

world::~world() {
  for (auto& each : hosts_) each->end();
}

host& world::add_host(std::string_view name) {
  const auto number = static_cast<std::uint32_t>(hosts_.size() + 1);
  hosts_.push_back(std::make_unique<host>(*this, name, number));
  return *hosts_.back();
}

bool world::has_open_descriptors() const noexcept {
  return std::ranges::any_of(hosts_, [](const auto& each) { return each->descriptors().open_count() > 0; });
}

void world::add(participant& who) {
  participants_.push_back(&who);
  ready_.reserve(participants_.size());
}

void world::remove(participant& who) noexcept {
  std::erase(participants_, &who);
}

// --- steps ---

bool world::happen_due() {
  const std::uint64_t before = steps_;
  while (events_.next_ns() <= now_ns_) {
    ++steps_;
    events_.pop().happen();
  }
  return steps_ != before;
}

participant* world::choose() noexcept {
  ready_.clear();
  for (participant* each : participants_)
    if (!each->is_running_ && each->runnable_at_ns() <= now_ns_) ready_.push_back(each);
  if (ready_.empty()) return nullptr;
  return ready_.size() == 1 ? ready_.front() : ready_[random_.below(ready_.size())];
}

std::uint64_t world::next_ns() const noexcept {
  std::uint64_t next = events_.next_ns();
  for (const participant* each : participants_)
    if (!each->is_running_) next = std::min(next, each->runnable_at_ns());
  return next;
}

bool world::step(std::uint64_t until_ns) {
  log_.at(now_ns_);
  const bool has_happened = happen_due();
  if (participant* who = choose()) {
    ++steps_;
    who->is_running_ = true;
    who->run();
    who->is_running_ = false;
    return true;
  }
  const std::uint64_t next = next_ns();
  if (has_happened) return true; // somebody may wait for just that
  if (next >= until_ns || next == event_queue::never_ns) return false;
  now_ns_ = std::max(now_ns_, next);
  log_.at(now_ns_);
  (void)happen_due();
  return true;
}

bool world::run_until(const std::function<bool()>& is_over, std::uint64_t until_ns) {
  while (!is_over())
    if (now_ns_ >= until_ns || !step(until_ns)) return is_over();
  return true;
}

void world::wait_until(const std::function<bool()>& is_over, std::uint64_t until_ns) {
  if (patience_of_thread) return patience_of_thread->wait(is_over, until_ns);
  while (!is_over() && now_ns_ < until_ns)
    if (!step(until_ns)) sleep(until_ns);
}

// --- threads ---

/// Nothing is due: only a thread can change that, or the time that passes.
void world::sleep(std::uint64_t until_ns) {
  if (!options_.waits_for_threads) {
    assert(until_ns != event_queue::never_ns && "somebody waits for ever, and nothing is going to happen");
    now_ns_ = until_ns;
    return;
  }
  std::unique_lock lock(mutex_);
  const auto is_woken = [this] { return is_woken_; };
  const std::uint64_t left_ns = until_ns == event_queue::never_ns ? until_ns : until_ns - now_ns_;
  constexpr std::uint64_t year_ns = 31'536'000'000'000'000;
  const auto sleep_most = std::chrono::nanoseconds(std::min(left_ns, year_ns));
  const auto began = std::chrono::steady_clock::now();
  woken_.wait_for(lock, sleep_most, is_woken);
  const auto slept = std::chrono::steady_clock::now() - began;
  const auto slept_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(slept).count();
  now_ns_ += std::min(left_ns, static_cast<std::uint64_t>(slept_ns));
  is_woken_ = false;
}

void world::wake_up() noexcept {
  if (!options_.waits_for_threads) return; // who can run is looked at in every step
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  woken_.notify_one();
}

void world::accuse(std::string what) {
  if (accusation_.empty()) accusation_ = std::move(what);
}

} // namespace weir::sim
