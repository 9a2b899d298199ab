// The price of the loop: timers, work posted from another thread, an operation that does nothing.

#include <weir/async/operations.hpp>
#include <weir/async/run.hpp>
#include <weir/io/loop.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

namespace {

std::unique_ptr<weir::loop> make_loop(weir::backend backend) {
  weir::loop_options options;
  options.backend = backend;
  auto made = weir::loop::create(options);
  return made ? std::move(*made) : nullptr;
}

void timer_arm_and_cancel(benchmark::State& state) {
  const auto loop = make_loop(weir::backend::automatic);
  weir::timer timer([](weir::timer&) noexcept {});
  std::uint64_t delay_ns = 0;
  for (auto _ : state) {
    delay_ns = (delay_ns + 7'919'000) % 30'000'000'000;
    loop->arm(timer, loop->now_ns() + delay_ns);
    weir::timer_wheel::cancel(timer);
  }
}
BENCHMARK(timer_arm_and_cancel);

weir::task<> await_nops(benchmark::State& state) {
  for (auto _ : state) {
    weir::result<> done = co_await weir::async_nop();
    benchmark::DoNotOptimize(done);
  }
}

/// Start, submit, complete, resume: a whole turn of the loop.
void nop_round_trip(benchmark::State& state, weir::backend backend) {
  const auto loop = make_loop(backend);
  if (!loop) return state.SkipWithError("not available on this machine");
  weir::run(*loop, await_nops(state));
}
BENCHMARK_CAPTURE(nop_round_trip, io_uring, weir::backend::io_uring);
BENCHMARK_CAPTURE(nop_round_trip, epoll, weir::backend::epoll);

/// To a loop on another thread that sleeps, and the answer seen by a spinning thread.
void post_and_see(benchmark::State& state) {
  const auto loop = make_loop(weir::backend::automatic);
  std::atomic<bool> seen{false};
  struct posted : weir::work {
    explicit posted(std::atomic<bool>& flag) noexcept
        : work([](weir::work& self) noexcept { static_cast<posted&>(self).seen.store(true); }), seen(flag) {}
    std::atomic<bool>& seen;
  } item(seen);
  std::thread runner([&] { loop->run(); });
  for (auto _ : state) {
    seen.store(false);
    if (!loop->post(item)) state.SkipWithError("the inbox is full");
    while (!seen.load(std::memory_order_acquire)) std::this_thread::yield();
  }
  loop->stop();
  runner.join();
}
BENCHMARK(post_and_see)->UseRealTime();

/// To a loop that is awake: what a thread pays to hand work over.
void post_to_busy_loop(benchmark::State& state) {
  const auto loop = make_loop(weir::backend::automatic);
  weir::work item([](weir::work&) noexcept {});
  for (auto _ : state) {
    if (!loop->post(item)) state.SkipWithError("the inbox is full");
    loop->turn(1);
  }
}
BENCHMARK(post_to_busy_loop);

} // namespace
