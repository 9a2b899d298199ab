// worker_restarts: when a worker that failed is replaced: the first time at once, then, while replacements
// fail young, at random up to a ceiling that doubles; and never when all workers together fail too often.
//
// Thread rule: the loop's thread. Bound: `restarts_max` times, a count a worker.
#pragma once

#include <weir/async/retry.hpp>
#include <weir/runtime/master_options.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace weir {

class worker_restarts {
 public:
  explicit worker_restarts(const master_options& options);

  /// How long to wait before worker `number`, which ran since `started_ns`, is replaced; nothing: give up.
  std::optional<std::chrono::nanoseconds> after_failure(unsigned number, std::uint64_t started_ns,
                                                        std::uint64_t now_ns, std::uint64_t random_bits);

 private:
  retry_policy delays_;
  std::uint64_t young_ns_;
  std::uint64_t window_ns_;
  std::size_t failures_max_;
  std::deque<std::uint64_t> failures_ns_; ///< when, within the window
  std::vector<unsigned> failed_young_;    ///< in a row, of each worker
};

} // namespace weir
