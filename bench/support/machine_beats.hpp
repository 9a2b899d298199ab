// What the machine itself does to a timer: a thread that only sleeps, pinned to a CPU, before everybody else
// on it where the process may (SCHED_FIFO, sched(7)). It is late when the CPU stood still: because the
// hypervisor gave it to others, or the kernel had something more urgent. Beside it one can say of a program
// on the same CPU how much later than the machine it was.
//
// It does not see what programs of the same priority take from each other: measure on a quiet machine.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace bench {

class machine_beats {
 public:
  static constexpr std::uint64_t every_ns = 250'000;

  /// From now on for `duration_ns`, in CLOCK_MONOTONIC.
  machine_beats(int cpu, std::uint64_t duration_ns) : began_ns_(now_ns()) {
    late_ns_.reserve(static_cast<std::size_t>(duration_ns / every_ns) + 1);
    thread_ = std::thread([this, cpu, duration_ns] { run(cpu, duration_ns); });
  }
  ~machine_beats() { stop(); }
  machine_beats(const machine_beats&) = delete;
  machine_beats& operator=(const machine_beats&) = delete;

  /// Before anything is read.
  void stop() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::uint64_t began_ns() const { return began_ns_; }
  bool is_before_everybody() const { return is_before_everybody_; }
  /// Beat by beat.
  const std::vector<std::uint64_t>& late_ns() const { return late_ns_; }

  /// How late it was at worst of what was due from a beat before `due_ns` on, until `late_ns` behind it: what
  /// a timer may say for itself that was due then and came so late.
  std::uint64_t excuse_ns(std::uint64_t due_ns, std::uint64_t late_ns) const {
    const std::size_t end = std::min(late_ns_.size(), beat_at(due_ns + late_ns) + 1);
    std::uint64_t worst_ns = 0;
    for (std::size_t i = beat_at(due_ns); i < end; ++i) worst_ns = std::max(worst_ns, late_ns_[i]);
    return worst_ns;
  }

  static std::vector<int> cpus_allowed() {
    cpu_set_t allowed;
    std::vector<int> all;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return all;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed)) all.push_back(cpu);
    return all;
  }

 private:
  static std::uint64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  }
  std::size_t beat_at(std::uint64_t at_ns) const {
    return static_cast<std::size_t>((at_ns - std::min(at_ns, began_ns_)) / every_ns);
  }

  /// Beat i is due at `began + i × every`.
  void run(int cpu, std::uint64_t duration_ns) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<unsigned>(cpu), &only);
    ::pthread_setaffinity_np(::pthread_self(), sizeof only, &only);
    const sched_param first{.sched_priority = ::sched_get_priority_max(SCHED_FIFO)};
    is_before_everybody_ = ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &first) == 0;
    for (std::uint64_t due_ns = began_ns_; due_ns <= began_ns_ + duration_ns && !is_over_;) {
      const timespec until{static_cast<time_t>(due_ns / 1'000'000'000),
                           static_cast<long>(due_ns % 1'000'000'000)};
      ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
      for (const std::uint64_t now = now_ns(); due_ns <= now; due_ns += every_ns)
        late_ns_.push_back(now - due_ns);
    }
  }

  std::uint64_t began_ns_;
  std::vector<std::uint64_t> late_ns_;
  std::atomic<bool> is_before_everybody_{false};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

} // namespace bench
