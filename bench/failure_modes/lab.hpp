// What the contestants of the failure-mode lab share: the clock, the heartbeat, and the record that they
// print.
//
// The heartbeat has a fixed plan: a beat is due each millisecond, and each one that the loop could not run
// counts with its own lateness. A timer that is armed anew after each beat would count a standstill of 200 ms
// as one late beat; its percentiles would say that nothing happened.
//
//   PROG SCENARIO SECONDS     prints `ports ECHO VICTIM`, and at the end one JSON object in a line
#pragma once

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lab {

inline constexpr std::uint64_t ns_per_ms = 1'000'000;
inline constexpr std::uint64_t calm_ns = 500 * ns_per_ms;   ///< before the misbehaviour begins
inline constexpr std::uint64_t period_ns = 500 * ns_per_ms; ///< from one long handler to the next
inline constexpr std::uint64_t long_ns = 200 * ns_per_ms;   ///< what a long handler takes
inline constexpr std::uint64_t slice_ns = 500'000;          ///< of work that gives way in between
inline constexpr std::uint64_t job_ns = 20'000;             ///< of deferred work that queues more
inline constexpr std::uint64_t chain_ns = 1000 * ns_per_ms; ///< how long it goes on doing so
inline constexpr std::uint64_t round_ns = 5 * ns_per_ms;    ///< from one round of requests to the next
inline constexpr std::size_t update_bytes = 64 << 10;       ///< what a publisher sends each millisecond
inline constexpr std::size_t kept_bytes = 16;               ///< of each piece that was received

/// CLOCK_MONOTONIC, which all four runtimes use.
inline std::uint64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

inline void spin_for(std::uint64_t duration_ns) noexcept {
  for (const std::uint64_t until = now_ns() + duration_ns; now_ns() < until;) continue;
}

inline void block_for(std::uint64_t duration_ns) noexcept {
  const timespec how_long{0, static_cast<long>(duration_ns)};
  ::nanosleep(&how_long, nullptr);
}

class heartbeat {
 public:
  explicit heartbeat(double seconds) : began_ns_(now_ns()), due_ns_(began_ns_ + ns_per_ms) {
    ends_ns_ = began_ns_ + static_cast<std::uint64_t>(seconds * 1e9);
    late_ns_.reserve(static_cast<std::size_t>(seconds * 1000) + 1);
  }

  /// Counts every beat that is due; gives the time of the next.
  std::uint64_t beat() {
    const std::uint64_t now = now_ns();
    for (; due_ns_ <= now && due_ns_ <= ends_ns_; due_ns_ += ns_per_ms) late_ns_.push_back(now - due_ns_);
    return due_ns_;
  }
  bool is_over() const noexcept { return now_ns() >= ends_ns_; }
  std::uint64_t began_ns() const noexcept { return began_ns_; }
  const std::vector<std::uint64_t>& late_ns() const noexcept { return late_ns_; }

 private:
  std::uint64_t began_ns_;
  std::uint64_t due_ns_;
  std::uint64_t ends_ns_;
  std::vector<std::uint64_t> late_ns_; ///< beat by beat
};

/// When to do what takes long: at the end of the calm, and once a period from then on.
class long_handler_plan {
 public:
  explicit long_handler_plan(const heartbeat& of) noexcept : next_ns_(of.began_ns() + calm_ns) {}
  bool is_due() noexcept {
    if (now_ns() < next_ns_) return false;
    next_ns_ += period_ns;
    return true;
  }

 private:
  std::uint64_t next_ns_;
};

/// Rounds in which three things are asked for in the same order: t, a timer that is due at once; d, deferred
/// work; p, work that is posted. In which orders did they run?
class order_log {
 public:
  /// True: the last round is over, a new one begins. Every other one a while after its turn did.
  bool begin() {
    if (!round_.empty()) return false;
    if (++rounds_ % 2 == 0) spin_for(busy_ns);
    return true;
  }
  void note(char what) {
    round_ += what;
    if (round_.size() < 3) return;
    ++seen_[round_];
    round_.clear();
  }
  /// A member of the record: "tdp 30, dtp 2".
  std::string member() const {
    std::string text;
    for (const auto& [order, times] : seen_)
      text += (text.empty() ? "" : ", ") + order + " " + std::to_string(times);
    return ", \"orders\": \"" + text + "\"";
  }

 private:
  static constexpr std::uint64_t busy_ns = 1'200'000;
  std::string round_;
  std::size_t rounds_ = 0;
  std::map<std::string, int> seen_;
};

inline std::uint64_t cpu_ns() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(used.tv_nsec);
}

inline std::uint64_t peak_rss_bytes() noexcept {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

/// "[0.02, 1.50]": beat by beat.
inline std::string milliseconds(const std::vector<std::uint64_t>& late_ns) {
  std::string text = "[";
  for (const std::uint64_t late : late_ns) {
    char number[32];
    std::snprintf(number, sizeof number, "%s%.2f", text.back() == '[' ? "" : ", ",
                  static_cast<double>(late) / 1e6);
    text += number;
  }
  return text + "]";
}

/// Prints the record and ends the process, as it is: nobody wants to see connections being closed.
[[noreturn]] inline void finish(heartbeat& beats, std::string_view more = {}) {
  beats.beat();
  std::string text = "{\"late_ms\": " + milliseconds(beats.late_ns());
  text += ", \"began_ns\": " + std::to_string(beats.began_ns());
  text += ", \"peak_rss_bytes\": " + std::to_string(peak_rss_bytes());
  text += ", \"cpu_ms\": " + std::to_string(cpu_ns() / ns_per_ms);
  text.append(more).append("}\n");
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  ::_exit(0);
}

inline void tell_ports(unsigned echo, unsigned victim) {
  std::printf("ports %u %u\n", echo, victim);
  std::fflush(stdout);
}

} // namespace lab
