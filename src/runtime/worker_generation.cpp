#include "worker_generation.hpp"

#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>

#include <algorithm>
#include <csignal>
#include <utility>

namespace weir {

worker_generation::worker_generation(const master_options& options, const command& program,
                                     const socket_table& sockets_of, worker_restarts& restarts,
                                     event& changed)
    : options_(options), program_(program), sockets_of_(sockets_of), restarts_(restarts), changed_(changed),
      processes_(options.workers) {}

void worker_generation::start(nursery& crew) {
  for (unsigned number = 0; number < options_.workers; ++number) {
    if (!crew.try_spawn(tend(number))) return ending_.set(); // the master is cancelled
    ++tended_;
  }
}

std::size_t worker_generation::count_ready() const noexcept {
  const auto is_ready = [](const auto& each) { return each && each->state() == worker_state::ready; };
  return static_cast<std::size_t>(std::ranges::count_if(processes_, is_ready));
}

void worker_generation::drain() {
  ending_.set();
  for (const auto& each : processes_)
    if (each) each->drain();
}

void worker_generation::kill() {
  ending_.set();
  for (const auto& each : processes_)
    if (each) each->kill(SIGKILL);
}

task<> worker_generation::tend(unsigned number) {
  bool goes_on = !ending_.is_set();
  while (goes_on) {
    const std::uint64_t started_ns = loop::current()->now_ns();
    goes_on = co_await run_one(number);
    if (goes_on) goes_on = co_await wait_for_replacement(number, started_ns);
  }
  --tended_;
  changed_.set();
}

/// From its start to its end; whether it is missed.
task<bool> worker_generation::run_one(unsigned number) {
  worker_event how(worker_event_kind::failed);
  how.worker = number;
  auto started = worker_process::start(options_, program_, number, sockets_of_(number));
  if (started) {
    processes_[number] = std::move(*started);
    result<exit_status> end = co_await processes_[number]->attend(changed_);
    const std::unique_ptr<worker_process> ended = std::move(processes_[number]);
    if (!end && end.error().is_cancelled()) co_return false; // it is killed now
    how = ended->event_of(ending_.is_set() ? worker_event_kind::ended : worker_event_kind::failed);
    if (end) how.end = *end;
    if (!end) how.why = end.error(); // its end cannot be seen: it is killed, and missed
  } else {
    how.why = started.error();
  }
  options_.on_event(how);
  const bool is_missed = !ending_.is_set();
  if (is_missed && !is_serving_) fail_with(error(errc::closed, "start of workers").at(how.to_string()));
  co_return is_missed&& is_serving_;
}

task<bool> worker_generation::wait_for_replacement(unsigned number, std::uint64_t started_ns) {
  loop& on = *loop::current();
  const auto delay = restarts_.after_failure(number, started_ns, on.now_ns(), on.random());
  if (!delay) {
    fail_with(error(errc::limit_reached, "workers fail too often"));
    co_return false;
  }
  worker_event told(worker_event_kind::replaced_soon);
  told.worker = number;
  told.delay = *delay;
  options_.on_event(told);
  if (delay->count() > 0) {
    result<> woken = co_await with_deadline(*delay, until_ending());
    if (!woken && !woken.error().is_timeout()) co_return false;
  }
  co_return !ending_.is_set();
}

task<result<>> worker_generation::until_ending() {
  co_return co_await ending_.wait();
}

void worker_generation::fail_with(error why) noexcept {
  if (!failure_) failure_ = std::move(why);
  changed_.set();
}

} // namespace weir
