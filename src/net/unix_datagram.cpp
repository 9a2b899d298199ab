#include "datagram_core.hpp"
#include "descriptor_passing.hpp"
#include "socket_settings.hpp"

#include <weir/async/message_operations.hpp>
#include <weir/async/operations.hpp>
#include <weir/io/platform/files.hpp>
#include <weir/io/platform/sockets.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/stale_path.hpp>
#include <weir/net/unix_datagram.hpp>

#include <array>
#include <cerrno>

namespace weir {
namespace {

descriptor unix_datagram_socket() noexcept {
  return descriptor(calls().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// Waits until the queue of the socket at `to` has room, which only a socket that is connected to it can tell
/// (unix(7)), and the sender's buffer has some, too.
task<result<void>> room_at(int sender, const address& to) {
  descriptor probe = unix_datagram_socket();
  if (!probe) co_return fail(error::from_errno(errno, "socket"));
  if (calls().connect(probe.get(), to.raw(), to.raw_bytes()) != 0)
    co_return fail(error::from_errno(errno, "connect"));
  auto has_own = co_await async_poll(sender, POLLOUT);
  if (!has_own) co_return fail(std::move(has_own).error());
  auto has_theirs = co_await async_poll(probe.get(), POLLOUT);
  if (!has_theirs) co_return fail(std::move(has_theirs).error());
  co_return result<void>{};
}

} // namespace

unix_datagram::bound_path::~bound_path() {
  calls().unlink(text.c_str());
}

// --- making ---

result<unix_datagram> unix_datagram::bind(const address& at, const unix_datagram_options& options) {
  loop* home = loop::current();
  if (!home) return fail(errc::invalid_argument, "unix_datagram::bind outside of a loop");
  descriptor socket = unix_datagram_socket();
  if (!socket) return fail(error::from_errno(errno, "socket"));
  sockaddr any{};
  any.sa_family = AF_UNIX;
  const bool is_named = at.raw_bytes() > 0;
  const std::string path = is_named ? at.unix_path() : std::string();
  if (!path.empty() && options.replace_stale_path) remove_stale_path(at, SOCK_DGRAM);
  if (calls().bind(socket.get(), is_named ? at.raw() : &any,
                   is_named ? at.raw_bytes() : sizeof(sa_family_t)) != 0)
    return fail(error::from_errno(errno, "bind").at(at.to_string()));
  std::unique_ptr<bound_path> bound;
  if (!path.empty()) bound = std::make_unique<bound_path>(path);
  auto made = adopt(*home, std::move(socket), options);
  if (made) made->path_ = std::move(bound);
  return made;
}

result<std::pair<unix_datagram, unix_datagram>> unix_datagram::pair(const unix_datagram_options& options) {
  loop* home = loop::current();
  if (!home) return fail(errc::invalid_argument, "unix_datagram::pair outside of a loop");
  std::array<int, 2> ends{};
  if (calls().socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return fail(error::from_errno(errno, "socketpair"));
  descriptor one(ends[0]), other(ends[1]);
  auto first = adopt(*home, std::move(one), options);
  if (!first) return fail(std::move(first).error());
  auto second = adopt(*home, std::move(other), options);
  if (!second) return fail(std::move(second).error());
  return std::pair(std::move(*first), std::move(*second));
}

result<unix_datagram> unix_datagram::adopt(descriptor socket, const unix_datagram_options& options) {
  loop* home = loop::current();
  if (!home) return fail(errc::invalid_argument, "unix_datagram::adopt outside of a loop");
  return adopt(*home, std::move(socket), options);
}

result<unix_datagram> unix_datagram::adopt(loop& home, descriptor socket,
                                           const unix_datagram_options& options) {
  if (options.tells_credentials)
    if (auto asked = ask_for_credentials(socket.get()); !asked) return fail(std::move(asked).error());
  const socket_setting settings[] = {
      {options.receive_buffer_bytes > 0, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes, "SO_RCVBUF"},
      {options.send_buffer_bytes > 0, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes, "SO_SNDBUF"},
  };
  if (auto applied = apply(settings, socket.get()); !applied) return fail(std::move(applied).error());
  const std::size_t descriptors = std::min(options.descriptors_max, descriptors_limit);
  unix_datagram made;
  made.core_.reset(new datagram_core(home, std::move(socket),
                                     datagram_core_options{std::max<std::size_t>(options.queue_max, 1),
                                                           when_queue_is_full::pause,
                                                           passed_control_bytes(descriptors), descriptors}));
  made.core_->start_receiving();
  return made;
}

result<void> unix_datagram::connect_to(const address& to) {
  if (calls().connect(core_->descriptor_number(), to.raw(), to.raw_bytes()) != 0)
    return fail(error::from_errno(errno, "connect").at(to.to_string()));
  return {};
}

// --- receiving ---

passed_message unix_datagram::take() noexcept {
  queued_message oldest = core_->take();
  const message_view view = core_->view_of(oldest);
  passed_message next;
  next.from = address(view.from(), view.from_bytes());
  next.is_truncated = view.is_truncated();
  next.along.credentials = read_credentials(view.control());
  next.along.descriptors = std::move(oldest.descriptors);
  next.along.were_descriptors_lost = oldest.were_descriptors_lost;
  const std::size_t payload_offset = view.payload_offset();
  next.bytes = std::move(oldest.raw);
  next.bytes.remove_prefix(payload_offset);
  return next;
}

std::optional<passed_message> unix_datagram::try_receive() noexcept {
  if (core_->empty()) return std::nullopt;
  return take();
}

task<result<passed_message>> unix_datagram::receive() {
  result<void> ready = co_await core_->readable();
  if (!ready) co_return fail(std::move(ready).error());
  co_return take();
}

// --- sending ---

task<result<void>> unix_datagram::send(std::span<const std::byte> bytes, std::span<const int> descriptors) {
  co_return co_await send_whole(bytes, nullptr, descriptors);
}

task<result<void>> unix_datagram::send_to(std::span<const std::byte> bytes, address to,
                                          std::span<const int> descriptors) {
  result<void> sent = co_await send_whole(bytes, &to, descriptors);
  if (!sent) co_return fail(std::move(sent).error().at(to.to_string()));
  co_return sent;
}

task<result<void>> unix_datagram::send_whole(std::span<const std::byte> bytes, const address* to,
                                             std::span<const int> descriptors) {
  if (descriptors.size() > descriptors_limit) co_return fail(errc::limit_reached, "descriptors in a message");
  const datagram_core::send_guard keeps_open(*core_);
  const int socket = core_->descriptor_number();
  const sockaddr* const destination = to ? to->raw() : nullptr;
  const socklen_t destination_bytes = to ? to->raw_bytes() : 0;
  rights_to_pass rights(descriptors);
  iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()}; // sending only reads it
  for (;;) {
    auto sent = co_await async_send_message(socket, std::span(&piece, 1), destination, destination_bytes,
                                            rights.bytes());
    if (sent) co_return result<void>{};
    const bool is_full = to && sent.error() == std::errc::resource_unavailable_try_again;
    if (!is_full) co_return fail(std::move(sent).error());
    result<void> room = co_await room_at(socket, *to);
    if (!room) co_return room;
  }
}

result<address> unix_datagram::local_address() const {
  return address::local_of(core_->descriptor_number());
}

int unix_datagram::native_handle() const noexcept {
  return core_->descriptor_number();
}

} // namespace weir
