#include <weir/async/step_back.hpp>
#include <weir/zmtp/command.hpp>
#include <weir/zmtp/session.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace weir::zmtp {
namespace {

using std::chrono::milliseconds;

/// The silence timer must hear of bytes on a slow line long before a large body is whole.
constexpr std::size_t timed_piece_bytes = std::size_t{256} << 10;

milliseconds answer_max_of(const socket_options& options) {
  return options.heartbeat_timeout.count() != 0 ? options.heartbeat_timeout : options.heartbeat_interval;
}

} // namespace

session::session(session_owner& owner, stream& connection, pipe& peer, const socket_options& options) noexcept
    : owner_(owner), connection_(connection), pipe_(peer), options_(options),
      credit_bytes_(options.stream.credit_bytes.value_or(loop::current()->options().stream_credit_bytes)),
      answer_max_(answer_max_of(options)),
      ping_timer_(*this, [](timer& self) noexcept { static_cast<own_timer&>(self).owner.send_ping(); }),
      silence_timer_(*this, [](timer& self) noexcept { static_cast<own_timer&>(self).owner.fell_silent(); }) {
}

task<error> session::run(lease first) {
  cancellation silence(co_await current_cancellation());
  silence_scope_ = &silence;
  if (options_.heartbeat_interval.count() != 0) arm(ping_timer_, options_.heartbeat_interval);
  error why(std::errc::not_enough_memory, "receive");
  try {
    why = co_await receive_until_end(std::move(first)).under(&silence);
  } catch (const std::bad_alloc&) { // is what `why` says
  }
  ping_timer_.unlink();
  silence_timer_.unlink();
  if (fell_silent_) why = error(std::errc::timed_out, "heartbeat");
  co_return why;
}

task<error> session::receive_until_end(lease first) {
  lease chunk = std::move(first);
  for (;;) {
    result<> taken = take_chunk(std::move(chunk));
    const bool has_woken = announce();
    if (!taken) co_return std::move(taken).error();
    if (has_woken) co_await step_back(); // to those who use the chunk while it is in the cache
    if (pipe_.in.large_body_missing() != 0) {
      result<> whole = co_await receive_large_body();
      if (!whole) co_return std::move(whole).error();
      announce();
    }
    if (must_wait()) {
      result<> room = co_await wait_for_room();
      if (!room) co_return std::move(room).error();
    }
    while (!take_arrived(chunk)) {
      if (connection_.has_ended()) co_return reason_of_end();
      const bool woken = co_await connection_.next_arrival();
      if (!woken) co_return error(std::errc::operation_canceled, "read");
    }
    heard();
  }
}

bool session::take_arrived(lease& into) noexcept {
  std::optional<lease> arrived = connection_.try_read();
  if (arrived) into = std::move(*arrived);
  return arrived.has_value();
}

error session::reason_of_end() const {
  return connection_.read_error().value_or(error(errc::end_of_stream, "disconnected"));
}

/// Whole messages wait neither for what is behind them nor for its fate. True when somebody was woken.
bool session::announce() noexcept {
  return pipe_.in.has_message() && owner_.messages_arrived(pipe_);
}

/// A chunk is kept also when it breaks a rule: the whole messages in front of that are good.
result<> session::take_chunk(lease chunk) {
  if (chunk.empty()) return {};
  const std::span<const std::byte> bytes = chunk;
  pipe_.in.push(std::move(chunk));
  result<> walked = walk(bytes);
  if (walked) free_memory();
  return walked;
}

result<> session::walk(std::span<const std::byte> chunk) {
  frame_scanner& scanner = pipe_.in.scanner();
  while (!chunk.empty()) {
    const result<scan_event> event = scanner.scan(chunk);
    if (!event) return fail(event.error());
    if (*event != scan_event::command) continue;
    if (result<> bounded = count_command(scanner); !bounded) return bounded;
    result<> obeyed = obey(scanner.command());
    if (!obeyed) return obeyed;
  }
  return {};
}

/// Commands between messages go at once; those within one are kept until it is whole, so they need a bound.
result<> session::count_command(const frame_scanner& scanner) noexcept {
  const std::uint64_t message = scanner.messages_completed();
  if (scanner.at_boundary() || std::exchange(commanded_message_, message) != message) command_bytes_ = 0;
  if (!scanner.at_boundary()) command_bytes_ += scanner.command().size();
  if (command_bytes_ > credit_bytes_) return fail(errc::limit_reached, "commands within a message");
  return {};
}

