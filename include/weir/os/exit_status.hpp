// exit_status: how a child process ended: by itself with a code, or by a signal. Thread rule: a value.
//
// Windows has no signals. There a child that `process::kill` has ended was ended by that signal; one that an
// exception ended, by the signal that other systems make of it (SIGSEGV of an access violation); one that
// Ctrl-C ended, by SIGINT. Every other end is a code.
#pragma once

#include <cstdint>
#include <optional>

namespace weir {

class exit_status {
 public:
  enum class ending : std::uint8_t { exited, signalled, dumped };

  /// `value`: the code or the signal.
  exit_status(ending how, int value) noexcept : how_(how), value_(value) {}

  bool is_success() const noexcept { return code() == 0; }
  /// What it gave to exit(3); nothing when a signal ended it.
  std::optional<int> code() const noexcept {
    return how_ == ending::exited ? std::optional(value_) : std::nullopt;
  }
  /// The signal that ended it.
  std::optional<int> signal() const noexcept {
    return how_ != ending::exited ? std::optional(value_) : std::nullopt;
  }
  bool dumped_core() const noexcept { return how_ == ending::dumped; }

 private:
  ending how_;
  int value_;
};

} // namespace weir
