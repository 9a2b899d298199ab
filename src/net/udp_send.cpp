// The sends of a udp_socket: one, several, and one that is cut into many.
#include "control_data.hpp"
#include "datagram_core.hpp"

#include <weir/async/message_operations.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/udp_socket.hpp>

#include <linux/udp.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace weir {
namespace {

/// Datagrams that one call sends; what they need stands in the frame of the sender.
constexpr std::size_t batch_max = 32;
/// What the kernel cuts at once (UDP_MAX_SEGMENTS of older kernels), and the most bytes of a datagram.
constexpr std::size_t segments_max = 64;
constexpr std::size_t payload_max_bytes = 65'507;

iovec piece_of(std::span<const std::byte> bytes) noexcept {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()}; // sending only reads it
}

error named(error why, const address* to) {
  return to ? std::move(why).at(to->to_string()) : why;
}

result<void> try_to_send(int socket, std::span<const std::byte> bytes, const address* to) noexcept {
  const ssize_t sent = calls().sendto(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                      to ? to->raw() : nullptr, to ? to->raw_bytes() : 0);
  if (sent < 0) return fail(error::from_errno(errno, "send"));
  return {};
}

/// Of several datagrams, those that the next call sends.
class outgoing_batch {
 public:
  explicit outgoing_batch(std::span<const outgoing_datagram> from) noexcept
      : count_(std::min(from.size(), batch_max)) {
    for (std::size_t i = 0; i < count_; ++i) {
      pieces_[i] = piece_of(from[i].bytes);
      headers_[i] = mmsghdr{};
      headers_[i].msg_hdr.msg_iov = &pieces_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
      if (!from[i].to) continue;
      headers_[i].msg_hdr.msg_name = const_cast<sockaddr*>(from[i].to->raw());
      headers_[i].msg_hdr.msg_namelen = from[i].to->raw_bytes();
    }
  }
  outgoing_batch(const outgoing_batch&) = delete;
  outgoing_batch& operator=(const outgoing_batch&) = delete;

  std::span<mmsghdr> headers() noexcept { return std::span(headers_).first(count_); }

 private:
  std::size_t count_;
  std::array<iovec, batch_max> pieces_;
  std::array<mmsghdr, batch_max> headers_;
};

/// The kernel or the device cannot cut: nothing is wrong with the datagrams.
bool refuses_to_segment(const error& why) noexcept {
  return why == std::errc::io_error || why == std::errc::invalid_argument ||
         why == std::errc::operation_not_supported || why == std::errc::message_size;
}

// A socket may be destroyed while it sends: from here on only its number is used, which the sender keeps
// open.

task<sent_datagrams> send_by_batches(int socket, std::span<const outgoing_datagram> datagrams) {
  std::size_t done = 0;
  while (done < datagrams.size()) {
    outgoing_batch batch(datagrams.subspan(done));
    auto sent = co_await async_send_messages(socket, batch.headers());
    if (!sent) co_return sent_datagrams(done, named(std::move(sent).error(), datagrams[done].to));
    done += *sent;
  }
  co_return sent_datagrams(done);
}

task<transfer> send_cut_by_kernel(int socket, std::span<const std::byte> bytes, std::size_t segment_bytes,
                                  const address* to) {
  const sockaddr* const destination = to ? to->raw() : nullptr;
  const socklen_t destination_bytes = to ? to->raw_bytes() : 0;
  const std::size_t segments = std::min(segments_max, payload_max_bytes / segment_bytes);
  control_writer<CMSG_SPACE(sizeof(std::uint16_t))> control;
  control.add(IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment_bytes));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto next = bytes.subspan(done, std::min(bytes.size() - done, segments * segment_bytes));
    iovec piece = piece_of(next);
    auto sent = co_await async_send_message(socket, std::span(&piece, 1), destination, destination_bytes,
                                            control.bytes());
    if (!sent) co_return transfer(done, named(std::move(sent).error(), to));
    done += next.size();
  }
  co_return transfer(done);
}

task<transfer> send_cut_here(int socket, std::span<const std::byte> bytes, std::size_t segment_bytes,
                             const address* to) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    std::array<outgoing_datagram, batch_max> segments;
    std::size_t count = 0;
    for (std::size_t at = done; at < bytes.size() && count < batch_max; at += segment_bytes)
      segments[count++] =
          outgoing_datagram(bytes.subspan(at, std::min(segment_bytes, bytes.size() - at)), to);
    sent_datagrams sent = co_await send_by_batches(socket, std::span(segments).first(count));
    done = std::min(done + sent.count() * segment_bytes, bytes.size());
    if (!sent) co_return transfer(done, sent.error());
  }
  co_return transfer(done);
}

} // namespace

result<void> udp_socket::try_send(std::span<const std::byte> bytes) noexcept {
  return try_to_send(core_->descriptor_number(), bytes, nullptr);
}

result<void> udp_socket::try_send_to(std::span<const std::byte> bytes, const address& to) noexcept {
  return try_to_send(core_->descriptor_number(), bytes, &to);
}

task<result<void>> udp_socket::send(std::span<const std::byte> bytes) {
  const datagram_core::send_guard keeps_open(*core_);
  iovec piece = piece_of(bytes);
  auto sent = co_await async_send_message(core_->descriptor_number(), std::span(&piece, 1), nullptr, 0,
                                          std::span<std::byte>());
  if (!sent) co_return fail(std::move(sent).error());
  co_return result<void>{};
}

task<result<void>> udp_socket::send_to(std::span<const std::byte> bytes, address to) {
  const datagram_core::send_guard keeps_open(*core_);
  iovec piece = piece_of(bytes);
  auto sent = co_await async_send_message(core_->descriptor_number(), std::span(&piece, 1), to.raw(),
                                          to.raw_bytes(), std::span<std::byte>());
  if (!sent) co_return fail(named(std::move(sent).error(), &to));
  co_return result<void>{};
}

task<sent_datagrams> udp_socket::send_many(std::span<const outgoing_datagram> datagrams) {
  const datagram_core::send_guard keeps_open(*core_);
  co_return co_await send_by_batches(core_->descriptor_number(), datagrams);
}

task<transfer> udp_socket::send_segments(std::span<const std::byte> bytes, std::size_t segment_bytes,
                                         const address* to) {
  if (segment_bytes == 0 || segment_bytes > payload_max_bytes)
    co_return transfer(0, error(errc::invalid_argument, "segment_bytes"));
  const datagram_core::send_guard keeps_open(*core_);
  const int socket = core_->descriptor_number();
  std::size_t done = 0;
  if (segments_in_kernel_ && bytes.size() > segment_bytes) {
    transfer by_kernel = co_await send_cut_by_kernel(socket, bytes, segment_bytes, to);
    const bool has_ended = by_kernel || !refuses_to_segment(by_kernel.error());
    if (has_ended) co_return by_kernel;
    done = by_kernel.bytes();
  }
  transfer rest = co_await send_cut_here(socket, bytes.subspan(done), segment_bytes, to);
  if (!rest) co_return transfer(done + rest.bytes(), rest.error());
  co_return transfer(done + rest.bytes());
}

} // namespace weir
