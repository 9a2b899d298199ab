#include <weir/zmtp/command.hpp>
#include <weir/zmtp/session.hpp>

#include <algorithm>

namespace weir::zmtp {
namespace {

using std::chrono::milliseconds;

milliseconds silence_max_of(const socket_options& options) {
  if (options.heartbeat_interval.count() == 0) return milliseconds{0};
  return options.heartbeat_timeout.count() != 0 ? options.heartbeat_timeout : options.heartbeat_interval;
}

} // namespace

session::session(session_owner& owner, stream& connection, pipe& peer, const socket_options& options) noexcept
    : owner_(owner), connection_(connection), pipe_(peer), options_(options),
      credit_bytes_(options.stream.credit_bytes.value_or(loop::current()->options().stream_credit_bytes)),
      silence_max_(silence_max_of(options)),
      ping_timer_(*this, [](timer& self) noexcept { static_cast<own_timer&>(self).owner.send_ping(); }),
      silence_timer_(*this, [](timer& self) noexcept { static_cast<own_timer&>(self).owner.fell_silent(); }) {
}

task<error> session::run(lease first) {
  cancellation silence(co_await current_cancellation());
  silence_scope_ = &silence;
  heard();
  if (options_.heartbeat_interval.count() != 0) arm(ping_timer_, options_.heartbeat_interval);
  error why = co_await receive_until_end(std::move(first)).under(&silence);
  if (fell_silent_) why = error(std::errc::timed_out, "heartbeat");
  co_return why;
}

task<error> session::receive_until_end(lease first) {
  lease chunk = std::move(first);
  for (;;) {
    result<> taken = take_chunk(std::move(chunk));
    if (!taken) co_return std::move(taken).error();
    if (pipe_.in.large_body_missing() != 0) {
      result<> whole = co_await receive_large_body();
      if (!whole) co_return std::move(whole).error();
    }
    if (pipe_.in.has_message()) owner_.messages_arrived(pipe_);
    if (must_wait()) {
      result<> room = co_await wait_for_room();
      if (!room) co_return std::move(room).error();
    }
    result<lease> next = co_await connection_.read();
    if (!next) co_return std::move(next).error();
    if (next->empty()) co_return error(errc::end_of_stream, "disconnected");
    heard();
    chunk = std::move(*next);
  }
}

result<> session::take_chunk(lease chunk) {
  std::span<const std::byte> rest = chunk;
  while (!rest.empty()) {
    const result<scan_event> event = pipe_.in.scanner().scan(rest);
    if (!event) return fail(event.error());
    if (*event != scan_event::command) continue;
    result<> obeyed = obey(pipe_.in.scanner().command());
    if (!obeyed) return obeyed;
  }
  if (!chunk.empty()) pipe_.in.push(std::move(chunk));
  return {};
}

task<result<>> session::receive_large_body() {
  std::span<std::byte> missing = pipe_.in.open_large_body();
  const transfer received = co_await connection_.read_exactly(missing);
  if (!received) co_return fail(received.error());
  std::span<const std::byte> body = missing;
  const result<scan_event> walked = pipe_.in.scanner().scan(body);
  if (!walked) co_return fail(walked.error());
  pipe_.in.close_large_body();
  co_return result<>{};
}

result<> session::obey(std::span<const std::byte> command_body) {
  const result<command> parsed = parse_command(command_body);
  if (!parsed) return fail(parsed.error());
  if (parsed->kind == command_kind::error)
    return fail(errc::protocol, "the peer ended the connection with ERROR");
  if (parsed->kind != command_kind::ping) return {};
  const result<ping_command> ping = parse_ping(parsed->data);
  if (!ping) return fail(ping.error());
  if (ping->ttl_deciseconds != 0) silence_max_ = milliseconds(100) * ping->ttl_deciseconds;
  pipe_.out.push_command(make_pong(ping->context).bytes());
  return {};
}

// --- backpressure ---

bool session::must_wait() const noexcept {
  const bool too_many = options_.receive_hwm != 0 && pipe_.in.messages() >= options_.receive_hwm;
  const bool too_large = pipe_.in.has_message() && pipe_.in.pinned_bytes() >= credit_bytes_;
  return too_many || too_large || !connection_.is_writable();
}

task<result<>> session::wait_for_room() {
  result<> outcome;
  while (outcome && must_wait()) {
    if (!connection_.is_writable()) {
      outcome = co_await connection_.writable();
      continue;
    }
    silence_timer_.unlink(); // it is us who do not listen
    pipe_.waits_for_room = true;
    pipe_.room.reset();
    outcome = co_await pipe_.room.wait();
    pipe_.waits_for_room = false;
  }
  heard();
  co_return outcome;
}

// --- heartbeat ---

void session::arm(timer& which, milliseconds after) noexcept {
  loop& home = *loop::current();
  home.arm(which, home.now_ns() + static_cast<std::uint64_t>(std::chrono::nanoseconds(after).count()));
}

void session::heard() noexcept {
  if (silence_max_.count() != 0) arm(silence_timer_, silence_max_);
}

void session::send_ping() noexcept {
  const auto ttl =
      static_cast<std::uint16_t>(std::min<std::int64_t>(options_.heartbeat_ttl.count() / 100, 0xffff));
  if (connection_.is_writable()) pipe_.out.push_command(make_ping(ttl).bytes());
  arm(ping_timer_, options_.heartbeat_interval);
}

void session::fell_silent() noexcept {
  fell_silent_ = true;
  silence_scope_->request();
}

} // namespace weir::zmtp
