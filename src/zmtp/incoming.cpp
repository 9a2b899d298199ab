#include <weir/zmtp/incoming.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace weir::zmtp {
namespace {

/// From this many missing bytes on a body gets memory of its own: below it, gathering it from pool slots is
/// cheaper than stopping the pending receive for it.
constexpr std::size_t large_body_min_bytes = std::size_t{256} << 10;

} // namespace

void incoming::push(lease&& chunk) {
  const std::size_t pinned = chunk.pinned_bytes();
  chunks_.push_back(std::move(chunk));
  pinned_bytes_ += pinned;
  if (chunks_.size() == 1) enter_front();
}

void incoming::enter_front() noexcept {
  owner_ = chunks_.empty() ? nullptr : chunks_.front().owner();
  at_ = chunks_.empty() ? nullptr : chunks_.front().data();
  end_ = chunks_.empty() ? nullptr : at_ + chunks_.front().size();
}

void incoming::skip_used_chunks() noexcept {
  while (left() == 0 && !chunks_.empty()) {
    pinned_bytes_ -= chunks_.front().pinned_bytes();
    chunks_.pop_front();
    enter_front();
  }
}

void incoming::take(message& into, std::size_t first) {
  assert(has_message());
  ++taken_;
  std::size_t index = first;
  frame_header header;
  do {
    header = take_header();
    try {
      if (header.kind == frame_kind::command)
        skip(header.body_bytes); // it was obeyed when it was scanned
      else
        take_body(into.overwrite(index++), header.body_bytes);
    } catch (const std::bad_alloc&) { // before anything of the body was taken
      skip_message(header);
      into.truncate(first);
      throw;
    }
  } while (header.kind != frame_kind::last);
  into.truncate(index);
}

/// In one chunk, or byte by byte from several. The scanner has found nothing wrong with it.
frame_header incoming::take_header() noexcept {
  frame_header header;
  if (decode_header(at_, left(), header) == header_status::complete) {
    at_ += header.header_bytes;
  } else {
    std::byte bytes[header_bytes_max];
    std::size_t count = 0;
    do {
      copy_out(bytes + count++, 1);
    } while (decode_header(bytes, count, header) != header_status::complete && count < header_bytes_max);
  }
  skip_used_chunks();
  return header;
}

void incoming::take_body(frame& into, std::size_t size) {
  if (size == 0) return into.clear();
  if (size <= left()) {
    into.assign_slice(*owner_, at_, size);
    return skip(size);
  }
  lease whole = lease::allocate(size);
  copy_out(whole.writable().data(), size);
  into = frame(std::move(whole));
}

void incoming::skip(std::size_t count) noexcept {
  while (count > 0) {
    const std::size_t piece = std::min(count, left());
    at_ += piece;
    count -= piece;
    skip_used_chunks();
  }
}

/// The rest of a message, from the body behind `header` on.
void incoming::skip_message(frame_header header) noexcept {
  skip(header.body_bytes);
  while (header.kind != frame_kind::last) {
    header = take_header();
    skip(header.body_bytes);
  }
}

void incoming::copy_out(std::byte* to, std::size_t count) noexcept {
  while (count > 0) {
    skip_used_chunks();
    const std::size_t piece = std::min(count, left());
    std::memcpy(to, at_, piece);
    at_ += piece;
    to += piece;
    count -= piece;
  }
  skip_used_chunks();
}

// --- large bodies ---

std::size_t incoming::large_body_missing() const noexcept {
  const std::uint64_t missing = scanner_.body_bytes_missing();
  const std::uint64_t arrived = scanner_.frame().body_bytes - missing;
  // A body that began before the last chunk goes on as it began.
  const bool began_in_last_chunk = !chunks_.empty() && arrived <= chunks_[chunks_.size() - 1].size();
  return missing >= large_body_min_bytes && began_in_last_chunk ? static_cast<std::size_t>(missing) : 0;
}

std::span<std::byte> incoming::open_large_body() {
  const std::size_t missing = large_body_missing();
  const std::size_t arrived = static_cast<std::size_t>(scanner_.frame().body_bytes) - missing;
  large_body_ = lease::allocate(arrived + missing);

  lease& last = chunks_.back();
  std::memcpy(large_body_.writable().data(), last.data() + last.size() - arrived, arrived);
  last.truncate(last.size() - arrived);
  if (chunks_.size() == 1) end_ -= arrived;
  skip_used_chunks();
  return large_body_.writable().subspan(arrived);
}

void incoming::close_large_body() {
  push(std::move(large_body_));
}

// --- what nobody can take yet ---

void incoming::unpin(std::size_t index) {
  lease& chunk = chunks_[index];
  const bool is_front = index == 0;
  lease copy = lease::copy_of(is_front ? std::span<const std::byte>(at_, left()) : chunk.bytes());
  pinned_bytes_ += copy.pinned_bytes();
  pinned_bytes_ -= chunk.pinned_bytes();
  chunk = std::move(copy);
  if (is_front) enter_front();
}

void incoming::unpin_all() noexcept {
  try {
    for (std::size_t i = 0; i < chunks_.size(); ++i) unpin(i);
  } catch (const std::bad_alloc&) { // the others are freed with the message
  }
}

void incoming::clear() noexcept {
  chunks_.clear();
  pinned_bytes_ = 0;
  enter_front();
}

// --- the end of a connection ---

void incoming::end_of_connection() noexcept {
  large_body_.reset();
  drop_behind_whole_messages();
  taken_ -= scanner_.messages_completed(); // modulo 2^64: `messages` stays what it is
  close_short_way();
  scanner_ = frame_scanner(limits_);
}

/// Walks over the headers of the whole messages, then cuts the rest off.
void incoming::drop_behind_whole_messages() noexcept {
  std::size_t chunk = 0;
  std::size_t offset = chunks_.empty() ? 0 : static_cast<std::size_t>(at_ - chunks_.front().data());
  const auto settle = [&] {
    while (chunk < chunks_.size() && offset >= chunks_[chunk].size()) offset -= chunks_[chunk++].size();
  };
  for (std::uint64_t left = messages(); left > 0;) {
    std::byte bytes[header_bytes_max];
    frame_header header;
    std::size_t count = 0;
    do {
      settle();
      bytes[count++] = chunks_[chunk].data()[offset++];
    } while (decode_header(bytes, count, header) != header_status::complete);
    offset += header.body_bytes;
    if (header.kind == frame_kind::last) --left;
  }
  settle();
  for (; chunk < chunks_.size(); ++chunk, offset = 0) chunks_[chunk].truncate(offset);
  if (!chunks_.empty()) end_ = chunks_.front().data() + chunks_.front().size();
  skip_used_chunks();
}

} // namespace weir::zmtp
