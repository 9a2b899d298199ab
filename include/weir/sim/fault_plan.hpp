// fault_plan: which misfortunes a seed brings, and how often. Swarm testing (A. Groce et al., "Swarm
// Testing", 2012): a seed leaves about half of all kinds out altogether and draws a magnitude for each of the
// others, so that rare kinds are not always drowned by frequent ones, and no kind is always there.
//
// Every kind draws from a stream of its own: taking a kind away does not change when others come, which is
// what shrinking a failure needs. Thread rule: one thread. Bound: a few KiB, no allocation.
#pragma once

#include <weir/sim/fault.hpp>
#include <weir/sim/random.hpp>
#include <weir/sim/trace.hpp>

#include <array>
#include <cstdint>
#include <limits>

namespace weir::sim {

class fault_plan {
 public:
  using counts_type = std::array<std::uint64_t, fault_count>;

  /// Draws the plan of a seed. `log` outlives it.
  fault_plan(const random_source& random, trace& log) noexcept;

  /// Whether it happens now; if so, it is counted and traced.
  bool happens(fault kind, std::uint32_t host = 0, std::uint64_t subject = 0) noexcept;
  /// For how much, how long, or which: from the kind's own stream.
  random_source& amounts(fault kind) noexcept { return streams_[index_of(kind)]; }

  std::uint32_t per_million(fault kind) const noexcept { return per_million_[index_of(kind)]; }
  void set(fault kind, std::uint32_t per_million) noexcept { per_million_[index_of(kind)] = per_million; }

  /// The other kinds no longer happen.
  void limit_to(const fault_set& kinds) noexcept;
  /// Of all questions about these kinds only the one numbered `question`, from 0, is answered by yes: for
  /// those who try every place of a run in turn.
  void only_at(std::uint64_t question, const fault_set& kinds) noexcept;
  /// Every question about these kinds is for `whom` to answer; the other kinds no longer happen.
  void ask(random_source::chooser& whom, const fault_set& kinds) noexcept;
  /// Questions so far about what `only_at` names.
  std::uint64_t questions() const noexcept { return questions_; }
  /// After so many, of all kinds together, nothing happens any more.
  void events_max(std::uint64_t count) noexcept { events_max_ = count; }

  /// Nothing happens from now on: the liveness phase.
  void stop() noexcept { stopped_ = true; }
  bool is_stopped() const noexcept { return stopped_; }

  /// How often each really happened.
  const counts_type& counts() const noexcept { return counts_; }
  std::uint64_t count(fault kind) const noexcept { return counts_[index_of(kind)]; }
  /// Of all kinds together.
  std::uint64_t events() const noexcept { return events_; }

 private:
  static constexpr std::size_t index_of(fault kind) noexcept { return static_cast<std::size_t>(kind); }
  bool draws(fault kind) noexcept;

  std::array<random_source, fault_count> streams_;
  std::array<std::uint32_t, fault_count> per_million_{};
  counts_type counts_{};
  std::uint64_t events_ = 0;
  std::uint64_t events_max_ = std::numeric_limits<std::uint64_t>::max();
  fault_set systematic_; ///< of `only_at`
  std::uint64_t questions_ = 0;
  std::uint64_t yes_at_ = 0;
  bool is_systematic_ = false;
  trace& log_;
  bool stopped_ = false;
};

} // namespace weir::sim
