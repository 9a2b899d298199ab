#include "worker_process.hpp"

#include "worker_terms.hpp"

#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>

#include <unistd.h>

#include <csignal>
#include <tuple>
#include <utility>

namespace weir {
namespace {

constexpr int alive_messages_in_silence = 3; ///< one may be late, and another lost
constexpr const char* expects_nothing = nullptr;

std::vector<std::string> environment_of(const command& program) {
  if (program.environment) return *program.environment;
  std::vector<std::string> variables;
  for (char** each = environ; *each; ++each) variables.emplace_back(*each);
  return variables;
}

worker_terms terms_for(const master_options& options, unsigned number) {
  worker_terms terms;
  terms.number = number;
  terms.alive_every = options.silence_max / alive_messages_in_silence;
  terms.drain_within = options.drain_within;
  for (const worker_socket& each : options.sockets) terms.sockets.push_back(each.name);
  return terms;
}

} // namespace

result<std::unique_ptr<worker_process>> worker_process::start(const master_options& options,
                                                              const command& program, unsigned number,
                                                              std::span<const int> sockets) {
  auto channel = worker_channel::open();
  if (!channel) return fail(std::move(channel).error());
  auto& [ours, theirs] = *channel;

  command started = program;
  const std::string assignment = std::string(worker_terms::variable) + "=";
  started.environment = environment_of(program);
  std::erase_if(*started.environment, [&](const std::string& each) { return each.starts_with(assignment); });
  started.environment->push_back(assignment + terms_for(options, number).to_string());
  started.passed.assign(1, theirs.get());
  started.passed.insert(started.passed.end(), sockets.begin(), sockets.end());
  result<process> child = process::spawn(started);
  if (!child) return fail(std::move(child).error());
  return std::unique_ptr<worker_process>(
      new worker_process(options, std::move(*child), std::move(ours), number));
}

worker_process::worker_process(const master_options& options, process child, worker_channel channel,
                               unsigned number)
    : options_(options), process_(std::move(child)), channel_(std::move(channel)), number_(number),
      started_ns_(loop::current()->now_ns()) {
  expect(options_.ready_within, "ready");
}

worker_event worker_process::event_of(worker_event_kind kind) const {
  worker_event made(kind);
  made.worker = number_;
  made.process = process_.id();
  return made;
}

task<result<exit_status>> worker_process::attend(event& changed) {
  options_.on_event(event_of(worker_event_kind::started));
  auto watch_over = [&]() -> task<> { co_await when_all(listen(changed), enforce_deadline()); };
  auto outcome = co_await when_any(process_.wait(), watch_over());
  state_ = worker_state::ended;
  changed.set();
  co_return std::move(std::get<0>(outcome.values));
}

// --- what it says ---

/// Until its end of the channel is closed: commonly, the process is ending.
task<> worker_process::listen(event& changed) {
  bool is_there = true;
  while (is_there) {
    result<std::optional<worker_message>> told = co_await channel_.receive();
    is_there = told && *told;
    if (is_there) take(**told, changed);
  }
  if (!is_overdue_) expect(options_.end_within, "end");
}

void worker_process::take(worker_message told, event& changed) {
  if (told == worker_message::ready) enter(worker_state::ready, changed);
  if (told == worker_message::draining) enter(worker_state::draining, changed);
  if (state_ == worker_state::ready && !is_told_to_drain_) expect_word();
}

void worker_process::enter(worker_state next, event& changed) {
  if (next <= state_) return;
  state_ = next;
  const bool is_ready = next == worker_state::ready;
  options_.on_event(event_of(is_ready ? worker_event_kind::ready : worker_event_kind::draining));
  if (next == worker_state::draining && !is_told_to_drain_) // somebody else has told it
    expect(options_.drain_within + options_.end_within, "end of the drain");
  changed.set();
}

// --- what it is told ---

void worker_process::drain() {
  if (std::exchange(is_told_to_drain_, true)) return;
  const result<> told = channel_.send(worker_message::drain);
  if (!told) kill(SIGTERM); // says the same; who is gone has drained
  expect(options_.drain_within + options_.end_within, "end of the drain");
}

void worker_process::kill(int signal) {
  [[maybe_unused]] const result<> sent = process_.kill(signal); // it may have ended already
}

// --- its deadline ---

void worker_process::expect(std::chrono::nanoseconds within, const char* what) {
  due_ns_ = deadline(within).resolve_ns(loop::current()->now_ns());
  expected_ = what;
  due_is_new_.set();
}

void worker_process::expect_word() {
  if (options_.silence_max.count() > 0) return expect(options_.silence_max, "sign of life");
  expect(std::chrono::nanoseconds::max(), expects_nothing);
}

task<result<>> worker_process::until_due_is_new() {
  co_return co_await due_is_new_.wait();
}

task<> worker_process::enforce_deadline() {
  for (;;) {
    due_is_new_.reset();
    result<> is_new = co_await with_deadline(deadline::at_ns(due_ns_), until_due_is_new());
    if (is_new) continue;
    if (!is_new.error().is_timeout()) co_return; // it has ended
    be_overdue();
  }
}

/// What hangs is aborted, so that its core tells where; what does not heed that, or only takes long, is
/// killed.
void worker_process::be_overdue() {
  worker_event told = event_of(worker_event_kind::overdue);
  told.why = error(std::errc::timed_out, expected_);
  options_.on_event(told);
  const bool hangs = state_ == worker_state::ready && !is_told_to_drain_;
  kill(hangs ? SIGABRT : SIGKILL);
  is_overdue_ = is_told_to_drain_ = true;
  expect(hangs ? std::chrono::nanoseconds(options_.end_within) : std::chrono::nanoseconds::max(), "end");
}

} // namespace weir
