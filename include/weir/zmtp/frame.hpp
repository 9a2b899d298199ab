// frame: one part of a message. Small bodies live inside the frame, larger ones are slices of received
// buffers or of blocks of their own, shared by reference count.
//
// Thread rule and lifetime: those of lease (base/lease.hpp): a frame that shares a block stays on its thread;
// `detach` first. Size: 32 bytes. Copying is explicit: `share`.
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

  frame() noexcept : kind_(kind::small), small_size_(0) {}
  /// A copy of `bytes`. Throws std::bad_alloc when it does not fit inside.
  explicit frame(std::span<const std::byte> bytes);
  explicit frame(std::string_view text) : frame(std::as_bytes(std::span(text))) {}
  /// Takes the lease over, or copies what is small so that the buffer is free again.
  explicit frame(lease&& body) noexcept;
  /// Refers to memory of the caller, which must stay valid until the frame is gone or was sent.
  static frame borrowed(std::span<const std::byte> bytes) noexcept;

  frame(frame&& other) noexcept { take(other); }
  frame& operator=(frame&& other) noexcept {
    if (this != &other) {
      drop();
      take(other);
    }
    return *this;
  }
  ~frame() { drop(); }

  const std::byte* data() const noexcept {
    return kind_ == kind::small ? storage_.small : storage_.slice.data;
  }
  std::size_t size() const noexcept { return kind_ == kind::small ? small_size_ : storage_.slice.size; }
  bool empty() const noexcept { return size() == 0; }
  std::span<const std::byte> bytes() const noexcept { return {data(), size()}; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data()), size()}; }
  bool operator==(std::string_view other) const noexcept { return text() == other; }

  /// A second frame with the same body; copies what is inside or borrowed, shares what has an owner.
  frame share() const;
  /// No memory is shared with anything afterwards.
  void detach();
  /// A lease on the body where it has an owner: nothing where it is inside or borrowed.
  lease share_lease() const noexcept;

  /// Received bytes [offset, offset + size) of `chunk`: a copy where small, a share where not.
  static frame slice_of(const lease& chunk, std::size_t offset, std::size_t size) noexcept {
    frame out;
    const std::byte* first = chunk.data() + offset;
    if (size <= inline_max) {
      out.small_size_ = static_cast<std::uint8_t>(size);
      std::memcpy(out.storage_.small, first, size);
    } else {
      chunk.owner()->retain();
      out.become(kind::shared, chunk.owner(), const_cast<std::byte*>(first), size);
    }
    return out;
  }

 private:
  enum class kind : std::uint8_t { small, shared, borrowed };

  struct part {
    block* owner;
    std::byte* data;
    std::size_t size;
  };

  void become(kind as, block* owner, std::byte* data, std::size_t size) noexcept {
    kind_ = as;
    storage_.slice = part{owner, data, size};
  }
  void take(frame& other) noexcept {
    std::memcpy(static_cast<void*>(&storage_), &other.storage_, sizeof storage_);
    kind_ = std::exchange(other.kind_, kind::small);
    small_size_ = std::exchange(other.small_size_, std::uint8_t{0});
  }
  void drop() noexcept {
    if (kind_ == kind::shared) storage_.slice.owner->drop();
  }

  union storage {
    storage() noexcept {}
    std::byte small[inline_max];
    part slice;
  } storage_;
  kind kind_;
  std::uint8_t small_size_;
};

} // namespace weir::zmtp
