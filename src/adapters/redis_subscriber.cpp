#include "redis_wire.hpp"

#include <weir/adapters/redis_subscriber.hpp>
#include <weir/base/ring.hpp>

#include <array>
#include <optional>
#include <utility>

namespace weir {

class redis_subscriber::core {
 public:
  core(stream connected, const redis_options& options) : wire_(std::move(connected), options) {}

  /// Replies in order, as long as it has not subscribed.
  task<result<redis_reply>> ask(redis_command what) {
    result<> room = co_await wire_.writable();
    if (!room) co_return fail(std::move(room).error());
    result<> written = wire_.write(what);
    if (!written) co_return fail(std::move(written).error());
    co_return co_await reply();
  }

  task<result<>> subscribe(const char* command, std::string to) {
    const std::array<redis_argument, 2> arguments{redis_argument(command), redis_argument(to)};
    result<> room = co_await wire_.writable();
    if (!room) co_return room;
    result<> written = wire_.write(redis_command(arguments));
    if (!written) co_return written;
    for (;;) {
      result<redis_reply> pushed = co_await reply();
      if (!pushed) co_return fail(std::move(pushed).error());
      std::optional<redis_message> message = message_of(*pushed);
      if (!message && pushed->size() == 3 && (*pushed)[1].text() == to) co_return result<>();
      if (!message) continue;
      if (early_.size() == early_max) co_return fail(errc::limit_reached, "subscribe: early_max");
      early_.push_back(std::move(*message));
    }
  }

  task<result<redis_message>> next() {
    if (!early_.empty()) co_return early_.pop_front();
    for (;;) {
      result<redis_reply> pushed = co_await reply();
      if (!pushed) co_return fail(std::move(pushed).error());
      std::optional<redis_message> message = message_of(*pushed);
      if (message) co_return std::move(*message);
    }
  }

 private:
  task<result<redis_reply>> reply() {
    for (;;) {
      result<std::optional<redis_reply>> whole = wire_.next();
      if (!whole) co_return fail(std::move(whole).error().at(wire_.endpoint()));
      if (*whole && (*whole)->is_error()) co_return fail(wire_.refusal(**whole));
      if (*whole) co_return std::move(**whole);
      result<> arrived = co_await wire_.receive();
      if (!arrived) co_return fail(std::move(arrived).error());
    }
  }

  /// "message", channel, payload; "pmessage", pattern, channel, payload. Confirmations are neither.
  static std::optional<redis_message> message_of(const redis_reply& pushed) {
    if (pushed.size() == 3 && pushed[0].text() == "message")
      return redis_message(pushed[1].text(), pushed[2].text());
    if (pushed.size() == 4 && pushed[0].text() == "pmessage")
      return redis_message(pushed[2].text(), pushed[3].text());
    return {};
  }

  redis_wire wire_;
  ring<redis_message> early_;
};

redis_subscriber::redis_subscriber(std::unique_ptr<core> connected) noexcept : core_(std::move(connected)) {}
redis_subscriber::redis_subscriber(redis_subscriber&&) noexcept = default;
redis_subscriber& redis_subscriber::operator=(redis_subscriber&&) noexcept = default;
redis_subscriber::~redis_subscriber() = default;

task<result<redis_subscriber>> redis_subscriber::connect(redis_options options) {
  result<stream> connected = co_await stream::connect(options.at, options.socket);
  if (!connected) co_return fail(std::move(connected).error());
  auto made = std::make_unique<core>(std::move(*connected), options);
  if (!options.password.empty()) {
    const std::string user = options.user.empty() ? "default" : options.user;
    const std::array<redis_argument, 3> arguments{redis_argument("AUTH"), redis_argument(user),
                                                  redis_argument(options.password)};
    result<redis_reply> admitted = co_await made->ask(redis_command(arguments));
    if (!admitted) co_return fail(std::move(admitted).error());
  }
  co_return redis_subscriber(std::move(made));
}

task<result<>> redis_subscriber::subscribe(std::string channel) {
  return core_->subscribe("SUBSCRIBE", std::move(channel));
}
task<result<>> redis_subscriber::subscribe_pattern(std::string pattern) {
  return core_->subscribe("PSUBSCRIBE", std::move(pattern));
}
task<result<redis_message>> redis_subscriber::next() {
  return core_->next();
}

} // namespace weir
