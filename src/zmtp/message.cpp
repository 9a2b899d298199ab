#include <weir/zmtp/message.hpp>

#include <algorithm>

namespace weir::zmtp {

/// Precondition: this one is empty.
void message::take(message& other) noexcept {
  if (other.frames_ == other.inside_.data()) {
    std::move(other.begin(), other.end(), frames_); // any message has room for that
  } else {
    give_back();
    frames_ = std::exchange(other.frames_, other.inside_.data());
    capacity_ = std::exchange(other.capacity_, inside_max);
  }
  count_ = std::exchange(other.count_, std::size_t{0});
}

void message::grow() {
  frame* const larger = new frame[capacity_ * 2];
  std::move(begin(), end(), larger);
  give_back();
  frames_ = larger;
  capacity_ *= 2;
}

std::size_t message::bytes() const noexcept {
  std::size_t sum = 0;
  for (const frame& part : *this) sum += part.size();
  return sum;
}

void message::add_front(frame&& part) {
  add(std::move(part));
  std::rotate(begin(), end() - 1, end());
}

frame message::pop_front() noexcept {
  frame oldest = std::move(front());
  std::move(begin() + 1, end(), begin());
  --count_;
  return oldest;
}

message message::share() const {
  message copy;
  for (const frame& part : *this) copy.add().assign_share(part);
  return copy;
}

void message::detach() {
  for (frame& part : *this) part.detach();
}

} // namespace weir::zmtp
