// The answers of a resolver, kept for as long as they may be: each until its time, at most `entries_max` and
// `bytes_max` together. At a bound the least recently used leaves; what alone is larger is not kept.
#pragma once

#include "resolver_answer.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir {

class resolver_cache {
 public:
  resolver_cache(std::size_t entries_max, std::size_t bytes_max) noexcept
      : entries_max_(entries_max), bytes_max_(bytes_max) {}

  /// Null when it is not there, or its time is over.
  shared_answer find(std::string_view key, std::uint64_t now_ns);
  void keep(std::string key, shared_answer answer, std::uint64_t until_ns);

  std::size_t entries() const noexcept { return by_key_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct entry {
    std::string key;
    shared_answer answer;
    std::uint64_t until_ns;
    std::size_t bytes;
  };
  using position = std::list<entry>::iterator;

  void drop(position which);

  std::list<entry> entries_; ///< most recently used first
  std::unordered_map<std::string_view, position> by_key_;
  std::size_t entries_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
};

} // namespace weir
