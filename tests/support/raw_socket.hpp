// The other end of what is tested: a bare socket on the test's own loop, so that both ends make progress
// while a test waits. It reads and writes only when it is told to.
#pragma once

#include <weir/async/task.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/net/address.hpp>

#include <support/sockets.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::test {

class raw_socket {
 public:
  raw_socket() = default;
  explicit raw_socket(descriptor connected) noexcept : socket_(std::move(connected)) {}

  static task<raw_socket> connect(address to);
  static task<raw_socket> accept(const listening_socket& from);

  int number() const noexcept { return socket_.get(); }

  /// All of it; a peer that has gone away fails the test.
  task<> send(std::string_view text);
  /// All that the peer takes; how much that was when it is gone before.
  task<std::size_t> try_send(std::string_view text);
  /// Exactly `size` bytes, or what came before the end.
  task<std::string> read(std::size_t size);
  /// What comes until the peer closes, be it with a reset.
  task<std::string> read_to_end();

  /// Sends the end of file behind what was sent.
  void end() noexcept;
  void close() noexcept { socket_.reset(); }
  /// Closes so that the peer gets ECONNRESET where the transport has such a thing.
  void reset() noexcept;

 private:
  descriptor socket_;
};

} // namespace weir::test
