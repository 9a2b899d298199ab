// What looks on in weir's contestant and says who is guilty: the watchdog, where the tree has one.
#pragma once

#include <weir/io/loop.hpp>

#if __has_include(<weir/runtime/watchdog.hpp>)
#include <weir/runtime/metrics_registry.hpp>
#include <weir/runtime/watchdog.hpp>

#include <chrono>

class witness {
 public:
  explicit witness(weir::loop& of) : shown_(of, "main"), guard_(options()) {}

 private:
  static weir::watchdog_options options() {
    weir::watchdog_options made;
    made.limit = std::chrono::milliseconds(50);
    return made;
  }
  weir::metrics_registry::membership shown_;
  weir::watchdog guard_; ///< reports on stderr
};
#else
class witness {
 public:
  explicit witness(weir::loop&) {}
  ~witness() {} // NOLINT: not trivial, so that the variable counts as used
};
#endif
