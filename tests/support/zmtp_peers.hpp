// Sockets on the loop of a test, what they tell of their connections, and peers made of plain bytes.
#pragma once

#include <weir/zmtp/dealer.hpp>
#include <weir/zmtp/router.hpp>

#include <gtest/gtest.h>
#include <support/coroutine_fixture.hpp>
#include <support/raw_socket.hpp>
#include <support/zmtp_wire.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::zmtp::test {

using namespace weir::test;

/// What a socket told. Outlives the socket.
class event_log {
 public:
  struct told {
    socket_event_kind kind;
    std::optional<error> reason;
  };

  void listen_to(socket_options& options);
  std::size_t count(socket_event_kind kind) const;
  /// Until that many of the kind were told.
  task<> wait_for(socket_event_kind kind, std::size_t at_least = 1);
  /// The reason of the last one of the kind.
  error reason_of(socket_event_kind kind) const;

  std::vector<told> all;
};

/// Options for tests: what takes time otherwise takes little.
socket_options quick(std::string routing_id = {});

inline constexpr std::string_view any_tcp = "tcp://127.0.0.1:*";
inline constexpr std::string_view any_ipc = "ipc://*";
/// Over unix-domain sockets where the system has them: that is quicker.
std::string_view any_local();

std::string bind_to(socket& which, std::string_view endpoint);
void connect_to(socket& which, std::string_view endpoint);

/// These fail the test when they fail.
task<> send(socket& to, parts texts);

/// `co_await send(ours, "peer", "first", "second");` No brace list: g++ 12 compiles none in a co_await
/// statement.
template <std::convertible_to<std::string_view>... Texts>
task<> send(socket& to, Texts&&... texts) {
  parts all;
  (all.emplace_back(std::forward<Texts>(texts)), ...);
  return send(to, std::move(all));
}
/// Where it fails, the test does, and there is one empty part to be looked at.
task<parts> receive(socket& from);
task<> close(socket& which);

/// The address behind "tcp://…" or "ipc://…".
address address_of(std::string_view endpoint);

/// A peer that speaks ZMTP as far as a test makes it.
class wire_peer : public raw_socket {
 public:
  wire_peer() = default;
  explicit wire_peer(raw_socket connected) noexcept : raw_socket(std::move(connected)) {}

  static task<wire_peer> connect(std::string_view endpoint);
  static task<wire_peer> accept(const listening_socket& from);

  /// Greeting and READY, both ways. Gives the READY of the other side: everything behind the greeting.
  task<std::string> shake_hands(std::string_view type, std::string_view identity = {}, int minor = 1);

  struct wire_part {
    int flags = -1; ///< -1: the connection has ended
    std::string body;
  };
  task<wire_part> read_part();
  /// The next whole message; empty when the connection ends before.
  task<parts> read_message();
};

/// A peer that has shaken hands.
task<wire_peer> join(std::string_view endpoint, std::string_view type = "DEALER",
                     std::string_view identity = {});

/// Where a socket may connect to a peer made of bytes.
listening_socket listen_on_tcp();
std::string endpoint_of(const listening_socket& listener);

} // namespace weir::zmtp::test
