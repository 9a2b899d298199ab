// Random reads of a file at a fixed depth, beside a timer of 1 kHz on the same loop: how many reads a second,
// and how late the timer was. bench/files/compare.py runs it in turn with fio.
//
//   weir_random_read FILE SECONDS DEPTH BLOCK_BYTES cached|direct [uring|epoll]
#include <weir/async/run.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/fs/aligned_buffer.hpp>
#include <weir/fs/file.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
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

struct outcome {
  std::uint64_t reads = 0;
  std::vector<double> late_ms; ///< of each beat
};

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
task<result<>> beat(std::chrono::seconds lasts, bool& is_over, std::vector<double>& late_ms) {
  const auto until = steady::now() + lasts;
  while (steady::now() < until) {
    const auto due = steady::now() + 1ms;
    result<> slept = co_await sleep_for(1ms);
    if (!slept) co_return slept;
    late_ms.push_back(std::chrono::duration<double, std::milli>(steady::now() - due).count());
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
  all.push_back(beat(what.lasts, is_over, found.late_ms));
  for (std::size_t i = 0; i < what.depth; ++i)
    all.push_back(read_at_random(what, *from, *size / what.block_bytes, is_over, found.reads));
  std::vector<result<>> ended = co_await when_all(std::move(all));
  for (const result<>& each : ended)
    if (!each) co_return each;
  co_return result<>();
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fputs("see the head of random_read.cpp\n", stderr), 2;
  const workload what{argv[1], std::chrono::seconds(std::atoi(argv[2])),
                      static_cast<std::size_t>(std::atoll(argv[3])),
                      static_cast<std::size_t>(std::atoll(argv[4])), std::string_view(argv[5]) == "direct"};
  loop_options options;
  if (argc > 6) options.backend = std::string_view(argv[6]) == "epoll" ? backend::epoll : backend::io_uring;
  auto loop = loop::create(options);
  if (!loop) return std::fprintf(stderr, "%s\n", loop.error().message().c_str()), 1;
  outcome found;
  const auto began = steady::now();
  const result<> done = run(**loop, measure(what, found));
  const double seconds = std::chrono::duration<double>(steady::now() - began).count();
  if (!done) return std::fprintf(stderr, "%s\n", done.error().message().c_str()), 1;
  std::ranges::sort(found.late_ms);
  const auto late = [&](double share) {
    const auto last = static_cast<double>(found.late_ms.size() - 1);
    return found.late_ms.empty() ? 0 : found.late_ms[static_cast<std::size_t>(share * last)];
  };
  std::printf("{\"reads\": %llu, \"iops\": %.0f, \"late_p50_ms\": %.3f, \"late_p99_ms\": %.3f, "
              "\"late_max_ms\": %.3f}\n",
              static_cast<unsigned long long>(found.reads), static_cast<double>(found.reads) / seconds,
              late(0.5), late(0.99), late(1));
  return 0;
}
