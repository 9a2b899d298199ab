// datagram_socket: a simulated socket of UDP or of the unix domain that carries messages.
//
// Between hosts messages are lost, doubled and overtake each other; on one host they arrive at once and in
// order. One that finds no room in the queue of its receiver is dropped and counted, in the unix domain its
// sender waits instead. One of UDP that nobody takes is told to a sender who is connected (ECONNREFUSED).
// Control data is not carried. Thread rule: the world's thread. Bound: SO_RCVBUF; messages are pooled.
#pragma once

#include <weir/base/intrusive.hpp>
#include <weir/base/ring.hpp>
#include <weir/sim/file.hpp>
#include <weir/sim/socket_address.hpp>
#include <weir/sim/socket_options.hpp>

#include <cstddef>
#include <cstdint>

namespace weir::sim {

class datagram;
class host;

class datagram_socket final : public file, public list_hook<datagram_socket> {
 public:
  datagram_socket(host& home, int family);
  ~datagram_socket() override;

  static void join(datagram_socket& one, datagram_socket& other);

  int bind(const sockaddr* to, socklen_t bytes) override;
  int connect(const sockaddr* to, socklen_t bytes) override;
  int connect_outcome() override { return 0; }
  int shutdown(int how) override;
  int receive(msghdr& into, int flags) override;
  int send(const msghdr& what, int flags) override;
  int get_option(int level, int name, void* value, socklen_t* bytes) override;
  int set_option(int level, int name, const void* value, socklen_t bytes) override;
  int local_name(sockaddr* into, socklen_t* bytes) override;
  int peer_name(sockaddr* into, socklen_t* bytes) override;
  int socket_type() const noexcept override { return SOCK_DGRAM; }
  std::size_t unread_bytes() const noexcept override;
  std::uint32_t readiness() const noexcept override;
  void closed() noexcept override;

  /// Of the network: a message comes, or the news that nobody took one.
  void take(datagram& message) noexcept;
  void learn(int error) noexcept;
  bool is_connected_to(const socket_address& whom) const noexcept;

 private:
  bool is_unix() const noexcept { return family_ == AF_UNIX; }
  int destination(const msghdr& what, socket_address& to, datagram_socket*& joined) const noexcept;
  int deliver_within(datagram& message, datagram_socket* joined, const socket_address& to) noexcept;
  void send_away(datagram& message, host& there);
  bool has_room_for(std::size_t bytes) const noexcept;
  bool accepts(const datagram_socket& from) const noexcept;
  void follow(datagram_socket& receiver) noexcept;

  host& home_;
  int family_;
  bool is_bound_ = false;
  bool is_connected_ = false;
  bool is_refused_ = false; ///< SHUT_RD
  bool has_ended_ = false;  ///< SHUT_WR
  int error_ = 0;
  std::uint32_t dropped_ = 0;
  std::size_t queued_bytes_ = 0;
  socket_address local_;
  socket_address peer_;
  datagram_socket* joined_ = nullptr;                        ///< of a pair
  intrusive_list<datagram_socket, datagram_socket> senders_; ///< in the unix domain: who waits for room here
  socket_options options_;
  ring<datagram*> queue_;
};

} // namespace weir::sim
