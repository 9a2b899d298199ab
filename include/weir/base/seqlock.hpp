// seqlock: a small record that one thread writes often and others read now and then, whole or not at all. The
// writer never waits for a reader, and pays a store a word and two for the sequence.
//
// The order is H.-J. Boehm's ("Can seqlocks get along with programming language memory models?", 2012), with
// its fences folded into the words: each is stored with release, so that who sees a new word also sees that
// the sequence was odd by then.
//
// Thread rule: one thread writes, all may read. T: trivially copyable, whole words, no padding that matters.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace weir {

template <class T>
class seqlock {
 public:
  struct version {
    T value;
    std::uint64_t number; ///< of the write that it comes from; grows with each
  };

  seqlock() noexcept { write(T{}); }
  seqlock(const seqlock&) = delete;
  seqlock& operator=(const seqlock&) = delete;

  void write(const T& value) noexcept {
    const words from = std::bit_cast<words>(value);
    const std::uint64_t before = sequence_.load(std::memory_order_relaxed);
    sequence_.store(before + 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < word_count; ++i) words_[i].store(from[i], std::memory_order_release);
    sequence_.store(before + 2, std::memory_order_release);
  }

  /// Nothing while it is being written: the next look will do.
  std::optional<version> try_read() const noexcept {
    const std::uint64_t before = sequence_.load(std::memory_order_acquire);
    words into;
    for (std::size_t i = 0; i < word_count; ++i) into[i] = words_[i].load(std::memory_order_acquire);
    if (before % 2 != 0 || sequence_.load(std::memory_order_relaxed) != before) return std::nullopt;
    return version{std::bit_cast<T>(into), before / 2};
  }

  /// Looks until it is whole. The writer is never long about it; a reader of higher priority on the writer's
  /// CPU uses `try_read`.
  version read() const noexcept {
    for (;;)
      if (std::optional<version> seen = try_read()) return *seen;
  }

 private:
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
  static constexpr std::size_t word_count = sizeof(T) / sizeof(std::uint64_t);
  using words = std::array<std::uint64_t, word_count>;

  std::atomic<std::uint64_t> sequence_{0};
  std::array<std::atomic<std::uint64_t>, word_count> words_{};
};

} // namespace weir
