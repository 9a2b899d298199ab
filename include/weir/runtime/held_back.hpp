// held_back: a task that names the connections which hold up their own side of the memory: those whose
// receive is paused, because their reader does not take what arrives or keeps it, and those whose writers
// wait, because their peer does not take what is sent. Bounds keep them from harming others, and counters
// count them; this says who they are, unasked.
//
//   co_await children.spawn(report_held_back());       on each loop, until cancelled
//
//   weir: descriptor 9 (stream 127.0.0.1:40112) is held back for 512 ms: 53248 KiB of what it received are
//   kept, more than its share
//
// To be at a bound is ordinary, to stay there is not: where anything has moved since the last look the time
// begins anew. Each is told once, until it has gone on. Thread rule: the loop's thread, `on_report` too.
// Bound: `reports_max` a look; a map entry for each that is held back. Cost: nothing while nobody is at a
// bound but a timer a look; then a look at each connection of the loop. Cancel-safe.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/io/memory_holder.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace weir {

class loop;

struct held_back_report {
  held_memory who; ///< `name` is the peer, where it is known
  std::uint64_t for_ns = 0;
  std::size_t unnamed = 0; ///< others of the same look that are past `reports_max`

  /// A line without an end.
  std::string to_string() const;
};

/// On stderr.
void print_held_back(const held_back_report& report);

struct held_back_options {
  held_back_options() {}

  std::chrono::nanoseconds limit = std::chrono::milliseconds(500); ///< what is ordinary
  std::chrono::nanoseconds look_every = std::chrono::milliseconds(250);
  std::size_t reports_max = 5; ///< a look
  std::function<void(const held_back_report&)> on_report = print_held_back;
};

/// Who is held back, look by look: for those with a timer of their own.
class held_back_watch {
 public:
  explicit held_back_watch(held_back_options options = held_back_options());

  /// Reports those of the loop that have been held back for `limit` since the look that first saw them so.
  void look(const loop& at);
  /// How many are held back now.
  std::size_t size() const noexcept { return seen_.size(); }

 private:
  struct sighting {
    std::uint64_t since_ns = 0;
    std::uint64_t moved = 0;
    std::uint64_t look = 0;
    bool is_reported = false;
  };
  std::vector<held_back_report> due(const loop& at);

  held_back_options options_;
  std::map<const memory_holder*, sighting> seen_;
  std::uint64_t looks_ = 0;
  std::uint64_t at_bounds_ = 0; ///< times that somebody came to a bound, at the last look
};

/// Looks at the loop on which it runs until it is cancelled.
task<result<>> report_held_back(held_back_options options = held_back_options());

} // namespace weir
