// Many callers of a peer that fails, with one retry budget: retries stay a fraction of first attempts,
// however long it fails, and everybody is served once it is well again.
//
// The peer answers after a random time, refuses, is silent until the caller's deadline, or fails for good.
// Rules:
//   1. The peer sees at most the first attempts, `percent` of them again, and `reserve` more.
//   2. A call makes at most `attempts_max` attempts, none overlapping, none after one that was not worth
//   repeating.
//   3. Between two attempts lies no more than the ceiling of the policy, and what the host stalled.
//   4. The outcome is that of the last attempt; a success is never replaced by a failure; the report agrees.
//   5. A call that was cancelled makes no further attempt.
//   6. Once the peer is well, every call succeeds.
#include "scenarios.hpp"

#include <weir/async/retry.hpp>
#include <weir/async/retry_budget.hpp>
#include <weir/async/sleep.hpp>
#include <weir/async/when_all.hpp>
#include <weir/async/with_deadline.hpp>
#include <weir/io/loop.hpp>
#include <weir/sim/hosts_run.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace weir::scenarios {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class retry_budgets_run final : public sim::hosts_run {
 public:
  explicit retry_budgets_run(sim::world& in)
      : hosts_run(in), percent_(static_cast<std::uint32_t>(in.random().below(60))),
        reserve_(static_cast<std::uint32_t>(in.random().below(20))), budget_(percent_, reserve_),
        host_(add_host("callers")) {
    host_.start([this](sim::host&) { return main(); });
  }

  void check_end() override {
    demand(attempts_ == calls_ + retries_, "1: the counts do not add up");
    check_budget();
  }

 private:
  static constexpr unsigned attempts_max = 4;
  static constexpr nanoseconds delay_base = milliseconds(10), delay_max = milliseconds(200);
  static constexpr std::uint64_t late_most_ns = 200'000; ///< without stalls: some ticks

  /// One call under way.
  struct call {
    unsigned attempts = 0;
    bool is_trying = false;
    bool is_over = false; ///< the last attempt was not worth repeating
    bool succeeded = false;
    std::uint64_t ended_ns = 0;   ///< the last attempt
    std::uint64_t stalled_ns = 0; ///< the host, by then
  };

  static std::uint64_t now_ns() { return loop::current()->now_ns(); }

  void check_budget() {
    demand(retries_ * 100 <= calls_ * percent_ + std::uint64_t{reserve_} * 100,
           "1: the peer was asked again more often than the budget allows");
  }

  task<> main() {
    std::vector<task<>> all;
    for (int i = 0; i < 6; ++i) all.push_back(caller());
    co_await when_all(std::move(all));
  }

  task<> caller() {
    for (int i = 0; i < 40; ++i) {
      [[maybe_unused]] result<> slept = co_await sleep_for(nanoseconds(draw().below(300'000'000)));
      if (draw().chance(150'000))
        co_await call_and_give_up();
      else
        co_await call_once();
    }
  }

  task<> call_once() {
    const bool was_well = is_calm();
    call under_way;
    retry_report report;
    result<int> answer = co_await begin(under_way, report);
    check_outcome(under_way, report, answer);
    if (was_well) demand(answer.has_value(), "6: the peer is well, and a call failed");
  }

  task<> call_and_give_up() {
    call under_way;
    retry_report report;
    const auto patience = nanoseconds(draw().below(400'000'000));
    result<int> answer = co_await with_deadline(patience, begin(under_way, report));
    const unsigned attempts = under_way.attempts;
    if (answer) demand(under_way.succeeded, "4: a success that no attempt had");
    if (!answer) demand(!under_way.succeeded, "4: a success was lost");
    [[maybe_unused]] result<> slept = co_await sleep_for(milliseconds(500));
    demand(under_way.attempts == attempts, "5: an attempt was made for a call that had ended");
  }

  task<result<int>> begin(call& under_way, retry_report& report) {
    ++calls_;
    auto attempt = [this, &under_way](unsigned number) { return tried(under_way, number); };
    co_return co_await retry(retry_policy(attempts_max, delay_base, delay_max, &budget_), attempt, &report);
  }

  void check_outcome(const call& of, const retry_report& report, const result<int>& answer) {
    demand(answer.has_value() == of.succeeded, "4: the outcome is not that of the last attempt");
    demand(report.attempts == of.attempts, "4: the report miscounts the attempts");
    demand((report.ended_by == retry_end::success) == answer.has_value(),
           "4: the report knows another outcome");
    demand((report.ended_by == retry_end::not_transient) == of.is_over,
           "4: the report does not know why it ended");
    if (report.ended_by == retry_end::attempts_max)
      demand(of.attempts == attempts_max, "2: it gave up early");
    if (report.ended_by == retry_end::budget)
      demand(of.attempts < attempts_max, "4: the budget was not asked");
    note(calls_, of.attempts, static_cast<std::uint64_t>(report.ended_by));
  }

  task<result<int>> tried(call& of, unsigned number) {
    demand(!of.is_trying, "2: two attempts of a call overlap");
    demand(!of.is_over && !of.succeeded, "2: an attempt follows one that was not to be repeated");
    demand(++of.attempts == number && number <= attempts_max, "2: the attempts are miscounted");
    if (number > 1) {
      ++retries_;
      const auto ceiling_ns = static_cast<std::uint64_t>(delay_max.count());
      const std::uint64_t stalled_ns =
          (host_.stalled_ns() - of.stalled_ns) * 1001 / 1000; // as its clock drifts
      demand(now_ns() <= of.ended_ns + ceiling_ns + stalled_ns + late_most_ns,
             "3: an attempt came later than the ceiling");
    }
    ++attempts_;
    check_budget();
    of.is_trying = true;
    result<int> answer = co_await with_deadline(milliseconds(100), ask());
    of.is_trying = false;
    of.succeeded = answer.has_value();
    of.is_over = !answer && answer.error() == std::errc::permission_denied;
    of.ended_ns = now_ns();
    of.stalled_ns = host_.stalled_ns();
    co_return answer;
  }

  /// The peer.
  task<result<int>> ask() {
    const std::uint64_t fate = is_calm() ? 0 : draw().below(10);
    const auto takes = fate == 1 ? nanoseconds(std::chrono::hours(1)) : nanoseconds(draw().below(5'000'000));
    result<> slept = co_await sleep_for(takes);
    if (!slept) co_return fail(std::move(slept).error());
    if (fate == 2) co_return fail(std::errc::permission_denied, "ask");
    if (fate > 2) co_return fail(std::errc::connection_refused, "ask");
    co_return 1;
  }

  std::uint32_t percent_;
  std::uint32_t reserve_;
  retry_budget budget_;
  sim::host& host_;
  std::uint64_t calls_ = 0;
  std::uint64_t attempts_ = 0;
  std::uint64_t retries_ = 0;
};

} // namespace

constinit const sim::scenario retry_budgets{
    "retry_budgets", "retries of a failing peer stay within their budget, and all is well once it is",
    sim::begin_run<retry_budgets_run>};

} // namespace weir::scenarios
