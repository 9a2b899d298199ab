// lease: ownership of received (or to be sent) bytes as a type. A lease keeps a slice of a block alive;
// slices of one block are shared by reference count, so a parser hands out parts of a buffer without copying.
//
// Thread rule: the count is not atomic: a lease and all its shares stay on the thread of the block's pool.
// What must travel
//   to another thread is copied first: `lease::copy_of(bytes)` makes a block of its own that nobody else
//   shares.
// Lifetime: the bytes stay valid and unmoved until the last lease on the block is gone; then the block
// returns to its pool. Bound: a slice of a few bytes pins the whole block (a pool slot), and counts so
// for the stream that received it: keep long what you copied, not what you share.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace weir {

/// What stands behind leases: a run of bytes, a count, and the way back to its owner.
struct block {
  using release_function = void (*)(block&) noexcept;

  std::byte* data = nullptr;
  release_function release = nullptr; ///< called when the last reference is gone
  std::uint32_t references = 0;
  std::uint32_t capacity_bytes = 0;

  void retain() noexcept { ++references; }
  void drop() noexcept {
    assert(references > 0);
    if (--references == 0) release(*this);
  }
};

class lease {
 public:
  lease() = default;
  /// Adopts one reference that the caller already holds on `owner`.
  lease(block& owner, std::byte* data, std::size_t size_bytes) noexcept
      : owner_(&owner), data_(data), size_(size_bytes) {}

  lease(lease&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  lease& operator=(lease&& other) noexcept {
    if (this != &other) {
      reset();
      owner_ = std::exchange(other.owner_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~lease() { reset(); }

  /// A block of its own on the heap (at most 4 GiB - 1) with a copy of `bytes`, or with unspecified content.
  /// Throws std::bad_alloc.
  static lease copy_of(std::span<const std::byte> bytes);
  static lease allocate(std::size_t size_bytes);

  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  operator std::span<const std::byte>() const noexcept { return bytes(); }

  /// The bytes for writing: only the sole owner may write.
  std::span<std::byte> writable() noexcept {
    assert(is_sole_owner());
    return {data_, size_};
  }
  bool is_sole_owner() const noexcept { return owner_ && owner_->references == 1; }
  /// Bytes of memory that this lease keeps alive.
  std::size_t pinned_bytes() const noexcept { return owner_ ? owner_->capacity_bytes : 0; }

  /// A second lease on a part of the same bytes.
  lease share(std::size_t offset, std::size_t size_bytes) const noexcept {
    assert(owner_ && offset + size_bytes <= size_);
    owner_->retain();
    return {*owner_, data_ + offset, size_bytes};
  }
  lease share() const noexcept { return share(0, size_); }

  /// Bytes of the block behind the slice, which its sole owner may fill and take in.
  std::span<std::byte> room() noexcept {
    assert(is_sole_owner());
    std::byte* end = data_ + size_;
    return {end, static_cast<std::size_t>(owner_->data + owner_->capacity_bytes - end)};
  }
  void take_in(std::size_t count) noexcept {
    assert(count <= room().size());
    size_ += count;
  }

  void remove_prefix(std::size_t count) noexcept {
    assert(count <= size_);
    data_ += count;
    size_ -= count;
  }
  void truncate(std::size_t size_bytes) noexcept {
    assert(size_bytes <= size_);
    size_ = size_bytes;
  }

  /// Appends a copy of `bytes` behind the slice where the block has room and nobody shares it; false where it
  /// does not.
  bool try_append(std::span<const std::byte> bytes) noexcept;

  void reset() noexcept {
    if (owner_) std::exchange(owner_, nullptr)->drop();
    data_ = nullptr;
    size_ = 0;
  }

  /// For types that keep the parts of a lease in another layout: the reference passes to the caller.
  block* release_owner() noexcept {
    data_ = nullptr;
    size_ = 0;
    return std::exchange(owner_, nullptr);
  }
  block* owner() const noexcept { return owner_; }

 private:
  block* owner_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace weir
