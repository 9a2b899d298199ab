// What the reactive_proactor knows of each descriptor, found by number: who waits on it and what is watched.
//
// Memory: pages of states, allocated when the first number of a page is used and kept: states never move, and
// a loop in steady state allocates nothing.
#pragma once

#include <weir/io/reactive_proactor.hpp>

#include <array>
#include <memory>
#include <vector>

namespace weir {

struct reactive_proactor::descriptor_state {
  operation_queue readers; ///< receives and accepts
  operation_queue writers; ///< sends and connects
  operation_queue polls;

  descriptor_state* next_changed = nullptr;
  descriptor_state* next_starved = nullptr;
  int number = -1;
  std::uint32_t idle_since_wait = 0;   ///< number of the wait in which the last operation left
  readiness watched = readiness::none; ///< what the reactor was told last
  readiness polled = readiness::none;  ///< what `polls` wait for
  std::uint8_t burst_slots = 1;        ///< how many slots the next read offers
  bool is_on_changed_list : 1 = false;
  bool is_on_starved_list : 1 = false;
  bool must_trim : 1 = false;     ///< more is watched than wanted, and it costs wake-ups
  bool is_suspect : 1 = false;    ///< the number may be another file than the one that is watched
  bool is_congested : 1 = false;  ///< the last write filled the socket: the next one waits for room
  bool may_hold_more : 1 = false; ///< the last read was full

  // Of `hand_over`.
  bool is_settled : 1 = false; ///< whether the kernel takes operations is known, while any is in line
  bool is_ours : 1 = false;    ///< it takes them
  void* reading = nullptr;     ///< the request that carries the first reader
  void* writing = nullptr;     ///< the first writer

  /// Of the first in line, that it waits for readiness.
  static bool awaits_readiness(operation& first) noexcept {
    return (flags_of(first) & (flag_starved | flag_carried)) == 0;
  }
  bool is_idle() const noexcept { return readers.empty() && writers.empty() && polls.empty(); }

  /// What has to be watched for those who wait.
  readiness wanted() const noexcept;

  /// The number was given to a new file, of which nothing is known. Precondition: is_idle().
  void forget() noexcept;

  /// After a poll has left.
  void refresh_polled() noexcept;
};

/// Of the events of poll(2), those that have to be watched to learn of them.
readiness readiness_of_poll(std::uint32_t events) noexcept;
/// The other way round, without POLLRDHUP, which no readiness tells from POLLHUP.
std::uint32_t poll_events_of(readiness ready) noexcept;

class reactive_proactor::descriptor_table {
 public:
  explicit descriptor_table(loop_counters& counters) noexcept : counters_(counters) {}

  /// The state of that descriptor; null when nothing was ever started on it or its neighbours.
  descriptor_state* find(int descriptor) noexcept;

  /// The same, made where there is none. On failure null and -EBADF or -ENOMEM in `error`.
  descriptor_state* find_or_make(int descriptor, int& error) noexcept;

  /// Interest to be looked at before the next wait.
  void mark_changed(descriptor_state& which) noexcept;
  void mark_starved(descriptor_state& which) noexcept;

  using changed_queue = intrusive_queue<descriptor_state, &descriptor_state::next_changed>;
  using starved_queue = intrusive_queue<descriptor_state, &descriptor_state::next_starved>;
  /// Those marked so far. Whoever takes one from the queue clears its mark.
  changed_queue take_changed() noexcept { return std::move(changed_); }
  /// The one that waits longest for a slot, unmarked; null when none does.
  descriptor_state* pop_starved() noexcept;

 private:
  static constexpr std::size_t page_states = 64;
  using page = std::array<descriptor_state, page_states>;

  loop_counters& counters_;
  std::vector<std::unique_ptr<page>> pages_;
  changed_queue changed_;
  starved_queue starved_;
};

} // namespace weir
