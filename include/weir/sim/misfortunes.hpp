// misfortunes: what befalls a host as a whole: its wall clock jumps, its clocks drift, it crashes and comes
// back. Stalls come before a turn of its loops (host.hpp); what befalls connections, files and operations
// comes with those.
//
// Asks the world's fault plan for every host now and then, a time apart that the seed draws. Thread rule: the
// world's thread. Lifetime: dies before its world.
#pragma once

#include <weir/sim/event_queue.hpp>
#include <weir/sim/random.hpp>

#include <cstdint>
#include <vector>

namespace weir::sim {

class host;
class world;

struct misfortune_options {
  misfortune_options() noexcept {}

  std::uint64_t pause_least_ns = 5'000'000; ///< between two times that it asks
  std::uint64_t pause_most_ns = 500'000'000;
  std::uint64_t down_most_ns = 10'000'000'000; ///< how long a host that crashed stays down
  std::int32_t drift_most_ppm = 500;           ///< what cheap quartz does, and a little more
};

class misfortunes final : private timed_event {
 public:
  explicit misfortunes(world& in, const misfortune_options& options = misfortune_options());
  ~misfortunes();

  /// Crashes are only for hosts whose programs are meant to survive them.
  void may_crash(host& which) { mortal_.push_back(&which); }

 private:
  void ask_later();
  void ask() noexcept;
  void ask_about(host& which);

  world& world_;
  misfortune_options options_;
  random_source random_;
  std::vector<host*> mortal_;
};

} // namespace weir::sim
