#include "metrics_table.hpp"

#include <weir/runtime/metrics.hpp>

#include <array>
#include <charconv>
#include <functional>
#include <string_view>

namespace weir {
namespace {

/// Bounds of the buckets of times, in nanoseconds.
constexpr std::array<std::uint64_t, 16> time_bounds_ns = {
    1'000,         10'000,        100'000,       1'000'000,     2'500'000,   5'000'000,
    10'000'000,    25'000'000,    50'000'000,    100'000'000,   250'000'000, 500'000'000,
    1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};
constexpr std::array<std::uint64_t, 11> count_bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

class exposition {
 public:
  exposition(std::string& into, metrics_registry& loops) : text_(into), loops_(loops) {}

  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_.append("# HELP ").append(name).append(" ").append(help);
    text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  }

  void sample(std::string_view name, std::string_view labels, double value) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
    sample(name, labels, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }
  void sample(std::string_view name, std::string_view labels, std::uint64_t value) {
    sample(name, labels, std::string_view(std::to_string(value)));
  }
  void sample(std::string_view name, std::string_view labels, std::string_view value) {
    text_.append(name).append("{").append(labels).append("} ").append(value).append("\n");
  }

  /// The same for every loop: `each(member, its label)`.
  template <class Each>
  void of_each_loop(Each each) {
    loops_.for_each(
        [&](const metrics_registry::member& member) { each(member, label("loop", member.name)); });
  }

  /// Nothing for one that saw nothing. `unit`: how many of what was recorded make one of what is told.
  template <std::size_t Count>
  void series(std::string_view name, const std::string& labels, const histogram& recorded,
              const std::array<std::uint64_t, Count>& bounds, double unit) {
    const histogram seen = recorded; // one that stands still
    const std::uint64_t all = seen.count();
    if (all == 0) return;
    const std::string bucket = std::string(name) + "_bucket";
    for (const std::uint64_t bound : bounds) {
      std::array<char, 32> digits;
      const auto end = std::to_chars(digits.begin(), digits.end(), static_cast<double>(bound) / unit).ptr;
      sample(bucket,
             labels + "," + label("le", {digits.data(), static_cast<std::size_t>(end - digits.data())}),
             seen.count_up_to(bound));
    }
    sample(bucket, labels + "," + label("le", "+Inf"), all);
    sample(std::string(name) + "_sum", labels, static_cast<double>(seen.sum()) / unit);
    sample(std::string(name) + "_count", labels, all);
  }

  static std::string label(std::string_view name, std::string_view value) {
    std::string text = std::string(name) + "=\"";
    for (const char letter : value) {
      if (letter == '\\' || letter == '"') text += '\\';
      text += letter == '\n' ? ' ' : letter;
    }
    return text + '"';
  }

 private:
  std::string& text_;
  metrics_registry& loops_;
};

constexpr double ns_per_s = 1e9;

void tell_numbers(exposition& out) {
  for (const metrics_table::number& each : metrics_table::numbers) {
    const bool is_counter = each.kind == metrics_table::type::counter;
    const std::string name = "weir_loop_" + std::string(each.name) + (is_counter ? "_total" : "");
    out.family(name, is_counter ? "counter" : "gauge", each.help);
    out.of_each_loop([&](const auto& member, const std::string& loop) {
      out.sample(name, loop, each.read(*member.home));
    });
  }
}

void tell_labelled_numbers(exposition& out) {
  out.family("weir_loop_info", "gauge", "A loop and its backend; always 1.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    out.sample("weir_loop_info", loop + "," + out.label("backend", member.backend), std::uint64_t{1});
  });
  out.family("weir_loop_cpu_seconds_total", "counter", "CPU time of the thread of the loop.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    out.sample("weir_loop_cpu_seconds_total", loop,
               static_cast<double>(thread_clock::cpu_ns(member.thread)) / ns_per_s);
  });
  out.family("weir_loop_stuck_total", "counter", "Handlers that held up the loop, seen by a watchdog.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    out.sample("weir_loop_stuck_total", loop, member.stuck());
  });
  out.family("weir_loop_system_calls_total", "counter", "System calls of the loop and its backend.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    for (std::size_t i = 0; i < system_call_count; ++i) {
      const auto call = static_cast<system_call>(i);
      out.sample("weir_loop_system_calls_total", loop + "," + out.label("call", name_of(call)),
                 member.home->counters().system_calls.of(call));
    }
  });
  out.family("weir_loop_completions_total", "counter", "Completions handled, partial ones included.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    for (std::size_t i = 0; i < lane_count; ++i)
      out.sample("weir_loop_completions_total",
                 loop + "," + out.label("lane", metrics_table::name_of_lane(i)),
                 member.home->counters().completions_of_lane[i].load());
  });
}

void tell_histograms(exposition& out) {
  out.family("weir_loop_lag_seconds", "histogram",
             "How late the loop came to what was due at a certain time.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    out.series("weir_loop_lag_seconds", loop, member.home->measured().lag_ns, time_bounds_ns, ns_per_s);
  });
  out.family("weir_loop_batch_completions", "histogram", "Completions handled in a turn.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    out.series("weir_loop_batch_completions", loop, member.home->measured().batch, count_bounds, 1);
  });
  const auto by_kind = [&](std::string_view name, const auto& of_kind) {
    out.of_each_loop([&](const auto& member, const std::string& loop) {
      for (std::size_t i = 0; i < operation_kind_count; ++i) {
        const auto kind = static_cast<operation_kind>(i);
        out.series(name, loop + "," + out.label("kind", name_of(kind)),
                   of_kind(member.home->measured(), kind), time_bounds_ns, ns_per_s);
      }
    });
  };
  out.family("weir_operation_latency_seconds", "histogram",
             "From the start of an operation to its completion.");
  by_kind("weir_operation_latency_seconds", std::mem_fn(&measurements::latency_of));
  out.family("weir_handler_seconds", "histogram", "Time in handlers of completions, where it is measured.");
  by_kind("weir_handler_seconds", std::mem_fn(&measurements::handlers_of));
  out.family("weir_loop_phase_seconds", "histogram", "Time in a phase of a turn, where it is measured.");
  out.of_each_loop([&](const auto& member, const std::string& loop) {
    for (std::size_t i = 0; i < loop_phase_count; ++i) {
      const auto phase = static_cast<loop_phase>(i);
      out.series("weir_loop_phase_seconds", loop + "," + out.label("phase", name_of(phase)),
                 member.home->measured().durations_of(phase), time_bounds_ns, ns_per_s);
    }
  });
}

} // namespace

std::string prometheus_text(metrics_registry& loops) {
  std::string text;
  exposition out(text, loops);
  tell_numbers(out);
  tell_labelled_numbers(out);
  tell_histograms(out);
  return text;
}

} // namespace weir
