#include <weir/async/operations.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/net/happy_eyeballs.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t failures_told_max = 8;

/// Which of several failures says most: that a family has no route here says least.
bool says_little(const error& why) noexcept {
  constexpr std::array unreachable{std::errc::network_unreachable, std::errc::address_family_not_supported,
                                   std::errc::address_not_available};
  return std::ranges::any_of(unreachable, [&](std::errc each) { return why == each; });
}

task<result<descriptor>> connect_socket(address to) {
  descriptor socket(calls().socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail(error::from_errno(errno, "socket"));
  result<> connected = co_await async_connect(socket.get(), to.raw(), to.raw_bytes());
  if (!connected) co_return fail(std::move(connected).error());
  co_return std::move(socket);
}

} // namespace

// --- order ---

void address_interleaver::add(const address& candidate) {
  const std::size_t family = candidate.family() == AF_INET6 ? 0 : 1;
  if (std::exchange(is_untouched_, false) && preference_ == preference::keep_order) turn_of_ = family;
  waiting_[family].push_back(address(candidate));
}

address address_interleaver::next() {
  assert(!empty());
  const std::size_t family = waiting_[turn_of_].empty() ? 1 - turn_of_ : turn_of_;
  address first = waiting_[family].pop_front();
  turn_of_ = 1 - family;
  return first;
}

// --- candidates ---

void connection_race::add(std::span<const address> found) {
  for (const address& each : found) candidates_.add(each);
  changed_.set();
}

void connection_race::no_more_come() noexcept {
  is_complete_ = true;
  changed_.set();
}

void connection_race::note(error why) {
  if (failures_.size() < failures_told_max)
    failures_.push_back(std::move(why));
  else
    ++failures_untold_;
}

task<result<>> connection_race::candidate_comes() {
  result<> waited;
  while (waited && candidates_.empty() && !is_complete_) {
    changed_.reset();
    waited = co_await changed_.wait();
  }
  co_return waited;
}

// --- the race ---

task<> connection_race::attempt(nursery& among, address to) {
  result<descriptor> connected = co_await connect_socket(to);
  if (connected && !winner_) {
    winner_ = std::move(*connected);
    among.cancel();
  } else if (!connected && !connected.error().is_cancelled()) {
    note(std::move(connected).error().at(to.to_string()));
    failed_.set();
  } else if (!connected && !winner_) {
    unanswered_.push_back(to);
  }
}

task<> connection_race::start_attempts(nursery& attempts) {
  for (;;) {
    result<> come = co_await candidate_comes();
    if (!come || candidates_.empty()) break;
    result<> spawned = co_await attempts.spawn(attempt(attempts, candidates_.next()));
    if (!spawned) break;
    failed_.reset(); // one that failed before made room, and no more
    auto until_one_fails = [this]() -> task<result<>> { co_return co_await failed_.wait(); };
    result<> waited = co_await with_deadline(options_.attempt_delay, until_one_fails());
    if (!waited && !waited.error().is_timeout()) break;
  }
}

task<result<stream>> connection_race::run() {
  deadline_scope limited(co_await current_cancellation(), options_.timeout);
  assert(options_.attempts_max > 0);
  auto body = [this](nursery& attempts) { return start_attempts(attempts); };
  result<> raced = co_await with_nursery(nursery_options(options_.attempts_max), body).under(&limited);
  if (winner_) co_return stream::adopt(std::move(*winner_), options_.stream);
  if (limited.has_expired()) co_return fail(summary(std::errc::timed_out));
  if (limited.is_requested()) co_return fail(std::errc::operation_canceled, "connect");
  co_return fail(summary(std::errc::destination_address_required));
}

/// "[::1]:80 (Connection refused), 10.0.0.1:80 (no answer)"
error connection_race::summary(std::errc why_incomplete) const {
  if (failures_.size() == 1 && why_incomplete != std::errc::timed_out) return failures_.front();
  std::string text;
  const auto tell = [&](std::string_view what, std::string_view outcome) {
    if (!text.empty()) text += ", ";
    text.append(what).append(" (").append(outcome).append(")");
  };
  for (const error& each : failures_) tell(each.endpoint(), each.code().message());
  for (const address& each : unanswered_) tell(each.to_string(), "no answer");
  if (failures_untold_ > 0) text += " and " + std::to_string(failures_untold_) + " more";

  std::error_code code = std::make_error_code(why_incomplete);
  if (why_incomplete != std::errc::timed_out && !failures_.empty()) {
    const auto telling = std::ranges::find_if_not(failures_, says_little);
    code = (telling == failures_.end() ? failures_.front() : *telling).code();
  }
  error whole(code, "connect");
  if (text.empty()) return whole;
  return std::move(whole).at(text);
}

task<result<stream>> connect_any(std::vector<address> to, connect_options options) {
  connection_race race(options, address_interleaver::preference::keep_order);
  race.add(to);
  race.no_more_come();
  co_return co_await race.run();
}

} // namespace weir
