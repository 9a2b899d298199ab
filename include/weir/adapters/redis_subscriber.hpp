// redis_subscriber: messages of channels of a Redis server, on a connection of its own.
//
//   result<redis_subscriber> news = co_await redis_subscriber::connect(redis_options(*at));
//   result<> subscribed = co_await news->subscribe("news");
//   result<redis_message> next = co_await news->next();
//
// One task at a time. Cancel-safe: a `next` that was cancelled took none; a `subscribe` that was cancelled
// may have been carried out. Bound: unread bytes stop at the stream's credit; then the server buffers, and
// ends the connection at its own limit (client-output-buffer-limit): a subscriber that is too slow loses
// messages, and the error says that the connection was reset. Messages that come while `subscribe` waits for
// its confirmation are kept, `early_max` of them. Thread rule: the loop's thread. Lifetime: movable; outlives
// its calls.
#pragma once

#include <weir/adapters/redis_options.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace weir {

struct redis_message {
  redis_message(std::string from, std::string bytes) : channel(std::move(from)), payload(std::move(bytes)) {}

  std::string channel;
  std::string payload;
};

class redis_subscriber {
 public:
  static constexpr std::size_t early_max = 1024;

  redis_subscriber(redis_subscriber&&) noexcept;
  redis_subscriber& operator=(redis_subscriber&&) noexcept;
  ~redis_subscriber();

  static task<result<redis_subscriber>> connect(redis_options options);

  /// Until the server has confirmed.
  task<result<>> subscribe(std::string channel);
  /// Every channel that fits, as KEYS does.
  task<result<>> subscribe_pattern(std::string pattern);
  task<result<redis_message>> next();

 private:
  class core;
  explicit redis_subscriber(std::unique_ptr<core> connected) noexcept;

  std::unique_ptr<core> core_;
};

} // namespace weir