void session::free_memory() {
  incoming& in = pipe_.in;
  if (in.has_message()) return;
  if (in.scanner().at_boundary()) return in.clear(); // there were commands only
  if (in.pinned_bytes() >= credit_bytes_ || incoming::is_short(loop::current()->buffers())) in.unpin_newest();
}

task<result<>> session::receive_large_body() {
  const std::span<std::byte> missing = pipe_.in.open_large_body();
  const bool is_timed = options_.heartbeat_interval.count() != 0 || time_to_live_.count() != 0;
  const std::size_t piece_max_bytes = is_timed ? timed_piece_bytes : missing.size();
  std::size_t done = 0;
  while (done < missing.size()) {
    const std::size_t piece_bytes = std::min(piece_max_bytes, missing.size() - done);
    const transfer received = co_await connection_.read_exactly(missing.subspan(done, piece_bytes));
    if (!received) co_return fail(received.error());
    heard();
    done += piece_bytes;
  }
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
  if (ping->ttl_deciseconds != 0) {
    time_to_live_ = milliseconds(100) * ping->ttl_deciseconds;
    heard();
  }
  if (connection_.is_writable()) pipe_.out.push_command(make_pong(ping->context).bytes());
  return {};
}

// --- backpressure ---

bool session::must_wait() const noexcept {
  const bool too_many = options_.receive_hwm != 0 && pipe_.in.messages() >= options_.receive_hwm;
  const bool too_large = pipe_.in.has_message() && pipe_.in.pinned_bytes() >= credit_bytes_;
  return too_many || too_large;
}

task<result<>> session::wait_for_room() {
  result<> outcome;
  silence_timer_.unlink(); // it is us who do not listen
  pipe_.waits_for_room = true;
  pipe_.few_messages = options_.receive_hwm / 2;
  pipe_.in.close_short_way(); // it was opened without knowing that
  while (outcome && must_wait()) {
    pipe_.room.reset();
    outcome = co_await pipe_.room.wait();
  }
  pipe_.waits_for_room = false;
  pipe_.few_messages = 0;
  heard();
  co_return outcome;
}

// --- heartbeat ---

void session::arm(timer& which, milliseconds after) noexcept {
  loop& home = *loop::current();
  home.arm(which, home.now_ns() + static_cast<std::uint64_t>(std::chrono::nanoseconds(after).count()));
}

void session::heard() noexcept {
  silent_turns_ = 0;
  if (time_to_live_.count() != 0)
    arm(silence_timer_, time_to_live_);
  else
    silence_timer_.unlink();
}

void session::send_ping() noexcept {
  arm(ping_timer_, options_.heartbeat_interval);
  if (!connection_.is_writable()) return expect_progress();
  const auto ttl =
      static_cast<std::uint16_t>(std::min<std::int64_t>(options_.heartbeat_ttl.count() / 100, 0xffff));
  pipe_.out.push_command(make_ping(ttl).bytes());
  if (!pipe_.waits_for_room) expect_answer();
}

/// There is no room for a PING. Then the peer lives if it takes what stands before it.
void session::expect_progress() noexcept {
  const std::uint64_t sent = connection_.bytes_sent();
  if (std::exchange(sent_when_full_, sent) != sent) return heard();
  if (!pipe_.waits_for_room) expect_answer();
}

/// From the first PING on that is not answered.
void session::expect_answer() noexcept {
  const std::uint64_t answer_max_ns =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(answer_max_).count());
  const std::uint64_t deadline_ns = loop::current()->now_ns() + answer_max_ns;
  if (!silence_timer_.is_armed() || silence_timer_.deadline_ns() > deadline_ns)
    arm(silence_timer_, answer_max_);
}

/// After a time in which nothing ran (a busy loop, a machine that was stopped) what the peer said meanwhile
/// is still in the kernel: one turn takes it out, the next delivers it.
void session::fell_silent() noexcept {
  constexpr int turns_to_deliver = 2;
  if (silent_turns_++ < turns_to_deliver) return arm(silence_timer_, milliseconds(0));
  fell_silent_ = true;
  silence_scope_->request();
}

} // namespace weir::zmtp
