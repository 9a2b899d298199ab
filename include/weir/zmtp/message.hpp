// message: the frames that travel together, in one array. Three fit inside, which covers an envelope; more go
// to the heap.
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
#include <utility>

namespace weir::zmtp {

class message {
 public:
  message() noexcept {}
  /// `message({"identity", "", "body"})`: copies.
  explicit message(std::initializer_list<std::string_view> texts) : message() {
    for (std::string_view text : texts) add().assign(text);
  }
  message(message&& other) noexcept : message() { take(other); }
  message& operator=(message&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  ~message() { give_back(); }

  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  frame* begin() noexcept { return frames_; }
  frame* end() noexcept { return frames_ + count_; }
  const frame* begin() const noexcept { return frames_; }
  const frame* end() const noexcept { return frames_ + count_; }
  frame& operator[](std::size_t index) noexcept {
    assert(index < count_);
    return frames_[index];
  }
  const frame& operator[](std::size_t index) const noexcept { return const_cast<message&>(*this)[index]; }
  frame& front() noexcept { return (*this)[0]; }
  frame& back() noexcept { return (*this)[count_ - 1]; }
  /// Bytes of all bodies.
  std::size_t bytes() const noexcept;

  /// One more frame, empty, to be filled. References to frames are valid until the next one is added.
  frame& add() {
    if (count_ == capacity_) [[unlikely]]
      grow();
    return frames_[count_++];
  }
  void add(frame&& part) {
    frame kept(std::move(part)); // may be one of this message, which is about to grow
    add() = std::move(kept);
  }
  /// O(n). For envelopes.
  void add_front(frame&& part);
  frame pop_front() noexcept;

  /// The frame there to be filled anew, one more where `index` is the size: for whoever replaces the content
  /// frame by frame, and then cuts off what is left of the old one.
  frame& overwrite(std::size_t index) { return index < count_ ? frames_[index] : add(); }
  void truncate(std::size_t count) noexcept {
    while (count_ > count) frames_[--count_].clear();
  }
  void clear() noexcept { truncate(0); }

  message share() const;
  /// Shares no memory with received buffers or anything else afterwards: may be kept long, may go to another
  /// thread.
  void detach();

 private:
  static constexpr std::size_t inside_max = 3;

  void take(message& other) noexcept;
  void grow();
  void give_back() noexcept {
    if (frames_ != inside_.data()) delete[] frames_;
  }

  std::array<frame, inside_max> inside_;
  frame* frames_ = inside_.data(); ///< those from `count_` on are empty
  std::size_t count_ = 0;
  std::size_t capacity_ = inside_max;
};

} // namespace weir::zmtp
