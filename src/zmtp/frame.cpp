#include <weir/zmtp/frame.hpp>

namespace weir::zmtp {

frame::frame(std::span<const std::byte> bytes) : frame() {
  if (bytes.size() <= inline_max) {
    small_size_ = static_cast<std::uint8_t>(bytes.size());
    if (!bytes.empty()) std::memcpy(storage_.small, bytes.data(), bytes.size());
  } else {
    *this = frame(lease::copy_of(bytes));
  }
}

frame::frame(lease&& body) noexcept : frame() {
  if (body.size() <= inline_max) {
    small_size_ = static_cast<std::uint8_t>(body.size());
    if (!body.empty()) std::memcpy(storage_.small, body.data(), body.size());
    body.reset();
  } else {
    auto* data = const_cast<std::byte*>(body.data());
    const std::size_t size = body.size();
    become(kind::shared, body.release_owner(), data, size);
  }
}

frame frame::borrowed(std::span<const std::byte> bytes) noexcept {
  frame out;
  out.become(kind::borrowed, nullptr, const_cast<std::byte*>(bytes.data()), bytes.size());
  return out;
}

frame frame::share() const {
  if (kind_ != kind::shared) return frame(bytes());
  return frame(share_lease());
}

void frame::detach() {
  if (kind_ != kind::small) *this = frame(bytes());
}

lease frame::share_lease() const noexcept {
  if (kind_ != kind::shared) return {};
  storage_.slice.owner->retain();
  return {*storage_.slice.owner, storage_.slice.data, storage_.slice.size};
}

} // namespace weir::zmtp
