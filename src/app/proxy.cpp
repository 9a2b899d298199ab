#include "proxy.hpp"

#include "broker.hpp"
#include "exit_code.hpp"
#include "proxy_report.hpp"

#include <weir/async/event.hpp>
#include <weir/async/run.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/os/signal_set.hpp>
#include <weir/runtime/dump.hpp>
#include <weir/runtime/inspector.hpp>
#include <weir/runtime/watchdog.hpp>
#include <weir/zmtp/proxy_memory.hpp>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace weir::app {
namespace {

/// How a run came to its end, and how long what is unsent may take from there.
struct ending {
  ending(int status, std::uint64_t until_ns) noexcept : exit_status(status), deadline_ns(until_ns) {}

  int exit_status;
  std::uint64_t deadline_ns; ///< loop time
};

void complain(const error& why) {
  std::fprintf(stderr, "weir proxy: %s\n", why.message().c_str());
}

/// The first signal begins the draining; a second one ends it.
task<ending> wait_for_end(const proxy_options& options, broker& between, signal_set& told,
                          const proxy_report& report) {
  const loop& home = *loop::current();
  const result<signal_notice> first = co_await told.next();
  if (!first) {
    if (!first.error().is_cancelled()) complain(first.error());
    co_return ending(exit_failure, home.now_ns());
  }
  const deadline limit = options.drain;
  const std::uint64_t deadline_ns = limit.resolve_ns(home.now_ns());
  between.refuse_newcomers();
  report.draining();
  auto outcome =
      co_await when_any(with_deadline(deadline::at_ns(deadline_ns), between.proxy().settled()), told.next());
  const result<signal_notice>& second = std::get<1>(outcome.values);
  if (second) co_return ending(exit_by_signal(second->number), home.now_ns());
  co_return ending(exit_success, deadline_ns);
}

/// SIGUSR1: what is it waiting for? Where that cannot be told the proxy goes on.
task<> dump_when_asked(signal_set asked) {
  const result<> end = co_await dump_on_signal(std::move(asked));
  if (!end && !end.error().is_cancelled()) complain(end.error());
  event never(event_reset::manual);
  (void)co_await never.wait();
}

/// What lets others look inside, for as long as it lives.
struct insight {
  explicit insight(loop& home) : shown(home, "proxy") {}

  result<> open(const std::string& path) {
    if (path.empty()) return {};
    result<std::unique_ptr<inspector>> opened = inspector::open(path);
    if (!opened) return fail(std::move(opened).error());
    window = std::move(*opened);
    guard.emplace();
    return {};
  }

  metrics_registry::membership shown;
  std::unique_ptr<inspector> window;
  std::optional<watchdog> guard;
};

/// The broker's whole life on its loop; the exit status.
task<int> mediate(const proxy_options& options, signal_set& told, signal_set dump_asked) {
  const loop& home = *loop::current();
  broker between(options);
  proxy_report report(options, between);
  ending end(exit_failure, home.now_ns());
  const result<> opened = between.open();
  if (opened) {
    report.ready(home.backend_reason());
    auto outcome = co_await when_any(between.proxy().forward(), report.every_second(),
                                     wait_for_end(options, between, told, report),
                                     dump_when_asked(std::move(dump_asked)));
    const result<>& forwarded = std::get<0>(outcome.values);
    end = std::get<2>(outcome.values);
    if (!forwarded && !forwarded.error().is_cancelled()) complain(forwarded.error());
  } else {
    complain(opened.error());
  }
  const std::uint64_t left_behind = between.proxy().take_left_behind();
  auto outcome = co_await when_any(with_deadline(deadline::at_ns(end.deadline_ns), between.proxy().close()),
                                   told.next());
  const result<>& closed = std::get<0>(outcome.values);
  const result<signal_notice>& one_more = std::get<1>(outcome.values);
  if (one_more) end.exit_status = exit_by_signal(one_more->number);
  if (opened) report.total(left_behind, closed.has_value());
  co_return end.exit_status;
}

} // namespace

int run_proxy(const proxy_options& options) {
  std::signal(SIGPIPE, SIG_IGN); // whoever reads our lines may leave without ending the broker
  auto told = signal_set::open({SIGINT, SIGTERM});
  if (!told) {
    complain(told.error());
    return exit_failure;
  }
  auto dump_asked = signal_set::open({SIGUSR1});
  if (!dump_asked) {
    complain(dump_asked.error());
    return exit_failure;
  }
  loop_options of_loop = zmtp::proxy_memory(options.bytes).options_of_loop();
  of_loop.measure_handlers = !options.inspect.empty();
  const auto made = loop::create(of_loop);
  if (!made) {
    complain(made.error());
    return exit_failure;
  }
  insight inside(**made);
  if (const result<> opened = inside.open(options.inspect); !opened) {
    complain(opened.error());
    return exit_failure;
  }
  return run(**made, mediate(options, *told, std::move(*dump_asked)));
}

} // namespace weir::app
