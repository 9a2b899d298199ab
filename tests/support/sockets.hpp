// Sockets for tests, made and used with plain system calls: the peers of what is tested.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/io/platform/sockets.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::test {

enum class transport { tcp, local };
const char* name_of(transport which);

struct listening_socket {
  descriptor socket;
  sockaddr_storage address{};
  socklen_t address_bytes = sizeof(sockaddr_storage);

  const sockaddr* to() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// On the loopback interface, or under a name of the abstract namespace that the kernel picks (unix(7)).
listening_socket listen_on(transport which, int backlog = 128);
/// A non-blocking socket that is not connected yet.
descriptor open_socket(transport which);
/// A non-blocking socket that is connected: the listener must have room for it.
descriptor connect_to(const listening_socket& listener);

/// Two ends of one connection, non-blocking, without Nagle's delay.
struct connection {
  descriptor ours;
  descriptor theirs;
};
connection connect_pair(transport which);

/// Sends all of it, waiting for room where it must.
void send_text(int socket, std::string_view text);
/// Sends until the socket takes no more, and will not; how much it took.
std::size_t fill(int socket);
/// What is there, without waiting.
std::string read_available(int socket);
/// Waits for exactly `size` bytes, or for the end.
std::string read_text(int socket, std::size_t size);
/// Waits for the end of the stream; all that came before it.
std::string read_to_end(int socket);
/// Bytes that were sent on it and have not come to the other side.
std::size_t undelivered_bytes(int socket);
/// Bytes that wait in the socket.
std::size_t unread_bytes(int socket);
/// Closes `connected.theirs` in a way that makes reads of `ours` fail with ECONNRESET.
void reset(connection& connected);
bool is_non_blocking_and_close_on_exec(int number);
/// Bytes whose order and content can be checked: no period that a buffer size divides.
std::string pattern(std::size_t size);

/// Whether no byte that was sent is still on its way to the peer: its arrival would make room.
bool is_quiet(int socket);

/// Why this system makes no sockets of that kind; empty where it does.
std::string why_no_sockets(transport which);
/// Why several listeners cannot have one port here; empty where they can.
std::string why_no_shared_ports();

} // namespace weir::test
