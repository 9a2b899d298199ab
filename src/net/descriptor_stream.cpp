#include "descriptor_passing.hpp"

#include <weir/async/message_operations.hpp>
#include <weir/async/operations.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/descriptor_stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

namespace weir {

result<std::pair<descriptor_stream, descriptor_stream>>
descriptor_stream::pair(const descriptor_stream_options& options) {
  std::array<int, 2> ends{};
  if (calls().socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return fail(error::from_errno(errno, "socketpair"));
  descriptor one(ends[0]), other(ends[1]);
  auto first = adopt(std::move(one), options);
  if (!first) return fail(std::move(first).error());
  auto second = adopt(std::move(other), options);
  if (!second) return fail(std::move(second).error());
  return std::pair(std::move(*first), std::move(*second));
}

task<result<descriptor_stream>> descriptor_stream::connect(address to, descriptor_stream_options options) {
  descriptor socket(calls().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail(error::from_errno(errno, "socket"));
  auto connected = co_await async_connect(socket.get(), to.raw(), to.raw_bytes());
  if (!connected) co_return fail(std::move(connected).error().at(to.to_string()));
  co_return adopt(std::move(socket), options);
}

result<descriptor_stream> descriptor_stream::adopt(descriptor socket,
                                                   const descriptor_stream_options& options) {
  if (options.tells_credentials)
    if (auto asked = ask_for_credentials(socket.get()); !asked) return fail(std::move(asked).error());
  descriptor_stream made;
  made.socket_ = std::move(socket);
  made.descriptors_max_ = std::min(options.descriptors_max, descriptors_limit);
  return made;
}

task<result<received_along>> descriptor_stream::receive(std::span<std::byte> into) {
  alignas(cmsghdr) std::array<std::byte, passed_control_bytes(descriptors_limit)> control;
  const std::size_t room_bytes = passed_control_bytes(descriptors_max_);
  iovec piece{into.data(), into.size()};
  auto came = co_await async_receive_message(socket_.get(), std::span(&piece, 1), nullptr,
                                             std::span(control).first(room_bytes));
  if (!came) co_return fail(std::move(came).error());
  received_along received;
  received.bytes = came->bytes;
  received.along.were_descriptors_lost = came->is_control_truncated;
  received.along.descriptors =
      take_descriptors(came->control, descriptors_max_, received.along.were_descriptors_lost);
  received.along.credentials = read_credentials(came->control);
  co_return received;
}

task<transfer> descriptor_stream::send(std::span<const std::byte> bytes, std::span<const int> descriptors) {
  if (descriptors.size() > descriptors_limit)
    co_return transfer(0, error(errc::limit_reached, "descriptors in a message"));
  if (bytes.empty() && !descriptors.empty())
    co_return transfer(0, error(errc::invalid_argument, "descriptors without a byte"));
  rights_to_pass rights(descriptors);
  std::size_t done = 0;
  while (done < bytes.size()) {
    iovec piece{const_cast<std::byte*>(bytes.data() + done), bytes.size() - done}; // sending only reads it
    const std::span<std::byte> along = done == 0 ? rights.bytes() : std::span<std::byte>();
    auto sent = co_await async_send_message(socket_.get(), std::span(&piece, 1), nullptr, 0, along);
    if (!sent) co_return transfer(done, std::move(sent).error());
    done += *sent;
  }
  co_return transfer(done);
}

} // namespace weir
