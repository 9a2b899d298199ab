// event_queue: what is going to happen in a simulated world, in the order of its virtual time; what falls
// together happens in the order in which it was scheduled.
//
// Events are intrusive: members of what they happen to. A queue allocates only while it grows. Thread rule:
// the world's thread. Lifetime: an event that goes leaves its queue. Cost: O(log n); `next_ns` O(1).
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::sim {

class event_queue;

/// Something that happens at a virtual time, once for each time that it is scheduled.
class timed_event {
 public:
  using function = void (*)(timed_event& self) noexcept;

  explicit timed_event(function on_time) noexcept : happen_(on_time) {}
  timed_event(const timed_event&) = delete;
  timed_event& operator=(const timed_event&) = delete;
  ~timed_event() { assert(!is_scheduled() && "an event was destroyed before it happened"); }

  bool is_scheduled() const noexcept { return place_ != nowhere; }
  void happen() noexcept { happen_(*this); }

 private:
  friend class event_queue;
  static constexpr std::size_t nowhere = ~std::size_t{0};
  function happen_;
  std::size_t place_ = nowhere;
};

class event_queue {
 public:
  static constexpr std::uint64_t never_ns = ~std::uint64_t{0};

  event_queue() = default;
  event_queue(const event_queue&) = delete;
  event_queue& operator=(const event_queue&) = delete;
  ~event_queue();

  /// One that is scheduled already gets the new time instead, and a place behind what has the same.
  void schedule(timed_event& event, std::uint64_t at_ns);
  void cancel(timed_event& event) noexcept;

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }
  std::uint64_t next_ns() const noexcept { return heap_.empty() ? never_ns : heap_.front().at_ns; }
  /// Precondition: not empty.
  timed_event& pop() noexcept;

 private:
  struct entry {
    bool is_before(const entry& other) const noexcept {
      return at_ns != other.at_ns ? at_ns < other.at_ns : sequence < other.sequence;
    }
    std::uint64_t at_ns;
    std::uint64_t sequence;
    timed_event* event;
  };
  static constexpr std::size_t arity = 4; // fewer levels than two, and the children share a cache line or two

  void place(std::size_t at, const entry& which) noexcept;
  void rise(std::size_t at, const entry& which) noexcept;
  void sink(std::size_t at, const entry& which) noexcept;

  std::vector<entry> heap_;
  std::uint64_t sequence_ = 0;
};

} // namespace weir::sim
