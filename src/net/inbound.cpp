#include <weir/net/inbound.hpp>

#include <algorithm>
#include <cstring>

namespace weir {

void inbound::push(lease&& piece) {
  const std::size_t pinned = piece.pinned_bytes();
  if (empty()) {
    oldest_ = std::move(piece);
  } else {
    // Copying a quarter of a slot costs less than pinning a whole one.
    const bool is_small = piece.size() <= pinned / 4;
    if (is_small && newest().try_append(piece)) return;
    behind_.push_back(std::move(piece));
  }
  pinned_bytes_ += pinned;
}

void inbound::unread(lease&& piece) {
  const std::size_t pinned = piece.pinned_bytes();
  if (!empty()) behind_.push_front(std::move(oldest_));
  oldest_ = std::move(piece);
  pinned_bytes_ += pinned;
}

lease inbound::pop() noexcept {
  pinned_bytes_ -= oldest_.pinned_bytes();
  lease piece = std::move(oldest_);
  if (!behind_.empty()) oldest_ = behind_.pop_front();
  return piece;
}

std::size_t inbound::copy_out(std::span<std::byte> into) noexcept {
  std::size_t copied = 0;
  while (copied < into.size() && !empty()) {
    const std::size_t count = std::min(oldest_.size(), into.size() - copied);
    std::memcpy(into.data() + copied, oldest_.data(), count);
    copied += count;
    if (count == oldest_.size()) {
      pop();
    } else {
      oldest_.remove_prefix(count);
    }
  }
  return copied;
}

} // namespace weir
