#include "stream_core.hpp"

#include <weir/async/operations.hpp>
#include <weir/async/shield.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/stream.hpp>

#include <algorithm>
#include <cerrno>

namespace weir {
namespace {

/// From this many missing bytes on, a read leaves the pool aside and goes straight to its destination: below
/// it, stopping the pending receive costs more than the copy.
constexpr std::size_t direct_read_min_bytes = std::size_t{256} << 10;

} // namespace

void stream::abandon::operator()(core* orphan) const noexcept {
  orphan->abandon();
}

// --- making ---

result<stream> stream::adopt(descriptor socket, const stream_options& options) {
  loop* home = loop::current();
  if (!home) return fail(errc::invalid_argument, "stream::adopt outside of a loop");
  auto local = address::local_of(socket.get());
  if (!local) return fail(std::move(local).error());
  if (auto applied = apply(options, socket.get(), *local); !applied) return fail(std::move(applied).error());
  stream made(new core(*home, std::move(socket), options));
  made.core_->start_receiving();
  return made;
}

task<result<stream>> stream::connect(address to, stream_options options) {
  descriptor socket(calls().socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail(error::from_errno(errno, "socket"));
  auto connected = co_await async_connect(socket.get(), to.raw(), to.raw_bytes());
  if (!connected) co_return fail(std::move(connected).error().at(to.to_string()));
  co_return adopt(std::move(socket), options);
}

// --- reading ---

std::optional<lease> stream::try_read() noexcept {
  if (core_->unread.empty()) return std::nullopt;
  lease oldest = core_->unread.pop();
  core_->bytes_taken();
  return oldest;
}

stream::arrival_awaiter stream::next_arrival() noexcept {
  return core_->next_arrival();
}

bool stream::has_arrived() const noexcept {
  return !core_->unread.empty();
}

bool stream::has_ended() const noexcept {
  return core_->unread.empty() && core_->has_ended();
}

std::optional<error> stream::read_error() const noexcept {
  if (!core_->unread.empty() || !core_->has_read_error()) return std::nullopt;
  return core_->read_error();
}

// An idle connection waits in one of these two: each is one frame, and calls no task that would be another.

task<result<lease>> stream::read() {
  core& self = *core_;
  while (self.must_wait_for_bytes()) {
    const bool woken = co_await self.next_arrival();
    if (!woken) co_return fail(std::errc::operation_canceled, "read");
  }
  if (self.unread.empty() && self.has_read_error()) co_return fail(self.read_error());
  co_return try_read().value_or(lease{});
}

task<result<std::size_t>> stream::read_some(std::span<std::byte> into) {
  core& self = *core_;
  while (self.must_wait_for_bytes()) {
    const bool woken = co_await self.next_arrival();
    if (!woken) co_return fail(std::errc::operation_canceled, "read");
  }
  if (self.unread.empty() && self.has_read_error()) co_return fail(self.read_error());
  const std::size_t count = self.unread.copy_out(into);
  self.bytes_taken();
  co_return count;
}

task<transfer> stream::read_exactly(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const std::span<std::byte> rest = into.subspan(done);
    const bool direct = rest.size() >= direct_read_min_bytes && core_->unread.empty();
    result<std::size_t> count{std::size_t{0}};
    if (direct) {
      count = co_await read_direct(rest);
    } else {
      count = co_await read_some(rest);
    }
    if (!count) co_return transfer(done, std::move(count).error());
    if (*count == 0) co_return transfer(done, error(errc::end_of_stream, "read_exactly"));
    done += *count;
  }
  co_return transfer(done);
}

/// Stops the pending receive, takes what it still brought, and if that was nothing receives into the caller's
/// memory.
task<result<std::size_t>> stream::read_direct(std::span<std::byte> into) {
  core& self = *core_;
  co_await shield(self.receiving_suspended());
  result<std::size_t> count{self.unread.copy_out(into)};
  if (*count == 0 && !self.has_ended()) {
    auto received = co_await async_receive(self.descriptor_number(), into, true);
    if (!received) {
      if (!received.error().is_cancelled()) self.reading_failed(received.error());
      count = fail(std::move(received).error());
    } else {
      count = static_cast<std::size_t>(*received);
      if (*count == 0) self.end_of_file_seen();
      if (self.has_read_error()) count = fail(self.read_error());
    }
  } else if (*count == 0 && self.has_read_error()) {
    count = fail(self.read_error());
  }
  self.resume_receiving();
  co_return count;
}

// --- writing ---

outbound& stream::output() {
  return core_->lasting_unsent();
}

void stream::output_written() noexcept {
  core_->schedule_send();
}

bool stream::is_writable() const noexcept {
  return !core_->is_full();
}

std::uint64_t stream::bytes_sent() const noexcept {
  return core_->sent_bytes();
}

std::optional<error> stream::write_error() const noexcept {
  if (!core_->has_write_error()) return std::nullopt;
  return core_->write_error();
}

void stream::on_bytes_sent(void (*notify)(void*) noexcept, void* context) noexcept {
  core_->on_bytes_sent(notify, context);
}

task<result<void>> stream::writable() {
  core& self = *core_;
  bool must_wait = self.is_full();
  if (must_wait) ++self.home().counters().writes_waited;
  while (must_wait && !self.has_write_error()) {
    self.sent.reset();
    result<void> woken = co_await self.sent.wait();
    if (!woken) co_return fail(std::move(woken).error());
    must_wait = !self.is_drained();
  }
  if (self.has_write_error()) co_return fail(self.write_error());
  co_return result<void>{};
}

task<result<std::size_t>> stream::write(std::span<const std::byte> bytes) {
  result<void> ready = co_await writable();
  if (!ready) co_return fail(std::move(ready).error());
  const std::size_t count = std::min(bytes.size(), core_->room_bytes());
  core_->unsent().append_copy(bytes.first(count));
  core_->schedule_send();
  co_return count;
}

task<result<void>> stream::write(lease bytes) {
  result<void> ready = co_await writable();
  if (!ready) co_return fail(std::move(ready).error());
  core_->unsent().append(std::move(bytes));
  core_->schedule_send();
  co_return result<void>{};
}

task<transfer> stream::write_all(std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    result<std::size_t> count = co_await write(bytes.subspan(done));
    if (!count) co_return transfer(done, std::move(count).error());
    done += *count;
  }
  co_return transfer(done);
}

