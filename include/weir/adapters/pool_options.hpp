// What a connection pool is told, what it counts, and what it asks of a connection (connection_pool.hpp).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir {

enum class connection_state : std::uint8_t {
  ready,  ///< the next request can begin
  dirty,  ///< something of the last request is left; `recover` may make it ready
  broken, ///< of no use any more
};

struct connection_pool_options {
  explicit connection_pool_options(std::size_t connections = 10) noexcept : connections_max(connections) {}

  std::size_t connections_max;                                 ///< at least 1
  std::size_t waiting_max = 10000;                             ///< tasks in line
  std::size_t idle_min = 0;                                    ///< kept open though nobody uses them
  std::chrono::nanoseconds idle_max = std::chrono::minutes(5); ///< then one above `idle_min` is closed
  std::chrono::nanoseconds connect_max = std::chrono::seconds(10);
  std::chrono::nanoseconds recover_max = std::chrono::seconds(5);
  std::chrono::nanoseconds backoff_base = std::chrono::milliseconds(20);
  std::chrono::nanoseconds backoff_max = std::chrono::seconds(2);
};

struct pool_counters {
  std::uint64_t opened = 0;
  std::uint64_t failed = 0; ///< attempts to open one
  std::uint64_t closed = 0;
  std::uint64_t recovered = 0; ///< dirty ones that could be used again
};

/// When to try again after attempts that failed: full jitter, as retry.hpp.
class pool_backoff {
 public:
  bool is_active() const noexcept { return failures_ > 0; }
  std::uint64_t next_ns() const noexcept { return next_ns_; }

  void succeeded() noexcept { failures_ = 0; }
  void failed(const connection_pool_options& options, std::uint64_t now_ns,
              std::uint64_t random_bits) noexcept {
    const auto longest = static_cast<std::uint64_t>(std::max<std::int64_t>(options.backoff_max.count(), 0));
    const auto base = static_cast<std::uint64_t>(std::max<std::int64_t>(options.backoff_base.count(), 0));
    const bool is_capped = failures_ >= 32 || base > longest >> failures_;
    next_ns_ = now_ns + random_bits % ((is_capped ? longest : base << failures_) + 1);
    ++failures_;
  }

 private:
  unsigned failures_ = 0; ///< in a row
  std::uint64_t next_ns_ = 0;
};

} // namespace weir
