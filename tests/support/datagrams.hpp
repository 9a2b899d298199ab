// Datagram sockets for tests, made and used with plain system calls, and recorded operations on messages.
#pragma once

#include <weir/io/descriptor.hpp>
#include <weir/io/message_operations.hpp>

#include <support/recorded.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

enum class datagram_transport { udp, local };
const char* name_of(datagram_transport which);

/// Non-blocking, and bound to a port of the loopback interface or an abstract name that the kernel picks.
struct datagram_end {
  descriptor socket;
  sockaddr_storage address{};
  socklen_t address_bytes = sizeof(sockaddr_storage);

  const sockaddr* to() const { return reinterpret_cast<const sockaddr*>(&address); }
  int number() const { return socket.get(); }
};
datagram_end bind_datagram(datagram_transport which);

/// Why this system makes no sockets of that kind; empty where it does.
std::string why_no_datagrams(datagram_transport which);

/// Why this system never tells that nobody took an earlier datagram of UDP; empty where it does.
std::string why_no_late_errors();

/// `theirs` is connected to `ours`; `ours` to nobody.
struct datagram_pair {
  explicit datagram_pair(datagram_transport which);
  datagram_end ours;
  datagram_end theirs;
};

void connect_datagram(const datagram_end& from, const datagram_end& to);
/// Sends one to whom the socket is connected; it must fit.
void send_datagram(int socket, std::string_view text);
/// Sends until the socket takes no more; how many it took.
int fill_with_datagrams(int socket, std::string_view each);
/// Takes the one that waits there; "nothing" when none does.
std::string take_datagram(int socket);

/// What was told of a message.
struct seen_message {
  std::string text;
  std::string from; ///< the bytes of the address
  std::size_t control_bytes;
  bool is_truncated;
  bool is_control_truncated;
};
std::string bytes_of_address(const datagram_end& end);

struct message_memory {
  message_memory(std::size_t size, std::size_t control_size)
      : bytes(size), control_words(control_size / 8), piece{bytes.data(), size} {}
  std::span<std::byte> control_memory() { return std::as_writable_bytes(std::span(control_words)); }
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> control_words;
  iovec piece;
};

struct receive_message : private message_memory, recorded<receive_message_operation> {
  explicit receive_message(int socket, std::size_t size = 100, std::size_t control_size = 64)
      : message_memory(size, control_size), recorded(socket, record) {
    pieces = std::span(&piece, 1);
    from = &sender;
    control = control_memory();
  }
  /// What the last completion told.
  seen_message seen() const;
  sockaddr_storage sender{};
};

struct receive_message_many : private message_memory, recorded<receive_message_many_operation> {
  explicit receive_message_many(int socket, std::size_t control_size = 64);
  std::vector<seen_message> messages;
  /// The texts, joined by commas.
  std::string texts() const;
};

struct send_message : recorded<send_message_operation> {
  send_message(int socket, std::string text, const datagram_end* to = nullptr)
      : recorded(socket, record), content(std::move(text)), piece{content.data(), content.size()} {
    set_pieces(std::span(&piece, 1));
    if (to) set_destination(to->to(), to->address_bytes);
  }
  std::string content;
  iovec piece;
};

struct messages_memory {
  messages_memory(std::vector<std::string> texts, const datagram_end* to);
  std::vector<std::string> contents;
  std::vector<iovec> pieces;
  std::vector<mmsghdr> headers;
};

struct send_messages : private messages_memory, recorded<send_messages_operation> {
  send_messages(int socket, std::vector<std::string> texts, const datagram_end* to = nullptr)
      : messages_memory(std::move(texts), to), recorded(socket, std::span(headers), record) {}
};

} // namespace weir::test
