#include <weir/zmtp/frame.hpp>

namespace weir::zmtp {

frame::frame(lease&& body) noexcept {
  const std::byte* data = body.data();
  const std::size_t size = body.size();
  if (size <= inline_max) {
    assign_small(data, size);
    body.reset();
  } else {
    assign_outside(kind::shared, body.release_owner(), data, size);
  }
}

void frame::assign_large(std::span<const std::byte> bytes) {
  *this = frame(lease::copy_of(bytes));
}

void frame::assign_share_of_outside(const frame& other) {
  const part where = other.outside();
  if (other.kind_ == kind::borrowed) {
    assign(other.bytes());
  } else {
    assign_slice(*where.owner, where.data, where.size);
  }
}

void frame::detach() {
  if (kind_ != kind::small) *this = frame(lease::copy_of(bytes()));
}

lease frame::share_lease() const noexcept {
  if (kind_ != kind::shared) return {};
  const part where = outside();
  where.owner->retain();
  return {*where.owner, where.data, where.size};
}

} // namespace weir::zmtp
