#include "redis_session.hpp"

#include <weir/adapters/redis_connection.hpp>

#include <utility>

namespace weir {

redis_connection::redis_connection(std::unique_ptr<redis_session> established) noexcept
    : session_(std::move(established)) {}
redis_connection::redis_connection(redis_connection&&) noexcept = default;
redis_connection& redis_connection::operator=(redis_connection&&) noexcept = default;
redis_connection::~redis_connection() = default;

task<result<redis_connection>> redis_connection::connect(redis_options options) {
  result<stream> connected = co_await stream::connect(options.at, options.socket);
  if (!connected) co_return fail(std::move(connected).error());
  auto session = std::make_unique<redis_session>(std::move(*connected), options);
  result<> established = co_await session->establish(options);
  if (!established) co_return fail(std::move(established).error());
  co_return redis_connection(std::move(session));
}

// None of these is a coroutine of the object itself, which may be moved meanwhile.

task<result<redis_reply>> redis_connection::run(redis_command what) {
  return session_->run(std::move(what));
}

task<result<>> redis_connection::recover() {
  return session_->recover();
}

connection_state redis_connection::state() noexcept {
  return session_->state();
}

std::size_t redis_connection::in_flight() const noexcept {
  return session_->in_flight();
}

} // namespace weir
