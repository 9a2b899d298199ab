// message: the frames that travel together. The first three live inside, which covers an envelope; more go to
// the heap.
//
// Thread rule and lifetime: those of its frames. Bound: frames and bytes of received messages are limited by
// the session.
#pragma once

#include <weir/zmtp/frame.hpp>

#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace weir::zmtp {

class message {
 public:
  message() = default;
  /// `message({"identity", "", "body"})`: copies.
  explicit message(std::initializer_list<std::string_view> texts) {
    for (std::string_view text : texts) add().assign(text);
  }
  message(message&& other) noexcept { take(other); }
  message& operator=(message&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }

  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  frame& operator[](std::size_t index) noexcept {
    assert(index < count_);
    return index < inline_frames ? first_[index] : rest_[index - inline_frames];
  }
  const frame& operator[](std::size_t index) const noexcept { return const_cast<message&>(*this)[index]; }
  frame& front() noexcept { return (*this)[0]; }
  frame& back() noexcept { return (*this)[count_ - 1]; }
  /// Bytes of all bodies.
  std::size_t bytes() const noexcept;

  /// One more frame, empty, to be filled.
  frame& add() {
    if (count_ < inline_frames) return first_[count_++];
    frame& part = rest_.emplace_back();
    ++count_;
    return part;
  }
  void add(frame&& part) { add() = std::move(part); }
  /// O(n). For envelopes.
  void add_front(frame&& part);
  frame pop_front() noexcept;

  void clear() noexcept {
    for (std::size_t i = 0; i < count_ && i < inline_frames; ++i) first_[i].clear();
    if (count_ > inline_frames) rest_.clear();
    count_ = 0;
  }

  message share() const;
  /// Shares no memory with received buffers or anything else afterwards: may be kept long, may go to another
  /// thread.
  void detach();

 private:
  static constexpr std::size_t inline_frames = 3;

  void take(message& other) noexcept {
    const std::size_t inside = other.count_ < inline_frames ? other.count_ : inline_frames;
    for (std::size_t i = 0; i < inside; ++i) first_[i] = std::move(other.first_[i]);
    if (other.count_ > inline_frames) rest_ = std::move(other.rest_);
    count_ = std::exchange(other.count_, std::size_t{0});
  }

  std::array<frame, inline_frames> first_;
  std::size_t count_ = 0;
  std::vector<frame> rest_;
};

} // namespace weir::zmtp
