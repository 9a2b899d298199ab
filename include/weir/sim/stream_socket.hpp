// stream_socket: a simulated socket of TCP or of the unix domain that carries a stream, as socket(2) gives
// it: fresh, listening, connecting or connected.
//
// A connect takes a round trip. Where nobody listens it is refused; where the backlog is full or nobody is
// heard its request is sent again after 1, 2, 4 … seconds, until ETIMEDOUT after about two minutes (tcp(7),
// tcp_syn_retries); a connect in the unix domain is answered at once. Thread rule: the world's thread.
// Bound: the backlog; the buffers of its connection (connection.hpp).
#pragma once

#include <weir/base/ring.hpp>
#include <weir/sim/connection.hpp>
#include <weir/sim/event_queue.hpp>
#include <weir/sim/file.hpp>
#include <weir/sim/socket_address.hpp>
#include <weir/sim/socket_options.hpp>

#include <cstddef>
#include <cstdint>

namespace weir::sim {

class host;

class stream_socket final : public file {
 public:
  stream_socket(host& home, int family);
  ~stream_socket() override;

  /// socketpair(2): both are fresh and of the unix domain.
  static void join(stream_socket& one, stream_socket& other);

  int bind(const sockaddr* to, socklen_t bytes) override;
  int listen(int backlog) override;
  int connect(const sockaddr* to, socklen_t bytes) override;
  int connect_outcome() override;
  file_ref accept(int& error) override;
  int shutdown(int how) override;
  int receive(msghdr& into, int flags) override;
  int send(const msghdr& what, int flags) override;
  int get_option(int level, int name, void* value, socklen_t* bytes) override;
  int set_option(int level, int name, const void* value, socklen_t bytes) override;
  int local_name(sockaddr* into, socklen_t* bytes) override;
  int peer_name(sockaddr* into, socklen_t* bytes) override;
  int socket_type() const noexcept override { return SOCK_STREAM; }
  std::size_t unread_bytes() const noexcept override;
  std::size_t unsent_bytes() const noexcept override;
  std::uint32_t readiness() const noexcept override;
  void closed() noexcept override;

  /// Of its connection: something has changed.
  void connection_changed() noexcept { changed(); }

 private:
  enum class state : std::uint8_t { fresh, listening, connecting, connected, refused };
  struct handshake_event : timed_event {
    handshake_event(stream_socket& on, function what) noexcept : timed_event(what), of(on) {}
    stream_socket& of;
  };

  bool is_unix() const noexcept { return family_ == AF_UNIX; }
  std::uint64_t one_way_ns(const host& to) noexcept;
  int connect_unix(const socket_address& to);
  void request_arrives();
  void send_request_again();
  void answer_arrives();
  bool has_room_in_backlog() const noexcept { return waiting_.size() <= backlog_max_; }
  stream_socket& make_accepted(stream_socket& from, host& of_client);
  void attach(connection& made, unsigned side) noexcept;
  void reset_unaccepted() noexcept;

  host& home_;
  int family_;
  state state_ = state::fresh;
  bool is_bound_ = false;
  std::uint32_t life_;
  socket_address local_;
  socket_address peer_;
  socket_options options_;
  int error_ = 0; ///< of the connect
  connection* connection_ = nullptr;
  unsigned side_ = 0;

  // While it listens.
  std::size_t backlog_max_ = 0;
  ring<file_ref> waiting_;

  // While it connects.
  host* to_ = nullptr;
  handshake_event request_;
  handshake_event answer_;
  std::uint64_t retry_ns_ = 0;
  unsigned retries_ = 0;
};

} // namespace weir::sim
