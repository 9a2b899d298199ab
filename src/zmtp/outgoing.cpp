#include <weir/zmtp/frame_header.hpp>
#include <weir/zmtp/outgoing.hpp>

#include <cstring>

namespace weir::zmtp {
namespace {

/// From this size on a body is sent from where it lies: below it, copying it is cheaper than a place in the
/// gathered write.
constexpr std::size_t by_reference_min_bytes = std::size_t{16} << 10;

} // namespace

bool outgoing::is_full() noexcept {
  if (is_detaching_ || target_->bytes() >= bytes_max_) return true;
  if (messages_max_ == 0 || begins_.size() < messages_max_) return false;
  settle();
  return begins_.size() >= messages_max_;
}

/// Forgets the messages that the kernel has wholly taken: those behind which another one begins that it has
/// reached.
void outgoing::settle() noexcept {
  if (!stream_) return;
  const std::uint64_t taken = stream_->bytes_sent();
  while (begins_.size() > 1 && begins_[1] <= taken) begins_.pop_front();
  if (begins_.size() == 1 && taken >= written_) begins_.pop_front();
}

void outgoing::push(message& from, std::size_t first) {
  if (begins_.size() >= settle_at_) {
    settle();
    settle_at_ = begins_.size() + settle_interval;
  }
  begins_.push_back(std::uint64_t{written_});
  for (std::size_t i = first; i < from.size(); ++i) push_frame(from[i], i + 1 < from.size());
  if (stream_) stream_->output_written();
}

void outgoing::push_frame(frame& part, bool more) {
  const std::size_t size = part.size();
  const frame_kind kind = more ? frame_kind::more : frame_kind::last;
  const std::size_t header = header_bytes_for(size);
  written_ += header + size;

  if (size < by_reference_min_bytes) {
    std::byte* to = target_->prepare(header + size);
    encode_header(to, kind, size);
    if (size > 0) std::memcpy(to + header, part.data(), size);
    target_->commit(header + size);
    return;
  }
  encode_header(target_->prepare(header), kind, size);
  target_->commit(header);
  if (lease body = part.share_lease(); !body.empty()) {
    target_->append(std::move(body));
  } else {
    target_->append_copy(part.bytes());
  }
}

void outgoing::push_command(std::span<const std::byte> encoded) {
  if (!stream_) return;
  target_->append_copy(encoded);
  written_ += encoded.size();
  stream_->output_written();
}

void outgoing::attach(stream& connection) {
  stream_ = &connection;
  target_ = &connection.output();
  // Positions count from the first byte of the connection: the handshake is in front of what waited.
  const std::uint64_t shift = connection.bytes_sent() + target_->bytes() + waiting_.bytes() - written_;
  for (std::size_t i = 0; i < begins_.size(); ++i) begins_[i] += shift;
  written_ += shift;
  target_->splice(waiting_);
  if (!target_->empty()) connection.output_written();
}

void outgoing::begin_detach() noexcept {
  stream_ = nullptr;
  target_ = &waiting_;
  is_detaching_ = true;
}

void outgoing::end_detach(outbound& unsent) noexcept {
  is_detaching_ = false;
  const std::uint64_t taken = written_ - unsent.bytes();
  while (!begins_.empty() && begins_.front() < taken) begins_.pop_front();
  unsent.consume(begins_.empty() ? unsent.bytes() : begins_.front() - taken);
  waiting_.splice(unsent);
}

} // namespace weir::zmtp
