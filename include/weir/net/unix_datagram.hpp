// unix_datagram: datagrams between processes of one machine, with descriptors (unix(7), docs/datagrams.md).
//
// A receive is always pending, and what arrives waits in a queue of `queue_max` datagrams. Nothing is lost:
// at that bound receiving pauses, the kernel's queue fills, and senders wait, connected or not. A send leaves
// from the caller's memory, whole.
//
// Thread rule: the thread of the loop on which it was made. At most one task receives at a time. Lifetime:
// movable. Destroying it drops what was not read, its descriptors too, and removes the path that it was bound
// to; it closes once the sends that are under way have ended. Cancel-safety: every call. Bound: as of
// udp_socket; descriptors as passed_message.hpp says.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/descriptor.hpp>
#include <weir/io/loop.hpp>
#include <weir/net/address.hpp>
#include <weir/net/datagram.hpp>
#include <weir/net/passed_message.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace weir {

struct unix_datagram_options {
  unix_datagram_options() = default;

  std::size_t queue_max = 64;       ///< received datagrams that wait to be read; senders wait then
  std::size_t descriptors_max = 16; ///< that one datagram may bring; at most descriptors_limit, 0 for none
  bool tells_credentials = false;   ///< SO_PASSCRED
  bool replace_stale_path = true;   ///< a path on which nobody receives is removed first
  int receive_buffer_bytes = 0;     ///< SO_RCVBUF
  int send_buffer_bytes = 0;        ///< SO_SNDBUF: what one sender may have unread at its receivers
};

class unix_datagram {
 public:
  unix_datagram() = default;
  unix_datagram(unix_datagram&&) = default;
  unix_datagram& operator=(unix_datagram&&) = default;

  /// Under a path, or an abstract name; with `address{}` under a name that the system picks.
  static result<unix_datagram> bind(const address& at,
                                    const unix_datagram_options& options = unix_datagram_options{});
  /// Two that are connected with each other and have no names.
  static result<std::pair<unix_datagram, unix_datagram>>
  pair(const unix_datagram_options& options = unix_datagram_options{});
  /// Takes over a socket, such as one that was passed or inherited.
  static result<unix_datagram> adopt(descriptor socket,
                                     const unix_datagram_options& options = unix_datagram_options{});

  /// From now on sends to and receives from `to` only.
  result<void> connect_to(const address& to);

  explicit operator bool() const noexcept { return core_ != nullptr; }

  task<result<passed_message>> receive();
  std::optional<passed_message> try_receive() noexcept;

  /// `descriptors` stay the caller's: the receiver gets others for the same files.
  task<result<void>> send(std::span<const std::byte> bytes, std::span<const int> descriptors = {});
  task<result<void>> send_to(std::span<const std::byte> bytes, address to,
                             std::span<const int> descriptors = {});

  result<address> local_address() const;
  int native_handle() const noexcept;

 private:
  static result<unix_datagram> adopt(loop& home, descriptor socket, const unix_datagram_options& options);
  passed_message take() noexcept;
  task<result<void>> send_whole(std::span<const std::byte> bytes, const address* to,
                                std::span<const int> descriptors);

  /// Removes a path with the socket that was bound to it.
  struct bound_path {
    explicit bound_path(std::string path) : text(std::move(path)) {}
    ~bound_path();
    bound_path(const bound_path&) = delete;
    bound_path& operator=(const bound_path&) = delete;
    std::string text;
  };

  std::unique_ptr<bound_path> path_;
  std::unique_ptr<datagram_core, abandon_datagram_core> core_;
};

} // namespace weir
