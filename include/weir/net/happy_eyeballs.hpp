// Happy eyeballs (RFC 8305): connects to whichever of several addresses answers first, so that a broken path
// of one family costs a quarter of a second and not a time-out:
//
//   result<stream> server = co_await connect_any(addresses);
//
// Addresses are tried family by family in turn, each family in the order in which it came. The next attempt
// starts when `attempt_delay` has passed since the last one started, or at once when one has failed. The
// first that connects wins; the others are cancelled, awaited and closed before the winner is handed out.
//
// Errors: one that names every address that was tried and what became of it (of more than eight failures the
// first, and how many besides), with the code of the failure that says most;
// std::errc::timed_out when `timeout` came first. Cancel-safety: cancelled, all attempts end and no
// descriptor is left; a success that races with the cancellation is delivered. Bound: `attempts_max` at once;
// further ones wait until one has failed. Thread rule: the loop's thread. Names: connect_host
// (resolver_connect.hpp).
#pragma once

#include <weir/async/event.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/base/ring.hpp>
#include <weir/net/address.hpp>
#include <weir/net/stream.hpp>
#include <weir/net/stream_options.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir {

struct connect_options {
  connect_options() noexcept {}

  std::chrono::nanoseconds attempt_delay = std::chrono::milliseconds(250); ///< RFC 8305, section 5
  std::chrono::nanoseconds resolution_delay =
      std::chrono::milliseconds(50);                           ///< section 3: A came, AAAA not yet
  std::chrono::nanoseconds timeout = std::chrono::seconds(30); ///< of everything together
  std::size_t attempts_max = 8;                                ///< under way at once; at least 1
  stream_options stream;                                       ///< of the winner
};

/// The order of attempts: the families in turn, what is preferred first.
class address_interleaver {
 public:
  /// Preferred is IPv6, or the family of the first address where `keep_order` says so.
  enum class preference : bool { ipv6, keep_order };
  explicit address_interleaver(preference which = preference::ipv6) noexcept : preference_(which) {}

  void add(const address& candidate);
  /// Precondition: not empty.
  address next();
  bool empty() const noexcept { return waiting_[0].empty() && waiting_[1].empty(); }

 private:
  preference preference_;
  std::array<ring<address>, 2> waiting_; ///< IPv6, and all others
  std::size_t turn_of_ = 0;
  bool is_untouched_ = true;
};

/// A race whose candidates may come one after the other. `run` once, and `add` until `no_more_come`.
class connection_race {
 public:
  connection_race(const connect_options& options, address_interleaver::preference order) noexcept
      : options_(options), candidates_(order) {}

  void add(std::span<const address> found);
  void no_more_come() noexcept;
  /// Ends with the first connection, or when all have failed and no more come.
  task<result<stream>> run();

 private:
  task<> start_attempts(nursery& attempts);
  task<result<>> candidate_comes();
  task<> attempt(nursery& among, address to);
  void note(error why);
  error summary(std::errc why_incomplete) const;

  connect_options options_;
  address_interleaver candidates_;
  event changed_{event_reset::manual}; ///< a candidate came, or none will come any more
  event failed_{event_reset::automatic};
  std::optional<descriptor> winner_;
  std::vector<error> failures_;
  std::vector<address> unanswered_; ///< cancelled before they ended
  std::size_t failures_untold_ = 0; ///< beyond what a person reads
  bool is_complete_ = false;
};

/// Tries `to` in the order given, families in turn, that of the first address first.
task<result<stream>> connect_any(std::vector<address> to, connect_options options = connect_options());

} // namespace weir
