// redis_connection: a connection to a Redis server, used by any number of coroutines at once.
//
//   result<redis_connection> cache = co_await redis_connection::connect(redis_options(*at));
//   result<redis_reply> value = co_await cache->command("GET", key);
//
// hiredis' formatter and parser over weir's own stream, and not its asynchronous context: bytes are bounded
// both ways, what is written in a turn leaves in one call, and a coroutine is resumed where it waits, not in
// a call-back. Pipelining: commands are sent in the order in which they are awaited, without waiting for the
// answers of others, and are answered in that order. Cancellation and deadlines: a command that was not sent
// yet is not sent; of one that was, the server may carry it out, and its answer is dropped in its turn. The
// connection stays usable; behind a command that blocks at the server (BLPOP) others wait, so such a one
// wants a connection of its own. Errors: what the server refuses is an error with its words
// (redis_error.hpp); a connection that is lost fails everything in flight, and what comes later, with
// std::errc::connection_reset and the server's address: whether a command was carried out is then unknown.
// Not here: what is not answered by one reply (SUBSCRIBE, UNSUBSCRIBE, MONITOR, CLIENT REPLY) and HELLO are
// errc::invalid_argument; redis_subscriber.hpp has the first.
//
// Transactions (MULTI, WATCH) belong to a task that has the connection alone, from a pool. There a connection
// with an open one is dirty, one whose session was altered (SELECT, AUTH, CLIENT) is thrown away: set that in
// redis_options. Thread rule: the loop's thread. Lifetime: movable, also while commands run; outlives them.
// Bound: `in_flight_max`, the stream's credit and send mark, `reply_bytes_max` (then the connection is lost).
// Source: the Redis serialization protocol (RESP2).
#pragma once

#include <weir/adapters/pool_options.hpp>
#include <weir/adapters/redis_command.hpp>
#include <weir/adapters/redis_error.hpp>
#include <weir/adapters/redis_options.hpp>
#include <weir/adapters/redis_reply.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

class redis_session;

class redis_connection {
 public:
  redis_connection(redis_connection&&) noexcept;
  redis_connection& operator=(redis_connection&&) noexcept;
  ~redis_connection();

  /// Connects, authenticates and selects the database.
  static task<result<redis_connection>> connect(redis_options options);

  /// `co_await cache.command("SET", key, value, "EX", 60)`
  template <class... Arguments>
  task<result<redis_reply>> command(const Arguments&... arguments) {
    const std::array<redis_argument, sizeof...(arguments)> all{redis_argument(arguments)...};
    return run(redis_command(all));
  }
  task<result<redis_reply>> run(redis_command what);

  connection_state state() noexcept;
  /// From dirty to ready: discards an open transaction, and waits for the answers that nobody wants.
  task<result<>> recover();

  /// Commands that were sent and not answered.
  std::size_t in_flight() const noexcept;

 private:
  explicit redis_connection(std::unique_ptr<redis_session> established) noexcept;

  std::unique_ptr<redis_session> session_;
};

} // namespace weir
