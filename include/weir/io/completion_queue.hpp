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
  completion_queue(const completion_queue&) = delete;
  completion_queue& operator=(const completion_queue&) = delete;

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// Room for `count` more in every lane, whichever they belong to.
  bool has_room(std::size_t count = 1) const noexcept {
    return size_ + count <= capacity_ || has_room_in_each(count);
  }

  /// Precondition: has_room(). Marks the operation completed when nothing more follows.
  void push(operation& completed, completion&& what) noexcept;

  /// The next in turn: eight urgent, four normal, one background, and round again, where lanes compete. FIFO
  /// inside a lane.
  std::optional<entry> pop() noexcept;

 private:
  /// Entries of one lane; `put` and `taken` only grow, their difference is the number of entries.
  struct ring {
    explicit ring(std::size_t capacity) : entries(std::make_unique<slot[]>(capacity)), mask(capacity - 1) {}
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring() {
      while (size() > 0) pop();
    }

    union slot {
      slot() noexcept {}
      ~slot() {}
      entry value;
    };

    std::size_t size() const noexcept { return put - taken; }
    std::size_t room() const noexcept { return mask + 1 - size(); }
    void push(operation& completed, completion&& what) noexcept {
      std::construct_at(&entries[put++ & mask].value, completed, std::move(what));
    }
    entry pop() noexcept {
      entry& oldest = entries[taken++ & mask].value;
      entry out = std::move(oldest);
      std::destroy_at(&oldest);
      return out;
    }

    std::unique_ptr<slot[]> entries;
    std::size_t mask;
    std::size_t put = 0;
    std::size_t taken = 0;
  };

  bool has_room_in_each(std::size_t count) const noexcept;
  void choose_lane() noexcept;

  std::size_t capacity_; ///< of each lane
  std::size_t size_ = 0; ///< of all together
  std::size_t current_lane_ = 0;
  unsigned left_in_lane_;
  std::array<ring, lane_count> lanes_;
};

} // namespace weir
