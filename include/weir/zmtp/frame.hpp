// frame: one part of a message. Small bodies live inside the frame, larger ones are slices of received
// buffers or of blocks of their own, shared by reference count.
//
// Thread rule and lifetime: those of lease (base/lease.hpp): a frame that shares a block stays on its thread;
// `detach` first. Size: 32 bytes. Copying is explicit: `share`. Frames are best filled where they lie
// (`assign…`): moving one right after it was written piece by piece costs more than writing it.
#pragma once

#include <weir/base/lease.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace weir::zmtp {

class frame {
 public:
  static constexpr std::size_t inline_max = 30;

  frame() noexcept {}
  /// A copy of `bytes`. Throws std::bad_alloc when it does not fit inside.
  explicit frame(std::span<const std::byte> bytes) { assign(bytes); }
  explicit frame(std::string_view text) { assign(text); }
  /// Takes the lease over, or copies what is small so that the buffer is free again.
  explicit frame(lease&& body) noexcept;
  /// Refers to memory of the caller, which must stay valid until the frame is gone or was sent.
  static frame borrowed(std::span<const std::byte> bytes) noexcept {
    frame out;
    out.assign_borrowed(bytes);
    return out;
  }

  frame(frame&& other) noexcept { take(other); }
  frame& operator=(frame&& other) noexcept {
    if (this != &other) {
      drop();
      take(other);
    }
    return *this;
  }
  ~frame() { drop(); }

  const std::byte* data() const noexcept { return kind_ == kind::small ? storage_ : outside().data; }
  std::size_t size() const noexcept { return kind_ == kind::small ? small_size_ : outside().size; }
  bool empty() const noexcept { return size() == 0; }
  std::span<const std::byte> bytes() const noexcept { return {data(), size()}; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data()), size()}; }
  bool operator==(std::string_view other) const noexcept { return text() == other; }
  bool operator==(const frame& other) const noexcept { return text() == other.text(); }
  /// The same 4 to 16 bytes, told without a call; false where there are fewer or more, too. Routing ids are
  /// compared once a message, and most have that many.
  bool equals_short(const frame& other) const noexcept {
    if (kind_ != kind::small || other.kind_ != kind::small || small_size_ != other.small_size_) return false;
    if (small_size_ < 4 || small_size_ > 16) return false;
    return small_size_ < 8 ? ends_are_equal<std::uint32_t>(storage_, other.storage_, small_size_)
                           : ends_are_equal<std::uint64_t>(storage_, other.storage_, small_size_);
  }

  void clear() noexcept {
    drop();
    kind_ = kind::small;
    small_size_ = 0;
  }
  /// A copy of `bytes`.
  void assign(std::span<const std::byte> bytes) {
    if (bytes.size() > inline_max) return assign_large(bytes);
    block* const before = kind_ == kind::shared ? outside().owner : nullptr; // `bytes` may be a part of it
    if (!bytes.empty()) std::memmove(storage_, bytes.data(), bytes.size());
    kind_ = kind::small;
    small_size_ = static_cast<std::uint8_t>(bytes.size());
    if (before) before->drop();
  }
  void assign(std::string_view text) { assign(std::as_bytes(std::span(text))); }
  void assign_borrowed(std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) return clear(); // it may point nowhere; the data of a frame never does
    drop();
    assign_outside(kind::borrowed, nullptr, bytes.data(), bytes.size());
  }
  /// Bytes of a block: a copy where they are few, else a share of it.
  void assign_slice(block& owner, const std::byte* data, std::size_t size) noexcept {
    if (size <= inline_max) {
      drop();
      return assign_small(data, size);
    }
    owner.retain();
    drop();
    assign_outside(kind::shared, &owner, data, size);
  }
  /// The same body as `other`: copies what is inside or borrowed, shares what has an owner.
  void assign_share(const frame& other) {
    if (other.kind_ != kind::small) return assign_share_of_outside(other);
    drop();
    copy_inside(other.storage_, other.small_size_);
  }

  // The same where it costs neither a count nor a call; elsewhere they do nothing and say false. For a reader
  // who receives into the same message again and again, and so moves along the blocks.

  /// `readable_bytes` from `data` on belong to the block: at least `size`.
  bool try_assign_slice(block& owner, const std::byte* data, std::size_t size,
                        std::size_t readable_bytes) noexcept {
    if (size > inline_max) {
      if (kind_ != kind::shared || outside().owner != &owner) return false;
      assign_outside(kind::shared, &owner, data, size);
      return true;
    }
    if (kind_ == kind::shared || readable_bytes < inline_max) return false;
    copy_inside(data, size);
    return true;
  }
  bool try_assign_share(const frame& other) noexcept {
    if (kind_ == kind::shared || other.kind_ != kind::small) return false;
    copy_inside(other.storage_, other.small_size_);
    return true;
  }

  frame share() const {
    frame copy;
    copy.assign_share(*this);
    return copy;
  }
  /// No memory is shared with anything afterwards.
  void detach();
  /// A lease on the body where it has an owner: nothing where it is inside or borrowed.
  lease share_lease() const noexcept;

 private:
  enum class kind : std::uint8_t { small, shared, borrowed };

  /// How `storage_` is used when the body is not inside.
  struct part {
    block* owner;
    std::byte* data;
    std::size_t size;
  };

  part outside() const noexcept {
    part where;
    std::memcpy(&where, storage_, sizeof where);
    return where;
  }
  void assign_outside(kind as, block* owner, const std::byte* data, std::size_t size) noexcept {
    const part where{owner, const_cast<std::byte*>(data), size};
    std::memcpy(storage_, &where, sizeof where);
    kind_ = as;
  }
  void assign_small(const std::byte* data, std::size_t size) noexcept {
    if (size > 0) std::memcpy(storage_, data, size);
    kind_ = kind::small;
    small_size_ = static_cast<std::uint8_t>(size);
  }
  /// Of a fixed size, which needs no call; what is behind `size` means nothing.
  void copy_inside(const std::byte* from, std::size_t size) noexcept {
    std::memcpy(storage_, from, inline_max);
    kind_ = kind::small;
    small_size_ = static_cast<std::uint8_t>(size);
  }
  /// The first and the last word, which overlap: that is all of it.
  template <class Word>
  static bool ends_are_equal(const std::byte* left, const std::byte* right, std::size_t size) noexcept {
    const auto at = [](const std::byte* from) {
      Word word;
      std::memcpy(&word, from, sizeof word);
      return word;
    };
    const std::size_t last = size - sizeof(Word);
    return at(left) == at(right) && at(left + last) == at(right + last);
  }
  void assign_large(std::span<const std::byte> bytes);
  void assign_share_of_outside(const frame& other);

  void take(frame& other) noexcept {
    std::memcpy(storage_, other.storage_, sizeof storage_);
    kind_ = std::exchange(other.kind_, kind::small);
    small_size_ = std::exchange(other.small_size_, std::uint8_t{0});
  }
  void drop() noexcept {
    if (kind_ == kind::shared) outside().owner->drop();
  }

  alignas(8) std::byte storage_[inline_max];
  kind kind_ = kind::small;
  std::uint8_t small_size_ = 0;
};
static_assert(sizeof(frame) == 32);

} // namespace weir::zmtp
