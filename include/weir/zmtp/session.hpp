// session: one connection of a pipe after its handshake: takes what arrives, answers commands, keeps the
// heartbeat, until the connection or its scope ends.
//
// Backpressure: it stops reading while the pipe holds `receive_hwm` messages, or while the pipe's unread
// bytes reach the stream's credit;
//   the stream then fills its own credit and pauses; the peer sees its TCP window close. It goes on at half.
// Bytes that nobody can take yet (of a message that is not whole) do not hold pool slots that others need.
// Commands within one message are bounded by the stream's credit as well. A PING is not answered while the
// unsent bytes are at their mark: the peer that does not read them hears enough when it does.
// Heartbeat: a peer that sends nothing for the timeout after our PING is dropped, and one that is silent
// longer than the time to live that it named. Where unsent bytes leave no room for a PING the peer has to
// take some of them instead. Not while it is us who do not listen. Thread rule and lifetime: lives in the
// frame of the task that runs it, on the loop.
#pragma once

#include <weir/async/task.hpp>
#include <weir/io/cancellation.hpp>
#include <weir/io/timer.hpp>
#include <weir/net/stream.hpp>
#include <weir/zmtp/pipe.hpp>
#include <weir/zmtp/socket_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir::zmtp {

/// The socket's side of a session.
class session_owner {
 public:
  /// The pipe may have whole messages that it had not before. True when somebody was woken with one.
  virtual bool messages_arrived(pipe& from) noexcept = 0;

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
  bool take_arrived(lease& into) noexcept;
  error reason_of_end() const;
  bool announce() noexcept;
  result<> take_chunk(lease chunk);
  result<> walk(std::span<const std::byte> chunk);
  result<> count_command(const frame_scanner& scanner) noexcept;
  void free_memory();
  task<result<>> receive_large_body();
  result<> obey(std::span<const std::byte> command_body);
  bool must_wait() const noexcept;
  task<result<>> wait_for_room();

  void heard() noexcept;
  void send_ping() noexcept;
  void expect_progress() noexcept;
  void expect_answer() noexcept;
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
  std::size_t command_bytes_ = 0; ///< of commands within the message `commanded_message_`
  std::uint64_t commanded_message_ = 0;
  std::chrono::milliseconds answer_max_; ///< silence after our PING at which the connection ends
  std::chrono::milliseconds time_to_live_{
      0};                            ///< silence at which the peer wants it to end; 0: it said nothing
  std::uint64_t sent_when_full_ = 0; ///< bytes, when a PING had no room last
  cancellation* silence_scope_ = nullptr;
  int silent_turns_ = 0; ///< since the silence timer has expired
  bool fell_silent_ = false;
  own_timer ping_timer_;
  own_timer silence_timer_;
};

} // namespace weir::zmtp
