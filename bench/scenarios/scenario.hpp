// What the scenarios share: their options, a server that takes connections, orders to the clients, and the
// medians of several rounds: one run on a machine with a mood says little.
#pragma once

#include "../support/echo_clients.hpp"

#include <weir/async/task.hpp>
#include <weir/async/with_nursery.hpp>
#include <weir/net/listener.hpp>
#include <weir/os/readiness.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct scenario_options {
  weir::backend backend = weir::backend::automatic;
  std::uint32_t connections = 1'000;
  std::uint32_t active = 1'000;       ///< of the connections, where not all are
  std::uint32_t milliseconds = 2'000; ///< of each measurement
  std::uint32_t rounds = 5;
};

[[noreturn]] inline void refuse(std::string_view name, std::string_view value, std::string_view wanted) {
  std::fprintf(stderr, "%.*s %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(value.size()), value.data(), static_cast<int>(wanted.size()), wanted.data());
  std::exit(2);
}

inline std::uint32_t parse_number(std::string_view name, std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number == 0)
    refuse(name, text, "a number above 0 is wanted");
  return number;
}

/// Ends the program with status 2 where something is not understood.
inline scenario_options parse(int argc, char** argv, scenario_options all) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--backend") {
      const auto chosen = weir::parse_backend(value);
      if (!chosen) refuse(name, value, "automatic, io_uring or epoll is wanted");
      all.backend = *chosen;
    } else if (name == "--connections") {
      all.connections = parse_number(name, value);
    } else if (name == "--active") {
      all.active = parse_number(name, value);
    } else if (name == "--ms") {
      all.milliseconds = parse_number(name, value);
    } else if (name == "--rounds") {
      all.rounds = parse_number(name, value);
    } else {
      refuse(name, value, "unknown; there are --backend, --connections, --active, --ms and --rounds");
    }
  }
  if (all.active > all.connections) refuse("--active", "", "more than there are connections");
  return all;
}

inline double median(std::vector<double> of) {
  std::ranges::sort(of);
  const std::size_t middle = of.size() / 2;
  return of.size() % 2 == 1 ? of[middle] : (of[middle - 1] + of[middle]) / 2;
}

/// Two ways of the same, measured in turn.
class comparison {
 public:
  comparison(std::string_view tried, std::string_view plain) : tried_(tried), plain_(plain) {}

  void add(const latency& tried, const latency& plain) {
    std::printf(
        "round %zu: %s p50 %.0f us, p99 %.0f us, %llu echoes; %s p50 %.0f us, p99 %.0f us, %llu echoes\n",
        ratios_.size() + 1, tried_.c_str(), tried.p50_us, tried.p99_us,
        static_cast<unsigned long long>(tried.rounds), plain_.c_str(), plain.p50_us, plain.p99_us,
        static_cast<unsigned long long>(plain.rounds));
    std::fflush(stdout);
    tried_p99_us_.push_back(tried.p99_us);
    plain_p99_us_.push_back(plain.p99_us);
    ratios_.push_back(tried.p99_us / plain.p99_us);
  }
  void print(double ratio_max) const {
    const auto [least, most] = std::ranges::minmax(ratios_);
    std::printf("medians of %zu rounds: p99 %.0f us %s, %.0f us %s\n", ratios_.size(), median(tried_p99_us_),
                tried_.c_str(), median(plain_p99_us_), plain_.c_str());
    std::printf("p99 ratio %.2f (at most %.1f wanted; round by round %.2f to %.2f)\n", median(ratios_),
                ratio_max, least, most);
  }

 private:
  std::string tried_, plain_;
  std::vector<double> tried_p99_us_, plain_p99_us_, ratios_;
};

inline std::unique_ptr<weir::loop> make_loop(const weir::loop_options& options) {
  auto made = weir::loop::create(options);
  if (!made) refuse("--backend", weir::name_of(options.backend), made.error().message());
  std::printf("%s\n", (*made)->backend_reason().c_str());
  return std::move(*made);
}

/// `echo`: a function that serves one connection to its end.
template <class Echo>
weir::task<weir::result<>> serve(weir::listener& door, weir::nursery& clients, Echo echo) {
  for (;;) {
    weir::result<weir::stream> client = co_await door.accept();
    if (!client) co_return weir::fail(client.error());
    weir::result<> admitted = co_await clients.spawn(echo(std::move(*client)));
    if (!admitted) co_return admitted;
  }
}

inline weir::task<latency> carried_out(echo_clients& clients, client_main::order what) {
  clients.tell(what);
  weir::result<> answered = co_await weir::readable(clients.descriptor());
  if (!answered) die("the clients do not answer");
  co_return clients.answer();
}

} // namespace bench
