#include <weir/sim/byte_pipe.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace weir::sim {
namespace {

constexpr std::size_t memory_bytes_min = 4096;

} // namespace

void byte_pipe::open(std::size_t capacity) noexcept {
  capacity_ = capacity;
  written_ = arrived_ = read_ = credited_ = 0;
}

void byte_pipe::write(std::span<const iovec> from, std::size_t most) {
  assert(most <= room());
  if (used() + most > memory_bytes_) grow(used() + most);
  for (const iovec& piece : from) {
    const auto* source = static_cast<const std::byte*>(piece.iov_base);
    std::size_t left = std::min(piece.iov_len, most);
    most -= left;
    while (left > 0) {
      const std::size_t at = written_ & (memory_bytes_ - 1);
      const std::size_t count = std::min(left, memory_bytes_ - at);
      std::memcpy(&memory_[at], source, count);
      source += count;
      left -= count;
      written_ += count;
    }
    if (most == 0) return;
  }
}

std::size_t byte_pipe::read(std::span<const iovec> into, std::size_t most, bool is_peek) noexcept {
  assert(most <= unread());
  std::uint64_t from = read_;
  for (const iovec& piece : into) {
    auto* target = static_cast<std::byte*>(piece.iov_base);
    std::size_t left = std::min(piece.iov_len, most);
    most -= left;
    while (left > 0) {
      const std::size_t at = from & (memory_bytes_ - 1);
      const std::size_t count = std::min(left, memory_bytes_ - at);
      std::memcpy(target, &memory_[at], count);
      target += count;
      left -= count;
      from += count;
    }
    if (most == 0) break;
  }
  const auto taken = static_cast<std::size_t>(from - read_);
  if (!is_peek) read_ = from;
  return taken;
}

void byte_pipe::grow(std::size_t needed) {
  const std::size_t bytes = std::max(memory_bytes_min, std::bit_ceil(needed));
  auto fresh = std::make_unique_for_overwrite<std::byte[]>(bytes);
  for (std::uint64_t at = read_; at < written_;) {
    const std::size_t from = at & (memory_bytes_ - 1), to = at & (bytes - 1);
    const std::size_t run = std::min(memory_bytes_ - from, bytes - to);
    const std::size_t count = std::min(run, static_cast<std::size_t>(written_ - at));
    std::memcpy(&fresh[to], &memory_[from], count);
    at += count;
  }
  memory_ = std::move(fresh);
  memory_bytes_ = bytes;
}

} // namespace weir::sim
