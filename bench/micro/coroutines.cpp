// The price of a coroutine: a task awaited, a wake-up through an event, a value through a channel.

#include <weir/async/channel.hpp>
#include <weir/async/nursery.hpp>
#include <weir/async/run.hpp>
#include <weir/async/task.hpp>
#include <weir/async/yield.hpp>
#include <weir/io/loop.hpp>

#include <benchmark/benchmark.h>

namespace {

weir::task<int> answer() {
  co_return 42;
}

weir::task<> await_tasks(benchmark::State& state) {
  for (auto _ : state) {
    const int value = co_await answer();
    benchmark::DoNotOptimize(value);
  }
}

void task_await(benchmark::State& state) {
  const auto loop = std::move(weir::loop::create().value());
  weir::run(*loop, await_tasks(state));
}
BENCHMARK(task_await);

weir::task<> yield_often(benchmark::State& state) {
  for (auto _ : state) {
    weir::result<> passed = co_await weir::yield();
    benchmark::DoNotOptimize(passed);
  }
}

/// A turn of an idle loop each.
void yield_turn(benchmark::State& state) {
  const auto loop = std::move(weir::loop::create().value());
  weir::run(*loop, yield_often(state));
}
BENCHMARK(yield_turn);

weir::task<> consume(weir::channel<int>& from) {
  bool open = true;
  while (open) {
    weir::result<int> value = co_await from.receive();
    open = value.has_value();
  }
}

weir::task<> produce(benchmark::State& state) {
  weir::channel<int> values(weir::channel_options(64));
  weir::nursery children;
  weir::result<> spawned = co_await children.spawn(consume(values));
  for (auto _ : state) {
    weir::result<> sent = co_await values.send(1);
    benchmark::DoNotOptimize(sent);
  }
  values.close();
  spawned = co_await children.join();
}

void channel_pass(benchmark::State& state) {
  const auto loop = std::move(weir::loop::create().value());
  weir::run(*loop, produce(state));
}
BENCHMARK(channel_pass);

} // namespace
