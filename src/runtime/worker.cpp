#include "systemd_environment.hpp"
#include "worker_channel.hpp"
#include "worker_terms.hpp"

#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/when_any.hpp>
#include <weir/os/signal_set.hpp>
#include <weir/runtime/worker.hpp>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <tuple>
#include <utility>

namespace weir {
namespace {

/// Ours from now on, and no child's.
result<descriptor> take_descriptor(int number) {
  if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0)
    return fail(error::from_errno(errno, "worker: descriptor").at(std::to_string(number)));
  return descriptor(number);
}

task<result<>> in_scope(task<result<>> body, cancellation& scope) {
  co_return co_await std::move(body).under(&scope);
}

} // namespace

bool worker::is_one() noexcept {
  return std::getenv(worker_terms::variable) != nullptr;
}

result<std::unique_ptr<worker>> worker::adopt() {
  const auto text = take_environment(worker_terms::variable);
  if (!text) return fail(errc::invalid_argument, "worker: no master has started this process");
  auto terms = worker_terms::parse(*text);
  if (!terms) return fail(error(errc::invalid_argument, worker_terms::variable).at(*text));
  int number = worker_terms::channel_number;
  result<descriptor> channel = take_descriptor(number);
  if (!channel) return fail(std::move(channel).error());

  result<signal_set> signals = signal_set::open({SIGTERM, SIGINT, SIGHUP});
  if (!signals) return fail(std::move(signals).error());

  std::unique_ptr<worker> made(
      new worker(worker_channel(std::move(*channel)), std::move(*terms), std::move(*signals)));
  for (const std::string& name : made->terms_->sockets) {
    result<descriptor> socket = take_descriptor(++number);
    if (!socket) return fail(std::move(socket).error());
    made->sockets_.push_back({name, std::move(*socket), nullptr});
  }
  return made;
}

worker::worker(worker_channel channel, worker_terms terms, signal_set signals)
    : channel_(std::make_unique<worker_channel>(std::move(channel))),
      terms_(std::make_unique<worker_terms>(std::move(terms))), signals_(std::move(signals)) {}

worker::~worker() = default;

unsigned worker::number() const noexcept {
  return terms_->number;
}

result<listener*> worker::door(std::string_view name, const listen_options& options) {
  const auto found = std::ranges::find(sockets_, name, &shared_socket::name);
  if (found == sockets_.end()) return fail(error(errc::invalid_argument, "worker: no such socket").at(name));
  if (!found->door) {
    result<listener> adopted = listener::adopt(std::move(found->socket), options);
    if (!adopted) return fail(std::move(adopted).error());
    found->door = std::make_unique<listener>(std::move(*adopted));
    if (is_draining()) found->door->stop();
  }
  return found->door.get();
}

result<> worker::ready() {
  return channel_->send(worker_message::ready);
}

void worker::drain() noexcept {
  if (is_draining()) return;
  draining_.set();
  for (shared_socket& each : sockets_)
    if (each.door) each.door->stop();
  [[maybe_unused]] const result<> told =
      channel_->send(worker_message::draining); // who is gone need not know
}

/// Doors belong to the loop, and the worker may outlive that.
struct worker::closing_of_doors {
  worker& of;
  ~closing_of_doors() {
    for (shared_socket& each : of.sockets_) each.door.reset();
  }
};

task<result<>> worker::run(task<result<>> serving) {
  const closing_of_doors at_the_end{*this};
  cancellation scope(co_await current_cancellation());
  bool is_late = false;
  auto outcome = co_await when_any(in_scope(std::move(serving), scope), attend(scope, is_late));
  const result<>& served = std::get<0>(outcome.values);
  const result<>& attended = std::get<1>(outcome.values);
  if (outcome.first == 1 && !attended) co_return attended;
  if (is_late) co_return fail(std::errc::timed_out, "drain");
  co_return served;
}

/// Beside what serves, for as long as that runs. An end of its own is a failure, and ends that too.
task<result<>> worker::attend(cancellation& serving, bool& is_late) {
  auto outcome =
      co_await when_any(obey_master(), obey_signals(), say_alive(), enforce_drain(serving, is_late));
  const std::array<result<>, 4> ends =
      std::apply([](auto&... each) { return std::array<result<>, 4>{each...}; }, outcome.values);
  serving.request();
  co_return ends[outcome.first];
}

task<result<>> worker::obey_master() {
  bool is_there = true;
  while (is_there) {
    result<std::optional<worker_message>> told = co_await channel_->receive();
    if (!told) co_return fail(std::move(told).error());
    is_there = told->has_value();
    if (!is_there || **told == worker_message::drain) drain();
  }
  event never(event_reset::manual);
  co_return co_await never.wait(); // without a master it drains to its end
}

task<result<>> worker::obey_signals() {
  for (;;) {
    result<signal_notice> told = co_await signals_.next();
    if (!told) co_return fail(std::move(told).error());
    if (told->number != SIGHUP) drain();
  }
}

task<result<>> worker::say_alive() {
  event never(event_reset::manual);
  if (terms_->alive_every.count() == 0) co_return co_await never.wait();
  for (;;) {
    result<> slept = co_await sleep_for(terms_->alive_every);
    if (!slept) co_return slept;
    [[maybe_unused]] const result<> told = channel_->send(worker_message::alive); // full: it has not listened
  }
}

task<result<>> worker::enforce_drain(cancellation& serving, bool& is_late) {
  result<> asked = co_await draining_.wait();
  if (!asked) co_return asked;
  result<> slept = co_await sleep_for(terms_->drain_within);
  if (!slept) co_return slept;
  is_late = true;
  serving.request();
  event never(event_reset::manual);
  co_return co_await never.wait();
}

} // namespace weir
