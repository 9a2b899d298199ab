// weir's own contestant: a ROUTER on each side, used as its users use it: a loop a thread, a coroutine a
// side.

#include "../support/script.hpp"

#include <weir/async/run.hpp>
#include <weir/async/task.hpp>
#include <weir/io/loop.hpp>
#include <weir/zmtp/router.hpp>

#include <array>
#include <memory>

namespace {

using weir::zmtp::frame;
using weir::zmtp::message;
using weir::zmtp::router;

weir::loop_options loop_options_of(const bench::options& o) {
  weir::loop_options options;
  options.spin_ns = o.spin_us * 1'000;
  if (!o.backend.empty()) {
    const auto backend = weir::parse_backend(o.backend == "uring" ? "io_uring" : o.backend);
    if (!backend) bench::fail("--backend", "'" + o.backend + "': automatic, uring or epoll is wanted");
    options.backend = *backend;
  }
  constexpr std::array strategies = {weir::receive_strategy::automatic,  weir::receive_strategy::multishot,
                                     weir::receive_strategy::one_shot,   weir::receive_strategy::adaptive,
                                     weir::receive_strategy::wait_first, weir::receive_strategy::speculative};
  bool known = o.strategy.empty();
  for (const auto strategy : strategies) {
    if (weir::name_of(strategy) != o.strategy) continue;
    options.io.strategy = strategy;
    known = true;
  }
  if (!known)
    bench::fail("--strategy",
                "'" + o.strategy +
                    "': automatic, multishot, one_shot, adaptive, wait_first or speculative is wanted");
  return options;
}

std::unique_ptr<weir::loop> make_loop(const bench::options& o) {
  auto made = weir::loop::create(loop_options_of(o));
  if (!made) bench::fail("loop", made.error().message());
  return std::move(*made);
}

bench::counts_reader counts_of(const weir::loop& loop) {
  return [&loop] {
    const weir::loop_counters& c = loop.counters();
    bench::call_counts counts{c.receive_calls, c.receive_again, c.waits, c.send_calls, c.bytes_received, {}};
    counts.syscalls = c.system_calls;
    return counts;
  };
}

weir::zmtp::socket_options socket_options_of(const char* routing_id) {
  weir::zmtp::socket_options options;
  options.routing_id = routing_id;
  options.send_hwm = 0;
  options.receive_hwm = 0;
  return options;
}

template <class Result>
void demand(const Result& outcome, const char* what) {
  if (!outcome) bench::fail(what, outcome.error().message());
}

std::span<const std::byte> bytes_of(const std::vector<char>& payload) {
  return std::as_bytes(std::span(payload));
}

weir::task<> receive_all(const bench::options& o, bench::receiving_side& side,
                         const std::function<void()>& on_bound) {
  router socket(socket_options_of("receiver"));
  demand(socket.bind(o.endpoint), "bind");
  on_bound();
  message received;
  while (!side.finished()) {
    weir::result<> got = co_await socket.receive(received);
    demand(got, "receive");
    const frame& body = received.back();
    if (!side.on_message(body.data(), body.size())) continue;
    weir::result<> sent = co_await socket.send(received);
    demand(sent, "send");
  }
  received.clear();
  weir::result<> closed = co_await socket.close();
  demand(closed, "close");
}

weir::task<> send_all(const bench::options& o, bench::sending_side& side) {
  router socket(socket_options_of("sender"));
  demand(socket.connect(o.endpoint), "connect");
  weir::result<> connected = co_await socket.wait_connected(1);
  demand(connected, "connect");
  message outgoing({"receiver", ""});
  message answer;
  while (!side.finished()) {
    if (side.waiting()) {
      weir::result<> got = co_await socket.receive(answer);
      demand(got, "receive");
      side.on_answer(answer.back().data(), answer.back().size());
      continue;
    }
    const std::vector<char>& payload = side.next();
    outgoing[1].assign_borrowed(bytes_of(payload));
    weir::result<> sent = co_await socket.send(outgoing);
    demand(sent, "send");
    side.on_sent();
  }
  answer.clear();
  weir::result<> closed = co_await socket.close();
  demand(closed, "close");
}

bench::side_record receive(const bench::options& o, const std::function<void()>& on_bound) {
  const auto loop = make_loop(o);
  bench::receiving_side side(o, counts_of(*loop));
  weir::run(*loop, receive_all(o, side, on_bound));
  return side.record();
}

bench::side_record send(const bench::options& o) {
  const auto loop = make_loop(o);
  bench::sending_side side(o, counts_of(*loop));
  weir::run(*loop, send_all(o, side));
  return side.record();
}

} // namespace

int main(int argc, char** argv) {
  return bench::run_contestant(bench::parse_options(argc, argv), receive, send);
}
