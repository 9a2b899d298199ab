// retry_budget: keeps retries a fraction of what is tried, so that those who retry do not bring down for good
// who is only overloaded (a token bucket, as in Finagle's RetryBudget and gRPC's retry throttling).
//
// Each first attempt pays in a share of a retry, each retry takes a whole one. Shared by all who call the
// same peer. Bound: of any number of first attempts come at most `percent` of them and `reserve` retries; no
// more than `reserve` are ever saved up. It starts full, so that a young program may retry. At the bound
// retries are refused and counted; nothing waits. Thread rule: the loop's thread. Lifetime: outlives its
// users.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir {

class retry_budget {
 public:
  explicit retry_budget(std::uint32_t percent = 20, std::uint32_t reserve = 10) noexcept
      : percent_(percent), balance_max_(std::uint64_t{reserve} * whole), balance_(balance_max_) {}

  /// At a first attempt.
  void deposit() noexcept { balance_ = std::min(balance_ + percent_, balance_max_); }

  /// Before a retry: false when there is none left.
  [[nodiscard]] bool try_withdraw() noexcept {
    if (balance_ < whole) {
      ++refused_;
      return false;
    }
    balance_ -= whole;
    return true;
  }

  std::uint64_t retries_left() const noexcept { return balance_ / whole; }
  std::uint64_t refused() const noexcept { return refused_; }

 private:
  static constexpr std::uint64_t whole = 100; ///< hundredths of a retry

  std::uint64_t percent_;
  std::uint64_t balance_max_;
  std::uint64_t balance_;
  std::uint64_t refused_ = 0;
};

} // namespace weir
