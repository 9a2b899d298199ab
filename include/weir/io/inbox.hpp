// inbox: work that other threads hand to a loop. Lock-free, many producers, one consumer; keeps the order of
// each producer.
//
// Bound: `capacity` pieces at once; at the bound `push` refuses and nothing is queued. `push_answer` passes
// the bound: it is for answers, of which there are never more than those who wait for one. Thread rule: push
// from any thread (not from signal handlers), take_all from the loop's only.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/io/work.hpp>

#include <atomic>
#include <cstddef>

namespace weir {

using work_queue = intrusive_queue<work, &work::next>;

class inbox {
 public:
  explicit inbox(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// False at the bound.
  bool push(work& item) noexcept;
  /// Counts as well, so that others are refused the sooner.
  void push_answer(work& item) noexcept;

  /// Everything that was pushed, oldest first.
  work_queue take_all() noexcept;

  /// Sequentially consistent, as `put` is: a loop that says that it sleeps and then looks here must not miss
  /// what is pushed by someone who saw it awake.
  bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == nullptr; }

 private:
  void put(work& item) noexcept;

  std::atomic<work*> head_{nullptr}; ///< a stack: newest first
  std::atomic<std::size_t> size_{0};
  std::size_t capacity_;
};

} // namespace weir
