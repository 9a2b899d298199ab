#include "top.hpp"

#include "exit_code.hpp"
#include "terminal.hpp"
#include "top_text.hpp"

#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_any.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/stream.hpp>
#include <weir/os/signal_set.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string_view>
#include <tuple>

namespace weir::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view clear_screen = "\x1b[H\x1b[J";
constexpr std::size_t answer_bytes_max = std::size_t{64} << 20;

void complain_of(const top_options& options, const error& why) {
  std::fprintf(stderr, "weir top: %s: %s\n", options.path.c_str(), why.message().c_str());
}

task<result<std::string>> read_answer(stream& from) {
  std::string answer;
  for (;;) {
    result<lease> piece = co_await from.read();
    if (!piece) co_return fail(std::move(piece).error());
    if (piece->empty()) co_return answer;
    if (answer.size() > answer_bytes_max) co_return fail(error(errc::limit_reached, "read the snapshot"));
    answer.append(reinterpret_cast<const char*>(piece->data()), piece->size());
  }
}

/// The JSON of the process.
task<result<std::string>> ask_snapshot(address where) {
  constexpr std::string_view question = "GET /snapshot HTTP/1.0\r\n\r\n";
  result<stream> connected = co_await stream::connect(where);
  if (!connected) co_return fail(std::move(connected).error());
  const transfer sent = co_await connected->write_all(std::as_bytes(std::span(question)));
  if (!sent) co_return fail(sent.error());
  result<std::string> answer = co_await read_answer(*connected);
  if (!answer) co_return answer;
  const std::size_t end_of_header = answer->find("\r\n\r\n");
  if (!answer->starts_with("HTTP/1.0 200 ") || end_of_header == std::string::npos)
    co_return fail(error(errc::protocol, "ask for the snapshot"));
  co_return answer->substr(end_of_header + 4);
}

task<result<std::string>> ask_in_time(const address& where) {
  co_return co_await with_deadline(5s, ask_snapshot(where));
}

task<result<top_snapshot>> look_at(const address& where) {
  result<std::string> text = co_await ask_in_time(where);
  if (!text) co_return fail(std::move(text).error());
  co_return parse_top_snapshot(*text);
}

task<result<>> print_json(const address& where) {
  result<std::string> text = co_await ask_in_time(where);
  if (!text) co_return fail(std::move(text).error());
  if (!print(*text)) co_return fail(error(std::errc::io_error, "write"));
  co_return result<>();
}

/// Looks again and again; an end by itself is an error, or the one view that was wanted.
task<result<>> show(const top_options& options, const address& where) {
  const bool on_terminal = !options.once && ::isatty(STDOUT_FILENO) == 1;
  top_layout layout;
  layout.colour = wants_colour(STDOUT_FILENO);
  result<top_snapshot> before = co_await look_at(where);
  while (before) {
    result<> slept = co_await sleep_for(options.interval);
    if (!slept) co_return slept;
    result<top_snapshot> now = co_await look_at(where);
    if (!now) co_return fail(std::move(now).error());
    std::string view = top_text(*now, *before, layout);
    if (on_terminal) view.insert(0, clear_screen);
    if (!on_terminal && !options.once) view += "\n";
    if (!print(view)) co_return fail(error(std::errc::io_error, "write"));
    if (options.once) co_return result<>();
    before = std::move(now);
  }
  co_return fail(std::move(before).error());
}

task<int> watch_process(const top_options& options, address where, signal_set& told) {
  auto chosen = options.json ? print_json(where) : show(options, where);
  auto outcome = co_await when_any(std::move(chosen), told.next());
  const result<>& shown = std::get<0>(outcome.values);
  const result<signal_notice>& asked_to_end = std::get<1>(outcome.values);
  if (asked_to_end || shown) co_return exit_success;
  complain_of(options, shown.error());
  co_return exit_failure;
}

} // namespace

int run_top(const top_options& options) {
  const auto where = address::unix_path(options.path);
  auto told = signal_set::open({SIGINT, SIGTERM});
  loop_options small;
  small.buffers.budget_bytes = std::size_t{4} << 20;
  const auto made = loop::create(small);
  if (!where) return complain_of(options, where.error()), exit_failure;
  if (!told) return complain_of(options, told.error()), exit_failure;
  if (!made) return complain_of(options, made.error()), exit_failure;
  return run(**made, watch_process(options, *where, *told));
}

} // namespace weir::app
