#include <weir/sim/event_queue.hpp>

#include <algorithm>

namespace weir::sim {
namespace {

constexpr std::size_t events_at_first = 256; // a world of some connections never grows beyond

} // namespace

event_queue::~event_queue() {
  for (entry& left : heap_) left.event->place_ = timed_event::nowhere;
}

void event_queue::schedule(timed_event& event, std::uint64_t at_ns) {
  cancel(event);
  if (heap_.capacity() == 0) heap_.reserve(events_at_first);
  const entry added{at_ns, sequence_++, &event};
  heap_.push_back(added);
  rise(heap_.size() - 1, added);
}

void event_queue::cancel(timed_event& event) noexcept {
  if (!event.is_scheduled()) return;
  const std::size_t hole = event.place_;
  event.place_ = timed_event::nowhere;
  const entry last = heap_.back();
  heap_.pop_back();
  if (hole == heap_.size()) return;
  const bool is_earlier = hole > 0 && last.is_before(heap_[(hole - 1) / arity]);
  is_earlier ? rise(hole, last) : sink(hole, last);
}

timed_event& event_queue::pop() noexcept {
  assert(!empty());
  timed_event& first = *heap_.front().event;
  cancel(first);
  return first;
}

void event_queue::place(std::size_t at, const entry& which) noexcept {
  heap_[at] = which;
  which.event->place_ = at;
}

void event_queue::rise(std::size_t at, const entry& which) noexcept {
  while (at > 0) {
    const std::size_t parent = (at - 1) / arity;
    if (!which.is_before(heap_[parent])) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, which);
}

void event_queue::sink(std::size_t at, const entry& which) noexcept {
  for (;;) {
    const std::size_t first = at * arity + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    const std::size_t end = std::min(first + arity, heap_.size());
    for (std::size_t child = first + 1; child < end; ++child)
      if (heap_[child].is_before(heap_[least])) least = child;
    if (!heap_[least].is_before(which)) break;
    place(at, heap_[least]);
    at = least;
  }
  place(at, which);
}

} // namespace weir::sim
