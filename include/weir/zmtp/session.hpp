// session: one connection of a pipe after its handshake: takes what arrives, answers commands, keeps the
// heartbeat, until the connection or its scope ends.
//
// Backpressure: it stops reading while the pipe holds `receive_hwm` messages, or while the pipe's unread
// bytes reach the stream's credit;
//   the stream then fills its own credit and pauses; the peer sees its TCP window close. It goes on at half.
// A peer that floods it with PINGs is not read while its PONGs wait to be sent.
// Thread rule and lifetime: lives in the frame of the task that runs it, on the loop.
#pragma once

#include <weir/async/task.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/timer.hpp>
#include <weir/net/stream.hpp>
#include <weir/zmtp/pipe.hpp>
#include <weir/zmtp/socket_options.hpp>

#include <chrono>
#include <cstddef>

namespace weir::zmtp {

/// The socket's side of a session.
class session_owner {
 public:
  /// The pipe may have whole messages that it had not before.
  virtual void messages_arrived(pipe& from) noexcept = 0;

 protected:
  ~session_owner() = default;
};

class session {
 public:
  session(session_owner& owner, stream& connection, pipe& peer, const socket_options& options) noexcept;

  /// Runs to the end of the connection and tells why it ended. `first`: bytes that came behind the handshake.
  task<error> run(lease first);

 private:
  task<error> receive_until_end(lease first);
  result<> take_chunk(lease chunk);
  task<result<>> receive_large_body();
  result<> obey(std::span<const std::byte> command_body);
  bool must_wait() const noexcept;
  task<result<>> wait_for_room();

  void heard() noexcept;
  void send_ping() noexcept;
  void fell_silent() noexcept;
  void arm(timer& which, std::chrono::milliseconds after) noexcept;

  struct own_timer : timer {
    own_timer(session& of, timer::function on_expiry) noexcept : timer(on_expiry), owner(of) {}
    session& owner;
  };

  session_owner& owner_;
  stream& connection_;
  pipe& pipe_;
  const socket_options& options_;
  std::size_t credit_bytes_;
  std::chrono::milliseconds silence_max_{0}; ///< 0: the peer may be silent as long as it likes
  cancellation* silence_scope_ = nullptr;
  bool fell_silent_ = false;
  own_timer ping_timer_;
  own_timer silence_timer_;
};

} // namespace weir::zmtp
