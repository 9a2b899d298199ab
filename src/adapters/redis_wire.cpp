#include "redis_wire.hpp"

#include <weir/adapters/redis_error.hpp>

#include <poll.h>

#include <new>
#include <utility>

namespace weir {

redis_wire::redis_wire(stream connected, const redis_options& options)
    : stream_(std::move(connected)), reader_(options.reply_bytes_max), endpoint_(options.at.to_string()) {}

task<result<>> redis_wire::writable() {
  result<> room = co_await stream_.writable();
  if (!room && !room.error().is_cancelled()) co_return fail(lost(std::move(room).error()));
  co_return room;
}

result<> redis_wire::write(const redis_command& what) noexcept {
  if (!what) return fail(std::errc::not_enough_memory, "command");
  try {
    stream_.output().append_copy(what.bytes());
  } catch (const std::bad_alloc&) {
    return fail(std::errc::not_enough_memory, "command");
  }
  stream_.output_written();
  return {};
}

task<result<>> redis_wire::receive() {
  result<lease> arrived = co_await stream_.read();
  if (!arrived && arrived.error().is_cancelled()) co_return fail(std::move(arrived).error());
  if (!arrived) co_return fail(lost(std::move(arrived).error()));
  if (arrived->empty()) co_return fail(lost(error(std::errc::connection_reset, "command")));
  result<> fed = reader_.feed(*arrived);
  if (!fed) co_return fail(std::move(fed).error().at(endpoint_));
  co_return fed;
}

bool redis_wire::has_gone() const noexcept {
  pollfd look{stream_.native_handle(), POLLRDHUP, 0};
  return ::poll(&look, 1, 0) != 0; // hung up, or failed: nothing else was asked for
}

error redis_wire::refusal(const redis_reply& answer) const {
  return error(redis_errc_of(answer.text()), "command").at(endpoint_ + ": " + answer.text());
}

error redis_wire::lost(error why) const {
  if (why == std::errc::broken_pipe)
    why = error(std::errc::connection_reset, "command"); // the same, seen later
  return error(why.code(), "command").at(endpoint_ + ": the connection is lost");
}

} // namespace weir
