// Random reads of a file at a fixed depth, beside a timer of 1 kHz on the same loop: how many reads a second,
// and how late the timer was. Watched, also how late the machine was meanwhile on the CPU on which the timer
// ran: that costs reads. bench/files/compare.py runs it in turn with fio.
//
//   weir_random_read FILE SECONDS DEPTH BLOCK_BYTES cached|direct [automatic|io_uring|epoll [watched]]
#include "../support/machine_beats.hpp"

#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/fs/aligned_buffer.hpp>
#include <weir/fs/file.hpp>

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using steady = std::chrono::steady_clock;

struct workload {
  const char* path;
  std::chrono::seconds lasts;
  std::size_t depth;
  std::size_t block_bytes;
  bool is_direct;
};

struct late_beat {
  std::uint64_t due_ns;
  std::uint64_t late_ns;
  int cpu; ///< on which it ran
};

struct outcome {
  std::uint64_t reads = 0;
  std::vector<late_beat> beats;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(steady::now().time_since_epoch().count()); // CLOCK_MONOTONIC
}

/// One of `depth` readers: one read after the other until the time is up.
task<result<>> read_at_random(const workload& what, fs::file& from, std::uint64_t blocks, const bool& is_over,
                              std::uint64_t& reads) {
  fs::aligned_buffer block(what.block_bytes, 4096);
  while (!is_over) {
    const std::uint64_t offset = loop::current()->random() % blocks * what.block_bytes;
    result<std::size_t> got = co_await from.read_some_at(offset, block.bytes());
    if (!got) co_return fail(got.error());
    ++reads;
  }
  co_return result<>();
}

/// Beats each millisecond; ends the reading when the time is up.
task<result<>> beat(std::chrono::seconds lasts, bool& is_over, std::vector<late_beat>& beats) {
  const auto until = steady::now() + lasts;
  while (steady::now() < until) {
    const std::uint64_t due_ns = now_ns() + 1'000'000;
    result<> slept = co_await sleep_for(1ms);
    if (!slept) co_return slept;
    const std::uint64_t woken_ns = now_ns();
    beats.push_back({due_ns, woken_ns - std::min(woken_ns, due_ns), ::sched_getcpu()});
  }
  is_over = true;
  co_return result<>();
}

task<result<>> measure(const workload& what, outcome& found) {
  auto options = fs::open_options(fs::access::read);
  if (what.is_direct) options = options.direct();
  result<fs::file> from = co_await fs::file::open(what.path, options);
  if (!from) co_return fail(from.error());
  result<std::uint64_t> size = co_await from->size_bytes();
  if (!size) co_return fail(size.error());
  bool is_over = false;
  std::vector<task<result<>>> all;
  all.push_back(beat(what.lasts, is_over, found.beats));
  for (std::size_t i = 0; i < what.depth; ++i)
    all.push_back(read_at_random(what, *from, *size / what.block_bytes, is_over, found.reads));
  std::vector<result<>> ended = co_await when_all(std::move(all));
  for (const result<>& each : ended)
    if (!each) co_return each;
  co_return result<>();
}

/// The values at these places when they are in order.
class percentiles {
 public:
  explicit percentiles(std::vector<double> values) : values_(std::move(values)) {
    std::ranges::sort(values_);
  }
  double at(double share) const {
    const auto last = static_cast<double>(values_.size() - 1);
    return values_.empty() ? 0 : values_[static_cast<std::size_t>(share * last)];
  }

 private:
  std::vector<double> values_;
};

using machine = std::map<int, std::unique_ptr<bench::machine_beats>>; ///< by CPU

void print_lateness(const outcome& found, const machine& beneath) {
  std::vector<double> late_ms;
  std::vector<double> machine_ms; // while a beat was due
  std::vector<double> above_ms;   // by how much it was later than that
  for (const late_beat& each : found.beats) {
    const auto on = beneath.find(each.cpu);
    const std::uint64_t excuse_ns =
        on == beneath.end() ? 0 : on->second->excuse_ns(each.due_ns, each.late_ns);
    late_ms.push_back(static_cast<double>(each.late_ns) / 1e6);
    machine_ms.push_back(static_cast<double>(excuse_ns) / 1e6);
    above_ms.push_back(std::max(0.0, late_ms.back() - machine_ms.back()));
  }
  const auto print = [](const char* name, const percentiles& of) {
    std::printf(", \"%s_p50_ms\": %.3f, \"%s_p99_ms\": %.3f, \"%s_max_ms\": %.3f", name, of.at(0.5), name,
                of.at(0.99), name, of.at(1));
  };
  print("late", percentiles(std::move(late_ms)));
  print("machine", percentiles(std::move(machine_ms)));
  print("above", percentiles(std::move(above_ms)));
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fputs("see the head of random_read.cpp\n", stderr), 2;
  const workload what{argv[1], std::chrono::seconds(std::atoi(argv[2])),
                      static_cast<std::size_t>(std::atoll(argv[3])),
                      static_cast<std::size_t>(std::atoll(argv[4])), std::string_view(argv[5]) == "direct"};
  loop_options options;
  const auto chosen = parse_backend(argc > 6 ? argv[6] : "automatic");
  if (!chosen)
    return std::fprintf(stderr, "backend '%s': automatic, io_uring or epoll is wanted\n", argv[6]), 2;
  options.backend = *chosen;
  auto loop = loop::create(options);
  if (!loop) return std::fprintf(stderr, "%s\n", loop.error().message().c_str()), 1;
  const bool is_watched = argc > 7 && std::string_view(argv[7]) == "watched";
  const std::chrono::nanoseconds watched = what.lasts + 1s;
  machine beneath;
  const std::vector<int> cpus = is_watched ? bench::machine_beats::cpus_allowed() : std::vector<int>();
  for (const int cpu : cpus)
    beneath[cpu] = std::make_unique<bench::machine_beats>(cpu, static_cast<std::uint64_t>(watched.count()));
  outcome found;
  const auto began = steady::now();
  const result<> done = run(**loop, measure(what, found));
  const double seconds = std::chrono::duration<double>(steady::now() - began).count();
  if (!done) return std::fprintf(stderr, "%s\n", done.error().message().c_str()), 1;
  for (const auto& [cpu, beats] : beneath) beats->stop();
  std::printf("{\"reads\": %llu, \"iops\": %.0f", static_cast<unsigned long long>(found.reads),
              static_cast<double>(found.reads) / seconds);
  print_lateness(found, beneath);
  std::printf("}\n");
  return 0;
}
