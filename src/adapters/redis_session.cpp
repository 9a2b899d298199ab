#include "redis_session.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

namespace weir {
namespace {

template <class... Arguments>
redis_command redis_command_of(const Arguments&... arguments) {
  const std::array<redis_argument, sizeof...(arguments)> all{redis_argument(arguments)...};
  return redis_command(all);
}

} // namespace

redis_session::redis_session(stream connected, const redis_options& options)
    : seats_(std::max<std::size_t>(options.in_flight_max, 1)), turn_(1),
      wire_(std::move(connected), options) {}

redis_session::~redis_session() = default; // replies that are owed give their seats back before those go

task<result<>> redis_session::establish(const redis_options& options) {
  result<redis_reply> step;
  if (!options.password.empty()) {
    if (options.user.empty())
      step = co_await run(redis_command_of("AUTH", options.password));
    else
      step = co_await run(redis_command_of("AUTH", options.user, options.password));
  }
  if (step && options.database != 0) step = co_await run(redis_command_of("SELECT", options.database));
  if (!step) co_return fail(std::move(step).error());
  is_altered_ = false; // it is as it was asked for
  co_return result<>();
}

/// Whatever ends the wait, an exception too: nobody leads who has gone, and no reply is owed to one.
class redis_session::waiting {
 public:
  waiting(redis_session& in, call& mine) noexcept : session_(in), mine_(mine) {}
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;
  ~waiting() {
    lead(false);
    if (!mine_.answer) session_.give_up(mine_);
    session_.pass_lead();
  }

  void lead(bool now) noexcept {
    if (std::exchange(leads_, now) != now) session_.is_led_ = now;
  }

 private:
  redis_session& session_;
  call& mine_;
  bool leads_ = false;
};

task<result<redis_reply>> redis_session::run(redis_command what) {
  if (!what) co_return fail(std::errc::not_enough_memory, "command");
  if (what.effect_on_session() == redis_command::effect::streams)
    co_return fail(errc::invalid_argument, "command that is not answered by one reply");
  call mine;
  waiting here(*this, mine);
  result<> step = co_await send(what, mine);
  if (step) step = co_await await_answer(mine, here);
  if (!step) co_return fail(std::move(step).error());
  if (*mine.answer && (*mine.answer)->is_error()) co_return fail(wire_.refusal(**mine.answer));
  co_return std::move(*mine.answer);
}

// ---- Sending ----

task<result<>> redis_session::send(const redis_command& what, call& from) {
  result<semaphore::permit> seat = co_await seats_.acquire();
  if (!seat) co_return fail(std::move(seat).error());
  result<semaphore::permit> turn = co_await turn_.acquire(); // those who wait for room keep their order
  if (!turn) co_return fail(std::move(turn).error());
  if (failure_) co_return fail(*failure_);
  result<> room = co_await wire_.writable();
  if (!room) {
    if (!room.error().is_cancelled()) lose(room.error());
    co_return room;
  }
  if (failure_) co_return fail(*failure_); // it was lost meanwhile
  owed_.push_back(owed_reply(&from, std::move(*seat)));
  result<> written = wire_.write(what);
  if (!written) lose(written.error()); // a part may have gone, to which no reply belongs
  if (written) note(what.effect_on_session());
  co_return written;
}

void redis_session::note(redis_command::effect effect) noexcept {
  using enum redis_command::effect;
  if (effect == opens_transaction) is_in_transaction_ = true;
  if (effect == closes_transaction) is_in_transaction_ = is_watching_ = false;
  if (effect == watches) is_watching_ = true;
  if (effect == unwatches) is_watching_ = false;
  if (effect == alters_session) is_altered_ = true;
}

// ---- Receiving ----

task<result<>> redis_session::await_answer(call& mine, waiting& here) {
  result<> step;
  while (step && !mine.answer) {
    if (is_led_) {
      step = co_await mine.changed.wait();
      continue;
    }
    here.lead(true);
    step = co_await receive();
    here.lead(false);
  }
  if (mine.answer) co_return result<>(); // also when a cancellation came with it
  co_return step;
}

/// Fails only when cancelled: a connection that is lost is an answer to all. So is one whose replies there is
/// no memory for.
task<result<>> redis_session::receive() {
  result<> arrived;
  try {
    arrived = co_await receive_some();
  } catch (const std::bad_alloc&) {
    arrived = fail(std::errc::not_enough_memory, "command");
  }
  if (!arrived && arrived.error().is_cancelled()) co_return arrived;
  if (!arrived) lose(arrived.error());
  co_return result<>();
}

task<result<>> redis_session::receive_some() {
  result<> arrived = co_await wire_.receive();
  while (arrived) {
    result<std::optional<redis_reply>> reply = wire_.next();
    if (reply && !*reply) co_return result<>();
    if (reply && owed_.empty()) reply = fail(errc::protocol, "command: a reply to nothing");
    if (reply)
      deliver(std::move(**reply));
    else
      arrived = fail(std::move(reply).error().at(wire_.endpoint()));
  }
  co_return arrived;
}

void redis_session::deliver(redis_reply&& reply) {
  owed_reply oldest = owed_.pop_front();
  if (!oldest.to) return;
  oldest.to->answer.emplace(std::move(reply));
  oldest.to->changed.set();
}

void redis_session::give_up(call& mine) noexcept {
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (owed_[i].to == &mine) owed_[i].to = nullptr;
  }
}

void redis_session::pass_lead() noexcept {
  if (is_led_) return;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (owed_[i].to) return owed_[i].to->changed.set();
  }
}

void redis_session::lose(const error& why) {
  if (!failure_) failure_ = why;
  while (!owed_.empty()) {
    owed_reply oldest = owed_.pop_front();
    if (!oldest.to) continue;
    oldest.to->answer.emplace(fail(why));
    oldest.to->changed.set();
  }
}

// ---- Between two users ----

connection_state redis_session::state() const noexcept {
  if (failure_ || is_altered_ || wire_.has_gone()) return connection_state::broken;
  const bool is_clean = owed_.empty() && !is_in_transaction_ && !is_watching_;
  return is_clean ? connection_state::ready : connection_state::dirty;
}

task<result<>> redis_session::recover() {
  result<redis_reply> step;
  if (is_in_transaction_) step = co_await run(redis_command_of("DISCARD"));
  if (step && is_watching_) step = co_await run(redis_command_of("UNWATCH"));
  if (step && !owed_.empty()) step = co_await run(redis_command_of("PING")); // answered behind all others
  if (!step) co_return fail(std::move(step).error());
  co_return result<>();
}

} // namespace weir
