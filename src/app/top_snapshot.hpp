// What `weir top` knows of a process at one moment: the JSON of its inspector, read.
#pragma once

#include <weir/base/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

struct top_loop {
  std::string name;
  std::string backend;
  bool answers = false;
  std::string doing;              ///< "waiting", "deferred", "receive of 7 at server.cpp:12"
  std::uint64_t doing_for_ns = 0; ///< 0 while it waits
  std::uint64_t cpu_ns = 0;
  std::uint64_t stuck = 0;
  std::uint64_t turns = 0;
  std::uint64_t system_calls = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::array<std::uint64_t, 3> completions_of_lane{}; ///< urgent, normal, background
  std::uint64_t operations = 0;                       ///< outstanding
  std::uint64_t connections = 0;
  std::uint64_t receives_starved = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_limit_bytes = 0;
  std::uint64_t lag_p99_ns = 0;
};

struct top_connection {
  std::string loop;
  std::int64_t descriptor = -1;
  std::string name;
  std::uint64_t unread_bytes = 0;
  std::uint64_t unsent_bytes = 0;
  bool paused = false;
};

struct top_handler {
  std::string loop;
  std::string operation;
  std::string where; ///< "server.cpp:12"
  std::uint64_t count = 0;
  std::uint64_t total_ns = 0;
  std::uint64_t max_ns = 0;
};

struct top_snapshot {
  std::int64_t process = 0;
  std::uint64_t time_ns = 0;
  std::vector<top_loop> loops;
  std::vector<top_connection> connections; ///< those that hold most first
  std::vector<top_handler> slowest;        ///< the slowest first
};

/// Errors: errc::protocol for what is not the JSON of an inspector. What is missing in it is 0.
result<top_snapshot> parse_top_snapshot(std::string_view json_text);

/// What a loop did between two snapshots, a second.
struct top_rates {
  double cpu = 0; ///< 1: a whole core
  double turns = 0;
  double system_calls = 0;
  double received_bytes = 0;
  double sent_bytes = 0;
  std::array<double, 3> completions_of_lane{};
};
/// Nothing of a loop that was not there before.
top_rates rates_of(const top_loop& now, const top_snapshot& before, std::uint64_t time_ns);

} // namespace weir::app
