#include "proxy_report.hpp"

#include "terminal.hpp"
#include "units.hpp"

#include <weir/async/sleep.hpp>
#include <weir/base/json_text.hpp>
#include <weir/io/loop.hpp>
#include <weir/zmtp/proxy_memory.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace weir::app {
namespace {

using namespace std::chrono_literals;

void say(std::string_view line) {
  write_line_or_skip(STDOUT_FILENO, line);
}

json_text begin_event(std::string_view name) {
  json_text text(json_text::layout::line);
  text.add("event", name);
  return text;
}

void add_names(json_text& text, std::string_view side, const std::vector<std::string>& names) {
  text.open_array(side);
  for (const std::string& each : names) text.add_element(each);
  text.close();
}

void say_endpoints(const char* side, const std::vector<proxy_endpoint>& given,
                   const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i)
    say(fmt::format("{} {} {}", side, given[i].connects ? "connects to" : "listens on", names[i]));
}

zmtp::proxy_traffic operator-(const zmtp::proxy_traffic& after, const zmtp::proxy_traffic& before) {
  return {after.messages - before.messages, after.bytes - before.bytes};
}

/// What it makes a second.
zmtp::proxy_traffic rate_of(const zmtp::proxy_traffic& passed, std::uint64_t elapsed_ns) {
  const double seconds = static_cast<double>(elapsed_ns) / 1e9;
  const auto a_second = [&](std::uint64_t count) {
    return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(count) / seconds + 0.5) : 0;
  };
  return {a_second(passed.messages), a_second(passed.bytes)};
}

} // namespace

proxy_report::proxy_report(const proxy_options& options, broker& reported) noexcept
    : options_(options), broker_(reported) {}

void proxy_report::ready(std::string_view backend_reason) const {
  if (options_.json) {
    json_text text = begin_event("ready");
    add_names(text, "frontend", broker_.frontend_endpoints());
    add_names(text, "backend", broker_.backend_endpoints());
    text.add("clients_max", zmtp::proxy_memory(options_.bytes).clients_max());
    text.add("reason", backend_reason);
    return say(std::move(text).finish());
  }
  say_endpoints("frontend router", options_.frontend, broker_.frontend_endpoints());
  say_endpoints("backend dealer ", options_.backend, broker_.backend_endpoints());
  say(fmt::format("ready for {} clients at once, on {}",
                  format_count(zmtp::proxy_memory(options_.bytes).clients_max()), backend_reason));
}

task<> proxy_report::every_second() {
  const loop& home = *loop::current();
  std::uint64_t last_ns = home.now_ns();
  result<> slept;
  for (;;) {
    slept = co_await sleep_for(1s);
    if (!slept) co_return;
    const broker_totals now = broker_.totals();
    if (!options_.quiet) counters(now, home.now_ns() - last_ns);
    troubles();
    before_ = now;
    last_ns = home.now_ns();
  }
}

void proxy_report::counters(const broker_totals& now, std::uint64_t elapsed_ns) const {
  const zmtp::proxy_traffic requests = rate_of(now.requests - before_.requests, elapsed_ns);
  const zmtp::proxy_traffic replies = rate_of(now.replies - before_.replies, elapsed_ns);
  if (options_.json) {
    json_text text = begin_event("counters");
    text.add("requests_per_s", requests.messages);
    text.add("request_bytes_per_s", requests.bytes);
    text.add("replies_per_s", replies.messages);
    text.add("reply_bytes_per_s", replies.bytes);
    text.add("frontend_peers", now.frontend_peers);
    text.add("backend_peers", now.backend_peers);
    text.add("memory_bytes", now.memory_bytes);
    text.add("dropped", now.dropped);
    return say(std::move(text).finish());
  }
  say(fmt::format("requests {:>9}/s {:>10}/s   replies {:>9}/s {:>10}/s   peers {}+{}   memory {}",
                  format_count(requests.messages), format_bytes(requests.bytes),
                  format_count(replies.messages), format_bytes(replies.bytes), now.frontend_peers,
                  now.backend_peers, format_bytes(now.memory_bytes)));
}

void proxy_report::troubles() const {
  const broker_troubles recent = broker_.take_troubles();
  if (recent.count == 0) return;
  const std::string more =
      recent.count > 1 ? fmt::format(" (and {} more)", format_count(recent.count - 1)) : std::string();
  write_line_or_skip(STDERR_FILENO, fmt::format("weir proxy: {}{}", recent.latest, more));
}

void proxy_report::draining() const {
  if (options_.json) {
    json_text text = begin_event("draining");
    text.add("at_most_ms", static_cast<std::uint64_t>(options_.drain.count()));
    return say(std::move(text).finish());
  }
  say(fmt::format("draining for at most {}", format_duration(options_.drain)));
}

void proxy_report::total(std::uint64_t left_behind, bool all_sent) const {
  const broker_totals end = broker_.totals();
  if (options_.json) {
    json_text text = begin_event("total");
    text.add("requests", end.requests.messages);
    text.add("request_bytes", end.requests.bytes);
    text.add("replies", end.replies.messages);
    text.add("reply_bytes", end.replies.bytes);
    text.add("dropped", end.dropped);
    text.add("left_behind", left_behind);
    text.add("all_sent", all_sent);
    return say(std::move(text).finish());
  }
  say(fmt::format("total: {} requests ({}), {} replies ({}), {} dropped because the client had left, {} left "
                  "behind{}",
                  format_count(end.requests.messages), format_bytes(end.requests.bytes),
                  format_count(end.replies.messages), format_bytes(end.replies.bytes),
                  format_count(end.dropped), format_count(left_behind),
                  all_sent ? "" : "; not all was sent in time"));
}

} // namespace weir::app
