// aligned_buffer: memory for transfers past the page cache, aligned as the device wants it
// (file::alignment).
//
//   aligned_buffer page(4096, file.alignment().memory);
//
// Lifetime: owns its memory; movable. Bound: what it was made with. Throws std::bad_alloc.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace weir::fs {

class aligned_buffer {
 public:
  /// `alignment`: a power of two.
  explicit aligned_buffer(std::size_t bytes, std::size_t alignment = 4096)
      : memory_(static_cast<std::byte*>(::operator new(bytes, std::align_val_t(alignment))),
                deleter(alignment)),
        size_bytes_(bytes) {}

  std::span<std::byte> bytes() noexcept { return {memory_.get(), size_bytes_}; }
  std::span<const std::byte> bytes() const noexcept { return {memory_.get(), size_bytes_}; }
  std::span<std::byte> first(std::size_t count) noexcept { return bytes().first(count); }

 private:
  class deleter {
   public:
    explicit deleter(std::size_t alignment) noexcept : alignment_(std::align_val_t(alignment)) {}
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, alignment_); }

   private:
    std::align_val_t alignment_;
  };

  std::unique_ptr<std::byte, deleter> memory_;
  std::size_t size_bytes_;
};

} // namespace weir::fs
