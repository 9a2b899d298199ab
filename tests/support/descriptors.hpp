// Which descriptors this process has open: what a test opened it must have closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace weir::test {

std::size_t open_descriptors();

/// A line for each: number and what it is, to say what leaked.
std::string list_of_open_descriptors();

/// Sets RLIMIT_NOFILE so that `more` further descriptors can be opened; the old limit returns with its end.
class descriptor_limit {
 public:
  explicit descriptor_limit(std::size_t more);
  ~descriptor_limit() { lift(); }
  descriptor_limit(const descriptor_limit&) = delete;
  descriptor_limit& operator=(const descriptor_limit&) = delete;

  /// Why this system has no such limit; empty where it has.
  static std::string why_none();
  void lift();

 private:
  std::uint64_t before_;
  std::uint64_t most_;
};

} // namespace weir::test
