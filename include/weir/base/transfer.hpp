// transfer: the outcome of an act on many bytes that may end half-way: how many were moved, and why no more.
#pragma once

#include <weir/base/result.hpp>

#include <cstddef>
#include <optional>

namespace weir {

class [[nodiscard]] transfer {
 public:
  explicit transfer(std::size_t moved) noexcept : bytes_(moved) {}
  transfer(std::size_t moved, error why) noexcept : bytes_(moved), reason_(std::move(why)) {}

  /// Complete: everything that was asked for.
  explicit operator bool() const noexcept { return !reason_; }
  /// Bytes moved, also where the transfer ended early: a reader has them, a writer must not write them again.
  std::size_t bytes() const noexcept { return bytes_; }
  /// Precondition: not complete.
  const weir::error& error() const noexcept { return *reason_; }

 private:
  std::size_t bytes_;
  std::optional<weir::error> reason_;
};

} // namespace weir
