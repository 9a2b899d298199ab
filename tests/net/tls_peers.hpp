// Real peers: the openssl tool and curl, as children of the test, joined to it by pipes; and a path between
// two peers on which every byte is a segment of its own.
#pragma once

#include "tls_ends.hpp"

#include <weir/io/system_calls.hpp>
#include <weir/net/listener.hpp>
#include <weir/os/process.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

class peer_program {
 public:
  peer_program(std::string program, std::vector<std::string> arguments)
      : process_(start(program, arguments)) {}

  /// Until `text` has come out of it, or it has ended; all that came so far.
  task<std::string> printed(std::string_view text) { return come_from(process_.output(), output_, text); }
  /// The same for its standard error.
  task<std::string> complained(std::string_view text) { return come_from(process_.errors(), errors_, text); }
  /// The next piece; empty when it has ended.
  task<std::string> printed_some() { return next_piece(process_.output()); }
  task<std::string> printed_to_end() {
    for (bool goes_on = true; goes_on;) {
      const std::string piece = co_await printed_some();
      goes_on = !piece.empty();
      output_ += piece;
    }
    co_return output_;
  }
  task<> type(std::string_view text) {
    result<> typed = co_await process_.input().write_all(bytes_of(text));
    EXPECT_TRUE(typed) << typed.error().message();
  }
  void end_input() { process_.input().close(); }
  task<int> exit_code() {
    result<exit_status> ended = co_await process_.wait();
    co_return ended ? ended->code().value_or(-1) : -1;
  }
  void kill() { EXPECT_TRUE(process_.kill(SIGKILL)); }

 private:
  static process start(const std::string& program, std::vector<std::string> arguments) {
    command what(program, std::move(arguments));
    what.directory = workshop().directory(); // the only one whose files s_server sends
    what.input = redirection::pipe();
    what.output = redirection::pipe();
    what.errors = redirection::pipe();
    result<process> child = process::spawn(what);
    EXPECT_TRUE(child) << child.error().message();
    return std::move(*child);
  }

  static task<std::string> next_piece(pipe_end& from) {
    std::array<std::byte, 16384> piece;
    result<std::size_t> count = co_await from.read_some(piece);
    co_return text_of(std::span(piece).first(count.value_or(0)));
  }
  static task<std::string> come_from(pipe_end& from, std::string& all, std::string_view text) {
    bool goes_on = true;
    while (goes_on && all.find(text) == std::string::npos) {
      const std::string piece = co_await next_piece(from);
      goes_on = !piece.empty();
      all += piece;
    }
    EXPECT_NE(all.find(text), std::string::npos) << all;
    co_return all;
  }

  process process_;
  std::string output_;
  std::string errors_;
};

/// `openssl s_server` that listens where the system has room.
class openssl_server : public peer_program {
 public:
  openssl_server(const credentials& own, std::vector<std::string> more)
      : peer_program("openssl", with_identity(own, std::move(more))) {}

  task<address> listens() {
    static constexpr std::string_view before = "ACCEPT 127.0.0.1:";
    const std::string output = co_await printed(before); // a line comes whole
    const std::string port = output.substr(output.find(before) + before.size());
    co_return *address::ip("127.0.0.1", static_cast<std::uint16_t>(std::stoi(port)));
  }

 private:
  static std::vector<std::string> with_identity(const credentials& own, std::vector<std::string> more) {
    std::vector<std::string> all{"s_server",      "-accept", "127.0.0.1:0", "-cert",
                                 own.certificate, "-key",    own.key};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

/// `openssl s_client` that trusts `authority` and nobody else.
inline std::vector<std::string> openssl_client(const address& to, const credentials& authority,
                                               std::vector<std::string> more) {
  std::vector<std::string> all{
      "s_client",    "-connect",  to.to_string(),     "-CAfile",   authority.certificate,
      "-servername", "localhost", "-verify_hostname", "localhost", "-verify_return_error"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// Moves bytes one by one, each in a segment of its own, until the end or until nobody takes them.
inline task<> relay_single_bytes(stream& from, raw_socket& to) {
  bool goes_on = true;
  while (goes_on) {
    result<lease> piece = co_await from.read();
    goes_on = piece && !piece->empty();
    for (std::size_t at = 0; goes_on && at < piece->size(); ++at) {
      const std::size_t sent = co_await to.try_send(text_of(piece->bytes().subspan(at, 1)));
      goes_on = sent == 1;
    }
  }
  calls().shutdown(to.number(), SHUT_WR);
}

inline task<> relay_single_bytes(raw_socket& from, stream& to) {
  bool goes_on = true;
  while (goes_on) {
    const std::string byte = co_await from.read(1);
    goes_on = !byte.empty();
    if (goes_on) {
      result<std::size_t> sent = co_await to.write(bytes_of(byte));
      if (sent) co_await to.flush();
      goes_on = sent.has_value();
    }
  }
  co_await to.shutdown();
}

/// Takes one connection and passes it on to `to`.
inline task<> relay_one(listener& door, address to) {
  result<stream> near = co_await door.accept();
  if (!near) co_return;
  raw_socket far = co_await raw_socket::connect(to);
  const int yes = 1;
  calls().setsockopt(far.number(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  co_await when_all(relay_single_bytes(*near, far), relay_single_bytes(far, *near));
}

} // namespace weir::test
