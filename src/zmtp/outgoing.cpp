#include <weir/zmtp/frame_header.hpp>
#include <weir/zmtp/outgoing.hpp>

#include <cstring>
#include <new>

namespace weir::zmtp {

void outgoing::push(const message& from, std::size_t first) {
  if (begins_.size() >= settle_at_) settle();
  begins_.push_back(std::uint64_t{written_});
  const std::size_t bytes_before = target_->bytes();
  const bool was_empty = target_->empty();
  try {
    for (std::size_t i = first; i < from.size(); ++i)
      push_frame(from[i], i + 1 < from.size() ? frame_kind::more : frame_kind::last);
  } catch (const std::bad_alloc&) { // half a message must not go out
    target_->take_back(target_->bytes() - bytes_before);
    written_ = begins_.pop_back();
    throw;
  }
  // What stands behind unsent bytes leaves with them.
  if (was_empty && stream_) stream_->output_written();
  renew_short_way();
}

void outgoing::renew_short_way() noexcept {
  constexpr std::size_t short_message_bytes = short_header_bytes + short_body_bytes_max + entry_bytes;
  const std::size_t bytes_left = bytes_max_ - std::min(bytes_max_, held_bytes());
  short_way_max_ = begins_.size() + bytes_left / short_message_bytes;
  short_way_max_ = std::min({short_way_max_, settle_at_, begins_.capacity()});
  if (messages_max_ != 0) short_way_max_ = std::min(short_way_max_, messages_max_);
  if (is_detaching_) short_way_max_ = 0;
}

void outgoing::push_frame(const frame& part, frame_kind kind) {
  const std::size_t size = part.size();
  if (size > copied_max_bytes_) return push_large_frame(part, kind);
  const std::size_t header = header_bytes_for(size);
  std::byte* to = target_->prepare(header + size);
  encode_header(to, kind, size);
  std::memcpy(to + header, part.data(), size);
  target_->commit(header + size);
  written_ += header + size;
}

/// Forgets the messages that the kernel has wholly taken: all where it has all bytes, else those in front of
/// the last one that it has begun.
void outgoing::settle() noexcept {
  if (stream_ && !begins_.empty()) {
    const std::uint64_t taken = stream_->bytes_sent();
    const std::size_t begun = count_begun(taken);
    begins_.drop_front(taken >= written_ ? begins_.size() : begun - std::min(begun, std::size_t{1}));
  }
  settle_at_ = begins_.size() + settle_interval;
  renew_short_way();
}

/// Messages whose first byte stands at or before `position`, which are the oldest.
std::size_t outgoing::count_begun(std::uint64_t position) const noexcept {
  std::size_t low = 0;
  for (std::size_t high = begins_.size(); low < high;) {
    const std::size_t middle = low + (high - low) / 2;
    if (begins_[middle] <= position)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void outgoing::push_large_frame(const frame& part, frame_kind kind) {
  const std::size_t header = header_bytes_for(part.size());
  encode_header(target_->prepare(header), kind, part.size());
  target_->commit(header);
  if (lease body = part.share_lease(); !body.empty()) {
    target_->append(std::move(body));
  } else {
    target_->append_copy(part.bytes());
  }
  written_ += header + part.size();
}

void outgoing::push_command(std::span<const std::byte> encoded) {
  if (!stream_) return;
  target_->append_copy(encoded);
  written_ += encoded.size();
  renew_short_way();
  stream_->output_written();
}

void outgoing::attach(stream& connection) {
  outbound& output = connection.output();
  // Positions count from the first byte of the connection: the handshake is in front of what waited.
  const std::uint64_t shift = connection.bytes_sent() + output.bytes() + waiting_.bytes() - written_;
  output.splice(waiting_);
  stream_ = &connection;
  target_ = &output;
  for (std::size_t i = 0; i < begins_.size(); ++i) begins_[i] += shift;
  written_ += shift;
  renew_short_way();
  if (!target_->empty()) connection.output_written();
}

void outgoing::begin_detach() noexcept {
  settle();
  stream_ = nullptr;
  target_ = &waiting_;
  is_detaching_ = true;
  renew_short_way();
}

void outgoing::end_detach(outbound& unsent) noexcept {
  is_detaching_ = false;
  const std::uint64_t taken = written_ - unsent.bytes();
  while (!begins_.empty() && begins_.front() < taken) begins_.pop_front();
  unsent.consume(begins_.empty() ? unsent.bytes() : begins_.front() - taken);
  waiting_.splice(unsent);
}

} // namespace weir::zmtp
