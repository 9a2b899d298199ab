// Two loops, each on a thread of its own, and a channel between them: one divides work up, the other does it.
// What belongs to a loop stays there; only values travel.
#include <weir/async/when_all.hpp>
#include <weir/runtime/loop_channel.hpp>
#include <weir/runtime/loop_group.hpp>

#include <cstdint>
#include <cstdio>

using namespace weir;

// [two_loops]
task<result<>> hand_out(loop_channel<std::uint64_t> work, std::uint64_t count) {
  auto out = work.make_sender(); // this loop's end
  for (std::uint64_t i = 1; i <= count; ++i) {
    result<> sent = co_await out.send(std::uint64_t{i}); // waits while the other loop is behind
    if (!sent) co_return sent;
  }
  out.close();
  co_return result<>();
}

task<result<std::uint64_t>> add_up(loop_channel<std::uint64_t> work) {
  auto in = work.make_receiver();
  std::uint64_t sum = 0;
  for (;;) {
    result<std::uint64_t> next = co_await in.receive();
    if (!next && next.error() == errc::closed) co_return sum; // everything is taken
    if (!next) co_return fail(next.error());
    sum += *next;
  }
}

/// On loop 0; loop 1 does the adding.
task<result<std::uint64_t>> divide_the_work(loop_group& loops, std::uint64_t count) {
  loop_channel<std::uint64_t> work(256);
  auto there = [&] { return add_up(work); };
  auto [sum, handed_out] = co_await when_all(loops.run_on(1, there), hand_out(work, count));
  if (!handed_out) co_return fail(handed_out.error());
  co_return sum;
}
// [/two_loops]

/// `--self-test` is no different: the sum is checked anyway.
int main() {
  constexpr std::uint64_t count = 100'000;
  auto loops = loop_group::start(loop_group_options(2));
  if (!loops) return 1;
  auto here = [&] { return divide_the_work(**loops, count); };
  result<std::uint64_t> sum = (*loops)->call(0, here);
  if (!sum) std::fprintf(stderr, "two_loops: %s\n", sum.error().message().c_str());
  if (!sum || *sum != count * (count + 1) / 2) return 1;
  std::printf("the numbers to %llu add up to %llu\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(*sum));
  return 0;
}
