// Work for the blocking pool from many tasks, delayed and reordered, much of it cancelled at any moment.
//
// Rules:
//   1. A function runs at most once, and begins only while its caller waits.
//   2. Who waits gets one outcome: the value of the function if it has run, cancelled or not; else why not.
//   3. It is refused only where the line is full, and only if it was not to wait.
//   4. No class has more work under way than threads, and none waits in the end.
#include "scenarios.hpp"

#include <weir/async/offload.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/sim/hosts_run.hpp>

#include <array>
#include <chrono>
#include <stop_token>
#include <vector>

namespace weir::scenarios {
namespace {

constexpr std::array classes{pool_class::cpu, pool_class::disk, pool_class::dns, pool_class::user};

class blocking_work_run final : public sim::hosts_run {
 public:
  explicit blocking_work_run(sim::world& in) : hosts_run(in), host_(add_host("workers")) {
    host_.start([this](sim::host&) { return main(); });
  }

  void check_end() override {
    demand(outcomes_ == calls_, "2: a caller without an outcome");
    for (const pool_class each : classes)
      demand(host_.pool().queued(each) == 0 && host_.pool().threads_busy(each) == 0, "4: work is left");
  }

 private:
  task<> main() {
    std::vector<task<>> all;
    for (int i = 0; i < 40; ++i) all.push_back(caller());
    co_await when_all(std::move(all));
    demand(loop::current()->answers_owed() == 0, "2: an answer is owed in the end");
  }

  task<> caller() {
    for (int i = 0; i < 10; ++i) {
      if (draw().chance(300'000)) {
        [[maybe_unused]] result<> slept =
            co_await sleep_for(std::chrono::nanoseconds(draw().below(5'000'000)));
      }
      const pool_class which = classes[draw().below(2)]; // few classes, so that lines form
      const when_full policy = draw().chance(300'000) ? when_full::refuse : when_full::wait;
      const auto patience = std::chrono::nanoseconds(draw().below(std::uint64_t{1} << draw().below(32)));
      if (draw().chance(500'000))
        (void)co_await with_deadline(patience, call(which, policy));
      else
        (void)co_await call(which, policy);
    }
  }

  task<result<>> call(pool_class which, when_full policy) {
    const std::uint64_t number = ++calls_;
    int runs = 0;
    bool is_waiting = true;
    auto function = [&, number](std::stop_token) -> std::uint64_t {
      ++runs;
      demand(runs == 1 && is_waiting, "1: a function runs twice, or for nobody");
      return number * 3;
    };
    const bool was_full = host_.pool().queued(which) >= 256;
    result<std::uint64_t> value = co_await offload(which, function, policy);
    is_waiting = false;
    ++outcomes_;
    demand(value.has_value() == (runs == 1), "2: a value without a run, or a run without a value");
    if (value) demand(*value == number * 3, "2: the value of another");
    if (!value && value.error() == errc::limit_reached)
      demand(was_full && policy == when_full::refuse, "3: refused though there was room");
    else if (!value)
      demand(value.error().is_cancelled() || value.error().is_timeout(), "2: an outcome out of nowhere");
    demand(host_.pool().threads_busy(which) <= host_.pool().threads(which), "4: more work than threads");
    note(number, value.has_value());
    co_return result<>();
  }

  sim::host& host_;
  std::uint64_t calls_ = 0;
  std::uint64_t outcomes_ = 0;
};

} // namespace

constinit const sim::scenario blocking_work{
    "blocking_work", "offloaded functions run once or never, and no value is lost, cancelled at any moment",
    sim::begin_run<blocking_work_run>};

} // namespace weir::scenarios
