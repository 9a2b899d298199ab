// slow_handlers: which handlers took longest, by the kind of their operation and the source line that started
// it. Written by the loop's thread, read by any without locks.
//
// Bound: `capacity` places. When all are taken a slower handler replaces the one whose worst was the
// shortest; its counts are lost.
#pragma once

#include <weir/base/seqlock.hpp>
#include <weir/io/operation.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <vector>

namespace weir {

class slow_handlers {
 public:
  static constexpr std::size_t capacity = 16;

  struct entry {
    std::uint64_t count = 0; ///< 0: no entry
    std::uint64_t total_ns = 0;
    std::uint64_t max_ns = 0;
    std::source_location where;
    std::uint64_t kind = 0; ///< an operation_kind

    operation_kind of_kind() const noexcept { return static_cast<operation_kind>(kind); }
  };

  /// On the loop's thread: a handler took so long.
  void note(operation_kind kind, const std::source_location& where, std::uint64_t took_ns) noexcept;

  /// The slowest first.
  std::vector<entry> list() const;

 private:
  std::array<seqlock<entry>, capacity> entries_;
};

} // namespace weir
