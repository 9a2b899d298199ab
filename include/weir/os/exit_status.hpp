// exit_status: how a child process ended: by itself with a code, or by a signal. Thread rule: a value.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <csignal>
#include <optional>

namespace weir {

class exit_status {
 public:
  /// As waitid(2) tells it.
  explicit exit_status(const siginfo_t& told) noexcept : code_(told.si_code), value_(told.si_status) {}

  bool is_success() const noexcept { return code() == 0; }
  /// What it gave to exit(3); nothing when a signal ended it.
  std::optional<int> code() const noexcept {
    return code_ == CLD_EXITED ? std::optional(value_) : std::nullopt;
  }
  /// The signal that ended it.
  std::optional<int> signal() const noexcept {
    return code_ != CLD_EXITED ? std::optional(value_) : std::nullopt;
  }
  bool dumped_core() const noexcept { return code_ == CLD_DUMPED; }

 private:
  int code_;
  int value_;
};

} // namespace weir
