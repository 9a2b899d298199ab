// What the tests of datagram sockets share.
#pragma once

#include "stream_ends.hpp"

#include <weir/net/udp_socket.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>

#include <cstring>
#include <string>
#include <string_view>

namespace weir::test {

inline address loopback_port(std::uint16_t port = 0) {
  return address::ip("127.0.0.1", port).value();
}

/// Two sockets, each with the address of the other.
struct udp_pair {
  explicit udp_pair(const udp_options& options = udp_options{}, const address& at = loopback_port())
      : ours(udp_socket::bind(at, options).value()), theirs(udp_socket::bind(at).value()),
        our_address(ours.local_address().value()), their_address(theirs.local_address().value()) {}

  udp_socket ours;
  udp_socket theirs;
  address our_address;
  address their_address;
};

/// The text of the next datagram, or what went wrong.
inline task<std::string> next_text(udp_socket& from) {
  result<datagram> next = co_await from.receive();
  if (!next) co_return next.error().message();
  co_return text_of(next->bytes);
}

} // namespace weir::test
