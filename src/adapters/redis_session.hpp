// redis_session: which reply belongs to whom. There is no task that reads: of those who wait for replies one
// leads, reads for all, and hands the lead on when its own reply has come. So a connection needs no nursery,
// and nothing reads when nobody waits.
//
// Thread rule: the loop's thread. Lifetime: outlives its coroutines.
#pragma once

#include "redis_wire.hpp"

#include <weir/adapters/pool_options.hpp>
#include <weir/adapters/redis_command.hpp>
#include <weir/adapters/redis_options.hpp>
#include <weir/async/event.hpp>
#include <weir/async/semaphore.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/base/ring.hpp>

#include <cstddef>
#include <optional>

namespace weir {

class redis_session {
 public:
  redis_session(stream connected, const redis_options& options);
  ~redis_session();

  task<result<redis_reply>> run(redis_command what);
  /// Authenticates and selects, as the options say.
  task<result<>> establish(const redis_options& options);

  connection_state state() const noexcept;
  task<result<>> recover();
  std::size_t in_flight() const noexcept { return owed_.size(); }

 private:
  class waiting;
  /// Whoever waits for a reply, in its coroutine's frame.
  struct call {
    std::optional<result<redis_reply>> answer;
    event changed{event_reset::automatic}; ///< it was answered, or should lead
  };
  /// A reply that the server owes. Without a call it is dropped.
  struct owed_reply {
    call* to;
    semaphore::permit seat;
  };

  task<result<>> send(const redis_command& what, call& from);
  task<result<>> await_answer(call& mine, waiting& here);
  task<result<>> receive();
  task<result<>> receive_some();
  void note(redis_command::effect effect) noexcept;
  void deliver(redis_reply&& reply);
  void give_up(call& mine) noexcept;
  void pass_lead() noexcept;
  void lose(const error& why);

  semaphore seats_; ///< a place in flight
  semaphore turn_;  ///< to write
  redis_wire wire_;
  ring<owed_reply> owed_; ///< oldest first
  std::optional<error> failure_;
  bool is_led_ = false;
  bool is_in_transaction_ = false;
  bool is_watching_ = false;
  bool is_altered_ = false;
};

} // namespace weir
