// host: a machine of a simulated world, with its addresses, its clock, its descriptors, its disk, and the
// programs that run on it.
//
// A program is a task on a loop of its own; it sees nothing of the simulation. A host that crashes is silent
// from that moment on. Its programs are then unwound: each operation of theirs ends with -ECANCELED, each
// timer is due, and nothing that they do has an effect any more. Started anew it has its disk as far as it
// was synced, and no memory. Peers whose connections it forgot are told by a reset when they send again.
//
// Thread rule: the world's thread. Lifetime: the world's. A program must not crash its own host: it asks the
// world to (`crash_at`).
#pragma once

#include <weir/async/task.hpp>
#include <weir/io/loop.hpp>
#include <weir/io/system_calls.hpp>
#include <weir/sim/descriptor_table.hpp>
#include <weir/sim/disk.hpp>
#include <weir/sim/event_queue.hpp>
#include <weir/sim/signals.hpp>
#include <weir/sim/simulated_pool.hpp>
#include <weir/sim/socket_address.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

class host_calls;
class program_run;
class socket_names;
class world;

class host {
 public:
  /// Kept, and called again when the host starts anew.
  using program = std::function<task<>(host& on)>;

  host(world& in, std::string_view name, std::uint32_t number);
  ~host();
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  world& in() noexcept { return world_; }
  const std::string& name() const noexcept { return name_; }
  std::uint32_t number() const noexcept { return number_; }
  socket_address at(std::uint16_t port, int family = AF_INET) const noexcept {
    return socket_address::of_host(family, number_, port);
  }

  // Programs.
  /// Runs on a loop of its own that the world turns. Several run side by side.
  void start(program what, const loop_options& options = loop_options());
  bool have_programs_ended() const noexcept;
  /// And nothing that they began is under way still.
  bool is_quiet() const noexcept;
  /// All of them, as if whoever runs them had been asked to.
  void ask_programs_to_end() noexcept;
  /// What a program has thrown; null: nothing.
  std::exception_ptr failure() const noexcept;
  /// A loop that whoever has it turns himself, and which ends before the host.
  result<std::unique_ptr<loop>> make_loop(const loop_options& options = loop_options());

  // Fate.
  bool is_up() const noexcept { return is_up_; }
  /// How often it has started: what belongs to an earlier life is forgotten.
  std::uint32_t life() const noexcept { return life_; }
  void crash();
  void crash_at(std::uint64_t world_ns, std::uint64_t down_for_ns);
  /// Starts its programs again.
  void restart();
  /// Of the world that ends: its programs are unwound, its descriptors closed.
  void end();
  /// Of the world, before each turn of its loops: whether the seed keeps it from running for a while. All
  /// else that befalls a host as a whole is of `misfortunes`.
  bool stalls();
  /// Nobody on it runs before.
  void stall_until(std::uint64_t world_ns) noexcept;
  std::uint64_t stalled_until_ns() const noexcept { return stalled_until_ns_; }
  /// Of all stalls so far together, in world time: what a promise about time has to allow for.
  std::uint64_t stalled_ns() const noexcept { return stalled_ns_; }

  // Its kernel.
  system_calls& calls() noexcept;
  descriptor_table& descriptors() noexcept { return descriptors_; }
  socket_names& names() noexcept { return *names_; }
  /// Whether its names survive a crash in their order is the seed's decision.
  disk& storage() noexcept { return storage_; }
  simulated_pool& pool() noexcept { return *pool_; }
  /// As kill(2) does, for its process. False: nobody on it is told.
  bool raise(int signal) noexcept;
  file_ref open_signals(const sigset_t& wanted) { return signals_.open(wanted); }

  // Its clock.
  /// Monotonic; looking at it takes a moment.
  std::uint64_t now_ns() noexcept;
  /// The same for those who stand outside: it costs nothing.
  std::uint64_t clock_ns() const noexcept;
  /// How long the world has to wait until this clock has gone on so far.
  std::uint64_t world_duration_ns(std::uint64_t local_ns) const noexcept;
  /// Since 1970, as far as this host knows.
  std::int64_t wall_clock_ns() const noexcept;
  void set_drift(std::int32_t parts_per_million) noexcept;
  void jump(std::int64_t by_ns) noexcept;

 private:
  std::uint64_t local_ns(std::uint64_t world_ns) const noexcept;

  world& world_;
  std::string name_;
  std::uint32_t number_;
  std::uint32_t life_ = 1;
  bool is_up_ = true;
  std::uint64_t stalled_until_ns_ = 0;
  std::uint64_t stalled_ns_ = 0;
  std::int32_t drift_ppm_ = 0;
  std::uint64_t drift_since_ns_ = 0; ///< world time
  std::uint64_t local_at_drift_ns_ = 0;
  std::int64_t wall_offset_ns_ = 0;
  std::uint64_t down_for_ns_ = 0;
  disk storage_;
  signals signals_;
  descriptor_table descriptors_;
  std::unique_ptr<socket_names> names_;
  std::unique_ptr<host_calls> calls_;
  std::unique_ptr<simulated_pool> pool_;
  std::vector<std::pair<program, loop_options>> programs_;
  std::vector<std::unique_ptr<program_run>> runs_;
  struct fate_event : timed_event {
    fate_event(host& of, function what) noexcept : timed_event(what), owner(of) {}
    host& owner;
  };
  fate_event crashes_;
  fate_event restarts_;
};

} // namespace weir::sim
