// single_writer: a number that one thread writes and any thread reads. It costs the writer what a plain one
// costs: a load and a store that are not torn, and no atomic read-modify-write.
//
// Thread rule: one thread writes; all may read, and see each number whole, and some value of the recent past.
// Numbers that are read together need not belong together: seqlock.hpp is for those that must.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

template <class T>
class single_writer {
 public:
  single_writer(T value = T{}) noexcept : value_(value) {}
  single_writer(const single_writer& other) noexcept : value_(other.load()) {}
  single_writer& operator=(const single_writer& other) noexcept { return *this = other.load(); }
  single_writer& operator=(T value) noexcept {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

  T load() const noexcept { return value_.load(std::memory_order_relaxed); }
  operator T() const noexcept { return load(); }

  single_writer& operator+=(T more) noexcept { return *this = static_cast<T>(load() + more); }
  single_writer& operator-=(T less) noexcept { return *this = static_cast<T>(load() - less); }
  single_writer& operator++() noexcept { return *this += T{1}; }
  single_writer& operator--() noexcept { return *this -= T{1}; }

 private:
  static_assert(std::atomic<T>::is_always_lock_free);
  std::atomic<T> value_;
};

using counter = single_writer<std::uint64_t>;

} // namespace weir
