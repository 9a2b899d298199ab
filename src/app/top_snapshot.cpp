#include "top_snapshot.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace weir::app {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 3> lane_keys = {"urgent", "normal", "background"};

std::string_view file_name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

const json& part_of(const json& whole, const char* name) {
  static const json nothing = json::object();
  const auto found = whole.find(name);
  return found == whole.end() ? nothing : *found;
}

std::uint64_t number_in(const json& object, const char* name) {
  return object.value(name, std::uint64_t{0});
}

std::string text_in(const json& object, const char* name) {
  return object.value(name, std::string());
}

std::string location_in(const json& object) {
  const std::string file = text_in(object, "file");
  return std::string(file_name_of(file)) + ":" + std::to_string(number_in(object, "line"));
}

std::string doing_in(const json& now) {
  if (!now.contains("operation")) return text_in(now, "phase");
  return text_in(now, "operation") + " of " + std::to_string(now.value("descriptor", -1)) + " at " +
         location_in(now);
}

top_loop loop_in(const json& told) {
  top_loop found;
  found.name = text_in(told, "name");
  found.backend = text_in(told, "backend");
  found.answers = told.value("answers", false);
  found.doing = doing_in(part_of(told, "now"));
  found.doing_for_ns = number_in(part_of(told, "now"), "for_ns");
  found.cpu_ns = number_in(told, "cpu_ns");
  found.stuck = number_in(told, "stuck");
  found.connections = number_in(told, "connections");
  const json& counters = part_of(told, "counters");
  found.turns = number_in(counters, "turns");
  found.system_calls = number_in(counters, "system_calls");
  found.received_bytes = number_in(counters, "received_bytes");
  found.sent_bytes = number_in(counters, "sent_bytes");
  found.operations = number_in(counters, "operations_outstanding");
  found.receives_starved = number_in(counters, "receives_starved");
  found.memory_bytes = number_in(counters, "receive_memory_bytes") + number_in(counters, "send_memory_bytes");
  found.memory_limit_bytes =
      number_in(counters, "receive_memory_limit_bytes") + number_in(counters, "send_memory_limit_bytes");
  found.lag_p99_ns = number_in(part_of(part_of(told, "histograms"), "lag_ns"), "p99");
  for (std::size_t i = 0; i < lane_keys.size(); ++i)
    found.completions_of_lane[i] = number_in(part_of(told, "lanes"), lane_keys[i]);
  return found;
}

void add_connections_of(const json& told, std::vector<top_connection>& into) {
  for (const json& each : part_of(told, "largest_connections")) {
    top_connection found;
    found.loop = text_in(told, "name");
    found.descriptor = each.value("descriptor", -1);
    found.name = text_in(each, "name");
    found.unread_bytes = number_in(each, "unread_bytes");
    found.unsent_bytes = number_in(each, "unsent_bytes");
    found.paused = each.value("paused", false);
    into.push_back(std::move(found));
  }
}

void add_handlers_of(const json& told, std::vector<top_handler>& into) {
  for (const json& each : part_of(told, "slowest_handlers")) {
    top_handler found;
    found.loop = text_in(told, "name");
    found.operation = text_in(each, "operation");
    found.where = location_in(each);
    found.count = number_in(each, "count");
    found.total_ns = number_in(each, "total_ns");
    found.max_ns = number_in(each, "max_ns");
    into.push_back(std::move(found));
  }
}

} // namespace

result<top_snapshot> parse_top_snapshot(std::string_view json_text) {
  try {
    const json told = json::parse(json_text);
    top_snapshot found;
    found.process = told.at("process").get<std::int64_t>();
    found.time_ns = told.at("time_ns").get<std::uint64_t>();
    for (const json& each : told.at("loops")) {
      found.loops.push_back(loop_in(each));
      add_connections_of(each, found.connections);
      add_handlers_of(each, found.slowest);
    }
    const auto held = [](const top_connection& of) { return of.unread_bytes + of.unsent_bytes; };
    std::ranges::sort(found.connections, std::ranges::greater{}, held);
    std::ranges::sort(found.slowest, std::ranges::greater{}, &top_handler::max_ns);
    return found;
  } catch (const json::exception&) {
    return fail(error(errc::protocol, "read the snapshot"));
  }
}

top_rates rates_of(const top_loop& now, const top_snapshot& before, std::uint64_t time_ns) {
  const auto earlier = std::ranges::find(before.loops, now.name, &top_loop::name);
  const double seconds = static_cast<double>(time_ns - std::min(time_ns, before.time_ns)) / 1e9;
  top_rates rates;
  if (earlier == before.loops.end() || seconds <= 0) return rates;
  const auto a_second = [&](std::uint64_t later, std::uint64_t first) {
    return later > first ? static_cast<double>(later - first) / seconds : 0;
  };
  rates.cpu = a_second(now.cpu_ns, earlier->cpu_ns) / 1e9;
  rates.turns = a_second(now.turns, earlier->turns);
  rates.system_calls = a_second(now.system_calls, earlier->system_calls);
  rates.received_bytes = a_second(now.received_bytes, earlier->received_bytes);
  rates.sent_bytes = a_second(now.sent_bytes, earlier->sent_bytes);
  for (std::size_t i = 0; i < rates.completions_of_lane.size(); ++i)
    rates.completions_of_lane[i] = a_second(now.completions_of_lane[i], earlier->completions_of_lane[i]);
  return rates;
}

} // namespace weir::app
