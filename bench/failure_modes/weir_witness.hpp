// What looks on in weir's contestant and says who is guilty: the watchdog, and the task that names who is
// held back. And how long a handler had run when the watchdog's report was out.
#pragma once

#include "lab.hpp"

#include <weir/async/task.hpp>
#include <weir/io/loop.hpp>
#include <weir/runtime/held_back.hpp>
#include <weir/runtime/metrics_registry.hpp>
#include <weir/runtime/watchdog.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

class witness {
 public:
  explicit witness(weir::loop& of) : shown_(of, "main"), guard_(watchdog_options()) {}

  /// By the handler that takes long, when it begins.
  static void note_long_handler() {
    ++long_handlers;
    long_handler_began_ns = lab::now_ns();
  }
  /// Members of the record.
  static std::string member() {
    const std::lock_guard lock(reporting);
    return ", \"long_handlers\": " + std::to_string(long_handlers.load()) +
           ", \"reported_after_ms\": " + lab::milliseconds(reported_after_ns);
  }

  static weir::task<weir::result<>> names_held_back() {
    weir::held_back_options made;
    made.limit = std::chrono::milliseconds(250);
    made.look_every = std::chrono::milliseconds(100);
    return weir::report_held_back(made);
  }

 private:
  static weir::watchdog_options watchdog_options() {
    weir::watchdog_options made;
    made.limit = std::chrono::milliseconds(50);
    made.on_report = [](const weir::stuck_report& report) {
      weir::print_stuck_report(report);
      if (report.has_ended) return;
      const std::lock_guard lock(reporting);
      reported_after_ns.push_back(lab::now_ns() - long_handler_began_ns);
    };
    return made;
  }

  static inline std::atomic<std::uint64_t> long_handler_began_ns{0};
  static inline std::atomic<int> long_handlers{0};
  static inline std::mutex reporting;
  static inline std::vector<std::uint64_t> reported_after_ns;

  weir::metrics_registry::membership shown_;
  weir::watchdog guard_; ///< reports on stderr
};
