#include "top_text.hpp"

#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace weir::app {
namespace {

constexpr std::string_view heading_style = "\x1b[1m", alarm_style = "\x1b[31m", end_of_style = "\x1b[0m";
/// From where on a handler is shown in red: what a watchdog reports by default.
constexpr std::uint64_t stuck_ns = 100'000'000;

/// Columns as wide as their widest cell: numbers to the right, words to the left.
class aligned_table {
 public:
  enum class side : std::uint8_t { left, right };
  struct column {
    std::string_view title;
    side aligned;
  };

  aligned_table(std::initializer_list<column> columns) {
    std::vector<std::string> titles;
    for (const column& each : columns) {
      titles.emplace_back(each.title);
      sides_.push_back(each.aligned);
    }
    rows_.push_back({std::move(titles), heading_style});
  }

  void add(std::vector<std::string> cells, std::string_view emphasis = {}) {
    rows_.push_back({std::move(cells), emphasis});
  }

  std::string text(bool colour) const {
    std::vector<std::size_t> widths(sides_.size());
    for (const row& each : rows_)
      for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], each.cells[i].size());
    std::string text;
    for (const row& each : rows_) {
      std::string line;
      for (std::size_t i = 0; i < widths.size(); ++i) {
        if (i > 0) line += "  ";
        line += sides_[i] == side::left ? fmt::format("{:<{}}", each.cells[i], widths[i])
                                        : fmt::format("{:>{}}", each.cells[i], widths[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      const bool is_marked = colour && !each.emphasis.empty();
      text += is_marked ? fmt::format("{}{}{}\n", each.emphasis, line, end_of_style) : line + "\n";
    }
    return text;
  }

 private:
  struct row {
    std::vector<std::string> cells;
    std::string_view emphasis;
  };
  std::vector<side> sides_;
  std::vector<row> rows_;
};

constexpr auto aligned_left = aligned_table::side::left;
constexpr auto aligned_right = aligned_table::side::right;

std::string rounded(double a_second) {
  return format_count(static_cast<std::uint64_t>(std::llround(a_second)));
}

/// To three digits, so that columns stay narrow.
std::string short_duration(std::uint64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns < 1'000) return fmt::format("{} ns", ns);
  if (ns < 1'000'000) return fmt::format("{:.3g} us", value / 1e3);
  if (ns < 1'000'000'000) return fmt::format("{:.3g} ms", value / 1e6);
  return fmt::format("{:.3g} s", value / 1e9);
}

std::string doing_of(const top_loop& of) {
  std::string text = of.doing;
  if (of.doing_for_ns > 0) text += " for " + short_duration(of.doing_for_ns);
  if (!of.answers) text += ", does not answer";
  return text;
}

std::string loops_text(const top_snapshot& now, const top_snapshot& before, bool colour) {
  aligned_table table({{"LOOP", aligned_left},
                       {"BACKEND", aligned_left},
                       {"CPU", aligned_right},
                       {"TURNS/S", aligned_right},
                       {"CALLS/S", aligned_right},
                       {"URGENT/S", aligned_right},
                       {"NORMAL/S", aligned_right},
                       {"BACKGR/S", aligned_right},
                       {"IN/S", aligned_right},
                       {"OUT/S", aligned_right},
                       {"OPS", aligned_right},
                       {"CONNS", aligned_right},
                       {"MEMORY", aligned_right},
                       {"LAG P99", aligned_right},
                       {"STUCK", aligned_right},
                       {"NOW", aligned_left}});
  for (const top_loop& each : now.loops) {
    const top_rates rates = rates_of(each, before, now.time_ns);
    const bool is_stuck = !each.answers || each.doing_for_ns >= stuck_ns;
    table.add({each.name, each.backend, fmt::format("{:.0f} %", rates.cpu * 100), rounded(rates.turns),
               rounded(rates.system_calls), rounded(rates.completions_of_lane[0]),
               rounded(rates.completions_of_lane[1]), rounded(rates.completions_of_lane[2]),
               format_bytes(static_cast<std::uint64_t>(rates.received_bytes)),
               format_bytes(static_cast<std::uint64_t>(rates.sent_bytes)), format_count(each.operations),
               format_count(each.connections), format_bytes(each.memory_bytes),
               short_duration(each.lag_p99_ns), format_count(each.stuck), doing_of(each)},
              is_stuck ? alarm_style : std::string_view());
  }
  return table.text(colour);
}

std::string connections_text(const top_snapshot& now, const top_layout& layout) {
  aligned_table table({{"CONNECTION", aligned_left},
                       {"LOOP", aligned_left},
                       {"FD", aligned_right},
                       {"UNREAD", aligned_right},
                       {"UNSENT", aligned_right},
                       {"", aligned_left}});
  for (std::size_t i = 0; i < std::min(now.connections.size(), layout.rows_max); ++i) {
    const top_connection& each = now.connections[i];
    table.add({each.name.empty() ? "-" : each.name, each.loop, std::to_string(each.descriptor),
               format_bytes(each.unread_bytes), format_bytes(each.unsent_bytes),
               each.paused ? "paused: its credit is used up" : ""});
  }
  return table.text(layout.colour);
}

std::string handlers_text(const top_snapshot& now, const top_layout& layout) {
  aligned_table table({{"SLOWEST HANDLERS", aligned_left},
                       {"LOOP", aligned_left},
                       {"COUNT", aligned_right},
                       {"MEAN", aligned_right},
                       {"MAX", aligned_right},
                       {"AWAITED AT", aligned_left}});
  for (std::size_t i = 0; i < std::min(now.slowest.size(), layout.rows_max); ++i) {
    const top_handler& each = now.slowest[i];
    table.add({each.operation, each.loop, format_count(each.count),
               short_duration(each.total_ns / std::max<std::uint64_t>(1, each.count)),
               short_duration(each.max_ns), each.where});
  }
  return table.text(layout.colour);
}

} // namespace

std::string top_text(const top_snapshot& now, const top_snapshot& before, const top_layout& layout) {
  std::uint64_t connections = 0, memory_bytes = 0, limit_bytes = 0;
  for (const top_loop& each : now.loops) {
    connections += each.connections;
    memory_bytes += each.memory_bytes;
    limit_bytes += each.memory_limit_bytes;
  }
  std::string text =
      fmt::format("process {}, {} loops, {} connections, {} of {} held\n\n", now.process, now.loops.size(),
                  format_count(connections), format_bytes(memory_bytes), format_bytes(limit_bytes));
  text += loops_text(now, before, layout.colour);
  if (!now.connections.empty()) text += "\n" + connections_text(now, layout);
  if (!now.slowest.empty()) text += "\n" + handlers_text(now, layout);
  return text;
}

} // namespace weir::app
