#include <weir/zmtp/message.hpp>

namespace weir::zmtp {

std::size_t message::bytes() const noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i) sum += (*this)[i].size();
  return sum;
}

void message::add_front(frame&& part) {
  add(std::move(part));
  for (std::size_t i = count_ - 1; i > 0; --i) std::swap((*this)[i], (*this)[i - 1]);
}

frame message::pop_front() noexcept {
  frame oldest = std::move(front());
  for (std::size_t i = 1; i < count_; ++i) (*this)[i - 1] = std::move((*this)[i]);
  if (count_ > inline_frames) rest_.pop_back();
  --count_;
  return oldest;
}

message message::share() const {
  message copy;
  for (std::size_t i = 0; i < count_; ++i) copy.add((*this)[i].share());
  return copy;
}

void message::detach() {
  for (std::size_t i = 0; i < count_; ++i) (*this)[i].detach();
}

} // namespace weir::zmtp
