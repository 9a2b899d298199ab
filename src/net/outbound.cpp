#include <weir/base/sim_point.hpp>
#include <weir/net/outbound.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir {

void outbound::open_chunk() {
  seal();
  lease fresh = sim_point("outbound.pool_is_empty") ? lease() : chunks_.acquire();
  if (fresh.pinned_bytes() == 0) fresh = lease::allocate(chunks_.slot_bytes());
  open_ = room_ = fresh.writable().data();
  room_end_ = room_ + fresh.size();
  chunk_ = std::move(fresh);
}

/// Makes a piece of what was written since the last one, so that something else can stand behind it.
void outbound::seal() {
  if (open_ == room_) return;
  const auto offset = static_cast<std::size_t>(open_ - chunk_.data());
  pieces_.push_back(chunk_.share(offset, static_cast<std::size_t>(room_ - open_)));
  open_ = room_;
}

void outbound::release_chunk() noexcept {
  open_ = room_ = room_end_ = nullptr;
  chunk_.reset();
}

void outbound::append_copy(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (room_ == room_end_) open_chunk();
    const std::size_t count = std::min(bytes.size(), room_bytes());
    std::memcpy(room_, bytes.data(), count);
    commit(count);
    bytes = bytes.subspan(count);
  }
}

void outbound::append(lease&& piece) {
  if (piece.empty()) return;
  seal();
  const std::size_t count = piece.size();
  pieces_.push_back(std::move(piece));
  bytes_ += count;
}

std::size_t outbound::gather(std::span<iovec> vectors) noexcept {
  std::size_t filled = 0;
  for (; filled < vectors.size() && filled < pieces_.size(); ++filled) {
    const lease& piece = pieces_[filled];
    vectors[filled] = iovec{const_cast<std::byte*>(piece.data()), piece.size()};
  }
  if (filled < vectors.size() && open_ != room_)
    vectors[filled++] = iovec{open_, static_cast<std::size_t>(room_ - open_)};
  return filled;
}

void outbound::consume(std::size_t count) noexcept {
  bytes_ -= count;
  while (count > 0 && !pieces_.empty()) {
    lease& oldest = pieces_.front();
    if (count < oldest.size()) {
      oldest.remove_prefix(count);
      return;
    }
    count -= oldest.size();
    pieces_.pop_front();
  }
  open_ += count;
  if (bytes_ == 0) release_chunk();
}

void outbound::take_back(std::size_t count) noexcept {
  bytes_ -= count;
  const std::size_t from_open = std::min(count, static_cast<std::size_t>(room_ - open_));
  room_ -= from_open;
  for (count -= from_open; count > 0;) {
    lease& newest = pieces_.back();
    const std::size_t from_piece = std::min(count, newest.size());
    newest.truncate(newest.size() - from_piece);
    if (newest.empty()) pieces_.pop_back();
    count -= from_piece;
  }
  if (bytes_ == 0) release_chunk();
}

void outbound::splice(outbound& other) {
  if (empty()) return swap(other);
  other.seal();
  pieces_.reserve(other.pieces_.size() + 1);
  seal();
  while (!other.pieces_.empty()) pieces_.push_back(other.pieces_.pop_front());
  bytes_ += std::exchange(other.bytes_, 0);
  other.release_chunk();
}

void outbound::swap(outbound& other) noexcept {
  pieces_.swap(other.pieces_);
  std::swap(chunk_, other.chunk_);
  std::swap(open_, other.open_);
  std::swap(room_, other.room_);
  std::swap(room_end_, other.room_end_);
  std::swap(bytes_, other.bytes_);
}

void outbound::clear() noexcept {
  pieces_.clear();
  release_chunk();
  bytes_ = 0;
}

} // namespace weir
