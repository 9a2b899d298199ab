// proxy_report: what `weir proxy` says: where it listens, a line a second, and at the end what it did. On
// standard output as text or as JSON, an object a line; troubles with peers on standard error. The proxy
// never waits for whoever reads it: a line for which there is no room is left out.
#pragma once

#include "broker.hpp"

#include <weir/async/task.hpp>

#include <cstdint>
#include <string_view>

namespace weir::app {

class proxy_report {
 public:
  proxy_report(const proxy_options& options, broker& reported) noexcept;

  void ready(std::string_view backend_reason) const;
  /// Until cancelled.
  task<> every_second();
  void draining() const;
  /// `left_behind`: messages that were received and not passed on. `all_sent`: peers have the others.
  void total(std::uint64_t left_behind, bool all_sent) const;

 private:
  void counters(const broker_totals& now, std::uint64_t elapsed_ns) const;
  void troubles() const;

  const proxy_options& options_;
  broker& broker_;
  broker_totals before_; ///< at the last line
};

} // namespace weir::app
