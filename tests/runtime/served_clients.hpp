// Clients with plain blocking sockets on the thread of the test, for servers on loops of their own.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>
#include <weir/net/stream.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

inline descriptor connect_blocking(const address& to) {
  descriptor made(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(made.get(), to.raw(), to.raw_bytes()), 0);
  return made;
}

/// Sends it and waits for as much; what came, less where the connection ended.
inline std::string asked(const descriptor& socket, std::string_view text) {
  std::string answer(text.size(), '\0');
  if (::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    return "";
  const ssize_t got = ::recv(socket.get(), answer.data(), answer.size(), MSG_WAITALL);
  answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return answer;
}

/// Until the client is gone.
inline task<result<>> echo_to(stream client) {
  for (;;) {
    result<lease> received = co_await client.read();
    if (!received) co_return fail(received.error());
    if (received->empty()) co_return result<>();
    transfer sent = co_await client.write_all(*received);
    if (!sent) co_return fail(sent.error());
  }
}

} // namespace weir::test
