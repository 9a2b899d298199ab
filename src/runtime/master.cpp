// What a master does: looks at how things stand whenever something has changed, and takes the next step.
#include "worker_generation.hpp"
#include "worker_restarts.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/runtime/master.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds manager_patience = 5s;
constexpr std::size_t helpers = 3; ///< tasks beside those that tend a worker

} // namespace

std::size_t master::workers_ready() const noexcept {
  return current_ ? current_->count_ready() : 0;
}

// --- wishes ---

void master::ask(wish what) noexcept {
  wish_ = std::max(wish_, what);
  changed_.set();
}

void master::reload() noexcept {
  is_reload_wanted_ = true;
  changed_.set();
}

void master::drain() noexcept {
  ask(wish::drain);
}

void master::quit() noexcept {
  ask(wish::quit);
}

task<result<>> master::obey(signal_set& signals) {
  for (;;) {
    result<signal_notice> told = co_await signals.next();
    if (!told) co_return fail(std::move(told).error());
    if (told->number == SIGHUP)
      reload();
    else if (told->number == SIGQUIT)
      quit();
    else
      drain();
  }
}

// --- what is to be done ---

task<result<>> master::run() {
  result<signal_set> signals = signal_set::open({SIGTERM, SIGINT, SIGHUP, SIGQUIT});
  if (!signals) co_return fail(std::move(signals).error());
  auto body = [&](nursery& crew) -> task<result<>> { co_return co_await govern(crew, *signals); };
  const std::size_t tasks = 3 * std::size_t{options_.workers} + helpers;
  result<> governed = co_await with_nursery(nursery_options(tasks), body);
  incoming_.reset();
  current_.reset();
  outgoing_.reset();
  co_return governed;
}

task<result<>> master::govern(nursery& crew, signal_set& signals) {
  const bool is_crew_complete =
      crew.try_spawn(obey(signals)) && crew.try_spawn(tell_manager()) && crew.try_spawn(tell_manager_alive());
  if (!is_crew_complete) co_return fail(std::errc::operation_canceled, "master");
  begin_generation(crew);
  for (;;) {
    changed_.reset();
    step(crew);
    if (has_ended()) break;
    result<> changed = co_await changed_.wait();
    if (!changed) co_return changed;
  }
  crew.cancel();
  if (failure_) co_return fail(*failure_);
  co_return result<>();
}

void master::begin_generation(nursery& crew) {
  incoming_ = std::make_unique<worker_generation>(options_, program_, sockets_of_, *restarts_, changed_);
  incoming_->start(crew);
}

bool master::has_ended() const noexcept {
  return wish_ != wish::serve && !incoming_ && !current_ && !outgoing_;
}

void master::step(nursery& crew) {
  if (incoming_) settle_incoming();
  if (wish_ == wish::serve && current_ && current_->failure()) give_up(*current_->failure());
  if (wish_ != wish::serve) end_all();
  for (auto* each : {&incoming_, &current_, &outgoing_})
    if (*each && (*each)->has_ended()) each->reset();

  const bool may_reload = wish_ == wish::serve && current_ && !incoming_ && !outgoing_;
  if (!is_reload_wanted_ || !may_reload) return;
  is_reload_wanted_ = false;
  report(worker_event_kind::reload_began);
  tell(news::kind::reloading, "reloads");
  begin_generation(crew);
}

/// The new workers: do they take over?
void master::settle_incoming() {
  if (incoming_->failure()) {
    const error why = *incoming_->failure();
    incoming_->kill();
    outgoing_ = std::move(incoming_);
    if (!current_) return give_up(why);
    report(worker_event_kind::reload_failed, why);
    return tell(news::kind::ready, "goes on with the old workers: " + why.message());
  }
  if (!incoming_->is_up() || wish_ != wish::serve) return;
  incoming_->serve();
  outgoing_ = std::exchange(current_, std::move(incoming_));
  if (outgoing_) {
    outgoing_->drain();
    report(worker_event_kind::reloaded);
  }
  tell(news::kind::ready, std::to_string(options_.workers) + " workers serve");
}

void master::end_all() noexcept {
  if (!news_.is_closed()) tell(news::kind::stopping, "drains");
  news_.close();
  for (const auto* each : {&incoming_, &current_, &outgoing_}) {
    if (!*each) continue;
    wish_ == wish::quit ? (*each)->kill() : (*each)->drain();
  }
}

void master::give_up(error why) {
  report(worker_event_kind::gave_up, why);
  failure_ = std::move(why);
  ask(wish::drain);
}

void master::report(worker_event_kind kind, std::optional<error> why) {
  worker_event told(kind);
  told.why = std::move(why);
  options_.on_event(told);
}

// --- the service manager ---

void master::tell(news::kind what, std::string status) noexcept {
  [[maybe_unused]] const result<> queued =
      news_.try_send({what, std::move(status)}); // full: it is not reading
}

task<result<>> master::tell_manager() {
  for (;;) {
    result<news> next = co_await news_.receive();
    if (!next) co_return result<>(); // closed, and all is told
    task<result<>> message = next->what == news::kind::ready       ? manager_.ready(next->status)
                             : next->what == news::kind::reloading ? manager_.reloading(next->status)
                                                                   : manager_.stopping(next->status);
    result<> told = co_await with_deadline(manager_patience, std::move(message));
    if (!told && !told.error().is_cancelled()) report(worker_event_kind::manager_lost, told.error());
  }
}

task<result<>> master::tell_manager_alive() {
  const auto interval = manager_.watchdog_interval();
  while (interval) {
    result<> slept = co_await sleep_for(*interval / 2);
    if (!slept) co_return slept;
    [[maybe_unused]] result<> told = co_await with_deadline(*interval / 2, manager_.alive());
  }
  co_return result<>();
}

} // namespace weir
