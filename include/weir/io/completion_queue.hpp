// completion_queue: completions that are known and wait for their handlers, in three lanes. The backend fills
// it, the loop empties it: handlers run only from here, never while a backend walks its kernel's queue.
//
// Bound: `capacity` completions a lane, allocated once. A backend stops taking completions from its kernel
// while `has_room` is false; the kernel keeps them meanwhile. Thread rule: the loop's thread.
#pragma once

#include <weir/io/operation.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

namespace weir {

class completion_queue {
 public:
  struct entry {
    entry(operation& completed, completion&& outcome) noexcept : op(&completed), what(std::move(outcome)) {}
    operation* op;
    completion what;
  };

  /// `capacity` is rounded up to a power of two.
  explicit completion_queue(std::size_t capacity = 4096);
  ~completion_queue();
  completion_queue(const completion_queue&) = delete;
  completion_queue& operator=(const completion_queue&) = delete;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// Room for `count` more in every lane, whichever they belong to.
  bool has_room(std::size_t count = 1) const noexcept;

  /// Precondition: has_room(). Marks the operation completed when nothing more follows.
  void push(operation& completed, completion&& what) noexcept;

  /// The next in turn: eight urgent, four normal, one background, and round again. FIFO inside a lane.
  std::optional<entry> pop() noexcept;

 private:
  struct ring;
  std::array<std::unique_ptr<ring>, lane_count> lanes_;
  std::size_t size_ = 0;
  std::size_t current_lane_ = 0;
  unsigned left_in_lane_ = 0;
};

} // namespace weir
