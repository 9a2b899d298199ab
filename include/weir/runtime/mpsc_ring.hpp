// mpsc_ring: a bounded queue between threads: many producers, one consumer, no lock (D. Vyukov, "Bounded MPMC
// queue", 2010: each cell carries the number of the turn that it waits for).
//
// Keeps the order of each producer. Closing is a bit of the producers' ticket, so that whoever was told that
// a value is in, is right: it comes out before the end is seen. What is published and what is freed is
// sequentially consistent: who says that it sleeps and then looks here misses nothing (doorbell.hpp).
//
// Bound: the capacity, rounded up to a power of two, at least 2; a push finds it full then and moves nothing.
// Memory: all of it at once. Thread rule: push and close from any thread; pop and has_ended from one.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir {

enum class push_outcome : std::uint8_t { pushed, full, closed };

template <class T>
class mpsc_ring {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a value must not be lost between two threads");

 public:
  explicit mpsc_ring(std::size_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity) - 1), cells_(new cell[mask_ + 1]) {
    for (std::size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }

  /// Leaves `value` untouched unless it is pushed.
  push_outcome push(T& value) noexcept {
    std::size_t ticket = tail_.load(std::memory_order_relaxed);
    for (;;) {
      if (ticket & closed_bit) return push_outcome::closed;
      cell& mine = cells_[ticket & mask_];
      const std::size_t turn = mine.turn.load(std::memory_order_seq_cst);
      if (turn == ticket) {
        if (!tail_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_seq_cst)) continue;
        mine.value.emplace(std::move(value));
        mine.turn.store(ticket + 1, std::memory_order_seq_cst);
        return push_outcome::pushed;
      }
      if (turn < ticket) return is_closed() ? push_outcome::closed : push_outcome::full;
      ticket = tail_.load(std::memory_order_relaxed); // another producer was quicker
    }
  }

  /// The oldest value; none where its producer is not done with it yet.
  std::optional<T> pop() noexcept {
    const std::size_t ticket = head_.load(std::memory_order_relaxed);
    cell& oldest = cells_[ticket & mask_];
    if (oldest.turn.load(std::memory_order_seq_cst) != ticket + 1) return std::nullopt;
    std::optional<T> value(std::move(oldest.value));
    oldest.value.reset();
    head_.store(ticket + 1, std::memory_order_relaxed);
    oldest.turn.store(ticket + mask_ + 1, std::memory_order_seq_cst);
    return value;
  }

  void close() noexcept { tail_.fetch_or(closed_bit, std::memory_order_seq_cst); }
  bool is_closed() const noexcept { return tail_.load(std::memory_order_seq_cst) & closed_bit; }
  /// Closed, and everything was popped.
  bool has_ended() const noexcept {
    return tail_.load(std::memory_order_seq_cst) == (head_.load(std::memory_order_relaxed) | closed_bit);
  }

  std::size_t capacity() const noexcept { return mask_ + 1; }
  /// Exact for the consumer while nobody pushes; else a moment's value.
  std::size_t size() const noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    return (tail_.load(std::memory_order_relaxed) & ~closed_bit) - head;
  }

 private:
  struct cell {
    std::atomic<std::size_t> turn{0};
    std::optional<T> value;
  };
  static constexpr std::size_t closed_bit = std::size_t{1} << 63; ///< no ticket gets that far
  static constexpr std::size_t line_bytes = 64;

  const std::size_t mask_;
  const std::unique_ptr<cell[]> cells_;
  alignas(line_bytes) std::atomic<std::size_t> tail_{0}; ///< the next ticket of a producer
  alignas(line_bytes) std::atomic<std::size_t> head_{0}; ///< the next ticket of the consumer
};

} // namespace weir