task<result<void>> stream::flush() {
  core& self = *core_;
  while (self.unsent_bytes() != 0 && !self.has_write_error()) {
    self.sent.reset();
    result<void> woken = co_await self.sent.wait();
    if (!woken) co_return fail(std::move(woken).error());
  }
  if (self.has_write_error()) co_return fail(self.write_error());
  co_return result<void>{};
}

// --- ending ---

task<result<void>> stream::shutdown() {
  result<void> flushed = co_await flush();
  if (!flushed) co_return flushed;
  auto done = co_await async_shutdown(core_->descriptor_number(), SHUT_WR);
  if (!done) co_return fail(std::move(done).error());
  co_return result<void>{};
}

task<result<void>> stream::close() {
  task<> closing = core::closed(core_.get(), nullptr); // made first: without memory the stream stays whole
  result<void> flushed = co_await flush();
  core_.release();
  co_await shield(std::move(closing));
  co_return flushed;
}

task<> stream::abort(outbound& unsent) {
  task<> closing = core::closed(core_.get(), &unsent);
  core_.release();
  co_await shield(std::move(closing));
}

result<address> stream::local_address() const {
  return address::local_of(core_->descriptor_number());
}

result<address> stream::remote_address() const {
  return address::remote_of(core_->descriptor_number());
}

int stream::native_handle() const noexcept {
  return core_->descriptor_number();
}

} // namespace weir
