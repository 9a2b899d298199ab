#include "metrics_table.hpp"
#include "peer_name.hpp"

#include <weir/base/json_text.hpp>
#include <weir/io/thread_clock.hpp>
#include <weir/runtime/metrics.hpp>

#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>

namespace weir {
namespace {

struct connections_of_loop {
  std::size_t count = 0;
  std::vector<held_memory> largest;
};
using connections_by_loop = std::map<std::string, connections_of_loop>;

connections_of_loop connections_of(const loop& home, std::size_t most) {
  connections_of_loop found;
  std::vector<held_memory> all;
  home.for_each_holder([&](const memory_holder& holder) { all.push_back(holder.held()); });
  found.count = all.size();
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
  std::ranges::partial_sort(all, end, std::ranges::greater{}, &held_memory::bytes);
  all.erase(end, all.end());
  for (held_memory& each : all) name_by_peer(each);
  found.largest = std::move(all);
  return found;
}

void add_location(json_text& text, const std::source_location& where) {
  text.add("file", where.file_name());
  text.add("line", where.line());
}

void add_now(json_text& text, const current_handler& now, std::uint64_t now_ns) {
  text.open_object("now");
  text.add("phase", name_of(now.phase));
  if (now.phase != loop_phase::waiting) text.add("for_ns", now_ns - std::min(now_ns, now.since_ns));
  if (now.has_operation) {
    text.add("operation", name_of(now.kind));
    text.add("descriptor", now.descriptor);
    add_location(text, now.where);
  }
  text.close();
}

void add_counters(json_text& text, const loop& home) {
  text.open_object("counters");
  for (const metrics_table::number& each : metrics_table::numbers) text.add(each.name, each.read(home));
  const loop_counters& counters = home.counters();
  text.add("completions", counters.completions.load());
  text.add("system_calls", std::uint64_t{counters.system_calls});
  text.close();
  text.open_object("system_calls");
  for (std::size_t i = 0; i < system_call_count; ++i)
    text.add(name_of(static_cast<system_call>(i)), counters.system_calls.of(static_cast<system_call>(i)));
  text.close();
  text.open_object("lanes");
  for (std::size_t i = 0; i < lane_count; ++i)
    text.add(metrics_table::name_of_lane(i), counters.completions_of_lane[i].load());
  text.close();
}

void add_summary(json_text& text, std::string_view name, const histogram& recorded) {
  const histogram seen = recorded;
  if (seen.count() == 0) return;
  text.open_object(name);
  text.add("count", seen.count());
  text.add("sum", seen.sum());
  text.add("p50", seen.percentile(50));
  text.add("p90", seen.percentile(90));
  text.add("p99", seen.percentile(99));
  text.add("max", seen.max());
  text.close();
}

void add_histograms(json_text& text, const measurements& measured) {
  text.open_object("histograms");
  add_summary(text, "lag_ns", measured.lag_ns);
  add_summary(text, "batch", measured.batch);
  text.open_object("latency_ns");
  for (std::size_t i = 0; i < operation_kind_count; ++i)
    add_summary(text, name_of(static_cast<operation_kind>(i)), measured.latency_ns[i]);
  text.close();
  text.open_object("handler_ns");
  for (std::size_t i = 0; i < operation_kind_count; ++i)
    add_summary(text, name_of(static_cast<operation_kind>(i)), measured.handler_ns[i]);
  text.close();
  text.open_object("phase_ns");
  for (std::size_t i = 0; i < loop_phase_count; ++i)
    add_summary(text, name_of(static_cast<loop_phase>(i)), measured.phase_ns[i]);
  text.close();
  text.close();
}

void add_slowest(json_text& text, const slow_handlers& slowest) {
  text.open_array("slowest_handlers");
  for (const slow_handlers::entry& each : slowest.list()) {
    text.open_object();
    text.add("operation", name_of(each.of_kind()));
    add_location(text, each.where);
    text.add("count", each.count);
    text.add("total_ns", each.total_ns);
    text.add("max_ns", each.max_ns);
    text.close();
  }
  text.close();
}

void add_connections(json_text& text, const connections_of_loop& connections) {
  text.add("connections", connections.count);
  text.open_array("largest_connections");
  for (const held_memory& each : connections.largest) {
    text.open_object();
    text.add("kind", each.kind);
    text.add("descriptor", each.descriptor);
    text.add("name", each.name);
    text.add("unread_bytes", each.unread_bytes);
    text.add("unsent_bytes", each.unsent_bytes);
    text.add("held_bytes", each.held_bytes);
    text.add("paused", each.is_paused);
    text.add("over_share", each.is_over_share);
    text.add("full", each.is_full);
    text.close();
  }
  text.close();
}

void add_loop(json_text& text, const metrics_registry::member& member,
              const connections_by_loop& connections) {
  const loop& home = *member.home;
  text.open_object();
  text.add("name", member.name);
  text.add("backend", member.backend);
  text.add("thread", member.thread_id);
  text.add("cpu_ns", thread_clock::cpu_ns(member.thread));
  text.add("stuck", member.stuck());
  add_now(text, home.measured().now.read().value, thread_clock::now_ns());
  add_counters(text, home);
  add_histograms(text, home.measured());
  text.add("measures_handlers", home.options().measure_handlers);
  add_slowest(text, home.measured().slowest);
  const auto answer = connections.find(member.name);
  text.add("answers", answer != connections.end());
  if (answer != connections.end()) add_connections(text, answer->second);
  text.close();
}

} // namespace

std::string metrics_json(metrics_registry& loops, const metrics_json_options& options) {
  std::mutex gathering;
  connections_by_loop connections;
  const auto gather = [&](const metrics_registry::member& member, loop& home) {
    connections_of_loop found = connections_of(home, options.connections_max);
    const std::lock_guard lock(gathering);
    connections[member.name] = std::move(found);
  };
  (void)loops.visit_all(gather, options.patience); // those that are silent have no entry

  json_text text(json_text::layout::line);
  text.add("process", ::getpid());
  text.add("time_ns", thread_clock::now_ns());
  text.open_array("loops");
  loops.for_each([&](const metrics_registry::member& each) { add_loop(text, each, connections); });
  return std::move(text).finish();
}

} // namespace weir
