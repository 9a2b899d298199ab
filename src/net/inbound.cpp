#include <weir/net/inbound.hpp>

#include <algorithm>
#include <cstring>

namespace weir {

void inbound::push(lease&& piece) {
  // Copying a quarter of a slot costs less than pinning a whole one.
  const bool small = piece.size() <= piece.pinned_bytes() / 4;
  if (small && !pieces_.empty() && pieces_.back().try_append(piece)) return;
  const std::size_t pinned = piece.pinned_bytes();
  pieces_.push_back(std::move(piece));
  pinned_bytes_ += pinned;
}

void inbound::unread(lease&& piece) {
  const std::size_t pinned = piece.pinned_bytes();
  pieces_.push_front(std::move(piece));
  pinned_bytes_ += pinned;
}

lease inbound::pop() noexcept {
  pinned_bytes_ -= pieces_.front().pinned_bytes();
  return pieces_.pop_front();
}

std::size_t inbound::copy_out(std::span<std::byte> into) noexcept {
  std::size_t copied = 0;
  while (copied < into.size() && !pieces_.empty()) {
    lease& oldest = pieces_.front();
    const std::size_t count = std::min(oldest.size(), into.size() - copied);
    std::memcpy(into.data() + copied, oldest.data(), count);
    copied += count;
    if (count == oldest.size()) {
      pop();
    } else {
      oldest.remove_prefix(count);
    }
  }
  return copied;
}

} // namespace weir
